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

# A code span in a message. Of three backticks or a blank at an end, Markdown would make something else.
_CODE = re.compile(r"(?<!`)`(?! )([^`]+)(?<! )`(?!`)")


def capital(text: str) -> str:
    """Text with its first letter capitalized."""
    return text[:1].upper() + text[1:]


def escaped(text: str) -> str:
    """Markdown that shows a text literally: titles and messages hold names that users chose."""
    separated = _REPLACED.sub(_JOIN, printable(text))
    return "".join(f"\\{letter}" if letter in string.punctuation else letter for letter in separated)


def sentence(text: str) -> str:
    """Markdown that shows a message literally, with a capital first letter and a full stop.

    What is between backticks, such as a command, is shown as code: as it is, so that it can be pasted.
    """
    parts = _CODE.split(printable(capital(text)))
    shown = "".join(f"`{part}`" if number % 2 else escaped(part) for number, part in enumerate(parts))
    return shown + ("" if text.endswith((".", "!", "?")) else ".")


def percentage(share: float) -> str:
    """A share (0 to 1) as a percentage: `98%`, `0.4%`, `<0.1%`."""
    percent = 100 * share
    if percent < 0.1:
        return "<0.1%"
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%"
