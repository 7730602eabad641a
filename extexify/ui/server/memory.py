"""Garbage collection of the dashboard's server.

A full collection looks at every object in memory, for some 200 ms with all that PyTorch and Streamlit keep, and holds
up all answers. What is in memory once the server is ready is therefore excluded (`gc.freeze`). What is left, the
objects of visits, takes up to 80 ms with a hundred of them, and Python's own schedule, made for programs in which few
objects are excluded, would collect them every three seconds: full collections come at fixed intervals instead.
"""

from __future__ import annotations

import asyncio
import gc

SECONDS = 10.0
"""Time between full collections."""

_NEVER = 1_000_000
"""Collections of the middle generation before a full one."""


def exclude_present_objects() -> None:
    """Exclude what is in memory now from later collections, and leave full ones to `collect_regularly`."""
    gc.collect()
    gc.freeze()
    first, second, _ = gc.get_threshold()
    gc.set_threshold(first, second, _NEVER)


async def collect_regularly() -> None:
    """Collect every `SECONDS`, in a thread, until the task is cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(gc.collect)
