"""Scribbles, the training examples that belong to no class."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawings
from extexify.training.scribbles import KINDS, SIDE, scribbles


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_scribbles_are_whole_drawings_of_many_turns(seed: int, count: int) -> None:
    drawings = scribbles(count, np.random.default_rng(seed))
    assert len(drawings) == count
    assert drawings.is_whole()
    assert np.isfinite(drawings.points).all()
    for drawing in drawings:
        assert sum(len(stroke) for stroke in drawing) >= 8
        assert 0.2 * SIDE < np.ptp(np.concatenate(drawing), axis=0).max() < 2 * SIDE


def test_scribbles_are_a_function_of_the_generator() -> None:
    first, again = (scribbles(9, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.points, again.points)


def test_scribbles_of_every_kind_have_much_ink_or_many_strokes() -> None:
    for kind in KINDS:
        rng = np.random.default_rng(0)
        drawings = Drawings.pack([kind(rng) for _ in range(20)])
        ink = rasterize(drawings, PRESETS["default"]).mean((1, 2)) / 255
        strokes = np.diff(drawings.sample_ends, prepend=0)
        assert ((ink > 0.07) | (strokes >= 8)).mean() > 0.9, kind
