r"""A symbol, and what its key alone says about it.

A key reads ``PACKAGE-FONTENC-COMMAND``, the command's backslash written ``_``: ``latex2e-OT1-_alpha``. Nothing
here reads a file: a key that the catalogue has never seen gets the same treatment as those it was built from.
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

    ``command`` is what one types (``\alpha``, ``\mathfrak{C}``, ``---``). ``usepackage`` holds the preamble lines
    it needs, one a line, and is empty when plain LaTeX prints it. ``unicode`` is the character, or several that
    belong together (``\ncong``), ``unicode_name`` their names joined by " + ". ``typst`` is what one types in a
    Typst formula. The last three are None where nothing of the kind exists.
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


# LaTeX's own names for font encodings (encguide): a package name with a hyphen in it (unicode-math) is told from
# the encoding by these.
_FONTENC = re.compile(r"-((?:OT|OM|TS|T|X|L|PD|LG)[A-Z0-9]{0,3}|U)-")

# A backslash written "_", with the command it starts. A control symbol is one character, and may be "_" itself.
_BACKSLASH = re.compile(r"_([A-Za-z@]+|.|$)", re.DOTALL)

# The names of packages and font encodings.
_NAME = re.compile(r"[A-Za-z0-9.-]*")

# Control words and symbols, letters and signs, and braces around a few of these.
_PRINTS = re.compile(r"(?:\\[A-Za-z@]+|\\[^A-Za-z\s]|[^\\{}%#^~\s]|\{[^\\{}%#^~\s]{0,12}\}|\{\\[A-Za-z@]+\})+")

# What reads, writes, runs, loads or defines something.
_ACTS = re.compile(
    r"\\(?:@{0,2}input|include|includegraphics|includepdf|verbatiminput|lstinputlisting|InputIfFileExists|usepackage"
    r"|RequirePackage|documentclass|openin|openout|closein|closeout|read|readline|write|immediate|special|directlua"
    r"|latelua|luaexec|ShellEscape|csname|scantokens|expandafter|[egx]?def|let|futurelet|newcommand|renewcommand"
    r"|providecommand|catcode|everypar|everymath|everyjob|output|loop|begin|end|href|url|typeout|message|errmessage"
    r"|batchmode|nonstopmode|scrollmode)(?![A-Za-z@])",
)

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
    }
)


def split_key(key: str) -> tuple[str, str, str]:
    """Package, font encoding and (still encoded) command of a key; missing parts are empty strings."""
    encoding = _FONTENC.search(key)
    if encoding and encoding.start() > 0:
        return key[: encoding.start()], encoding.group(1), key[encoding.end() :]
    package, _, rest = key.partition("-")
    fontenc, dash, command = rest.partition("-")
    if dash:
        return package, fontenc, command
    return "", "", key


def command_from_key(key: str) -> str:
    r"""The LaTeX command of a key, as one types it: ``latex2e-OT1-_not_sim`` gives ``\not\sim``."""
    encoded = split_key(key)[2]
    # Detexify's list holds the dashes as "\-" (a place where a word may break, which prints nothing) followed by
    # the dash itself: "_---" is the en dash "--".
    if re.fullmatch(r"_--+", encoded):
        return encoded[2:]
    # A lone "_" is the underscore character, since a backslash alone is no command.
    return _BACKSLASH.sub(lambda found: "\\" + (found.group(1) or "_"), encoded)


def is_harmless(command: str) -> bool:
    r"""Whether a command does nothing but print: people copy it into their documents, and a key of a model or a dataset
    that somebody else made may name any other, such as ``\input`` or ``\write18``."""
    return bool(_PRINTS.fullmatch(command)) and not _ACTS.search(command)


def preamble_for(package: str, fontenc: str) -> str:
    r"""The preamble lines that ``package`` and ``fontenc`` call for, one a line; empty for plain LaTeX, and for what is
    no name of either."""
    if not _NAME.fullmatch(package) or not _NAME.fullmatch(fontenc):
        return ""
    lines = []
    if fontenc not in ("", "OT1", "U"):
        lines.append(rf"\usepackage[{fontenc}]{{fontenc}}")
    if package not in ("", "latex2e"):
        lines.append(rf"\usepackage{{{package}}}")
    return "\n".join(lines)


@lru_cache(maxsize=1 << 15)  # of a dataset of other symbols, a page names all of them at each click
def derive_symbol(key: str) -> Symbol:
    """What the key alone says; the mode is a guess from the package and the command's name. Never raises.

    A key that names no harmless command stands for itself, without what begins a command.
    """
    package, fontenc, _ = split_key(key)
    command = command_from_key(key)
    if not is_harmless(command):
        command = key.replace("\\", "").replace("^^", "")
    is_text = package in _TEXT_PACKAGES or fontenc not in ("", "OT1") or command.startswith("\\text")
    return Symbol(
        key=key,
        command=command,
        package=package,
        fontenc=fontenc,
        usepackage=preamble_for(package, fontenc),
        mode="text" if is_text else "math",
    )
