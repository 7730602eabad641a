"""The moderation list: submitting, accepting and rejecting drawings of a demo's visitors."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from extexify.access.permissions import NotPermitted
from extexify.contributions.moderation import MAX_SUBMITTED_POINTS, LimitReached, ModerationList
from extexify.contributions.store import open_store
from extexify.core import settings
from extexify.drawing.strokes import BadDrawing
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from extexify.ui.common import contributions
from extexify.ui.contributions.view import _decide
from extexify.ui.draw.contribute import Contributor
from extexify.workspace.files import StorageError
from extexify.workspace.paths import moderation_file
from tests.clock import Clock
from tests.demo import ROOT, demo, operator
from tests.drawings import zigzag
from tests.postgres_server import Database, database, server

__all__ = ["database", "demo", "server"]  # the fixtures of the tests below

ALPHA, SUM = "latex2e-OT1-_alpha", "latex2e-OT1-_sum"
PREDICTIONS = [(SUM, 0.75), (ALPHA, 0.125)]


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
def moderation(demo: Path, clock: Clock) -> ModerationList:
    return ModerationList(moderation_file(), clock)


def submit(moderation: ModerationList, count: int = 1) -> list[int]:
    return [moderation.submit(ALPHA, zigzag(number), "tiny", PREDICTIONS) for number in range(count)]


def stored_strokes() -> list[list[list[list[float]]]]:
    """The strokes in the store of contributions."""
    with operator():
        if not (store := moderation_file().with_name("drawings.sqlite3")).exists():
            return []
        return [[stroke.tolist() for stroke in check_row(row).drawing] for row in open_source(str(store)).rows()]


def test_a_submitted_drawing_is_pending_with_its_predictions(moderation: ModerationList, clock: Clock) -> None:
    number = moderation.submit(ALPHA, zigzag(4), "tiny", PREDICTIONS)
    with operator():
        (found,) = moderation.pending(10)
        assert moderation.count() == 1
    assert (found.id, found.key, found.model, list(found.predictions)) == (number, ALPHA, "tiny", PREDICTIONS)
    assert [stroke.tolist() for stroke in found.drawing] == [stroke.tolist() for stroke in zigzag(4)]
    assert found.when.timestamp() == clock.now
    assert stored_strokes() == []


def test_accepted_drawings_are_stored_and_rejected_ones_deleted(moderation: ModerationList) -> None:
    first, second, third, fourth = submit(moderation, 4)
    with operator():
        assert moderation.accept([first, third, 999, third], open_store()) == 2
        assert moderation.reject([second, 999]) == 1
        assert [one.id for one in moderation.pending(10)] == [fourth]
        assert moderation.reject([second]) == 0
    assert stored_strokes() == [[stroke.tolist() for stroke in zigzag(number)] for number in (0, 2)]


def test_accepted_drawings_go_into_the_database_of_the_settings(
    moderation: ModerationList, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.CONTRIBUTIONS.name, database.address())
    (number,) = submit(moderation)
    with operator():
        assert moderation.accept([number], open_store()) == 1
    assert database.execute("SELECT key FROM samples") == [(ALPHA,)]


def test_a_failing_store_loses_no_drawing(moderation: ModerationList) -> None:
    numbers = submit(moderation, 3)

    class Failing:
        added = 0

        def add(self, key: str, drawing: object) -> int:
            if self.added:
                raise StorageError("the disk is full")
            self.added += 1
            return 1

    with operator():
        with pytest.raises(StorageError, match="disk is full"):
            moderation.accept(numbers, Failing())  # type: ignore[arg-type]
        assert [one.id for one in moderation.pending(10)] == numbers[1:]
        assert moderation.accept(numbers, open_store()) == 2


def test_two_operators_do_not_accept_the_same_drawing(moderation: ModerationList, clock: Clock) -> None:
    (number,) = submit(moderation)
    other = ModerationList(moderation.path, clock)

    class Slow:
        def add(self, key: str, drawing: object) -> int:
            assert other.accept([number], open_store()) == 0
            return 1

    with operator():
        assert moderation.accept([number], Slow()) == 1  # type: ignore[arg-type]
    assert stored_strokes() == []


def test_a_drawing_can_be_accepted_again_after_a_crash(moderation: ModerationList, clock: Clock) -> None:
    (number,) = submit(moderation)
    with sqlite3.connect(moderation.path) as connection:
        connection.execute("UPDATE waiting SET claimed = ?", (clock.now,))
    connection.close()
    with operator():
        assert moderation.accept([number], open_store()) == 0
        clock.now += 600
        assert moderation.accept([number], open_store()) == 1


def test_a_damaged_row_is_reported(moderation: ModerationList) -> None:
    submit(moderation)
    for predictions in ("{}", '[["key"]]', '[["key", "0.5"]]'):
        with sqlite3.connect(moderation.path) as connection:
            connection.execute("UPDATE waiting SET said = ?", (predictions,))
        connection.close()
        with operator(), pytest.raises(StorageError, match="drawing 1 in the list of drawings that wait is damaged"):
            moderation.pending(10)


def test_the_limit_of_an_hour_counts_removed_drawings_too(
    moderation: ModerationList, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.HOUR_LIMIT.name, "3")
    numbers = submit(moderation, 3)
    assert moderation.withdraw(numbers[0])
    with operator():
        moderation.reject(numbers)
    for _ in range(2):
        with pytest.raises(LimitReached, match="in an hour"):
            submit(moderation)
        clock.now += 1799
    clock.now += 2
    submit(moderation, 3)
    clock.now -= 365 * 86400.0  # a clock that is set back blocks no one
    submit(moderation)


def test_the_number_of_pending_drawings_is_limited(moderation: ModerationList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.WAITING_LIMIT.name, "2")
    numbers = submit(moderation, 2)
    with pytest.raises(LimitReached, match="no more can be taken now"):
        submit(moderation)
    with operator():
        moderation.reject(numbers[:1])
    submit(moderation)


def test_invalid_and_very_long_drawings_are_refused(moderation: ModerationList) -> None:
    for key, drawing in (("", zigzag(1)), ("a\nb", zigzag(1)), (ALPHA, []), (ALPHA, [np.full((3, 2), np.nan)])):
        with pytest.raises(BadDrawing):
            moderation.submit(key, drawing, "tiny", PREDICTIONS)
    with pytest.raises(LimitReached, match="too long"):
        moderation.submit(ALPHA, [np.zeros((MAX_SUBMITTED_POINTS + 1, 2))], "tiny", PREDICTIONS)
    assert not moderation.path.exists()


def test_a_file_of_another_program_is_unchanged_and_errors_contain_no_path(
    moderation: ModerationList, tmp_path: Path
) -> None:
    with sqlite3.connect(moderation.path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = moderation.path.read_bytes()
    for content in (before, b"no database at all, but long enough to be told from an empty file"):
        moderation.path.write_bytes(content)
        with pytest.raises(StorageError, match="can't be used") as caught:
            submit(moderation)
        assert str(tmp_path) not in str(caught.value)
        assert moderation.path.read_bytes() == content


def test_processes_that_submit_at_once_keep_the_limit(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.HOUR_LIMIT.name, "25")
    script = (
        "import sys; from extexify.contributions.moderation import ModerationList, LimitReached;"
        "from extexify.workspace.paths import moderation_file; from tests.drawings import zigzag\n"
        "for number in range(10):\n"
        "    try: ModerationList(moderation_file()).submit(sys.argv[1], zigzag(number), 'tiny', [])\n"
        "    except LimitReached: print('refused')"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", script, f"key-{number}"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for number in range(4)
    ]
    outputs = [writer.communicate(timeout=60) for writer in writers]
    assert [errors for _, errors in outputs] == [b""] * 4
    assert sum(text.count(b"refused") for text, _ in outputs) == 15
    with operator():
        assert len({one.id for one in ModerationList(moderation_file()).pending(100)}) == 25


def test_only_operators_moderate(moderation: ModerationList) -> None:
    (number,) = submit(moderation)
    acts = [
        moderation.count, lambda: moderation.pending(10), lambda: moderation.reject([number]), open_store,
        lambda: moderation.accept([number], None),  # type: ignore[arg-type]
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(NotPermitted):
            act()
    with operator():
        assert moderation.count() == 1


MALFORMED: list[object] = [
    None, 7, "x", [], {}, {"ids": [1]}, {"accept": 1, "ids": [1]}, {"accept": False, "ids": "1"},
]  # fmt: skip


def test_malformed_messages_of_the_page_are_ignored(moderation: ModerationList) -> None:
    shown = submit(moderation, 2)
    with operator():
        for message in MALFORMED:
            _decide(message, shown)
        assert moderation.count() == 2


def test_only_what_was_shown_is_decided(moderation: ModerationList) -> None:
    first, second, third = submit(moderation, 3)
    with operator():
        _decide({"accept": False, "ids": [None, "1", 1.5, [third], {}, 999, third, second]}, [first, second])
        assert [one.id for one in moderation.pending(9)] == [first, third]
        _decide({"accept": True, "ids": [first]}, [first])
        assert [one.id for one in moderation.pending(9)] == [third]
    assert len(stored_strokes()) == 1
    _decide({"accept": True, "ids": [third]}, [third])  # signed out meanwhile
    assert len(stored_strokes()) == 1


# --- as the Draw page uses it -----------------------------------------------------------------------


def test_a_visitor_submits_a_drawing_and_takes_it_back(moderation: ModerationList) -> None:
    current = Contributor()
    current.answer(zigzag(1), (), "tiny", PREDICTIONS)
    current.keep(SUM)
    current.keep(SUM)
    assert current.as_data()["line"].startswith("Sent as \\sum: thank you.")
    with operator():
        (found,) = moderation.pending(10)
    assert (found.key, found.model, list(found.predictions)) == (SUM, "tiny", PREDICTIONS)
    assert stored_strokes() == []
    current.take_back()
    assert current.as_data()["line"] == ""
    with operator():
        assert moderation.count() == 0


def test_an_accepted_drawing_is_not_taken_back(moderation: ModerationList) -> None:
    current = Contributor()
    current.answer(zigzag(1), ())
    current.keep(SUM)
    with operator():
        moderation.accept([one.id for one in moderation.pending(10)], open_store())
    current.take_back()
    assert "reviewed already" in current.problem
    assert len(stored_strokes()) == 1


def test_the_number_of_drawings_per_visit_is_limited(
    moderation: ModerationList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.VISIT_LIMIT.name, "2")
    current = Contributor()
    for number in range(4):
        current.answer(zigzag(number), ())
        current.keep(SUM)
        current.take_back()
    current.keep(SUM)
    assert current.problem == "This drawing could not be saved: one visit can send 2 drawings."
    with operator():
        assert moderation.count() == 0
    assert current.contributions.sent == 2


def test_the_number_of_drawings_per_address_is_limited(
    moderation: ModerationList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.ADDRESS_LIMIT.name, "2")
    monkeypatch.setenv(settings.HOUR_LIMIT.name, "1")
    monkeypatch.setattr(contributions, "client_key", lambda: "192.0.2.1")

    def problem_of_a_visit() -> str:
        current = Contributor()
        current.answer(zigzag(1), ())
        current.keep(SUM)
        return current.problem

    assert problem_of_a_visit() == ""
    assert "visitors have sent as many drawings" in problem_of_a_visit(), "and that one doesn't count"
    monkeypatch.setenv(settings.HOUR_LIMIT.name, "9")
    assert problem_of_a_visit() == ""
    assert "your network has sent as many drawings as can be taken from it in an hour" in problem_of_a_visit()
    monkeypatch.setattr(contributions, "client_key", lambda: "192.0.2.2")
    assert problem_of_a_visit() == ""


def test_an_operators_drawing_is_stored_directly(moderation: ModerationList) -> None:
    current = Contributor()
    current.answer(zigzag(1), ())
    with operator():
        current.keep(SUM)
        assert moderation.count() == 0
    assert len(stored_strokes()) == 1
    current.take_back()  # signed out meanwhile
    assert "only its operators may do this" in current.problem
    assert len(stored_strokes()) == 1
