"""Stop on SIGTERM and Ctrl-C without leaving half-written files.

Both raise KeyboardInterrupt. An exception from a signal handler can get lost, though: where C code calls back into
Python and takes any error for a "no" (numba's dispatcher does), it is dropped. So stages also call `check` whenever
they report progress.
"""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPPED = 130
"""Exit code of a stopped command: what shells report after Ctrl-C."""

_interrupted = False


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, SIGTERM and Ctrl-C raise KeyboardInterrupt."""
    global _interrupted

    def interrupt(*_: object) -> None:
        global _interrupted
        _interrupted = True
        raise KeyboardInterrupt

    with _handling(interrupt):
        try:
            yield
        finally:
            _interrupted = False


def check() -> None:
    """Raise KeyboardInterrupt if a signal came inside `interruptible`, even if its own exception got lost."""
    if _interrupted:
        raise KeyboardInterrupt


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGTERM or Ctrl-C came; a second Ctrl-C raises KeyboardInterrupt."""
    stopping = False

    def stop(number: int, _: object) -> None:
        nonlocal stopping
        if stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        stopping = True

    with _handling(stop):
        yield lambda: stopping


def interrupt_main_thread() -> None:
    """Call the main thread's handler of SIGTERM, as if the signal had come; from any thread."""
    if hasattr(signal, "pthread_kill"):
        # Also ends a system call that the main thread waits in.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        _thread.interrupt_main(signal.SIGTERM)


@contextmanager
def _handling(handler: Callable[[int, object], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
