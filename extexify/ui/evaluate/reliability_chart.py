"""The reliability diagram. Colours and fonts are the theme's, which Streamlit puts in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extexify.evaluation.reliability import ReliabilityDiagram
from extexify.ui.common.charts import graph_objects

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 380
"""Pixels of the chart."""

_NEUTRAL = "rgba(128, 128, 128, 0.7)"  # seen on light and dark alike
_LARGEST = 26.0  # pixels across, of the bin with most answers


def reliability_chart(found: ReliabilityDiagram) -> Figure:
    """How often answers are right by how sure the model is; the larger a point, the more answers it stands for."""
    plotly = graph_objects()
    filled = found.counts > 0
    counts = found.counts[filled]
    points = plotly.Scatter(
        x=found.confidence[filled],
        y=found.accuracy[filled],
        customdata=counts,
        mode="lines+markers",
        marker={"size": 6 + (_LARGEST - 6) * np.sqrt(counts / counts.max()), "opacity": 0.85},
        line={"width": 1.5},
        hovertemplate="%{x:.0%} sure, %{y:.0%} right<br>%{customdata:,} drawings<extra></extra>",
    )
    honest = plotly.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dash", "width": 1.5, "color": _NEUTRAL}, hoverinfo="skip"
    )
    figure = plotly.Figure([points, honest])
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=False, dragmode=False, hovermode="closest"
    )
    axis = {"range": [-0.02, 1.04], "tickformat": ".0%", "dtick": 0.2, "fixedrange": True, "automargin": True}
    figure.update_xaxes(title="how sure the model is", showgrid=False, zeroline=False, **axis)
    figure.update_yaxes(title="how often it is right", zeroline=False, **axis)
    return figure
