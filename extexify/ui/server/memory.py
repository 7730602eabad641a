"""Garbage collection of the dashboard's server.

A full collection looks at every object in memory, for some 200 ms with all that PyTorch and Streamlit keep, and holds
up all answers. What is in memory once the server is ready is therefore excluded (`gc.freeze`): a collection then looks
only at what visits have made since, and Python's own schedule, which waits for a quarter of the old objects, comes soon
enough. A regular collection gives back what a visit has left when no other visit follows.
"""

from __future__ import annotations

import asyncio
import gc

SECONDS = 10.0
"""Time between collections."""


def exclude_present_objects() -> None:
    """Exclude all objects that are in memory now from later collections."""
    gc.collect()
    gc.freeze()


async def collect_regularly() -> None:
    """Collect every `SECONDS`, in a thread, until the task is cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(gc.collect)
