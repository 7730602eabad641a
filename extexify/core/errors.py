"""User-facing errors and messages: one line of printable text each."""

from __future__ import annotations

from typing import Any

MAX_MESSAGE = 500
"""Length of a message in characters; the middle of a longer one is left out."""

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """Replace line breaks, control and bidirectional formatting characters and lone surrogates by �."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else _UNKNOWN for letter in text)


def in_one_line(message: str) -> str:
    """Make a message one printable line of at most MAX_MESSAGE characters."""
    line = printable(message if message.isprintable() else " ".join(message.split()))
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE // 2]} … {line[3 - MAX_MESSAGE // 2 :]}"


class UserError(Exception):
    """An error that the user can mend; its message is one sentence for the user, and one line (see `in_one_line`).

    Terminal, jobs and pages show only these as the user's mistake. Any other exception is a fault of ours: it keeps
    its traceback, in the log or with `--debug`.
    """

    def __init__(self, message: str, *more: Any) -> None:
        super().__init__(in_one_line(message), *more)


def fault_message(fault: BaseException) -> str:
    """One line about an exception that is not a `UserError`; its traceback belongs in a log."""
    return in_one_line(f"this is a fault of Extexify ({type(fault).__name__}: {fault})")
