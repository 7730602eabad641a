"""Hypothesis strategies of drawings."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from extexify.drawing.strokes import Drawing


@st.composite
def any_drawing(draw: st.DrawFn, coordinates: st.SearchStrategy[float], *, strokes: int) -> Drawing:
    """A drawing of 1 to `strokes` strokes with 1 to 12 points each."""
    counts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=strokes))
    # One array with few distinct values: drawing each coordinate by itself takes several times as long.
    points = draw(arrays(np.float64, (sum(counts), 2), elements=coordinates))
    return np.split(points.astype(np.float32), np.cumsum(counts)[:-1])
