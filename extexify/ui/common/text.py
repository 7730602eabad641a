"""Words for the page: sentences out of messages, and text that Markdown leaves as it is."""

from __future__ import annotations

import re
import string

from extexify.core.errors import printable

_JOIN = "\N{WORD JOINER}"

# What Streamlit makes of text after Markdown's escapes are undone: links of addresses, icons and emoji of names between
# colons, arrows and dashes of signs. A character without width keeps the signs apart.
_TURNED = re.compile(
    r"(?<=www)(?=\.)|(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=@)(?=[-\w]+\.)|(?<=:)(?=[\w+/-]+:)|(?<=[-<>~])(?=[-=>])",
    re.IGNORECASE,
)


def capital(text: str) -> str:
    """Text with a capital first letter."""
    return text[:1].upper() + text[1:]


def escaped(text: str) -> str:
    """Text as Markdown that shows just that: titles and messages hold names that users chose."""
    kept = _TURNED.sub(_JOIN, printable(text))
    return "".join(f"\\{letter}" if letter in string.punctuation else letter for letter in kept)


def sentence(text: str) -> str:
    """A message as a sentence of its own, as Markdown that shows just that."""
    return escaped(capital(text)) + ("" if text.endswith((".", "!", "?")) else ".")


def percentage(share: float) -> str:
    """A share (0 to 1) as a percentage: `98%`, `0.4%`, `<0.1%`."""
    percent = 100 * share
    if percent < 0.1:
        return "<0.1%"
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%"
