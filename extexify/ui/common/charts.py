"""Plotly charts of a dataset. Colours and fonts are the theme's, which Streamlit puts in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.symbols import symbol_for
from extexify.ui.common.plotting import graph_objects

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 260
"""Pixels of a chart."""

_NAMED = 30
"""Up to so many symbols stand below their bars."""

_LONGEST = 16  # characters of a command there


def class_chart(classes: Sequence[str], counts: NDArray[np.integer]) -> tuple[Figure, list[str]]:
    """Bars of each symbol's drawings, most first, and the keys in the order of the bars.

    counts: (classes, 3), drawings in train, validation and test.
    """
    plotly = graph_objects()
    totals = counts.sum(1)
    order = np.argsort(-totals, kind="stable")
    keys = [classes[index] for index in order]
    # Plotly reads its own small HTML in texts.
    about = [
        f"<b>{escape(symbol.command)}</b> · {escape(symbol.package)}<br>{sum(parts):,} drawings: {parts[0]:,} train, "
        f"{parts[1]:,} validation, {parts[2]:,} test"
        for symbol, parts in zip(map(symbol_for, keys), counts[order].tolist(), strict=True)
    ]
    bars = plotly.Bar(
        x=np.arange(1, len(keys) + 1),
        y=totals[order],
        hovertext=about,
        hovertemplate="%{hovertext}<extra></extra>",
        marker_line_width=0,
    )
    figure = plotly.Figure(bars)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        bargap=0 if len(keys) > 100 else 0.2,
        hovermode="x",
        dragmode=False,
        clickmode="event+select",
    )
    figure.update_xaxes(title="symbols, most drawings first", showgrid=False, automargin=True, fixedrange=True)
    if len(keys) <= _NAMED:
        names = [escape(symbol_for(key).command[:_LONGEST]) for key in keys]
        figure.update_xaxes(title=None, tickmode="array", tickvals=bars.x, ticktext=names)
    figure.update_yaxes(title="drawings", rangemode="tozero", automargin=True, fixedrange=True)
    return figure, keys
