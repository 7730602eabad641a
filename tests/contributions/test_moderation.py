"""The moderation list: what visitors of a demo may send, and what becomes of it."""

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
from extexify.ui.contributions.view import _decide
from extexify.ui.draw.contribute import Contributor
from extexify.workspace.files import StorageError
from extexify.workspace.paths import moderation_file
from tests.demo import ROOT, demo, operator
from tests.drawings import zigzag
from tests.postgres_server import Database, database, server

__all__ = ["database", "demo", "server"]  # the fixtures of the tests below

ALPHA, SUM = "latex2e-OT1-_alpha", "latex2e-OT1-_sum"
SAID = [(SUM, 0.75), (ALPHA, 0.125)]


class Clock:
    """A clock that tests set."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiting(demo: Path, clock: Clock) -> ModerationList:
    return ModerationList(moderation_file(), clock)


def offer(waiting: ModerationList, count: int = 1) -> list[int]:
    return [waiting.submit(ALPHA, zigzag(number), "tiny", SAID) for number in range(count)]


def kept() -> list[list[list[list[float]]]]:
    """The strokes in the store of contributions."""
    with operator():
        if not (store := moderation_file().with_name("drawings.sqlite3")).exists():
            return []
        return [[stroke.tolist() for stroke in check_row(row).drawing] for row in open_source(str(store)).rows()]


def test_an_offer_waits_with_all_that_an_operator_has_to_see(waiting: ModerationList, clock: Clock) -> None:
    number = waiting.submit(ALPHA, zigzag(4), "tiny", SAID)
    with operator():
        (found,) = waiting.pending(10)
        assert waiting.count() == 1
    assert (found.id, found.key, found.model, list(found.predictions)) == (number, ALPHA, "tiny", SAID)
    assert [stroke.tolist() for stroke in found.drawing] == [stroke.tolist() for stroke in zigzag(4)]
    assert found.when.timestamp() == clock.now
    assert kept() == []


def test_accepted_ones_are_kept_and_rejected_ones_gone(waiting: ModerationList) -> None:
    first, second, third, fourth = offer(waiting, 4)
    with operator():
        assert waiting.accept([first, third, 999, third], open_store()) == 2
        assert waiting.reject([second, 999]) == 1
        assert [one.id for one in waiting.pending(10)] == [fourth]
        assert waiting.reject([second]) == 0
    assert kept() == [[stroke.tolist() for stroke in zigzag(number)] for number in (0, 2)]


def test_they_go_into_the_database_that_the_settings_name(
    waiting: ModerationList, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.CONTRIBUTIONS.name, database.address())
    (number,) = offer(waiting)
    with operator():
        assert waiting.accept([number], open_store()) == 1
    assert database.execute("SELECT key FROM samples") == [(ALPHA,)]


def test_a_store_that_fails_loses_nothing(waiting: ModerationList) -> None:
    numbers = offer(waiting, 3)

    class Failing:
        added = 0

        def add(self, key: str, drawing: object) -> int:
            if self.added:
                raise StorageError("the disk is full")
            self.added += 1
            return 1

    with operator():
        with pytest.raises(StorageError, match="disk is full"):
            waiting.accept(numbers, Failing())  # type: ignore[arg-type]
        assert [one.id for one in waiting.pending(10)] == numbers[1:]
        assert waiting.accept(numbers, open_store()) == 2


def test_a_drawing_that_another_operator_is_accepting_is_left_to_them(waiting: ModerationList, clock: Clock) -> None:
    (number,) = offer(waiting)
    other = ModerationList(waiting.path, clock)

    class Slow:
        def add(self, key: str, drawing: object) -> int:
            assert other.accept([number], open_store()) == 0
            return 1

    with operator():
        assert waiting.accept([number], Slow()) == 1  # type: ignore[arg-type]
    assert kept() == []


def test_what_a_crash_left_half_accepted_can_be_accepted_again(waiting: ModerationList, clock: Clock) -> None:
    (number,) = offer(waiting)
    with sqlite3.connect(waiting.path) as connection:
        connection.execute("UPDATE waiting SET claimed = ?", (clock.now,))
    connection.close()
    with operator():
        assert waiting.accept([number], open_store()) == 0
        clock.now += 600
        assert waiting.accept([number], open_store()) == 1


def test_an_hour_takes_so_many_whatever_becomes_of_them(
    waiting: ModerationList, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.HOUR_LIMIT.name, "3")
    numbers = offer(waiting, 3)
    assert waiting.withdraw(numbers[0])
    with operator():
        waiting.reject(numbers)
    for _ in range(2):
        with pytest.raises(LimitReached, match="in an hour"):
            offer(waiting)
        clock.now += 1799
    clock.now += 2
    offer(waiting, 3)
    clock.now -= 365 * 86400.0  # a clock that is put back shuts nobody out
    offer(waiting)


def test_the_list_has_an_end(waiting: ModerationList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.WAITING_LIMIT.name, "2")
    numbers = offer(waiting, 2)
    with pytest.raises(LimitReached, match="no more can be taken now"):
        offer(waiting)
    with operator():
        waiting.reject(numbers[:1])
    offer(waiting)


def test_what_is_no_drawing_of_a_person_is_refused(waiting: ModerationList) -> None:
    for key, drawing in (("", zigzag(1)), ("a\nb", zigzag(1)), (ALPHA, []), (ALPHA, [np.full((3, 2), np.nan)])):
        with pytest.raises(BadDrawing):
            waiting.submit(key, drawing, "tiny", SAID)
    with pytest.raises(LimitReached, match="too long"):
        waiting.submit(ALPHA, [np.zeros((MAX_SUBMITTED_POINTS + 1, 2))], "tiny", SAID)
    assert not waiting.path.exists()


def test_another_file_is_left_as_it_is_and_no_path_is_told(waiting: ModerationList, tmp_path: Path) -> None:
    with sqlite3.connect(waiting.path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = waiting.path.read_bytes()
    for content in (before, b"no database at all, but long enough to be told from an empty file"):
        waiting.path.write_bytes(content)
        with pytest.raises(StorageError, match="can't be used") as caught:
            offer(waiting)
        assert str(tmp_path) not in str(caught.value)
        assert waiting.path.read_bytes() == content


def test_several_processes_offer_at_once_and_none_gets_past_the_limit(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    said = [writer.communicate(timeout=60) for writer in writers]
    assert [errors for _, errors in said] == [b""] * 4
    assert sum(text.count(b"refused") for text, _ in said) == 15
    with operator():
        assert len({one.id for one in ModerationList(moderation_file()).pending(100)}) == 25


def test_only_operators_see_and_judge(waiting: ModerationList) -> None:
    (number,) = offer(waiting)
    acts = [
        waiting.count, lambda: waiting.pending(10), lambda: waiting.reject([number]), open_store,
        lambda: waiting.accept([number], None),  # type: ignore[arg-type]
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(NotPermitted):
            act()
    with operator():
        assert waiting.count() == 1


@pytest.mark.parametrize(
    "asked", [None, 7, "x", [], {}, {"ids": [1]}, {"accept": 1, "ids": [1]}, {"accept": False, "ids": "1"}]
)
def test_what_no_page_sends_decides_nothing(waiting: ModerationList, asked: object) -> None:
    shown = offer(waiting, 2)
    with operator():
        _decide(asked, shown)
        assert waiting.count() == 2


def test_only_what_was_shown_is_decided(waiting: ModerationList) -> None:
    first, second, third = offer(waiting, 3)
    with operator():
        _decide({"accept": False, "ids": [None, "1", 1.5, [third], {}, 999, third, second]}, [first, second])
        assert [one.id for one in waiting.pending(9)] == [first, third]
        _decide({"accept": True, "ids": [first]}, [first])
        assert [one.id for one in waiting.pending(9)] == [third]
    assert len(kept()) == 1
    with pytest.raises(NotPermitted):  # signed out meanwhile
        _decide({"accept": True, "ids": [third]}, [third])


# --- as the Draw page uses it -----------------------------------------------------------------------


def test_the_public_sends_to_the_list_and_takes_back(waiting: ModerationList) -> None:
    current = Contributor()
    current.answer(zigzag(1), (), "tiny", SAID)
    current.keep(SUM)
    current.keep(SUM)
    assert current.as_data()["line"].startswith("Sent as \\sum: thank you.")
    with operator():
        (found,) = waiting.pending(10)
    assert (found.key, found.model, list(found.predictions)) == (SUM, "tiny", SAID)
    assert kept() == []
    current.take_back()
    assert current.as_data()["line"] == ""
    with operator():
        assert waiting.count() == 0


def test_what_has_been_looked_at_is_not_taken_back(waiting: ModerationList) -> None:
    current = Contributor()
    current.answer(zigzag(1), ())
    current.keep(SUM)
    with operator():
        waiting.accept([one.id for one in waiting.pending(10)], open_store())
    current.take_back()
    assert "looked at already" in current.problem
    assert len(kept()) == 1


def test_a_visit_sends_so_many(waiting: ModerationList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.VISIT_LIMIT.name, "2")
    current = Contributor()
    for number in range(4):
        current.answer(zigzag(number), ())
        current.keep(SUM)
        current.take_back()
    current.keep(SUM)
    assert current.problem == "This drawing could not be kept: one visit can send 2 drawings."
    with operator():
        assert waiting.count() == 0
    assert current.offers == 2


def test_an_operator_keeps_right_away(waiting: ModerationList) -> None:
    current = Contributor()
    current.answer(zigzag(1), ())
    with operator():
        current.keep(SUM)
        assert waiting.count() == 0
    assert len(kept()) == 1
    current.take_back()  # signed out meanwhile
    assert "only its operators may do this" in current.problem
    assert len(kept()) == 1
