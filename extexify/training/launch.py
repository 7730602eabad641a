"""Further processes on this machine that train with this one, and how several machines are told to train together.

What they say to each other is `extexify.training.distributed`'s matter. Nothing here loads PyTorch: pages ask it, too.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

_FAREWELL = 10.0
"""Seconds that a process has for its own end, once there is nothing left to do."""

_PORT = 29500  # torchrun's own default


MAX_PROCESSES = 64
"""Processes of a training on one machine."""


def leads() -> bool:
    """Whether this process is to lead the training, or to train alone: torchrun and `Followers` number the others."""
    return os.environ.get("RANK", "0") == "0"


def local_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def local_gpus() -> int:
    """The NVIDIA GPUs that this process may use, as Linux's devices tell; 0 on other systems."""
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is None:
        return there
    # As CUDA reads it: an entry that names none ends the list.
    named = list(takewhile(lambda name: name not in ("", "-1"), (name.strip() for name in chosen.split(","))))
    return min(there, len(named))


def torchrun_command(options: Sequence[str], *, machines: int, on_gpus: bool) -> str:
    """The command that, given on each of several machines, trains on all of them. `options` are those of `train`.

    HOST stands for the name of the machine that leads and writes, NUMBER for 0 there and 1, 2, … on the others. (With a
    rendezvous in place of numbers, torchrun chooses anew who leads, and nobody knows where the run will be.)
    """
    each = "gpu" if on_gpus else "1"
    launch = ["torchrun", f"--nnodes={machines}", "--node-rank=NUMBER", f"--nproc-per-node={each}"]
    meeting = ["--master-addr=HOST", f"--master-port={_PORT}"]
    # Without the dashes, torchrun would take --run for an abbreviation of an option of its own.
    train = ["-m", "--", "extexify", "train", *options]
    return " \\\n  ".join(shlex.join(words) for words in (launch, meeting, train))


class Followers:
    """The processes 1 … count-1 of a training on this machine. They write nothing, so that ending one loses nothing."""

    def __init__(self, count: int, arguments: Sequence[str], port: int) -> None:
        """Start `python -m extexify ARGUMENTS…`, to meet at a port of this machine. Raises OSError."""
        shared = {
            "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or threads_each(count),
        }  # fmt: skip
        self.processes: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(1, count):
                own = {**shared, "RANK": number, "LOCAL_RANK": number}
                process = subprocess.Popen(
                    [sys.executable, "-m", "extexify", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**os.environ, **{name: str(value) for name, value in own.items()}},
                    process_group=0,  # Ctrl-C is for the process that leads: it tells the others
                )
                self.processes.append(process)
        except BaseException:
            self.end(at_once=True)
            raise

    def lost(self, wait: float = 0.0) -> str:
        """Which of them has ended by an error, and how, in words; empty when none has or does within `wait` seconds."""
        give_up = time.monotonic() + wait
        while True:
            for number, process in enumerate(self.processes, 1):
                if code := process.poll():
                    return f"process {number} of {len(self.processes) + 1} {_how(code)}"
            if time.monotonic() >= give_up:
                return ""
            time.sleep(0.05)

    def end(self, *, at_once: bool) -> None:
        """Wait for their end, at most a few seconds where they have nothing left to do; kill who lives longer."""
        give_up = time.monotonic() + (0.0 if at_once else _FAREWELL)
        for process in self.processes:
            try:
                process.wait(max(give_up - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def threads_each(count: int) -> int:
    """The threads that each of `count` processes on this machine computes with."""
    return max(local_cores() // count, 1)


def _how(code: int) -> str:
    if code > 0:
        return f"ended with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return f"was killed by {name}" + (" (is there enough memory?)" if -code == signal.SIGKILL else "")
