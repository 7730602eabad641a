"""A thread that works ahead of whoever reads its results: unpacking and receiving overlap with checking rows.

Both zlib and psycopg2 wait and work without the interpreter lock, so one such thread is worth a second core.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from queue import Full, Queue

_AHEAD = 4  # items ready before the thread waits for the reader
_LOOK_UP_EVERY = 0.1  # seconds after which a waiting thread looks whether the reader has left


class _ReaderLeft(Exception):
    """Ends the thread's work when nobody reads on."""


def read_ahead(
    produce: Callable[[Callable[[bytes], None]], None], interrupt: Callable[[], None] = lambda: None
) -> Generator[bytes]:
    """Yield what `produce(put)` puts, made in a thread of its own a few items ahead.

    An exception in `produce` is raised here, after the items before it. When the reader leaves early (closes
    this generator), `interrupt` is called, which should end a wait that `produce` may be in; `put` raises from
    then on, and the thread is gone when `close` returns.
    """
    items: Queue[bytes | BaseException | None] = Queue(_AHEAD)
    left = threading.Event()

    def put(item: bytes | BaseException | None) -> None:
        while not left.is_set():
            try:
                return items.put(item, timeout=_LOOK_UP_EVERY)
            except Full:
                continue
        raise _ReaderLeft

    def work() -> None:
        with suppress(_ReaderLeft):
            try:
                produce(put)
            except BaseException as error:  # whatever it is, the reader must not wait for ever
                put(error)
            else:
                put(None)

    worker = threading.Thread(target=work, name="read-ahead", daemon=True)
    worker.start()
    try:
        while (item := items.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        if worker.is_alive():
            interrupt()
        worker.join()
