"""A run's metrics as TensorBoard event files, beside its `metrics.jsonl`.

Every start of a training writes a file of its own, `events.out.tfevents.000001` and so on: TensorBoard reads them in
the order of their names. A file begins with the record that makes TensorBoard discard what earlier files have of the
same epochs, which a crash may leave.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from tensorboardX import RecordWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from extexify.training.runs import RunFiles
from extexify.workspace.files import explained

_NAME = re.compile(r"events\.out\.tfevents\.(\d{6})")


class EventWriter:
    """Appends epochs to a new event file of a run, which is made with the first of them.

    tensorboardX's `SummaryWriter` would write in a thread, which a full disk ends; the training would then wait for it
    without end.
    """

    def __init__(self, run: Path) -> None:
        self._run, self._metrics = run, RunFiles(run).metrics
        self._records: RecordWriter | None = None

    def add_epoch(self, entry: dict[str, Any]) -> None:
        """Append what was just added to `metrics.jsonl`, as scalars at the step of its epoch. Raises `StorageError`."""
        with explained(self._run):
            for each in [entry] if self._records else self._open(entry):
                self._write(Event(step=each["epoch"], summary=_summary(each)))
            assert self._records is not None
            self._records.flush()

    def close(self) -> None:
        """Close the file."""
        if self._records is not None:
            with suppress(OSError):  # a full disk fails again; the first error is reported
                self._records.close()

    def _open(self, entry: dict[str, Any]) -> list[dict[str, Any]]:
        """Begin the file; returns the epochs to write: all, if the run of an earlier version has no such file yet."""
        numbers = [int(found[1]) for path in self._run.iterdir() if (found := _NAME.fullmatch(path.name))]
        self._records = RecordWriter(str(self._run / f"events.out.tfevents.{max(numbers, default=0) + 1:06}"))
        self._write(Event(file_version="brain.Event:2"))
        self._write(Event(step=entry["epoch"], session_log=SessionLog(status=SessionLog.START)))
        return [entry] if numbers else [orjson.loads(line) for line in self._metrics.read_bytes().splitlines()]

    def _write(self, event: Event) -> None:
        assert self._records is not None
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())


def _summary(entry: dict[str, Any]) -> Summary:
    """The numbers of an epoch, with tags such as `train/loss` and `learning_rate`."""
    scalars: dict[str, float] = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            scalars |= {f"{name}/{metric}": number for metric, number in value.items()}
        elif name != "epoch" and value is not None:
            scalars[name] = value
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()])
