"""Processes: identity across machines and containers, priority, ending a process with its children."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
import psutil

_SAME_START = 1.0
"""Seconds that two readings of one process's start time may differ (Linux derives it from the adjustable clock)."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Identifies a process also after its end and among those with its number on other machines or in containers.

    `started` is in seconds since 1970, `machine` is a `machine_id()`.
    """

    machine: str
    pid: Annotated[int, msgspec.Meta(gt=1, lt=2**31)]
    started: float

    @classmethod
    def current(cls) -> ProcessIdentity:
        """This process."""
        return cls(machine_id(), os.getpid(), psutil.Process().create_time())

    def find(self) -> psutil.Process | None:
        """The process if it is alive and can be reached from here, else None."""
        if self.machine != machine_id():
            return None
        try:
            process = psutil.Process(self.pid)
            return process if abs(process.create_time() - self.started) < _SAME_START else None
        except psutil.Error:
            return None


def boot_id() -> str:
    """A random id of the present boot of this machine (Linux); empty on other systems."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@lru_cache(maxsize=1)
def machine_id() -> str:
    """Where this process's number is valid: on Linux a boot and a PID namespace, on other systems the host."""
    try:
        return f"{boot_id()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def available_cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lower_priority(nice: int) -> None:
    """Add to the nice value of this process, so that the scheduler prefers others: with 10 it gets a tenth of the share
    of a normal process. Windows has no nice values: any above 0 is "below normal" there."""
    if nice == 0:
        return
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        return
    process.nice(min(process.nice() + nice, 19))
    # Linux divides the cores among sessions by the autogroup's value before it regards the nice values within one.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(min(nice, 19)), "ascii")


def kill_tree(process: psutil.Process) -> None:
    """Kill a process and its descendants at once."""
    with suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                one.kill()
