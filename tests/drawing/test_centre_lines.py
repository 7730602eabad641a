"""Centre lines of printed ink: as many strokes as a pen would draw, where the ink is."""

from __future__ import annotations

import numpy as np

from extexify.drawing.centre_lines import Mask, centre_lines

ROWS, COLUMNS = np.mgrid[:200, :200]


def line(x1: float, y1: float, x2: float, y2: float, width: float = 16) -> Mask:
    """A thick line with round ends, in a picture of 200 × 200 pixels."""
    along = np.array([x2 - x1, y2 - y1])
    part = ((COLUMNS - x1) * along[0] + (ROWS - y1) * along[1]) / max(float(along @ along), 1e-9)
    part = part.clip(0, 1)
    return np.hypot(COLUMNS - x1 - part * along[0], ROWS - y1 - part * along[1]) <= width / 2


def ends(strokes: list[np.ndarray]) -> set[tuple[int, int]]:
    """The ends of strokes, to the nearest 40 pixels."""
    return {(round(x / 40), round(y / 40)) for stroke in strokes for x, y in (stroke[0], stroke[-1])}


def test_a_bar_is_one_stroke_from_end_to_end() -> None:
    (stroke,) = centre_lines(line(20, 100, 180, 100))
    assert sorted(stroke[[0, -1], 0].round(-1).tolist()) == [20, 180]
    assert np.abs(stroke[:, 1] - 100).max() < 3


def test_a_cross_is_two_strokes_that_go_on_through_the_crossing() -> None:
    strokes = centre_lines(line(20, 20, 180, 180) | line(20, 180, 180, 20))
    assert len(strokes) == 2
    assert ends(strokes) == {(0, 0), (0, 4), (4, 0), (4, 4)} or len(ends(strokes)) == 4
    for stroke in strokes:
        assert np.hypot(*(stroke[0] - stroke[-1])) > 180


def test_a_ring_is_a_closed_stroke_on_its_middle() -> None:
    distance = np.hypot(COLUMNS - 100, ROWS - 100)
    (stroke,) = centre_lines((distance > 60) & (distance < 80))
    np.testing.assert_array_equal(stroke[0], stroke[-1])
    assert np.abs(np.hypot(*(stroke - 100).T) - 70).max() < 4


def test_separate_ink_gives_separate_strokes_and_a_dot_is_short() -> None:
    strokes = centre_lines(line(100, 20, 100, 120) | line(100, 170, 100, 170))
    assert len(strokes) == 2
    assert sorted(float(np.ptp(stroke, axis=0).max()) > 40 for stroke in strokes) == [False, True]


def test_a_letter_t_is_a_bar_and_a_stem() -> None:
    strokes = centre_lines(line(20, 30, 180, 30) | line(100, 30, 100, 180))
    assert sorted(round(float(np.ptp(stroke, axis=0).max()), -1) for stroke in strokes) == [150, 160]


def test_no_ink_has_no_strokes() -> None:
    assert centre_lines(np.zeros((20, 30), bool)) == []
