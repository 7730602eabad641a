r"""Other names of symbols: commands that LaTeX defines as the same, and what people type in their place.

Commands that a TeX file lets equal another, or declares with another's character of the same font, are read from
TeX's files. Those that are defined in another way, or that only mean the same, are listed here by hand.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from extexify.catalog.keys import command_from_key
from extexify.catalog.symbols import load_catalog
from tools.catalog.files import DATA, named_keys, write_lines
from tools.catalog.packages import PACKAGES
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
    r"\mathbb{N}": (r"\N", "NN", "natural numbers"), r"\mathbb{Z}": (r"\Z", "ZZ", "integers"),
    r"\mathbb{Q}": (r"\Q", "QQ", "rational numbers", "rationals"),
    r"\mathbb{R}": (r"\R", "RR", "real numbers", "reals"), r"\mathbb{C}": (r"\C", "CC", "complex numbers"),
    r"\forall": ("for all", "for every"), r"\exists": ("there exists",),
    r"\in": ("element of", "member of"), r"\emptyset": ("O/", "null set"), r"\nabla": ("gradient",),
    r"\setminus": ("⧵", "set difference"), r"\Re": ("real part",),
    r"\Im": ("imaginary part",), r"\wp": ("weierstrass",), r"\otimes": ("tensor product",),
    r"\oplus": ("direct sum", "exclusive or"), r"\circ": ("composition",),
    r"\square": ("qed", "end of proof"),
    r"\copyright": ("(c)",), r"\textregistered": ("(r)",), r"\texttrademark": ("(tm)",),
    r"\textonehalf": ("1/2",), r"\textonequarter": ("1/4",), r"\textthreequarters": ("3/4",),
}  # fmt: skip


def aliases_of_packages() -> list[tuple[str, str, str]]:
    """Aliases that are commands, with the command that each is another name of, and the package that defines it."""
    return [*_defined(), *_SAME_GLYPH]


def write_aliases(found: Iterable[tuple[str, str, str]]) -> None:
    """Write `aliases.json`: one alias a line, those that are commands with the package that defines them.

    found: aliases, keys and packages, of commands that a package defines as another one of its own. An alias of two
    symbols is that of the first.
    """
    # Of two packages with the same command, the one that Detexify's data has, then the one that comes first.
    ranks = {package.name: number for number, package in enumerate(PACKAGES)}
    named = named_keys()
    key_of = {
        symbol.command: symbol.key
        for symbol in sorted(
            load_catalog().values(),
            key=lambda each: (each.key in named, -len(each.usepackage), -ranks.get(each.package, -1)),
        )
    }
    lines: dict[str, tuple[str, str | None]] = {}
    listed = [
        *aliases_of_packages(),
        *((alias, command, None) for command, aliases in _TYPED.items() for alias in aliases),
    ]
    for alias, command, package in listed:
        if command not in key_of:
            raise SystemExit(f"aliases.py names {command}, which is no symbol of the catalogue.")
        if lines.setdefault(alias, (key_of[command], package))[0] != key_of[command]:
            raise SystemExit(f"aliases.py has two symbols for {alias}.")
    for alias, key, package in found:
        lines.setdefault(alias, (key, package))
    aliases = sorted(lines.items(), key=lambda line: (line[1][0], line[1][1] is None))
    write_lines(
        DATA / "aliases.json", [{"alias": alias, "key": key, "package": package} for alias, (key, package) in aliases]
    )
    print(f"{len(lines)} aliases of {len({key for key, _ in lines.values()})} symbols")


def _defined() -> list[tuple[str, str, str]]:
    """Aliases, with the command and package of each, that TeX's files define and Detexify's data doesn't have."""
    catalogued = {command_from_key(key) for key in named_keys()}
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
