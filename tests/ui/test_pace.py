"""How fast visits to a demo may send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extexify.ui.server.connections import BURST, RATE, SHARED_RATE, UNIT, Bucket, Pace
from tests.clock import Clock

SIZES = st.lists(st.integers(0, 1_000_000), min_size=1, max_size=100)


def paces(count: int, clock: Clock, opened: float = 0.0) -> list[Pace]:
    """So many visits to one demo."""
    shared = Bucket(SHARED_RATE, 0.0, clock)
    return [Pace(shared, opened, clock) for _ in range(count)]


def test_a_person_who_draws_fast_never_waits() -> None:
    clock = Clock(0.0)
    [pace] = paces(1, clock)
    for _ in range(500):
        clock.now += 0.7
        assert pace.wait(40_000) == 0


def test_a_whole_page_of_strokes_at_once_is_taken_at_once() -> None:
    [pace] = paces(1, Clock(0.0))
    assert pace.wait(1_000_000) == 0


def test_a_class_that_opens_the_page_at_once_from_one_address_can_draw_at_once() -> None:
    [pace] = paces(1, Clock(0.0), opened=0.5)
    assert [pace.wait(20_000) for _ in range(8)] == [0] * 8


def test_the_more_connections_an_address_opens_the_less_each_may_send_at_once() -> None:
    [first], [last] = paces(1, Clock(0.0)), paces(1, Clock(0.0), opened=2)
    assert first.wait(500_000) == 0 < last.wait(500_000)


@given(SIZES)
def test_no_visit_sends_more_than_its_rate(sizes: list[int]) -> None:
    clock = Clock(0.0)
    [pace] = paces(1, clock)
    for size in sizes:
        clock.now += pace.wait(size)
    assert sum(1 + size / UNIT for size in sizes) <= BURST + RATE * clock.now + 1e-6


@given(st.integers(2, 20), SIZES)
def test_visits_that_have_to_wait_send_together_no_more_than_their_shared_rate(visits: int, sizes: list[int]) -> None:
    clock = Clock(0.0)
    several, taken = paces(visits, clock), 0.0
    for pace in several:
        pace.wait(round(BURST * UNIT))  # all that it may send at once
    for number, size in enumerate(sizes):
        several[number % visits].wait(size)
        taken += 1 + size / UNIT
    [wait] = [several[0].wait(0)]
    assert wait >= (taken + 1) / SHARED_RATE - 1e-6


def test_who_sends_no_faster_than_a_person_does_not_wait_for_those_who_do() -> None:
    clock = Clock(0.0)
    person, *others = paces(10, clock)
    for _ in range(20):
        for pace in others:
            pace.wait(1_000_000)
        clock.now += 0.7
        assert person.wait(40_000) == 0
