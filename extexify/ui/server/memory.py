"""Garbage collection of the dashboard's server.

A full collection looks at every object in memory, for some 200 ms with all that PyTorch and Streamlit keep, and holds
up all answers. What is in memory once the server is ready is therefore excluded (`gc.freeze`). The rest belongs to
visits: with a hundred of them a full collection takes 100 ms and more, and finds little, because most of what a run of
a page leaves in cycles is freed with the young generations, which are large enough to hold whole runs.
"""

from __future__ import annotations

import asyncio
import gc

SECONDS = 20.0
"""Time between full collections."""

_YOUNG, _MIDDLE = 5_000, 10
"""Objects after which the youngest generation is collected, and such collections before one of the middle generation.
Python's 700 objects are less than a run of a page makes."""

_NEVER = 1_000_000
"""Collections of the middle generation before a full one."""


def exclude_present_objects() -> None:
    """Exclude what is in memory now from later collections, and leave full ones to `collect_regularly`."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)


async def collect_regularly() -> None:
    """Collect every `SECONDS`, in a thread, until the task is cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(gc.collect)
