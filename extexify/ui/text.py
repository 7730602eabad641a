"""Words for the page: sentences out of messages, and text that Markdown leaves as it is."""

from __future__ import annotations


def capital(text: str) -> str:
    """Text with a capital first letter."""
    return text[:1].upper() + text[1:]


def escaped(text: str) -> str:
    """Text as Markdown that shows just that: titles and messages hold names that users chose."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#+-.!|~$:" else letter for letter in text)


def sentence(text: str) -> str:
    """A message as a sentence of its own, as Markdown that shows just that."""
    return escaped(capital(text)) + ("" if text.endswith((".", "!", "?")) else ".")
