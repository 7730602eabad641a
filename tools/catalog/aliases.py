r"""Other names of symbols: commands that LaTeX defines as the same, and what people type in their place.

Commands that a TeX file lets equal another, or declares with another's character of the same font, are read from
TeX's files. Those that are defined in another way, or that only mean the same, are listed here by hand.
"""

from __future__ import annotations

import re
from collections import defaultdict

from extexify.catalog.symbols import load_catalog
from tools.catalog.files import DATA, write_lines
from tools.catalog.unicode_tables import text_of

# Files that are read, and the package of each.
_FILES = {"fontmath.ltx": "latex2e", "amsfonts.sty": "amssymb", "amssymb.sty": "amssymb"}

# Alias, command, package: the same glyph by another definition than \let.
_SAME_GLYPH = (
    # fontmath.ltx and latex.ltx: \def\iff{\;\Longleftrightarrow\;}, \def\lbrack{[}, a delimiter of the same code
    (r"\ne", r"\neq", "latex2e"), (r"\iff", r"\Longleftrightarrow", "latex2e"),
    (r"\vert", "|", "latex2e"), (r"\Vert", r"\|", "latex2e"), (r"\lbrace", r"\{", "latex2e"),
    (r"\rbrace", r"\}", "latex2e"), (r"\lbrack", "[", "latex2e"), (r"\rbrack", "]", "latex2e"),
    (r"\lq", r"\textquoteleft", "latex2e"), (r"\rq", r"\textquoteright", "latex2e"), (r"\slash", "/", "latex2e"),
    # ligatures of TeX's fonts
    ("``", r"\textquotedblleft", "latex2e"), ("''", r"\textquotedblright", "latex2e"),
    ("?`", r"\textquestiondown", "latex2e"),
    # amsmath.sty: \newcommand{\implies}{\DOTSB\;\Longrightarrow\;}, and the fences
    (r"\implies", r"\Longrightarrow", "amsmath"), (r"\impliedby", r"\Longleftarrow", "amsmath"),
    (r"\lvert", "|", "amsmath"), (r"\rvert", "|", "amsmath"),
    (r"\lVert", r"\|", "amsmath"), (r"\rVert", r"\|", "amsmath"),
    # amsfonts' blackboard capitals stand for the same characters as those of dsfont, which people drew
    *((rf"\mathbb{{{letter}}}", rf"\mathds{{{letter}}}", "amssymb") for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)  # fmt: skip

# What is typed into a search, by command: ASCII forms of AsciiMath, Typst, Haskell and Markdown, macros that many
# authors define, characters that other tables have for the command, and words that are in no name of Unicode.
_TYPED = {
    r"\leq": ("<=", "=<", "less or equal", "less than or equal to", "at most"),
    r"\geq": (">=", "greater or equal", "greater than or equal to", "at least"),
    r"\neq": ("!=", "/=", "=/=", "<>", "not equal", "not equal to", "unequal"),
    r"\rightarrow": ("->",), r"\leftarrow": ("<-",), r"\leftrightarrow": ("<->",),
    r"\longrightarrow": ("-->",), r"\longleftarrow": ("<--",), r"\longleftrightarrow": ("<-->",),
    r"\Rightarrow": ("=>",), r"\Leftrightarrow": ("<=>", "equivalent to"),
    r"\Longrightarrow": ("==>",), r"\Longleftarrow": ("<==",),
    r"\Longleftrightarrow": ("<==>", "if and only if"),
    r"\mapsto": ("|->",), r"\longmapsto": ("|-->",), r"\twoheadrightarrow": ("->>",), r"\rightarrowtail": (">->",),
    r"\rightsquigarrow": ("~>",),
    r"\ldots": ("...", "three dots"), r"\pm": ("+-", "+/-", "plus minus", "plus or minus"), r"\mp": ("-+", "-/+"),
    r"\coloneqq": (":=", "defined as"), r"\eqqcolon": ("=:",), r"\Coloneqq": ("::=",),
    r"\dblcolon": ("::",),
    r"\ll": ("<<",), r"\gg": (">>",), r"\lll": ("<<<",), r"\ggg": (">>>",),
    r"\|": ("||", "norm"), r"\models": ("|=", "|==", "entails"), r"\vdash": ("|-", "|--", "turnstile"),
    r"\dashv": ("-|",), r"\Vdash": ("||-",), r"\bot": ("_|_",),
    r"\approx": ("~~", "approximately", "approximately equal"), r"\cong": ("~=", "=~", "congruent", "isomorphic"),
    r"\equiv": ("-=", "===", "identical"), r"\sim": ("similar",), r"\asymp": ("asymptotic",),
    r"\times": ("xx",), r"\infty": ("oo",), r"\notin": ("!in", "not in"), r"\wedge": ("&&",),
    r"\sqrt{}": ("root",),
    r"\mathds{N}": (r"\N", "NN", "natural numbers"), r"\mathds{Z}": (r"\Z", "ZZ", "integers"),
    r"\mathds{Q}": (r"\Q", "QQ", "rational numbers", "rationals"),
    r"\mathds{R}": (r"\R", "RR", "real numbers", "reals"), r"\mathds{C}": (r"\C", "CC", "complex numbers"),
    r"\forall": ("for all", "for every"), r"\exists": ("there exists",),
    r"\in": ("element of", "member of"), r"\emptyset": ("O/", "null set"), r"\nabla": ("gradient",),
    r"\setminus": ("⧵", "set difference"), r"\Re": ("real part",),
    r"\Im": ("imaginary part",), r"\wp": ("weierstrass",), r"\otimes": ("tensor product",),
    r"\oplus": ("direct sum", "exclusive or"), r"\circ": ("composition",),
    r"\square": ("qed", "end of proof"),
    r"\copyright": ("(c)",), r"\textregistered": ("(r)",), r"\texttrademark": ("(tm)",),
    r"\textonehalf": ("1/2",), r"\textonequarter": ("1/4",), r"\textthreequarters": ("3/4",),
}  # fmt: skip


def write_aliases() -> None:
    """Write `aliases.json`: one alias a line, those that are commands with the package that defines them."""
    named = [*_defined(), *_SAME_GLYPH]
    typed = [(alias, command, None) for command, aliases in _TYPED.items() for alias in aliases]
    # Of two packages with the same command, the one that needs no preamble line.
    key_of = {
        symbol.command: symbol.key for symbol in sorted(load_catalog().values(), key=lambda each: -len(each.usepackage))
    }
    lines: dict[str, list[dict[str, str | None]]] = defaultdict(list)
    for alias, command, package in sorted(dict.fromkeys([*named, *typed]), key=lambda line: line[2] is None):
        if command not in key_of:
            raise SystemExit(f"aliases.py names {command}, which is no symbol of the catalogue.")
        lines[key_of[command]].append({"alias": alias, "key": key_of[command], "package": package})
    aliases = [line for key in sorted(lines) for line in lines[key]]
    repeated = {line["alias"] for line in aliases if sum(other["alias"] == line["alias"] for other in aliases) > 1}
    if repeated:
        raise SystemExit(f"aliases.py has two symbols for {', '.join(map(str, sorted(repeated, key=str)))}.")
    write_lines(DATA / "aliases.json", aliases)
    print(f"{len(aliases)} aliases of {len(lines)} symbols")


def _defined() -> list[tuple[str, str, str]]:
    """Aliases, with the command and package of each, that TeX's files define and the catalogue doesn't have."""
    catalogued = {symbol.command for symbol in load_catalog().values()}
    found = []
    for name, package in _FILES.items():
        text = re.sub(r"(?<!\\)%.*", "", text_of(name))
        found += [(alias, command, package) for alias, command in re.findall(r"\\global\\let(\\\w+?)(\\\w+)", text)]
        declared = defaultdict(list)
        for command, *glyph in re.findall(
            r"\\DeclareMathSymbol\s*\{(\\\w+)\}\s*\{(\\math\w+)\}\s*\{(\w+)\}\s*\{(\"\w+)\}", text
        ):
            declared[tuple(glyph)].append(command)
        found += [
            (alias, command, package)
            for commands in declared.values()
            for command in [next((command for command in commands if command in catalogued), commands[0])]
            for alias in commands
        ]
    return [line for line in found if line[0] not in catalogued and line[1] in catalogued]


if __name__ == "__main__":
    write_aliases()
