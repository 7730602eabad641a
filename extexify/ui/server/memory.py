"""Garbage collection of the dashboard's server.

A full collection looks at every object in memory, for some 200 ms with all that PyTorch and Streamlit keep, and holds
up all answers. What is in memory once the server is ready is therefore excluded (`gc.freeze`). The rest belongs to
visits: with a hundred of them a collection takes 40 ms, and 10 ms more for every second of theirs since the last one,
because each run of a page leaves some hundred objects in cycles. Short pauses at fixed intervals delay fewer answers
than Python's own schedule, whose pauses grow with what there is.
"""

from __future__ import annotations

import asyncio
import gc

SECONDS = 2.0
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
