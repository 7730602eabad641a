r"""Symbols and their keys; a symbol derived from its key alone.

A key is ``PACKAGE-FONTENC-COMMAND`` with the command's backslashes written ``_``: ``latex2e-OT1-_alpha``. No function
here reads a file: keys that aren't in the catalogue are treated like those that are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Mode = Literal["math", "text", "both"]


@dataclass(frozen=True, slots=True)
class Symbol:
    r"""One symbol of the catalogue.

    ``command`` is the LaTeX source (``\alpha``, ``\mathfrak{C}``, ``---``). ``usepackage`` has the preamble lines that
    it needs, separated by newlines; empty if plain LaTeX prints it. ``unicode`` is one character or several combined
    (``\ncong``), ``unicode_name`` their names joined by " + ", ``typst`` the source in a Typst formula. The last three
    are None if there is no equivalent.
    """

    key: str
    command: str
    package: str
    fontenc: str
    usepackage: str
    mode: Mode
    unicode: str | None = None
    unicode_name: str | None = None
    typst: str | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    r"""Another name of the symbol with ``key``.

    ``package`` is the one that defines the command (``latex2e``: no preamble line is needed); None for what is no
    command of LaTeX or its packages but is typed in its place: ``<=``, ``if and only if``, ``\R``.
    """

    alias: str
    key: str
    package: str | None


OWN = "own"
"""The package in the keys of symbols that users added (see `extexify.catalog.own`); no package of LaTeX."""

OPENTYPE = "TU"
"""The encoding of OpenType fonts: in keys of symbols that need XeLaTeX or LuaLaTeX."""

# Font encodings that a document has without asking for them.
_UNSELECTED = ("", "OT1", "U", OPENTYPE)

# LaTeX's names of font encodings (encguide). A package name may contain a hyphen (unicode-math), so the encoding is
# searched for.
_FONTENC = re.compile(r"-((?:OT|OM|TS|T|X|L|PD|LG)[A-Z0-9]{0,3}|U)-")

# A backslash written "_", with the control word or control symbol that follows, which may be "_" itself.
_BACKSLASH = re.compile(r"_([A-Za-z@]+|.|$)", re.DOTALL)

# Names of packages and font encodings.
_NAME = re.compile(r"[A-Za-z0-9.-]*")

# Source that prints something: control words and symbols, characters, and braces around a few of these.
_PRINTING = re.compile(r"(?:\\[A-Za-z@]+|\\[^A-Za-z\s]|[^\\{}%#^~\s]|\{[^\\{}%#^~\s]{0,12}\}|\{\\[A-Za-z@]+\})+")

# Commands that read, write, execute, load or define something.
_UNSAFE = re.compile(
    r"\\(?:@{0,2}input|include|includegraphics|includepdf|verbatiminput|lstinputlisting|InputIfFileExists|usepackage"
    r"|RequirePackage|documentclass|openin|openout|closein|closeout|read|readline|write|immediate|special|directlua"
    r"|latelua|luaexec|ShellEscape|csname|scantokens|expandafter|[egx]?def|let|futurelet|newcommand|renewcommand"
    r"|providecommand|catcode|everypar|everymath|everyjob|output|loop|begin|end|href|url|typeout|message|errmessage"
    r"|batchmode|nonstopmode|scrollmode)(?![A-Za-z@])",
)

# Those that a preamble needs.
_PREAMBLE = frozenset({r"\usepackage", r"\newcommand"})

# Packages whose commands mostly belong into running text.
_TEXT_PACKAGES = frozenset(
    {
        "textcomp",
        "tipa",
        "tipx",
        "marvosym",
        "wasysym",
        "gensymb",
        "pifont",
        "bbding",
        "ifsym",
        "dingbat",
        "skull",
        "phonetic",
        "skak",
        "fontawesome5",
        "manfnt",
    }
)


def split_key(key: str) -> tuple[str, str, str]:
    """The package, font encoding and (still encoded) command of a key; missing parts are empty strings."""
    encoding = _FONTENC.search(key)
    if encoding and encoding.start() > 0:
        return key[: encoding.start()], encoding.group(1), key[encoding.end() :]
    package, _, rest = key.partition("-")
    fontenc, dash, command = rest.partition("-")
    if dash:
        return package, fontenc, command
    return "", "", key


def command_from_key(key: str) -> str:
    r"""The LaTeX command of a key: ``latex2e-OT1-_not_sim`` gives ``\not\sim``."""
    encoded = split_key(key)[2]
    # Detexify's list has the dashes as "\-" (a discretionary hyphen, which prints nothing) followed by the dash: "_---"
    # is the en dash "--".
    if re.fullmatch(r"_--+", encoded):
        return encoded[2:]
    # A lone "_" is the underscore character, since a backslash alone is no command.
    return _BACKSLASH.sub(lambda found: "\\" + (found.group(1) or "_"), encoded)


def is_harmless(command: str) -> bool:
    r"""Whether a command only prints something.

    People copy commands into their documents, and the keys of a foreign model or dataset may contain others, such as
    ``\input`` or ``\write18``.
    """
    return bool(_PRINTING.fullmatch(command)) and not _UNSAFE.search(command)


def runs_code(line: str) -> bool:
    r"""Whether a preamble line does more than load packages and define commands, such as ``\write18`` or ``\input``."""
    return "^^" in line or any(command not in _PREAMBLE for command in _UNSAFE.findall(line))


def preamble_for(package: str, fontenc: str) -> str:
    r"""The preamble lines for a package and font encoding, separated by newlines.

    Empty for plain LaTeX, and if ``package`` or ``fontenc`` isn't a valid name.
    """
    if not _NAME.fullmatch(package) or not _NAME.fullmatch(fontenc):
        return ""
    lines = []
    if fontenc not in _UNSELECTED:
        lines.append(rf"\usepackage[{fontenc}]{{fontenc}}")
    if package not in ("", "latex2e", OWN):
        lines.append(rf"\usepackage{{{package}}}")
    return "\n".join(lines)


@lru_cache(maxsize=1 << 15)  # a page with a dataset of other symbols asks for all of them at each rerun
def derive_symbol(key: str) -> Symbol:
    """The symbol derived from a key alone; the mode is guessed from package and command. Never raises.

    If the key's command isn't harmless, the command is the key itself without backslashes and ``^^``.
    """
    package, fontenc, _ = split_key(key)
    command = command_from_key(key)
    if not is_harmless(command):
        command = key.replace("\\", "").replace("^^", "")
    is_text = package in _TEXT_PACKAGES or fontenc not in ("", "OT1", OPENTYPE) or command.startswith("\\text")
    return Symbol(
        key=key,
        command=command,
        package=package,
        fontenc=fontenc,
        usepackage=preamble_for(package, fontenc),
        mode="text" if is_text else "math",
    )
