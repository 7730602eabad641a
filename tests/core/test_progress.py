"""Progress events as a bar on a terminal, as lines of a log and as JSON lines."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest

from extexify.core.progress import EventLog, Progress, Stage, TerminalProgress, quiet


class Clock:
    """A clock that tests set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_a_stage_reports_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    events: list[Progress] = []
    stage = Stage(events.append, "render", total=1000)
    for _ in range(1000):
        clock.now += 0.001
        stage.advance()
    stage.finish("done")
    assert 10 <= len(events) <= 12
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert events[0] == Progress("render", 0, 1000)
    assert events[-1] == Progress("render", 1000, 1000, "drawings", 1000.0, "done")


def test_a_message_is_reported_at_once_with_its_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    events: list[Progress] = []
    stage = Stage(events.append, "train", unit="batches")
    stage.log("epoch 1", loss=0.5)
    assert events[-1] == Progress("train", 0, None, "batches", 0.0, "epoch 1", {"loss": 0.5})


def test_a_resumed_stage_does_not_count_what_was_done_before_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    stage = Stage(quiet, "train", total=100, done=90)
    clock.now += 2
    stage.advance(10)
    assert (stage.rate, stage.seconds) == (5.0, 2.0)


def test_the_end_of_a_stage_is_its_total_even_when_that_was_unknown() -> None:
    events: list[Progress] = []
    stage = Stage(events.append, "export")
    stage.advance(7)
    stage.finish()
    assert (events[-1].done, events[-1].total) == (7, 7)


def test_every_line_of_an_event_log_is_json(tmp_path: Path) -> None:
    path = tmp_path / "job" / "events.jsonl"
    log = EventLog(path)
    assert path.read_bytes() == b""
    log(Progress("train", 1, None, message='two\nlines, "quoted", ünï\x1b[31m', metrics={"loss": float("nan")}))
    log(Progress("train", 2, 3, metrics={"top1": np.float32(0.5), "curve": np.arange(2)}))
    EventLog(path)(Progress("evaluate"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["stage"] for line in lines] == ["train", "train", "evaluate"]
    assert lines[0]["message"] == 'two\nlines, "quoted", ünï\x1b[31m'
    assert lines[0]["metrics"] == {"loss": None}
    assert lines[1]["metrics"] == {"top1": 0.5, "curve": [0, 1]}
    assert all(line["time"] > 1.6e9 for line in lines)


def test_several_jobs_may_share_a_log(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    logs = [EventLog(path), EventLog(path)]
    for number in range(20):
        logs[number % 2](Progress("export", number))
    assert [json.loads(line)["done"] for line in path.read_text().splitlines()] == list(range(20))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


EVENTS = [
    Progress("export", 0, None, "bytes"),
    Progress("export", 50, 200, "bytes"),
    Progress("export", 100, 200, "bytes", message="left out 3"),
    Progress("export", 200, 200, "bytes", message="all read"),
    Progress("split", 0, 10),
    Progress("split", 10, 10, message="10 drawings"),
]


def test_a_log_gets_messages_only() -> None:
    stream = io.StringIO()
    show = TerminalProgress(stream)
    for event in EVENTS:
        show(event)
    show.close()
    assert stream.getvalue() == "export: left out 3\nexport: all read\nsplit: 10 drawings\n"


def test_a_terminal_gets_a_bar_and_the_messages_on_lines_of_their_own() -> None:
    stream = Terminal()
    show = TerminalProgress(stream)
    for event in EVENTS:
        show(event)
    show.close()
    # What is left on a screen: each line as its last carriage return left it.
    shown = [line.rsplit("\r", 1)[-1].strip() for line in stream.getvalue().split("\n")]
    assert [line for line in shown if line] == ["export: left out 3", "export: all read", "split: 10 drawings"]
    assert "25%" in stream.getvalue()
    assert "bytes" in stream.getvalue()


def test_a_bar_can_be_closed_at_any_time() -> None:
    show = TerminalProgress(Terminal())
    show.close()
    show(Progress("train", 1, 10))
    show.close()
    show.close()
    show(Progress("train", 2, 10))
    show.close()
