"""Stopping by a signal, so that no half-written file is left behind.

SIGTERM and Ctrl-C raise KeyboardInterrupt. An exception that comes out of a signal handler can get lost,
though: where C code has called back into Python and takes any error for a "no" (numba's dispatcher does),
it is dropped without a word. So a stage also asks `check` whenever it reports.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPPED = 130
"""The exit code of a command that was stopped: what a shell says of one that Ctrl-C ended."""

_asked = False


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM and Ctrl-C raise KeyboardInterrupt inside the block."""
    global _asked

    def interrupt(*_: object) -> None:
        global _asked
        _asked = True
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        _asked = False
        for number, handler in before.items():
            signal.signal(number, handler)


def check() -> None:
    """Raise KeyboardInterrupt when a signal has come inside the block, whatever became of its own exception."""
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGTERM or Ctrl-C came; a second Ctrl-C interrupts at once."""
    asked = False

    def ask(number: int, _: object) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
