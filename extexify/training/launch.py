"""The start of several training processes: on this machine by torchrun, or by a command for several machines.

Nothing here imports PyTorch at module level: pages use it, too.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from extexify.core.errors import UserError
from extexify.core.interruption import STOPPED
from extexify.core.processes import available_cores

_ROOT = Path(__file__).resolve().parents[2]
_PORT = 29500  # torchrun's default

MAX_PROCESSES = 64
"""Processes of a training on one machine."""

LAUNCHED = "EXTEXIFY_LAUNCHED"
"""Environment variable of the processes that `run_processes` starts."""

LOST = 3
"""Exit code of such a process when another one is lost; `run_processes` reports it."""

_SHUTDOWN_TIMEOUT = 120
"""Seconds from a signal until processes that still run are killed: more than a batch and a checkpoint take."""


class LaunchError(UserError, RuntimeError):
    """The processes of a training can't be started, or one of them was lost."""


def is_rank_0() -> bool:
    """Whether this process reads, writes and reports; torchrun numbers the processes of a training."""
    return os.environ.get("RANK", "0") == "0"


def local_gpus() -> int:
    """The NVIDIA GPUs that this process may use, counted by Linux's device files; 0 on other systems."""
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is None:
        return there
    # CUDA ignores everything after the first invalid entry.
    named = list(takewhile(lambda name: name not in ("", "-1"), (name.strip() for name in visible.split(","))))
    return min(there, len(named))


def torchrun_command(options: Sequence[str], *, machines: int, on_gpus: bool) -> str:
    """The shell command that, run on each of several machines, trains on all of them; `options` are those of `train`.

    HOST stands for the name of the machine of rank 0, which writes the run, NUMBER for 0 on it and 1, 2, … on the
    others. (With a rendezvous backend torchrun would choose the machine of rank 0 anew each time.)
    """
    each = "gpu" if on_gpus else "1"
    torchrun = ["torchrun", f"--nnodes={machines}", "--node-rank=NUMBER", f"--nproc-per-node={each}"]
    address = ["--master-addr=HOST", f"--master-port={_PORT}"]
    # Without the dashes, torchrun would take --run for an abbreviation of an option of its own.
    train = ["-m", "--", "extexify", "train", *options]
    return " \\\n  ".join(shlex.join(words) for words in (torchrun, address, train))


def run_processes(count: int, arguments: Sequence[str], run_name: str) -> None:
    """Run `python -m extexify ARGUMENTS…` in `count` processes under torchrun, until all have ended.

    SIGTERM and Ctrl-C are passed on, and processes that still run after `_SHUTDOWN_TIMEOUT` are killed. If a process
    is lost, torchrun ends the others. Raises SystemExit if rank 0 ended with an error or a stop, which it has reported,
    and `LaunchError` if a process was lost.
    """
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

    # torchrun logs every signal and failure; here the user gets one sentence.
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    os.environ[LAUNCHED] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(available_cores() // count, 1)))
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(_SHUTDOWN_TIMEOUT))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    options = ["--standalone", f"--nproc-per-node={count}", "-m", "--", "extexify", *arguments]
    try:
        torchrun.run(torchrun.parse_args(options))
    except SignalException:
        raise SystemExit(STOPPED) from None
    except ChildFailedError as error:
        failures: dict[int, ProcessFailure] = error.failures
        killed = [each for each in failures.values() if each.exitcode < 0 and each.exitcode != -signal.SIGTERM]
        code = failures[0].exitcode if 0 in failures else 0
        if not killed and code > 0 and code != LOST:
            raise SystemExit(code) from None
        ended = [each for each in failures.values() if each.exitcode != LOST]
        lost = min(killed or ended, key=lambda each: each.timestamp)
        raise LaunchError(
            f"process {lost.local_rank} of {count} {_how(lost.exitcode)}; resume the run with "
            f"`python -m extexify train --run {run_name} --resume`"
        ) from None


def _how(code: int) -> str:
    if code > 0:
        return f"ended with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return f"was killed by {name}" + (" (is there enough memory?)" if -code == signal.SIGKILL else "")
