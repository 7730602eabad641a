"""Text for pages: escaping for Markdown, sentences, percentages."""

from __future__ import annotations

import re
import string

from extexify.core.errors import printable

_JOIN = "\N{WORD JOINER}"

# What Streamlit still replaces after Markdown's escapes: addresses by links, names between colons by icons and emoji,
# some sequences of signs by arrows and dashes. A zero-width character between the signs prevents it.
_REPLACED = re.compile(
    r"(?<=www)(?=\.)|(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=@)(?=[-\w]+\.)|(?<=:)(?=[\w+/-]+:)|(?<=[-<>~])(?=[-=>])",
    re.IGNORECASE,
)


def capital(text: str) -> str:
    """Text with its first letter capitalized."""
    return text[:1].upper() + text[1:]


def escaped(text: str) -> str:
    """Markdown that shows a text literally: titles and messages hold names that users chose."""
    separated = _REPLACED.sub(_JOIN, printable(text))
    return "".join(f"\\{letter}" if letter in string.punctuation else letter for letter in separated)


def sentence(text: str) -> str:
    """Markdown that shows a message literally, with a capital first letter and a full stop."""
    return escaped(capital(text)) + ("" if text.endswith((".", "!", "?")) else ".")


def percentage(share: float) -> str:
    """A share (0 to 1) as a percentage: `98%`, `0.4%`, `<0.1%`."""
    percent = 100 * share
    if percent < 0.1:
        return "<0.1%"
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%"
