"""Plotly charts of runs by epoch: one colour per run, training dotted, validation solid, the running epoch thin."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from extexify.training.runs import Batches, Epoch, Run
from extexify.ui.common.charts import graph_objects

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 230
"""Pixels of a chart."""

_SMOOTHING = 0.8
"""The part of a smoothed value that is its predecessor's."""

_FIXED_AXIS = 32
"""Planned epochs up to which the axis shows all of them from the start."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A run as it is drawn: name, colour, epochs so far, number of planned epochs, the best epoch so far, and the
    batches of the running one."""

    name: str
    colour: str
    epochs: tuple[Epoch, ...]
    planned: int
    best: Epoch | None
    batches: tuple[Batches, ...] = ()

    @classmethod
    def of(cls, run: Run, colour: str) -> Curve:
        """A run's curve in a colour."""
        return cls(run.name, colour, run.epochs, run.total_epochs, run.best, run.batches)

    @property
    def lacks_training_loss(self) -> bool:
        """Whether an earlier version recorded only the objective, which isn't comparable with the validation loss."""
        return any(math.isnan(epoch.train.loss) for epoch in self.epochs)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's title, Plotly's number format, and the values of an epoch in training (also of its batches so far) and
    validation.

    validation None: one value an epoch, `train`, drawn as a solid line.
    """

    title: str
    number_format: str
    train: Callable[[Epoch | Batches], float]
    validation: Callable[[Epoch], float] | None


def training_loss(epoch: Epoch | Batches) -> float:
    """The cross entropy on the training split; without it (see `Curve.lacks_training_loss`) the objective."""
    loss, objective = epoch.train.loss, epoch.train.objective
    return objective if math.isnan(loss) and objective is not None else loss


_Line = tuple[str, str, float, Callable[[Epoch], float]]
"""A curve of epochs: its split, dash, width, and the value of an epoch."""

LOSS = Chart("Loss", ".3f", training_loss, lambda epoch: epoch.validation.loss)

CHARTS = (
    Chart("Top-5", ".1%", lambda epoch: epoch.train.top5, lambda epoch: epoch.validation.top5),
    Chart("Top-1", ".1%", lambda epoch: epoch.train.top1, lambda epoch: epoch.validation.top1),
    LOSS,
    Chart("Drawings a second", ",.0f", lambda epoch: epoch.drawings_per_second, None),
)
"""The charts of a run, the most important metric first."""


def smoothed(values: Iterable[float]) -> Iterator[float]:
    """The exponential moving averages of values; the first ones are not drawn towards zero."""
    total = weight = 0.0
    for value in values:
        total, weight = _SMOOTHING * total + value, _SMOOTHING * weight + 1
        yield total / weight


# The page redraws every second; without new metrics the chart is the same.
@lru_cache(maxsize=64)
def draw_chart(chart: Chart, curves: tuple[Curve, ...]) -> Figure:
    """A chart of one or several runs; a diamond marks each run's best epoch on its validation curve."""
    plotly = graph_objects()
    figure = plotly.Figure()
    for curve in curves:
        numbers = [epoch.number for epoch in curve.epochs]
        if chart.validation is None:
            lines: list[_Line] = [("", "solid", 2.2, chart.train)]
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
        if curve.batches:
            figure.add_trace(
                plotly.Scatter(
                    x=[batches.position for batches in curve.batches],
                    y=list(smoothed(chart.train(batches) for batches in curve.batches)),
                    name=" · ".join(filter(None, (escape(curve.name) if len(curves) > 1 else "", "running epoch"))),
                    mode="lines" if len(curve.batches) > 1 else "markers",
                    line={"color": curve.colour, "width": 1.3},
                    marker={"size": 3},
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
    _lay_out(figure, chart, _axis(curves))
    return figure


def _axis(curves: Iterable[Curve]) -> tuple[float, float]:
    """The range of epochs that a chart shows: the first epoch while none is done, else from there to `_axis_end`."""
    in_first = [not curve.epochs and bool(curve.batches) for curve in curves]
    end = 1.0 if in_first and all(in_first) else max(map(_axis_end, curves), default=1) + 0.5
    return 0.0 if any(in_first) else 0.5, end


def _axis_end(curve: Curve) -> int:
    """The last epoch on the axis: all planned ones, so that the axis doesn't move while the curve grows.

    For more than `_FIXED_AXIS` planned epochs, the next power of two above the epochs so far.
    """
    done = curve.epochs[-1].number if curve.epochs else 1
    return max(done, min(curve.planned, max(_FIXED_AXIS, 1 << done.bit_length())))


def _lay_out(figure: Figure, chart: Chart, epochs: tuple[float, float]) -> None:
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 8, "t": 6, "b": 0},
        showlegend=False,
        hovermode="x unified",
        dragmode=False,
    )
    figure.update_xaxes(
        range=epochs,
        tickmode="linear" if epochs[1] < 9 else "auto",
        nticks=9,
        dtick=1 if epochs[1] < 9 else None,
        tickformat="d",
        hoverformat=".2~f",
        showgrid=False,
        fixedrange=True,
        automargin=True,
    )
    percent = chart.number_format.endswith("%")
    figure.update_yaxes(
        tickformat=".2~%" if percent else None,
        rangemode="tozero" if percent or chart.validation is None else "normal",
        nticks=6,
        fixedrange=True,
        automargin=True,
    )
