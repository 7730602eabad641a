r"""Groups of look-alike symbols.

Two relations, each a partition into groups. *prints*: the glyphs are the same or nearly so. *drawn*: people draw them
the same way, which holds for whatever prints alike, and for more: ``\cdot`` and ``\bullet``, ``|`` and ``\mid``.
Both are computed, then corrected by hand after a review of every group (``tools.catalog.sheets``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.symbols import Symbol, load_catalog
from extexify.dataset.dataset import Dataset
from tools.catalog import drawn_shapes, printed_shapes
from tools.catalog.files import DATA, write_lines

# Glyph distance, in pixels of 48, up to which two symbols print alike: any two, and two that are one Unicode character.
SAME_PRINT, SAME_CHARACTER_PRINT = 0.9, 3.8

# Affinity of drawings (1: indistinguishable) from which two symbols are drawn alike; the less other evidence there
# is, the higher.
SAME_CHARACTER_DRAWN, SIMILAR_PRINT_DRAWN, ANY_DRAWN = 0.2, 0.35, 0.6
SIMILAR_PRINT = 2.5
FEW_DRAWINGS = 8  # with fewer, drawings alone are no evidence

# A group is joined while its members are on average this alike, and no two of them less than WEAKEST of that.
WEAKEST = 0.4

# From review of the sheets: alike in spite of the computed distance. Groups of commands.
PRINTS_ALIKE = (
    (r"\Sigma", r"\Upsigma", r"\sum"),
    (r"\Pi", r"\Uppi", r"\prod"),
    (r"\amalg", r"\coprod"),
    (r"\vartriangle", r"\triangle", r"\bigtriangleup"),
    (r"\triangledown", r"\bigtriangledown"),
    (r"\vDash", r"\models"),
    (r"\int", r"\textesh"),
    (r"\neq", r"\textdoublebarslash"),
)  # fmt: skip

# From review of the sheets: not alike in spite of the computed distance. Pairs that are never grouped.
PRINTS_APART = (
    (r"\ointclockwise", r"\varointctrclockwise"),  # the arrow turns the other way
    (r"\ointctrclockwise", r"\varointclockwise"),
    (r"\blacksmiley", r"\newmoon"),  # one has a face
    (r"\textbarl", r"\textltilde"),
)  # fmt: skip
DRAWN_ALIKE = (
    ("-", "--", "---", r"\_", r"\textminus"),
    ("/", r"\diagup"),
    (r"\parallel", r"\shortparallel"),
    (r"\mid", r"\shortmid", r"\textquotesingle", r"\textprimstress", r"\textsecstress", r"\texttoneletterstem"),
    (r"\cdot", r"\ldotp", r"\bullet", r"\newmoon", r"\centerdot"),
    (r"\ldots", r"\cdots"),
    (r"\circ", r"\degree"),
    (r"\langle", r"\guilsinglleft"),
    (r"\rangle", r"\guilsinglright"),
    (r"\leftarrow", r"\longleftarrow"),
    (r"\wedge", r"\bigwedge", r"\Lambda", r"\textasciicircum"),
    (r"\vee", r"\bigvee"),
    (r"\emptyset", r"\varnothing", r"\O", r"\o", r"\diameter"),
    (r"\ulcorner", r"\textopencorner"),
    (r"\urcorner", r"\textcorner"),
    (r"\odot", r"\textbullseye"),
)  # fmt: skip
# Mostly drawn from a few people each, or different in a stroke that the pictures blur: a line more or less.
DRAWN_APART = (
    (r"\gg", r"\ggg"), (r"\ll", r"\lll"), (r"\Vdash", r"\Vvdash"), (r"\iiiint", r"\iiint"),
    (r"\gnapprox", r"\gnsim"), (r"\precnapprox", r"\precnsim"), (r"\lnapprox", r"\precnapprox"),
    (r"\lessapprox", r"\precapprox"), (r"\succapprox", r"\succnapprox"),
    (r"\gtreqless", r"\gtreqqless"), (r"\lesseqgtr", r"\lesseqqgtr"), (r"\gtreqqless", r"\lesseqqgtr"),
    (r"\gtreqless", r"\gtrless"), (r"\nleq", r"\nleqq"), (r"\ngeqslant", r"\ngtr"), (r"\nleqslant", r"\nless"),
    (r"\npreceq", r"\ntrianglelefteq"), (r"\neq", r"\not\equiv"), (r"\lneq", r"\lneqq"), (r"\gneq", r"\gneqq"),
    (r"\subsetneq", r"\subsetneqq"), (r"\supsetneq", r"\supsetneqq"), (r"\nLeftarrow", r"\nleftarrow"),
    (r"\barwedge", r"\doublebarwedge"), (r"\Colonapprox", r"\colonapprox"), (r"\Coloneqq", r"\coloneqq"),
    (r"\Eqqcolon", r"\eqqcolon"), (r"\gtrdot", r"\textgreater"), (r"\lessdot", r"\textless"),
    (r"\textonehalf", r"\textonequarter"), (r"\textpertenthousand", r"\textperthousand"),
    (r"\leftrightarrows", r"\rightleftarrows"), (r"\twoheadleftarrow", r"\leftarrowtriangle"),
    (r"\twoheadleftarrow", r"\leftarrow"), (r"\Longmapsfrom", r"\Mapsfrom"),
    ("[", r"\llbracket"), ("]", r"\rrbracket"), (r"\textquotedbl", r"\shortparallel"),
    (r"\textquotedbl", r"\textquotestraightdblbase"), (r"\clock", r"\diameter"), (r"\conjunction", r"\vee"),
    (r"\gnapprox", r"\succnapprox"), (r"\downharpoonright", r"\mathfrak{l}"), (r"\lfloor", r"\textrtaill"),
    (r"\mathds{C}", r"\textcolonmonetary"), (r"\textcent", r"\textcolonmonetary"),
    (r"\mathfrak{X}", r"\mathscr{X}"), (r"\mathfrak{l}", r"\textrtaill"), (r"\fint", r"\textdoublebaresh"),
    (r"\texthtq", r"\texthtrtaild"), (r"\mathfrak{I}", r"\mathfrak{J}"), (r"\texthth", r"\texththeng"),
    # the second stroke of a blackboard letter
    (r"\mathds{A}", r"\textsca"), (r"\mathds{B}", r"\textscb"), (r"\mathds{G}", r"\textscg"),
    (r"\mathds{H}", r"\textsch"), (r"\mathds{N}", r"\textscn"), (r"\mathds{R}", r"\textscr"),
    (r"\textcommatailz", r"\textrtailz"), (r"\textbarg", r"\textscriptg"),
)  # fmt: skip


def write_lookalikes(folder: Path) -> None:
    """Write ``lookalikes.json`` for the catalogue in the package, with the drawings of a dataset folder."""
    symbols = list(load_catalog().values())
    glyphs = json.loads((DATA / "glyphs.json").read_text(encoding="utf-8"))
    dataset = Dataset.open(folder)
    distance = printed_shapes.distances({symbol.key: glyphs[symbol.key] for symbol in symbols})
    same_character = _same_character(symbols)
    prints = _prints(symbols, distance, same_character)
    drawn = _drawn(symbols, dataset, distance, same_character, prints)
    groups_of = {"prints": prints, "drawn": drawn}
    write_lines(
        DATA / "lookalikes.json",
        [
            {"relation": relation, "keys": [symbols[number].key for number in group]}
            for relation, groups in groups_of.items()
            for group in groups
        ],
    )
    for relation, groups in groups_of.items():
        print(f"{relation}: {sum(map(len, groups))} symbols look like another, in {len(groups)} groups")


def _prints(symbols: list[Symbol], distance: NDArray[np.float32], same_character: NDArray[np.bool_]) -> list[list[int]]:
    # Unicode has one script alphabet, which \mathcal and \mathscr print differently.
    letter = np.array([bool(re.match(r"\\math(cal|scr)", symbol.command)) for symbol in symbols])
    needed = np.where(same_character & ~letter, SAME_CHARACTER_PRINT, SAME_PRINT)
    likeness = needed / np.maximum(distance, 1e-3)
    _set_pairs(likeness, symbols, PRINTS_APART, 0)
    for group in PRINTS_ALIKE:
        _set_pairs(likeness, symbols, ((a, b) for a in group for b in group if a != b), 10)
    return _groups(likeness, [])


def _drawn(
    symbols: list[Symbol],
    dataset: Dataset,
    distance: NDArray[np.float32],
    same_character: NDArray[np.bool_],
    prints: list[list[int]],
) -> list[list[int]]:
    place = {key: number for number, key in enumerate(dataset.classes)}
    known = np.array([place.get(symbol.key, -1) for symbol in symbols])
    affinity = drawn_shapes.affinities(dataset)[np.ix_(known, known)]
    affinity[known < 0] = affinity[:, known < 0] = 0
    enough = (np.asarray(dataset.class_counts)[known, 0] >= FEW_DRAWINGS) & (known >= 0)
    needed = np.where(enough[:, None] & enough[None], ANY_DRAWN, np.inf)
    needed[distance < SIMILAR_PRINT] = SIMILAR_PRINT_DRAWN
    needed[same_character] = SAME_CHARACTER_DRAWN
    # An affinity is at most 1.
    likeness = np.minimum(affinity / needed, 1 / ANY_DRAWN)
    _set_pairs(likeness, symbols, DRAWN_APART, 0)
    together = [[number for command in group for number in _numbers(symbols, command)] for group in DRAWN_ALIKE]
    return _groups(likeness, _united(prints + together))


def _groups(scores: NDArray[np.floating], start: list[list[int]]) -> list[list[int]]:
    """Merge groups, beginning with ``start``, the most alike pair first, while its mean affinity is at least 1."""
    likeness = scores.astype(np.float64)
    np.fill_diagonal(likeness, 0)
    grouped = {member for group in start for member in group}
    groups = start + [[number] for number in range(len(likeness)) if number not in grouped]
    mean = np.array([[_mean(likeness, a, b) if a is not b else 0 for b in groups] for a in groups])
    weakest = np.array([[likeness[np.ix_(a, b)].min() for b in groups] for a in groups])
    while True:
        candidates = np.where(weakest >= WEAKEST, mean, 0)
        first, second = np.unravel_index(np.argmax(candidates), candidates.shape)
        if candidates[first, second] < 1:
            return sorted(sorted(group) for group in groups if len(group) > 1)
        sizes = len(groups[first]), len(groups[second])
        joined = (mean[first] * sizes[0] + mean[second] * sizes[1]) / sum(sizes)
        mean[first] = mean[:, first] = joined
        weakest[first] = weakest[:, first] = np.minimum(weakest[first], weakest[second])
        mean[first, first] = mean[second] = mean[:, second] = 0
        groups[first] = groups[first] + groups[second]
        groups[second] = []


def _united(groups: list[list[int]]) -> list[list[int]]:
    """Groups with a member in common made one."""
    united: list[set[int]] = []
    for group in groups:
        touching = [other for other in united if not other.isdisjoint(group)]
        united = [other for other in united if other.isdisjoint(group)] + [set(group).union(*touching)]
    return [sorted(group) for group in united]


def _mean(likeness: NDArray[np.float64], a: list[int], b: list[int]) -> float:
    return float(likeness[np.ix_(a, b)].mean())


def _same_character(symbols: list[Symbol]) -> NDArray[np.bool_]:
    """Which symbols are one Unicode character. Variation selectors pick a form of it, and don't count."""
    characters = np.array([re.sub("[\ufe00-\ufe0f]", "", symbol.unicode or "") for symbol in symbols])
    return (characters[:, None] == characters[None]) & (characters != "")[:, None]


def _set_pairs(
    likeness: NDArray[np.floating], symbols: list[Symbol], pairs: Iterable[tuple[str, str]], value: float
) -> None:
    for first, second in pairs:
        for a in _numbers(symbols, first):
            for b in _numbers(symbols, second):
                likeness[a, b] = likeness[b, a] = value


def _numbers(symbols: list[Symbol], command: str) -> list[int]:
    numbers = [number for number, symbol in enumerate(symbols) if symbol.command == command]
    if not numbers:
        raise SystemExit(f"lookalikes.py names {command}, which is no symbol of the catalogue.")
    return numbers
