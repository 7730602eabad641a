"""Validation of JSON that was read from disk."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.core.schema import SchemaError, validate


@dataclass(frozen=True)
class Score:
    top1: Annotated[float, msgspec.Meta(ge=0, le=1)]
    loss: float = 0


@dataclass(frozen=True)
class Manifest:
    name: str
    count: Annotated[int, msgspec.Meta(ge=0)]
    seconds: float
    best: bool
    classes: tuple[str, ...] = ()
    note: str | None = None
    when: datetime | None = None
    scores: dict[str, Score] = field(default_factory=dict)
    pair: tuple[int, str] | None = None
    best_score: Score | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name == "reserved":
            raise ValueError("the name is reserved")


GOOD: dict[str, Any] = {"name": "é", "count": 3, "seconds": 1, "best": True}


def test_json_becomes_a_value() -> None:
    assert validate(GOOD, Manifest) == Manifest("é", 3, 1.0, True)
    data = {
        **GOOD, "classes": ["a", "b"], "note": None, "best_score": None, "when": "2026-01-02T03:04:05+00:00",
        "unknown": object(),
        "scores": {"test": {"top1": 0.5, "more": 1}}, "pair": [1, "a"], "options": {"any\nthing": math.nan},
    }  # fmt: skip
    manifest = validate(data, Manifest)
    assert manifest.classes == ("a", "b")
    assert manifest.when == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert manifest.scores == {"test": Score(0.5)}
    assert manifest.pair == (1, "a")
    assert list(manifest.options) == ["any\nthing"]
    assert validate([1, 2.5], list[float]) == [1.0, 2.5]


def test_the_error_names_the_place() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": 3}, "Expected str, got int at name"),
        ({"name": "a\nb"}, "Expected printable text at name"),
        ({"name": "\ud800"}, "Expected printable text at name"),
        ({"name": "\u202eb"}, "Expected printable text at name"),
        ({"name": "reserved"}, "the name is reserved"),
        ({"count": True}, "Expected int, got bool at count"),
        ({"count": 3.0}, "Expected int, got float at count"),
        ({"count": -1}, "Expected int >= 0 at count"),
        ({"count": 10**400}, "Expected a whole number within int64 at count"),
        ({"count": None}, "Expected int, got null at count"),
        ({"seconds": math.nan}, "Expected a finite number at seconds"),
        ({"seconds": -math.inf}, "Expected a finite number at seconds"),
        ({"seconds": 10**400}, "Number out of range at seconds"),
        ({"seconds": "1"}, "Expected float, got str at seconds"),
        ({"best": 1}, "Expected bool, got int at best"),
        ({"classes": "ab"}, "Expected array, got str at classes"),
        ({"classes": ["a", 1]}, "Expected str, got int at classes[1]"),
        ({"classes": ["a", "\0"]}, "Expected printable text at classes[1]"),
        ({"note": 1}, "Expected str | null, got int at note"),
        ({"note": "\x1b"}, "Expected printable text at note"),
        ({"when": "2026-01-02T03:04:05"}, "Expected a time with a time zone and a year from 1970 to 9998 at when"),
        ({"when": "0001-01-02T03:04:05Z"}, "Expected a time with a time zone and a year from 1970 to 9998 at when"),
        ({"when": "yesterday"}, "Invalid RFC3339 encoded datetime at when"),
        ({"scores": []}, "Expected object, got array at scores"),
        ({"scores": {"test": {}}}, "Object missing required field top1 at scores[...]"),
        ({"scores": {"test": {"top1": 2}}}, "Expected float <= 1.0 at scores[...].top1"),
        ({"scores": {"test": {"top1": 1, "loss": math.nan}}}, "Expected a finite number at scores.test.loss"),
        ({"scores": {"te\0st": {"top1": 1}}}, "Expected printable text at a key of scores"),
        ({"pair": [1, "\0"]}, "Expected printable text at pair[1]"),
    ]
    for changes, message in cases:
        with pytest.raises(SchemaError) as caught:
            validate({**GOOD, **changes}, Manifest)
        assert str(caught.value) == message
    with pytest.raises(SchemaError, match="Object missing required field count"):
        validate({"name": "a"}, Manifest)
    with pytest.raises(SchemaError, match="Expected object, got array"):
        validate([], Manifest)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*Manifest.__dataclass_fields__, "unknown"]), values).map(lambda d: GOOD | d))
def test_any_json_becomes_a_clean_value_or_one_line(data: dict[str, Any]) -> None:
    message, manifest = "", asdict(Manifest("", 0, 0, False))
    try:
        manifest = asdict(validate(data, Manifest))
    except SchemaError as error:
        message = str(error)
    assert message.isprintable()
    del manifest["options"]
    json.dumps(manifest, allow_nan=False, ensure_ascii=False, default=datetime.isoformat).encode()
