"""What every row of the benchmarks' table has in common: methods that take turns, each in a process of its own.

A row is a function that takes a `Setting` and returns a `Row` (see `benchmarks.__main__.ROWS`). A method is a function
that does the work once and returns a `Work`; `in_turn` runs it in new processes, so that its peak memory is its own and
nothing of one method is warm for another. Methods take turns, so that a machine that slows down slows all of them; the
figures are medians over the rounds.
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
"""What the line begins with on which a process tells what it did."""

LAUNCH = "launch"
MODULE = "benchmarks.measuring"


@dataclass(frozen=True)
class Setting:
    """What the rows measure on.

    source is a gzipped dump, dataset what an export makes of it; folder is for what rows write, and temporary. `quick`
    asks for a look: few drawings, one round; its figures are kept nowhere.
    """

    source: Path
    dataset: Path
    folder: Path
    rounds: int
    quick: bool = False

    @property
    def images(self) -> Path:
        """Where a row may find or put the images of recipe `original`, as arrays and as PNG files."""
        return self.folder / "images"


@dataclass(frozen=True)
class Work:
    """What a method did: seconds and drawings, without the start of its process, and figures of its own."""

    seconds: float
    drawings: int
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A line of the table. `seconds` is the median; peak_mb the most that one process had resident in any round.

    ratio is how many times as fast as the method that it replaces; `asked` says what that must reach, if anything, and
    `reached` whether it does. `shown` stands in place of the drawings a second where these say little.
    """

    name: str
    seconds: float
    drawings: int
    peak_mb: float | None = None
    ratio: float | None = None
    asked: str = ""
    reached: bool | None = None
    shown: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What a row of the table tells: the replaced method first, then ours; a sentence or two beneath."""

    title: str
    methods: list[Method]
    note: str = ""


def beside(replaced: Method, ours: Method, *, asked: str = "", at_least: float = 0.0, **changes: Any) -> Method:
    """`ours` with its ratio to the replaced method, by seconds a drawing, and whether that is what was asked for."""
    ratio = (replaced.seconds / replaced.drawings) / (ours.seconds / ours.drawings)
    reached = ratio >= at_least if asked else None
    return Method(**{**asdict(ours), "ratio": ratio, "asked": asked, "reached": reached, **changes})


def in_turn(methods: Mapping[str, tuple[str, Sequence[Any]]], rounds: int) -> list[Method]:
    """Run methods in turn, each round in new processes. A method is "module:function" with JSON values to call it with.

    Returns a line for each, with the median of the seconds; its figures are the last round's.
    """
    commands = {name: [sys.executable, "-m", MODULE, *_told(*call)] for name, call in methods.items()}
    works: dict[str, list[tuple[Work, float]]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, command in commands.items():
            works[name].append(_work(command))
    return [
        Method(
            name=name,
            seconds=statistics.median(work.seconds for work, _ in done),
            drawings=done[0][0].drawings,
            peak_mb=max(memory for _, memory in done),
            figures=done[-1][0].figures,
        )
        for name, done in works.items()
    ]


def _told(function: str, arguments: Sequence[Any]) -> list[str]:
    return [function, json.dumps(arguments)]


def _work(command: list[str]) -> tuple[Work, float]:
    """Run a method; what it did, and the megabytes that its process had resident at most."""
    ended = _launched(command)
    return Work(**json.loads(ended["told"].removeprefix(MARK))), ended["memory"]


def of_command(command: Sequence[str]) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of processor time and megabytes that a command takes, with its start."""
    ended = _launched(command)
    return ended["seconds"], ended["processor"], ended["memory"]


def _launched(command: Sequence[str]) -> dict[str, Any]:
    """Run a command through a small process of ours: what the system counts as a process's memory begins with that of
    the one that started it, and this one may have grown."""
    launcher = [sys.executable, "-m", MODULE, LAUNCH, *command]
    ended: dict[str, Any] = json.loads(subprocess.run(launcher, stdout=subprocess.PIPE, check=True).stdout)
    if ended["code"] != 0:
        raise SystemExit(f"{' '.join(command)} ended with {ended['code']}")
    return ended


def _launch(command: Sequence[str]) -> dict[str, Any]:
    """In the small process: run a command and measure it; of what a method says, `told` is the line with `MARK`."""
    is_method = MODULE in command
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE if is_method else subprocess.DEVNULL, text=True)
    told = [line for line in process.stdout or () if line.startswith(MARK)]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": time.monotonic() - began,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "code": process.returncode,
        "told": told[-1] if told else "",
    }


def main(arguments: Sequence[str]) -> None:
    """In a process of its own: do a method's work, or start a command, and tell of it."""
    if arguments[0] == LAUNCH:
        print(json.dumps(_launch(arguments[1:])))
        return
    place, given = arguments
    module, _, name = place.partition(":")
    method: Callable[..., Work] = getattr(import_module(module), name)
    print(MARK + json.dumps(asdict(method(*json.loads(given)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
