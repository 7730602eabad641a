"""Progress events of stages, for terminals, background jobs and pages.

A stage calls a `Reporter` with `Progress` events: `TerminalProgress` draws a bar, `EventLog` appends JSON lines that
another process can read, `quiet` drops them.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import orjson

if TYPE_CHECKING:
    from tqdm import tqdm

from extexify.core.errors import printable
from extexify.core.schema import validate

_TAIL = 1 << 16
"""Bytes that `tail` reads from the end of a file."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress event of a stage.

    `done` and `total` count `unit`s (total None: unknown); `rate` is units a second since the stage
    began; `message` is one line for the log; `metrics` are values to plot, by name.
    """

    stage: str
    done: int = 0
    total: int | None = None
    unit: str = "drawings"
    rate: float = 0.0
    message: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A progress event and when it was sent: in seconds since 1970, and by the machine's monotonic clock."""

    time: float
    clock: float
    progress: Progress


@dataclass(frozen=True, slots=True)
class _StoredEvent:
    """A line of an `EventLog`."""

    time: float
    clock: float
    stage: str
    done: int
    total: int | None
    unit: str
    rate: float
    message: Any
    metrics: dict[str, Any]


class Stopped(Exception):
    """A stage was stopped on request, with its files intact; the message says how to resume."""


Reporter = Callable[[Progress], None]


def quiet(event: Progress) -> None:
    """A reporter that shows nothing."""


class Stage:
    """Counts the units that a stage has done and reports them, at most ten times a second.

    >>> stage = Stage(quiet, "render", total=10)
    >>> stage.advance(10)
    >>> stage.finish("10 images")
    """

    REPORT_EVERY = 0.1  # seconds: a bar needs no more, and a log of events stays small

    def __init__(
        self, report: Reporter, name: str, *, total: int | None = None, unit: str = "drawings", done: int = 0
    ) -> None:
        self._report = report
        self.name = name
        self.total = total
        self.unit = unit
        self.done = done
        self._first = done
        self._began = self._last = time.monotonic()
        self._send()

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Units a second since the stage began."""
        return (self.done - self._first) / max(self.seconds, 1e-9)

    def advance(self, units: int = 1) -> None:
        """Count `units` more as done."""
        self.at(self.done + units)

    def at(self, done: int) -> None:
        """Set the count of what is done."""
        self.done = done
        now = time.monotonic()
        if now - self._last >= self.REPORT_EVERY:
            self._last = now
            self._send()

    def log(self, message: str, **metrics: Any) -> None:
        """Report a log line, and metrics if any, at once."""
        self._send(message, metrics)

    def finish(self, message: str = "", **metrics: Any) -> None:
        """Report the end of the stage."""
        self.total = self.done
        self._send(message, metrics)

    def _send(self, message: str = "", metrics: dict[str, Any] | None = None) -> None:
        self._report(Progress(self.name, self.done, self.total, self.unit, round(self.rate, 1), message, metrics or {}))


class TerminalProgress:
    """Shows progress as a bar on a terminal, and as plain lines of messages elsewhere (a log, CI)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._interactive = self._stream.isatty()
        self._bar: tqdm | None = None
        self._stage = ""

    def __call__(self, event: Progress) -> None:
        if self._interactive:
            self._show_bar(event)
        if event.message:
            self._print(f"{event.stage}: {event.message}")

    def _show_bar(self, event: Progress) -> None:
        from tqdm import tqdm  # imported late: only a terminal has a bar

        if self._bar is None or event.stage != self._stage:
            self.close()
            self._stage = event.stage
            self._bar = tqdm(
                desc=event.stage, total=event.total, initial=event.done, unit=f" {event.unit}",
                unit_scale=event.unit == "bytes", file=self._stream, leave=False, dynamic_ncols=True,
            )  # fmt: skip
        self._bar.total = event.total
        self._bar.n = event.done
        self._bar.refresh()
        if event.total is not None and event.done >= event.total:
            self.close()

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        with ignoring_full_disk():
            print(line, file=self._stream, flush=True)
        if self._bar is not None:
            self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class EventLog:
    """Appends every event to a file as one JSON line, which other processes can read.

    `time` is in seconds since 1970, `clock` in seconds of the machine's monotonic clock.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._path.touch()

    def __call__(self, event: Progress) -> None:
        fields = {"time": time.time(), "clock": time.monotonic(), **asdict(event)}
        line = orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"
        # One unbuffered write per line: a reader never sees part of a line followed by another event.
        with ignoring_full_disk(), self._path.open("ab", buffering=0) as file:
            file.write(line)


def newest_events(path: Path) -> Iterator[Event]:
    """The last events that an `EventLog` wrote, newest first; none without the file."""
    return (event for line in reversed(tail(path)) if (event := _event(line)))


def tail(path: Path) -> list[bytes]:
    """The last complete lines of a file that may be growing; none without the file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            text = file.read()
    except FileNotFoundError:
        return []
    lines = text.split(b"\n")
    # The last item is an unfinished line or empty; the first one may be the end of a line.
    return lines[1 if size > _TAIL else 0 : -1]


def _event(line: bytes) -> Event | None:
    try:
        fields = orjson.loads(line)
        event = validate(fields, _StoredEvent)
        progress = Progress(
            event.stage, event.done, event.total, event.unit, event.rate, printable(str(event.message)), event.metrics
        )
        return Event(event.time, event.clock, progress)
    except (TypeError, ValueError):
        return None


@contextmanager
def ignoring_full_disk() -> Iterator[None]:
    """Ignore errors of a full disk: progress is optional, and the stage reports its own write errors."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
