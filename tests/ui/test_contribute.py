"""Saving a visitor's drawing, in the workspace and in a database (for the moderation list see contributions)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from extexify.sources.open import open_source
from extexify.sources.rows import Sample, check_row
from extexify.ui.draw.contribute import Contributor
from tests.drawings import zigzag
from tests.postgres_server import Database, database, server

__all__ = ["database", "server"]  # the fixtures of the tests below

SUM = "latex2e-OT1-_sum"


def saved(folder: Path) -> list[Sample]:
    """The drawings in the workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row) for row in open_source(str(path)).rows()] if path.exists() else []


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EXTEXIFY_CONTRIBUTIONS", raising=False)
    return tmp_path


def test_each_of_several_drawings_can_be_taken_back(workspace: Path) -> None:
    current = Contributor()
    for number in (0, 3, 6):
        current.answer(zigzag(number), ())
        current.keep(SUM)
    first, second, third = saved(workspace)
    current.answer(zigzag(3), ())
    current.take_back()
    assert [sample.id for sample in saved(workspace)] == [first.id, third.id]
    assert current.answer(zigzag(3), ()) == ""
    assert current.answer(zigzag(6), ()) == SUM
    current.answer(zigzag(3), ())
    current.keep(SUM)
    assert [sample.id for sample in saved(workspace)][:2] == [first.id, third.id]
    assert saved(workspace)[2].id > second.id


def test_a_key_that_no_page_offers_is_refused(workspace: Path) -> None:
    current = Contributor()
    for strokes in ([], [np.array([[1, 2]], np.float32)]):
        assert current.answer(strokes, ["own"]) == ""
        for key in (None, 7, "", "another", "<script>", "x" * 1000):
            current.keep(key)
        assert saved(workspace) == []
    assert "could not be saved" in current.problem
    current.keep("own")
    current.keep("own")
    assert [sample.key for sample in saved(workspace)] == ["own"]
    current.take_back()
    current.take_back()
    assert saved(workspace) == []


def test_a_database_takes_the_drawings_where_a_setting_names_it(
    workspace: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTEXIFY_CONTRIBUTIONS", database.address())
    current = Contributor()
    current.answer(zigzag(1), ())
    current.keep(SUM)
    assert current.as_data()["line"] == "Kept as \\sum, drawing number 1 in the shared database."
    (row,) = open_source(database.address()).rows()
    for got, meant in zip(check_row(row).drawing, zigzag(1), strict=True):
        np.testing.assert_array_equal(got, meant)
    assert saved(workspace) == []
    current.take_back()
    assert current.as_data()["line"] == ""
    assert list(open_source(database.address()).rows()) == []
