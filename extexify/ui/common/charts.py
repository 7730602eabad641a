"""Plotly charts. Colours and fonts come from the theme: Streamlit fills them in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.symbols import symbol_for

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 260
"""Height of a chart in pixels."""

_NAMED = 30
"""Up to this many symbols are named below their bars."""

_LONGEST = 16  # characters of a command below its bar


def graph_objects() -> Any:
    """`plotly.graph_objects`, imported with the first chart: it takes a second."""
    # Plotly uses pandas if it is in sys.modules, even while another thread is still importing it. Importing it here
    # waits for that thread.
    import_module("pandas")
    return import_module("plotly.graph_objects")


def class_chart(classes: Sequence[str], counts: NDArray[np.integer]) -> tuple[Figure, list[str]]:
    """A bar chart of the drawings of each symbol, most first, and the keys in the order of the bars.

    counts: (classes, 3), drawings in train, validation and test.
    """
    plotly = graph_objects()
    totals = counts.sum(1)
    order = np.argsort(-totals, kind="stable")
    keys = [classes[index] for index in order]
    # Plotly interprets a subset of HTML in texts.
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
