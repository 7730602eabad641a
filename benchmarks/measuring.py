"""Time and peak memory of benchmark methods, run alternately, each in its own process.

A row is a function that takes a `Setting` and returns a `Row` (see `benchmarks.__main__.ROWS`). A method is a function
that does the work once and returns a `Work`. `in_turn` runs every call in a new process, so that peak memory is
measured for each method and no caches are shared. Methods alternate, so that a slow phase of the machine affects all of
them; the reported times are medians over the rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

MARK = "measured: "
"""Prefix of the output line with a method's result as JSON."""

LAUNCH = "launch"
MODULE = "benchmarks.measuring"


@dataclass(frozen=True)
class Setting:
    """Input data and options of a measurement.

    source: a gzipped dump. dataset: its export. folder: a temporary folder for the rows' output. quick: few drawings
    and one round, whose results aren't saved.
    """

    source: Path
    dataset: Path
    folder: Path
    rounds: int
    quick: bool = False

    @property
    def images(self) -> Path:
        """The folder of the rendered images for recipe `original`, as arrays and as PNG files."""
        return self.folder / "images"


@dataclass(frozen=True)
class Work:
    """A method's result: seconds without the start of its process, number of drawings, and further metrics."""

    seconds: float
    drawings: int
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A line of the table.

    seconds: the median. peak_mb: the largest resident memory of the process in any round, in megabytes. ratio: the
    speed relative to the replaced method. target: the required ratio, memory or time as text, "" for none. reached:
    whether the target is reached. shown: text for the column "drawings a second" in place of the number.
    """

    name: str
    seconds: float
    drawings: int
    peak_mb: float | None = None
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None
    shown: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row of the table: the replaced method, then ours, and a note below the table."""

    title: str
    methods: list[Method]
    note: str = ""


def beside(replaced: Method, ours: Method, *, target: str = "", at_least: float = 0.0, **changes: Any) -> Method:
    """`ours` with its speed relative to the replaced method, per drawing, and whether it reaches the target."""
    ratio = (replaced.seconds / replaced.drawings) / (ours.seconds / ours.drawings)
    reached = ratio >= at_least if target else None
    return Method(**{**asdict(ours), "ratio": ratio, "target": target, "reached": reached, **changes})


def in_turn(methods: Mapping[str, tuple[str, Sequence[Any]]], rounds: int) -> list[Method]:
    """Run methods in turn, each round in new processes. A method is "module:function" and its arguments, JSON values.

    Returns a `Method` for each, with the median of the seconds and the metrics of the last round.
    """
    commands = {
        name: [sys.executable, "-m", MODULE, function, json.dumps(arguments)]
        for name, (function, arguments) in methods.items()
    }
    works: dict[str, list[tuple[Work, float]]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, command in commands.items():
            works[name].append(_run_method(command))
    return [
        Method(
            name=name,
            seconds=statistics.median(work.seconds for work, _ in done),
            drawings=done[0][0].drawings,
            peak_mb=max(memory for _, memory in done),
            metrics=done[-1][0].metrics,
        )
        for name, done in works.items()
    ]


def _run_method(command: list[str]) -> tuple[Work, float]:
    """Run a method in a new process; returns its result and the peak resident memory of the process in megabytes."""
    ended = _launched(command)
    return Work(**json.loads(ended["result"].removeprefix(MARK))), ended["memory"]


def of_command(command: Sequence[str]) -> tuple[float, float, float]:
    """Wall-clock seconds, processor seconds and peak megabytes of a command, including its start."""
    ended = _launched(command)
    return ended["seconds"], ended["processor"], ended["memory"]


def _launched(command: Sequence[str]) -> dict[str, Any]:
    """Run a command through a small launcher process: Linux counts the memory of the parent at the time of the fork
    towards a child's peak, and this process may be large."""
    launcher = [sys.executable, "-m", MODULE, LAUNCH, *command]
    ended: dict[str, Any] = json.loads(subprocess.run(launcher, stdout=subprocess.PIPE, check=True).stdout)
    if ended["code"] != 0:
        raise SystemExit(f"{' '.join(command)} ended with {ended['code']}")
    return ended


def _launch(command: Sequence[str]) -> dict[str, Any]:
    """In the launcher process: run and measure a command; `result` is the output line with `MARK`, if any."""
    is_method = MODULE in command
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE if is_method else subprocess.DEVNULL, text=True)
    results = [line for line in process.stdout or () if line.startswith(MARK)]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": time.monotonic() - began,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "code": process.returncode,
        "result": results[-1] if results else "",
    }


def main(arguments: Sequence[str]) -> None:
    """The entry point of the launcher and of method processes: run a command or a method, and print the result."""
    if arguments[0] == LAUNCH:
        print(json.dumps(_launch(arguments[1:])))
        return
    place, given = arguments
    module, _, name = place.partition(":")
    method: Callable[..., Work] = getattr(import_module(module), name)
    print(MARK + json.dumps(asdict(method(*json.loads(given)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
