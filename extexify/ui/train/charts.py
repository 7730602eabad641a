"""Plotly charts of runs by epoch: one colour per run, training dotted, validation solid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from extexify.training.runs import Epoch, Run
from extexify.ui.common.charts import graph_objects

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 230
"""Pixels of a chart."""

_FIXED_AXIS = 32
"""Planned epochs up to which the axis shows all of them from the start."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A run as it is drawn: name, colour, epochs so far, number of planned epochs, and the best epoch so far."""

    name: str
    colour: str
    epochs: tuple[Epoch, ...]
    planned: int
    best: Epoch | None

    @classmethod
    def of(cls, run: Run, colour: str) -> Curve:
        """A run's curve in a colour."""
        return cls(run.name, colour, run.epochs, run.total_epochs, run.best)

    @property
    def lacks_training_loss(self) -> bool:
        """Whether an earlier version recorded only the objective, which isn't comparable with the validation loss."""
        return any(math.isnan(epoch.train.loss) for epoch in self.epochs)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's title, Plotly's number format, and the values of an epoch in training and validation.

    validation None: one value an epoch, `train`, drawn as a solid line.
    """

    title: str
    number_format: str
    train: Callable[[Epoch], float]
    validation: Callable[[Epoch], float] | None


def training_loss(epoch: Epoch) -> float:
    """The cross entropy on the training split; without it (see `Curve.lacks_training_loss`) the objective."""
    loss, objective = epoch.train.loss, epoch.train.objective
    return objective if math.isnan(loss) and objective is not None else loss


LOSS = Chart("Loss", ".3f", training_loss, lambda epoch: epoch.validation.loss)

CHARTS = (
    Chart("Top-5", ".1%", lambda epoch: epoch.train.top5, lambda epoch: epoch.validation.top5),
    Chart("Top-1", ".1%", lambda epoch: epoch.train.top1, lambda epoch: epoch.validation.top1),
    LOSS,
    Chart("Drawings a second", ",.0f", lambda epoch: epoch.drawings_per_second, None),
)
"""The charts of a run, the most important metric first."""


# The page redraws every second; without a new epoch the chart is the same.
@lru_cache(maxsize=64)
def draw_chart(chart: Chart, curves: tuple[Curve, ...]) -> Figure:
    """A chart of one or several runs; a diamond marks each run's best epoch on its validation curve."""
    plotly = graph_objects()
    figure = plotly.Figure()
    for curve in curves:
        numbers = [epoch.number for epoch in curve.epochs]
        if chart.validation is None:
            lines = [("", "solid", 2.2, chart.train)]
        else:
            train = "train objective" if chart is LOSS and curve.lacks_training_loss else "train"
            lines = [(train, "dot", 1.8, chart.train), ("validation", "solid", 2.2, chart.validation)]
        for split, dash, width, value in lines:
            label = " · ".join(filter(None, (escape(curve.name) if len(curves) > 1 else "", split))) or chart.title
            figure.add_trace(
                plotly.Scatter(
                    x=numbers,
                    y=[value(epoch) for epoch in curve.epochs],
                    name=label,
                    mode="lines+markers",
                    line={"color": curve.colour, "dash": dash, "width": width},
                    # With one epoch there is no line, only the marker.
                    marker={"size": 6 if len(numbers) == 1 else 3},
                    hovertemplate=f"%{{y:{chart.number_format}}}",
                )
            )
        if chart.validation is not None and curve.best is not None:
            figure.add_trace(
                plotly.Scatter(
                    x=[curve.best.number],
                    y=[chart.validation(curve.best)],
                    mode="markers",
                    marker={"color": curve.colour, "size": 11, "symbol": "diamond"},
                    hoverinfo="skip",
                    cliponaxis=False,
                )
            )
    _lay_out(figure, chart, max(map(_axis_end, curves), default=1))
    return figure


def _axis_end(curve: Curve) -> int:
    """The last epoch on the axis: all planned ones, so that the axis doesn't move while the curve grows.

    For more than `_FIXED_AXIS` planned epochs, the next power of two above the epochs so far.
    """
    done = curve.epochs[-1].number if curve.epochs else 1
    return max(done, min(curve.planned, max(_FIXED_AXIS, 1 << done.bit_length())))


def _lay_out(figure: Figure, chart: Chart, epochs: int) -> None:
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 8, "t": 6, "b": 0},
        showlegend=False,
        hovermode="x unified",
        dragmode=False,
    )
    figure.update_xaxes(
        range=[0.5, epochs + 0.5],
        tickmode="auto",
        nticks=9,
        dtick=1 if epochs <= 8 else None,
        tickformat="d",
        hoverformat="d",
        showgrid=False,
        fixedrange=True,
        automargin=True,
    )
    percent = chart.number_format.endswith("%")
    figure.update_yaxes(
        tickformat=".0%" if percent else None,
        rangemode="tozero" if percent or chart.validation is None else "normal",
        nticks=6,
        fixedrange=True,
        automargin=True,
    )
