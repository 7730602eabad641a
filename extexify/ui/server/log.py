"""The server's log: every message is one line of limited length, and repeated messages are counted.

Messages of Streamlit, uvicorn, warnings and tracebacks contain what visitors send. `install` sets the factory of all
log records of the process, so that it doesn't matter which logger or handler writes one.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Any

import streamlit as st

MAX_MESSAGE = 2_000
"""Characters of a message; the middle of a longer one is left out."""

MAX_TRACEBACK = 20_000
"""Characters of a traceback, as above."""

MAX_REPEATS = 20
"""Messages from one place in the code that are logged in a `PERIOD`; more are counted."""

PERIOD = 60.0
"""Seconds."""

_DROPPED = logging.NOTSET - 1
"""A level below that of all handlers."""

_log = logging.getLogger(__name__)


def install() -> None:
    """Have all log messages, warnings and unhandled exceptions of threads pass through `LogRecord`."""
    logging.setLogRecordFactory(LogRecord)
    # For the loggers that Streamlit doesn't configure: ours, asyncio's, the warnings', and uvicorn's, which it leaves
    # without a handler.
    logging.basicConfig(format=st.get_option("logger.messageFormat"))
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.captureWarnings(True)
    threading.excepthook = _log_exception_of_thread
    sys.unraisablehook = _log_unraisable


def one_line(text: str, most: int = MAX_MESSAGE) -> str:
    r"""A text in one line, of about `most` characters.

    Line breaks, control, bidirectional formatting and other unprintable characters are written as \n, \x1b, \u202e.
    """
    short = _shortened(text, most)
    if short.isprintable():
        return short
    escaped = (letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in short)
    return _shortened("".join(escaped), most)


def traceback_text(error: BaseException) -> str:
    """A traceback with every line indented, so that none looks like a message; an exception's message is one line."""
    lines: list[str] = []
    for part in traceback.TracebackException.from_exception(error).format():
        # Parts of the stack have line breaks of their own, other parts only those of the exception's message.
        part = part.rstrip("\n")
        is_stack = part.lstrip(" |").startswith('File "')
        lines += map(one_line, part.split("\n") if is_stack else [part])
    return _shortened("\n".join(f"  {line}" for line in lines), MAX_TRACEBACK)


class LogRecord(logging.LogRecord):
    """A record with text in one line; beyond `MAX_REPEATS` one that no handler writes."""

    def __init__(self, *fields: Any, **more: Any) -> None:
        super().__init__(*fields, **more)
        # uvicorn's formatter of access logs reads the arguments themselves.
        if isinstance(self.args, tuple):
            self.args = tuple(one_line(value) if isinstance(value, str) else value for value in self.args)
        error = self.exc_info[1] if self.exc_info else None
        left_out = _repeats.count((self.pathname, self.lineno, *_origin(error)), time.monotonic())
        self._suffix = f" ({left_out:,} messages from this place were left out before)" if left_out else ""
        if left_out is None:
            self.levelno = _DROPPED
        elif error is not None:
            # Formatters use this text in place of one of their own.
            self.exc_text = traceback_text(error)

    def getMessage(self) -> str:  # noqa: N802 (the base class's name)
        """The message, in one line."""
        return one_line(super().getMessage().strip()) + self._suffix


class Repeats:
    """Counts messages by place, for `MAX_REPEATS` in a `PERIOD` each. The places are of the code, and thus few."""

    def __init__(self) -> None:
        self._counts: dict[tuple[object, ...], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def count(self, place: tuple[object, ...], now: float) -> int | None:
        """The messages left out in the last period for the first one of another, 0 for more, None for too many."""
        with self._lock:
            start, count = self._counts.get(place, (now, 0))
            left_out = 0
            if now - start >= PERIOD:
                start, count, left_out = now, 0, max(0, count - MAX_REPEATS)
            self._counts[place] = start, count + 1
            return left_out if count < MAX_REPEATS else None


_repeats = Repeats()


def _origin(error: BaseException | None) -> tuple[object, ...]:
    """The type of an exception and the line that raised it: different faults are not each other's repeats."""
    if error is None:
        return ()
    trace = error.__traceback__
    if trace is None:
        return (type(error),)
    while trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace.tb_frame.f_code.co_filename, trace.tb_lineno


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [… {len(text) - 2 * half:,} characters left out …] {text[-half:]}"


def _log_exception_of_thread(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread is not None else ""
        _log_exception(f"Unexpected error in the thread {name}", args.exc_value, args.exc_traceback)


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    message = args.err_msg or "Exception ignored in"
    _log_exception(f"{message}: {type(args.object).__name__}", args.exc_value, args.exc_traceback)


def _log_exception(message: str, error: BaseException | None, trace: TracebackType | None) -> None:
    _log.error(message, exc_info=None if error is None else (type(error), error, trace))
