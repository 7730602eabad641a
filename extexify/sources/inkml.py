"""InkML (W3C): traces, in groups or not, with their labels as annotations.

CROHME's files have a group of trace views for each symbol of a formula, MathWriting's one label for all traces.
https://www.w3.org/TR/InkML/
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import orjson

from extexify.drawing.strokes import MAX_STROKES_JSON
from extexify.sources.base import Row, SourceError, content_id
from extexify.sources.markup import events
from extexify.sources.streams import TextFile

LABELS = ("label", "truth")
"""Types of annotations that are labels; the first one counts more."""

IDS = ("id", "sampleId", "UI")
"""Types of annotations that identify a sample."""

_VALUE = re.compile(r"""([!'"]?)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\#[0-9A-Fa-f]+|[TF*?]|[^\s!'"]+)""")

Point = list[float]


@dataclass
class _Group:
    """A trace group, or the whole file: its annotations and the points of its traces."""

    annotations: dict[str, str] = field(default_factory=dict)
    traces: list[list[Point]] = field(default_factory=list)

    def annotation(self, names: tuple[str, ...]) -> str | None:
        return next((self.annotations[name] for name in names if self.annotations.get(name)), None)


def inkml_rows(file: TextFile, head: bytes) -> Generator[Row]:
    """The drawings of a file: its innermost labelled trace groups or, without any, all of its traces.

    `head` is the file's beginning. Raises `SourceError` for a file that is not well-formed.
    """
    whole = _Group()
    groups = [whole]
    channels: list[str] = []
    by_id: dict[str, list[Point]] = {}
    identifier = ""
    kind = ""
    kept = 0  # characters of the traces since the last drawing, which views may name
    is_divided = False
    for event in events(file, head):
        if event.kind == "start":
            if event.name == "traceGroup":
                groups.append(_Group())
            elif event.name == "channel":
                channels.append(event.attributes.get("name", "").upper())
            elif event.name == "traceFormat":
                channels = []
            elif event.name == "trace":
                identifier = event.attributes.get("id", "")
            elif event.name == "traceView":
                reference = event.attributes.get("traceDataRef", "").rpartition("#")[2]
                if reference in by_id:
                    groups[-1].traces.append(by_id[reference])
            elif event.name == "annotation":
                kind = event.attributes.get("type", "")
        elif event.name == "annotation":
            groups[-1].annotations.setdefault(kind, event.text.strip())
        elif event.name == "trace":
            kept += len(event.text)
            if kept > MAX_STROKES_JSON:
                raise SourceError(f"{file.name} has a drawing that is longer than any: is it damaged?")
            points = trace_points(event.text, channels)
            groups[-1].traces.append(points)
            if identifier:
                by_id[identifier] = points
        elif event.name == "traceGroup" and len(groups) > 1:
            group = groups.pop()
            if group.traces and group.annotation(LABELS):
                is_divided = True
                yield _row(group)
                if not whole.traces:  # no view can name a trace inside of a finished group
                    by_id, kept = {}, 0
            else:
                groups[-1].traces += group.traces
    if whole.traces and not is_divided:
        yield _row(whole)


def _row(group: _Group) -> Row:
    label = group.annotation(LABELS)
    strokes = orjson.dumps(group.traces)
    number = group.annotation(IDS)
    return Row(number.encode() if number else content_id(label, strokes), label, strokes)


def trace_points(text: str, channels: list[str]) -> list[Point]:
    """The points [x, y] of a trace, not a number where the text has none.

    Values may be differences to the last value (after `'`) or to the last difference (after `"`), up to a `!`.
    """
    names = channels or ["X", "Y"]
    axes = [names.index(axis) if axis in names else number for number, axis in enumerate("XY")]
    last: list[dict[str, Any]] = [{"mode": "!", "value": 0.0, "speed": 0.0, "token": "0"} for _ in axes]
    points: list[Point] = []
    for point in text.split(","):
        tokens = _VALUE.findall(point)
        if not tokens:
            continue
        found = []
        for axis, state in zip(axes, last, strict=True):
            mode, token = tokens[axis] if axis < len(tokens) else ("", "nan")
            state["mode"] = mode or state["mode"]
            if token not in "*?":
                state["token"] = token
            number = _number(state["token"])
            if state["mode"] == "!":
                state["speed"], state["value"] = number - state["value"], number
            else:
                state["speed"] = number if state["mode"] == "'" else state["speed"] + number
                state["value"] += state["speed"]
            found.append(state["value"])
        points.append(found)
    return points


def _number(token: str) -> float:
    try:
        return float(int(token[1:], 16)) if token.startswith("#") else float(token)
    except ValueError:
        return float("nan")
