r"""Groups of look-alike symbols.

Two relations, each a partition into groups. *prints*: the glyphs are the same or nearly so. *drawn*: people draw them
the same way, which holds for whatever prints alike, and for more: ``\cdot`` and ``\bullet``, ``|`` and ``\mid``.
Both are computed, then corrected by hand after a review of every group (``tools.catalog.sheets``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from extexify.catalog.lookalikes import Relation, look_alike_groups
from extexify.catalog.symbols import Symbol, all_glyphs, load_catalog
from extexify.dataset.dataset import Dataset
from tools.catalog import drawn_shapes
from tools.catalog.files import DATA, named_keys, write_lines
from tools.catalog.grouping import TOGETHER, WEAKEST, Groups, groups_of_alike, joined, united
from tools.catalog.printed_shapes import Shapes
from tools.catalog.reviewed import DRAWN_ALIKE, DRAWN_APART, PRINTS_ALIKE, PRINTS_APART

# Glyph distance, in pixels of 48, up to which two symbols print alike: any two, and two that are one Unicode character.
SAME_PRINT, SAME_CHARACTER_PRINT = 0.9, 3.8
# The same of their most different details, for symbols that aren't one character.
SAME_DETAIL = 1.2

# Affinity of drawings (1: indistinguishable) from which two symbols are drawn alike; the less other evidence there
# is, the higher.
SAME_CHARACTER_DRAWN, SIMILAR_PRINT_DRAWN, ANY_DRAWN = 0.2, 0.35, 0.6
SIMILAR_PRINT = 2.5
FEW_DRAWINGS = 8  # with fewer, drawings alone are no evidence

# Likeness of what is one letter, in whatever weight and slant: above the 1 from which symbols are drawn alike.
SAME_LETTER = 1.5
# Glyph distance up to which two symbols of one letter differ in these alone.
SIMILAR_LETTER = 4.5
# Commands of a package that differ in the letter at their end only, and so are an alphabet.
ALPHABET = 50


def write_lookalikes(folder: Path | None) -> None:
    """Write ``lookalikes.json`` for the catalogue in the package.

    folder: a dataset, whose drawings tell which of Detexify's symbols are drawn alike; None: as the file has it.
    """
    symbols = list(load_catalog().values())
    named = np.isin([symbol.key for symbol in symbols], sorted(named_keys()))
    glyphs = all_glyphs()
    few = np.flatnonzero(named)
    chosen = [symbols[number] for number in few]
    # What people drew was reviewed, and groups of it stay as they are when packages are added.
    distance = Shapes([glyphs[symbol.key] for symbol in chosen])
    first_prints = _prints_of_named(chosen, distance)
    if folder:
        first_drawn = _drawn_of_named(chosen, distance, first_prints, Dataset.open(folder))
    else:
        place = {symbol.key: number for number, symbol in enumerate(chosen)}
        first_drawn = [[place[key] for key in group if key in place] for group in look_alike_groups("drawn")]
    likeness = _likeness(symbols, Shapes([glyphs[symbol.key] for symbol in symbols]))
    prints = joined(likeness["prints"], [few[group].tolist() for group in first_prints], named)
    first = [few[group].tolist() for group in first_drawn if group]
    drawn = joined(likeness["drawn"], united(first + prints), named, weakest=0)
    part_of = {number: group for group in prints for number in group}
    write_lines(
        DATA / "lookalikes.json",
        [
            [
                [symbols[number].key for number in part]
                for part in sorted({tuple(part_of.get(number, [number])) for number in group})
            ]
            for group in drawn
        ],
    )
    for relation, groups in (("prints", prints), ("drawn", drawn)):
        print(f"{relation}: {sum(map(len, groups))} symbols look like another, in {len(groups)} groups")


def _prints_of_named(symbols: list[Symbol], shapes: Shapes) -> Groups:
    distance = shapes.ink_distances()
    everything = np.arange(len(symbols))
    for number in range(len(symbols)):
        distance[number, shapes.differ_in_size(number, everything)] = np.inf
    same = _same_character(symbols) & ~_is_script(symbols)
    likeness = np.where(same, SAME_CHARACTER_PRINT, SAME_PRINT) / distance
    _set_pairs(likeness, symbols, PRINTS_APART, 0)
    for group in PRINTS_ALIKE:
        _set_pairs(likeness, symbols, ((a, b) for a in group for b in group if a != b), TOGETHER)
    return groups_of_alike(csr_array(likeness), [])


def _drawn_of_named(symbols: list[Symbol], shapes: Shapes, prints: Groups, dataset: Dataset) -> Groups:
    """By the training drawings: evaluations count look-alikes as right."""
    training = dataset.indices("train")
    affinity = drawn_shapes.affinities(
        dataset.drawings.take(training), np.asarray(dataset.labels)[training], len(dataset.classes)
    )
    place = {key: number for number, key in enumerate(dataset.classes)}
    known = np.array([place.get(symbol.key, -1) for symbol in symbols])
    affinity = affinity[np.ix_(known, known)]
    affinity[known < 0] = affinity[:, known < 0] = 0
    enough = (np.asarray(dataset.class_counts)[known, 0] >= FEW_DRAWINGS) & (known >= 0)
    needed = np.where(enough[:, None] & enough[None], ANY_DRAWN, np.inf)
    needed[shapes.ink_distances() < SIMILAR_PRINT] = SIMILAR_PRINT_DRAWN
    needed[_same_character(symbols)] = SAME_CHARACTER_DRAWN
    # An affinity is at most 1.
    likeness = np.minimum(affinity / needed, 1 / ANY_DRAWN)
    _set_pairs(likeness, symbols, DRAWN_APART, 0)
    together = [[number for command in group for number in _numbers(symbols, command)] for group in DRAWN_ALIKE]
    return groups_of_alike(csr_array(likeness), united(prints + together))


def _likeness(symbols: list[Symbol], shapes: Shapes) -> dict[Relation, coo_array]:
    """How alike all symbols are, also those of which there are no drawings and which nobody has reviewed.

    Two print alike if they can't be told apart in anything that one sees, or if they are one character and much alike.
    They are drawn alike if that holds but for size, or if they are one letter: handwriting has no weight or slant.
    """
    characters, letters = _characters(symbols), _letters(symbols)
    script = _is_script(symbols)
    of_letter, of_character = _numbers_of(letters), _numbers_of(list(map(str, characters)))
    entries: dict[Relation, list[tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]]]
    entries = {"prints": [], "drawn": []}
    for one, near in enumerate(shapes.near()):
        letter = of_letter[letters[one]] if letters[one] else np.empty(0, int)
        character = of_character[str(characters[one])] if characters[one] >= 0 else np.empty(0, int)
        others = np.unique(np.concatenate([near, letter[letter > one], character[character > one]]))
        if not len(others):
            continue
        distance = shapes.distances(one, others)
        close = np.minimum(SAME_PRINT / np.maximum(distance.ink, distance.paper), SAME_DETAIL / distance.detail)
        same = (characters[others] == characters[one]) & (characters[one] >= 0) & ~script[others]
        shaped = np.where(same, SAME_CHARACTER_PRINT / np.maximum(distance.ink, distance.paper), close)
        prints = np.where(shapes.differ_in_size(one, others), 0, shaped)
        one_letter = np.isin(others, letter) & (distance.ink <= SIMILAR_LETTER)
        drawn = np.maximum(shaped, np.where(one_letter, SAME_LETTER, 0))
        alike: dict[Relation, NDArray[np.floating]] = {"prints": prints, "drawn": drawn}
        for relation, likeness in alike.items():
            some = likeness >= WEAKEST
            found, rows = likeness[some].astype(np.float32), np.full(some.sum(), one)
            entries[relation] += [(found, rows, others[some]), (found, others[some], rows)]
    shape = (len(symbols), len(symbols))
    return {
        relation: coo_array((values, (rows, columns)), shape)
        for relation, found in entries.items()
        for values, rows, columns in [tuple(np.concatenate(parts) for parts in zip(*found, strict=True))]
    }


def _is_script(symbols: list[Symbol]) -> NDArray[np.bool_]:
    """Script letters: Unicode has one alphabet of them, which \\mathcal and \\mathscr print differently."""
    return np.array([bool(re.match(r"\\(math(cal|scr)|m(bf)?scr)", symbol.command)) for symbol in symbols])


def _numbers_of(texts: list[str]) -> dict[str, NDArray[np.intp]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        found[text].append(number)
    return {text: np.array(numbers) for text, numbers in found.items()}


def _same_character(symbols: list[Symbol]) -> NDArray[np.bool_]:
    """Which symbols are one Unicode character, bool (N, N)."""
    characters = _characters(symbols)
    same: NDArray[np.bool_] = characters[:, None] == characters[None]
    return same & (characters >= 0)


def _characters(symbols: list[Symbol]) -> NDArray[np.intp]:
    """A number for each symbol's Unicode character, -1 without one. A variation selector, which picks a form of it,
    doesn't count."""
    texts = [re.sub("[\ufe00-\ufe0f]", "", symbol.unicode or "") for symbol in symbols]
    number_of = {text: number for number, text in enumerate(dict.fromkeys(texts))} | {"": -1}
    return np.array([number_of[text] for text in texts])


def _letters(symbols: list[Symbol]) -> list[str]:
    r"""What handwriting shows of letters: "A" for a bold one, "SCRIPT A" for a bold script one; "" for no letter."""
    prefixes = Counter((symbol.package, symbol.command[:-1]) for symbol in symbols)
    letters = []
    for symbol in symbols:
        letter = _letter(symbol)
        if not letter and prefixes[symbol.package, symbol.command[:-1]] >= ALPHABET:
            letter = symbol.command[-1]
        letters.append(letter)
    return letters


def _letter(symbol: Symbol) -> str:
    if symbol.unicode is None or len(symbol.unicode) > 1 or unicodedata.category(symbol.unicode)[0] not in "LN":
        return ""
    name = symbol.unicode_name or ""
    styles = [style for style in ("SCRIPT", "FRAKTUR", "DOUBLE-STRUCK") if f"{style} " in name]
    # Unicode has one script alphabet, \\mathcal and \\mathscr print two.
    styles += ["round"] if "cal" in symbol.command else []
    return " ".join([*styles, unicodedata.normalize("NFKC", symbol.unicode)])


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
