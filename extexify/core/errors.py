"""Messages for people: one line of printable text each, whatever the names in them are."""

from __future__ import annotations

from typing import Any

MAX_MESSAGE = 500
"""Characters of a message; the middle of a longer one is left out."""

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """Text of which everything is seen, and nothing else obeyed: line breaks, control characters, those that turn the
    direction of the text around and halves of surrogate pairs become �."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else _UNKNOWN for letter in text)


def in_one_line(message: str) -> str:
    """A message as one printable line of at most MAX_MESSAGE characters."""
    line = printable(message if message.isprintable() else " ".join(message.split()))
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE // 2]} … {line[3 - MAX_MESSAGE // 2 :]}"


class UserError(Exception):
    """An error whose message is meant for people: it is made one line of printable text (see `in_one_line`)."""

    def __init__(self, message: str, *more: Any) -> None:
        super().__init__(in_one_line(message), *more)
