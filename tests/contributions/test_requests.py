"""Requests for drawings: which symbol is asked for next, and the counts that decide it."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from extexify.catalog import lookalikes
from extexify.catalog.symbols import symbols_by_rank
from extexify.contributions import requests
from extexify.contributions.requests import drawings_of_shape, next_request
from extexify.contributions.sqlite_store import SqliteStore, count_by_key
from extexify.contributions.store import drawings_by_key, open_store
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.sources.open import open_source
from extexify.workspace.files import StorageError
from tests.demo import demo, operator
from tests.drawings import zigzag
from tests.tiny import SHAPES, TinySource

__all__ = ["demo"]  # a fixture of the tests below

KEYS = ("a", "b", "c", "d")


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalogue in which b, c and x print alike."""
    monkeypatch.setattr(lookalikes, "_groups_by_key", lambda relation: dict.fromkeys("bcx", ("b", "c", "x")))
    requests._shape_of.cache_clear()
    yield
    requests._shape_of.cache_clear()


def requested(keys: Sequence[str], count: int, drawings: dict[str, int], **options: object) -> list[str]:
    """The requests of a visit that draws nothing."""
    asked: list[str] = []
    for _ in range(count):
        key = next_request(keys, drawings, asked, **options)  # type: ignore[arg-type]
        assert key is not None
        asked.append(key)
    return asked


def test_the_symbol_with_the_fewest_drawings_is_first() -> None:
    assert requested(KEYS, 4, {"a": 3, "b": 1, "d": 2}) == ["c", "b", "d", "a"]
    assert next_request((), {"a": 1}) is None


def test_a_symbol_returns_only_after_all_others_and_never_at_once() -> None:
    drawings = {"a": 900, "b": 1, "c": 0, "d": 2}
    asked: list[str] = []
    for _ in range(40):
        key = next_request(KEYS, drawings, asked, seed=7)
        assert key is not None
        assert [key] != asked[-1:]
        asked.append(key)
        turns = Counter(asked)
        assert max(turns.values()) - min(turns[one] for one in KEYS) <= 1
        drawings[key] += len(asked) % 3  # every third one is skipped
    assert requested(("a",), 3, {}) == ["a"] * 3


def test_symbols_that_print_alike_are_asked_for_once_and_have_their_drawings_together(alike: None) -> None:
    drawings = {"a": 2, "x": 3, "d": 9}
    assert requested(("c", "a", "b", "d"), 4, drawings) == ["a", "c", "d", "a"]
    assert drawings_of_shape("b", drawings) == 3
    assert drawings_of_shape("a", drawings) == 2
    # A look-alike that was asked for has had its turn, whatever package is chosen then.
    assert next_request(("b", "d"), drawings, ["c"]) == "d"


def test_the_most_confused_symbol_is_first_where_errors_are_known(alike: None) -> None:
    errors = {"d": 0.2, "x": 0.7, "a": 0.5}
    assert requested(("a", "b", "d", "e"), 4, {"b": 100}, errors=errors) == ["b", "a", "d", "e"]


def test_equals_come_in_another_order_for_every_visit() -> None:
    keys = [f"key {number}" for number in range(100)]
    orders = [requested(keys, 20, {}, seed=seed) for seed in (1, 2, 3, 1)]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert len({order[0] for order in (requested(keys, 1, {}, seed=seed) for seed in range(50))}) > 20


def test_ten_thousand_symbols_take_milliseconds() -> None:
    keys = [f"package-OT1-_symbol{number}" for number in range(10_000)]
    drawings = {key: number % 50 for number, key in enumerate(keys)}
    errors = {key: number % 7 / 7 for number, key in enumerate(keys)}
    next_request(keys, drawings, keys[:500], errors=errors)  # remembers which keys print alike
    seconds = []
    for seed in range(5):
        began = time.perf_counter()
        next_request(keys, drawings, keys[:500], errors=errors, seed=seed)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.1  # 0.015 on an idle machine


def test_every_shape_of_the_catalogue_gets_its_turn() -> None:
    keys = [symbol.key for symbol in symbols_by_rank()]
    shapes = {requests._shape_of(key) for key in keys}
    step = len(shapes) - 40
    asked = [next(iter(key for key in keys if requests._shape_of(key) == shape)) for shape in sorted(shapes)[:step]]
    rest: list[str] = []
    for _ in range(40):
        key = next_request(keys, {}, [*asked, *rest])
        assert key is not None
        rest.append(key)
    assert {requests._shape_of(key) for key in (*asked, *rest)} == shapes


# --- counts -------------------------------------------------------------------------------------------


def test_drawings_are_counted_in_the_dataset_and_in_the_store_once(demo: Path) -> None:
    with operator():
        assert drawings_by_key(None) == {}
        store = open_store()
        for number in range(3):
            store.add("latex2e-OT1-_circ", zigzag(number))
        assert drawings_by_key(None) == {"latex2e-OT1-_circ": 3}
        export_dataset([TinySource(each=20), open_source(str(demo / "drawings.sqlite3"))], demo / "dataset")
        dataset = Dataset.open(demo / "dataset")
        store.add("latex2e-OT1-_circ", zigzag(5))
        store.add("own", zigzag(6))
    # Visitors of a demo are asked for drawings, too.
    counts = drawings_by_key(dataset)
    assert counts == {**dict.fromkeys(SHAPES, 20), "latex2e-OT1-_circ": 24, "own": 1}


def test_starter_drawings_are_not_peoples(tmp_path: Path) -> None:
    export_dataset([TinySource(each=20), open_source("starter:each=9,symbols=latex2e-OT1-_circ")], tmp_path / "dataset")
    dataset = Dataset.open(tmp_path / "dataset")
    assert dataset.class_counts.sum() == 20 * len(SHAPES) + 9
    assert dict(zip(dataset.classes, dataset.people_counts.tolist(), strict=True)) == dict.fromkeys(SHAPES, 20)
    export_dataset([open_source("starter:each=9")], tmp_path / "dataset")
    dataset = Dataset.open(tmp_path / "dataset")
    assert not dataset.people_counts.any()
    assert np.array_equal(dataset.people_counts.shape, [len(dataset.classes)])


def test_a_file_that_is_no_store_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "drawings.sqlite3"
    SqliteStore(path).add("a", zigzag(1))
    assert count_by_key(path) == {"a": 1}
    path.write_bytes(b"no database, but a text that is long enough to look like one" * 20)
    with pytest.raises(StorageError, match="can't be read as a store"):
        count_by_key(path)
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE samples (id INTEGER, key TEXT)")
    with pytest.raises(StorageError, match="is no store of drawings"):
        count_by_key(path)
