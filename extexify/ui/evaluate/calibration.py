"""The calibration view: reliability diagram, calibration error, and the job that fits the model's temperature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from extexify.catalog.lookalikes import Match
from extexify.core.schema import SchemaError, validate
from extexify.evaluation.calibration import ReliabilityDiagram
from extexify.evaluation.error_analysis import evaluation_reliability
from extexify.evaluation.records import Evaluation, EvaluationSummary
from extexify.ui.common.charts import graph_objects
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.job_panel import PAGES, start_job
from extexify.ui.common.text import escaped
from extexify.ui.evaluate.evaluations import model_has_changed
from extexify.workspace.files import StorageError
from extexify.workspace.jobs import Job
from extexify.workspace.paths import dataset_folder

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 380
"""Pixels of the chart."""

_NEUTRAL = "rgba(128, 128, 128, 0.7)"  # visible in the light and the dark theme
_MARKER_SIZES = 6.0, 26.0  # pixels across: of an empty bin, and of the bin with most answers


@dataclass(frozen=True, slots=True)
class _Temperature:
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class _Errors:
    """Expected calibration errors (0 to 1), by match."""

    exact: float
    drawn: float


@dataclass(frozen=True, slots=True)
class _ErrorChange:
    before: _Errors
    after: _Errors


@dataclass(frozen=True, slots=True)
class _Result:
    """What the command `calibrate` prints: the calibrated model's file, the drawings (n), and what has changed."""

    model: str
    n: int
    temperature: _Temperature
    ece: _ErrorChange
    copied: bool


def show_calibration(evaluation: Evaluation, match: Match) -> None:
    """Show how far the model's probabilities are from its accuracy, with a button that calibrates it."""
    found = evaluation_reliability(evaluation, match)
    st.caption(
        "Of the answers with a probability of 80%, 80% should be right. Points on the dashed line are calibrated, "
        "points below it are overconfident, points above it underconfident."
        + (
            " Among look-alikes only chance decides: count those as right to see the calibration of the Draw page."
            if match == "exact"
            else " Look-alikes are one answer here, with the sum of their probabilities."
        )
    )
    chart, metrics = st.columns([3, 2], gap="large")
    chart.plotly_chart(
        reliability_chart(found),
        key="reliability",
        config={"displayModeBar": False},
        alt=f"Accuracy by confidence; expected calibration error {found.ece:.1%}",
    )
    with metrics:
        with st.container(horizontal=True):
            st.metric(
                "Calibration error", f"{found.ece:.1%}", width=170,
                help="Expected calibration error: the distance between confidence and accuracy, averaged over all "
                "drawings.",
            )  # fmt: skip
            st.metric(
                "Log loss", f"{found.nll:.3f}", width=130,
                help="The mean of −ln of the right answer's probability: 0 for a model that gives every right answer "
                "a probability of 1.",
            )  # fmt: skip
        st.markdown(f"Temperature in this evaluation: **{evaluation.summary.context.temperature:.3g}**")
        _offer_calibration(evaluation.summary)


def show_calibration_result(job: Job) -> None:
    """Show what a finished `calibrate` job has changed; nothing for a job of another version."""
    try:
        result = validate(job.output, _Result)
    except SchemaError:
        return
    temperature, before, after = result.temperature, result.ece.before, result.ece.after
    text = (
        f"Temperature {temperature.before:.3g} → {temperature.after:.3g}. Expected calibration error on "
        f"{result.n:,} validation drawings: {before.drawn:.1%} → {after.drawn:.1%} for answers as the Draw page shows "
        f"them, {before.exact:.1%} → {after.exact:.1%} for exact symbols."
    )
    if result.copied:
        name = escaped(Path(result.model).stem)
        text += f" The shipped model is unchanged: {name} in your workspace is its calibrated copy."
    st.caption(f"{text} Evaluate it again to see the effect on all metrics.")


def reliability_chart(found: ReliabilityDiagram) -> Figure:
    """Accuracy by confidence; the area of a marker shows how many answers it stands for."""
    plotly = graph_objects()
    filled = found.counts > 0
    counts = found.counts[filled]
    smallest, largest = _MARKER_SIZES
    points = plotly.Scatter(
        x=found.confidence[filled],
        y=found.accuracy[filled],
        customdata=counts,
        mode="lines+markers",
        marker={"size": smallest + (largest - smallest) * np.sqrt(counts / counts.max()), "opacity": 0.85},
        line={"width": 1.5},
        hovertemplate="confidence %{x:.0%}, accuracy %{y:.0%}<br>%{customdata:,} drawings<extra></extra>",
    )
    calibrated = plotly.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dash", "width": 1.5, "color": _NEUTRAL}, hoverinfo="skip"
    )
    figure = plotly.Figure([points, calibrated])
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=False, dragmode=False, hovermode="closest"
    )
    axis = {"range": [-0.02, 1.04], "tickformat": ".0%", "dtick": 0.2, "fixedrange": True, "automargin": True}
    figure.update_xaxes(title="confidence (the first answer's probability)", showgrid=False, zeroline=False, **axis)
    figure.update_yaxes(title="accuracy", zeroline=False, **axis)
    return figure


def _offer_calibration(summary: EvaluationSummary) -> None:
    changed = model_has_changed(summary)
    if changed is None:
        st.caption("The model's file is gone, so it can't be calibrated.")
        return
    try:
        missing = current_dataset() is None
    except StorageError:
        missing = True
    if st.button(
        "Calibrate on validation", icon=":material/tune:", disabled=missing, key="calibrate-go",
        help="Fits one number, the temperature that logits are divided by, to the validation split, and stores it in "
        "the model. The order of its answers stays the same.",
    ):  # fmt: skip
        _start_calibration(Path(summary.context.file))
        st.rerun()
    if missing:
        st.page_link(PAGES["export"], label="Export a dataset first", icon=":material/arrow_forward:")
    if changed:
        st.caption("The model has changed since: evaluate it again to see its present calibration.")


def _start_calibration(model: Path) -> None:
    start_job(
        "calibrate",
        ["--model", str(model), "--dataset", str(dataset_folder())],
        title=f"Calibrate {model.stem}",
        writes=[f"models/{model.stem}"],
    )
