"""How fast a visit to a demo may send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extexify.ui.server.connections import BURST, RATE, UNIT, Pace
from tests.clock import Clock


def test_a_person_who_draws_fast_never_waits() -> None:
    clock = Clock(0.0)
    pace = Pace(clock)
    for _ in range(500):
        clock.now += 0.7
        assert pace.wait(40_000) == 0


def test_a_whole_page_of_strokes_at_once_is_taken_at_once() -> None:
    assert Pace(Clock(0.0)).wait(1_000_000) == 0


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=200))
def test_no_visit_sends_more_than_its_rate(sizes: list[int]) -> None:
    clock = Clock(0.0)
    pace = Pace(clock)
    for size in sizes:
        clock.now += pace.wait(size)
    units = sum(1 + size / UNIT for size in sizes)
    assert units <= BURST + RATE * clock.now + 1e-6
