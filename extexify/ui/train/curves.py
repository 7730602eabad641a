"""The curves of runs on the Train page: which runs, their charts, legend, and a table with every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from extexify.training.runs import Run, find_run, list_runs
from extexify.ui.common.components import assets
from extexify.ui.common.frame import show_facts
from extexify.ui.common.job_panel import POLL
from extexify.ui.common.text import escaped
from extexify.ui.train.charts import CHARTS, LOSS, Curve, draw_chart
from extexify.ui.train.outcome import epochs_text, run_of
from extexify.ui.train.start import RUN_PARAMETER
from extexify.workspace import jobs
from extexify.workspace.jobs import Job

_LEGEND_STYLE = f"<style>{assets('ui/train/legend.css')}</style>"


def show_curves(trainings: Sequence[Job]) -> None:
    """Show the curves of the runs of these jobs, and of other runs that are chosen to compare them with."""
    of_jobs = [name for job in trainings if (name := run_of(job))]
    others = [run.name for run in list_runs() if run.epochs and run.name not in of_jobs]
    if not others and not of_jobs:
        return
    st.header("Curves", anchor=False)
    named = [name for name in st.query_params.get_all(RUN_PARAMETER) if name in others]
    chosen: list[str] = []
    if others:
        chosen = st.multiselect(
            "Compare with" if of_jobs else "Runs", others, default=named or ([] if of_jobs else others[:1]),
            key=f"train-compare-{bool(of_jobs)}", placeholder="Choose runs to overlay", max_selections=len(_colours()),
        )  # fmt: skip
    names = [*of_jobs, *(name for name in chosen if name in others)]
    live = any((run := find_run(name)) is not None and run.is_running for name in names)
    live = live or any(job.state == "running" for job in jobs.running() if run_of(job) in names)
    st.fragment(_curves, run_every=POLL if live else None)(names)


def _curves(names: list[str]) -> None:
    """The charts of the epochs so far and of the running one; the browser redraws only those with new metrics."""
    runs = [run for name in names if (run := find_run(name)) is not None]
    for run in runs:
        if run.problem:
            st.warning(f"Run {escaped(run.name)}: {escaped(run.problem)}.", icon=":material/warning:")
    drawn = [run for run in runs if run.epochs or run.batches]
    if not drawn:
        if names:
            st.caption("The curves begin after the first seconds of training.")
        return
    curves = tuple(Curve.of(run, colour) for run, colour in zip(drawn, _colours(), strict=False))
    if len(drawn) == 1:
        _show_progress(drawn[0])
    st.html(_legend(curves))
    with st.container(key="train-charts"):
        for start in range(0, len(CHARTS), 2):
            for column, chart in zip(st.columns(2), CHARTS[start : start + 2], strict=True):
                with column:
                    st.markdown(f"**{chart.title}**")
                    st.plotly_chart(
                        draw_chart(chart, curves), key=f"chart-{chart.title}", config={"displayModeBar": False},
                        alt=_alt_text(chart.title, drawn),
                    )  # fmt: skip
                    if chart is LOSS:
                        _explain_objective(curves)
    if any(run.epochs for run in drawn):
        with st.expander("Table of all epochs", icon=":material/table_rows:", key="train-epochs"):
            _show_table(drawn)


def _explain_objective(curves: Sequence[Curve]) -> None:
    """Label the training curves of runs of earlier versions, which recorded no loss that is comparable."""
    if names := ", ".join(escaped(curve.name) for curve in curves if curve.lacks_training_loss):
        st.caption(
            f"The training curve of {names} is the objective, which label smoothing and other targets raise: the run's "
            "version of Extexify didn't record the loss itself. Don't compare it with the validation loss."
        )


def _show_progress(run: Run) -> None:
    """Four facts about a run; two before the end of its first epoch."""
    best, last = run.best, run.batches[-1] if run.batches else run.epochs[-1]
    facts = [("Epochs", epochs_text(run))]
    if best is not None:
        split, metrics = best.measured_on
        facts += [
            ("Best epoch" if split == "validation" else "Last epoch", str(best.number)),
            (f"Its top-5, {split}", f"{metrics.top5:.1%}"),
            (f"Its top-1, {split}", f"{metrics.top1:.1%}"),
        ]
    show_facts([*facts, ("Drawings a second", f"{last.drawings_per_second:,.0f}")])


def _legend(curves: Sequence[Curve]) -> str:
    runs = "".join(
        f'<span><i style="color: {curve.colour}"></i>{escape(curve.name)}</span>' for curve in curves if curve.name
    )
    how = (
        '<span class="how"><i></i>validation</span><span class="how"><i class="dashed"></i>training</span>'
        '<span class="how"><i class="best"></i>best epoch</span>'
    )
    if any(curve.batches for curve in curves):
        how += '<span class="how"><i class="thin"></i>training, running epoch (smoothed)</span>'
    return f'{_LEGEND_STYLE}<div class="runs-legend">{runs}{how}</div>'


def _show_table(runs: Sequence[Run]) -> None:
    rows = [
        {
            "run": run.name,
            "epoch": epoch.number,
            "best": "●" if epoch is run.best else "",
            "train loss": epoch.train.loss,
            "train objective": epoch.train.objective,
            "train top-1": epoch.train.top1,
            "train top-5": epoch.train.top5,
            "loss": epoch.validation.loss,
            "top-1": epoch.validation.top1,
            "top-5": epoch.validation.top5,
            "learning rate": epoch.learning_rate,
            "seconds": epoch.seconds,
            "drawings a second": epoch.drawings_per_second,
        }
        for run in runs
        for epoch in run.epochs
    ]
    column = st.column_config.NumberColumn
    columns = {
        **{name: column(format="%.3f") for name in ("train loss", "train objective", "loss")},
        **{name: column(format="percent") for name in ("train top-1", "train top-5", "top-1", "top-5")},
        "learning rate": column(format="%.2e"),
        "seconds": column(format="%.1f"),
        "drawings a second": column(format="%,.0f"),
    }
    hidden = ["run"] if len(runs) == 1 else []
    st.dataframe(
        rows, hide_index=True, column_config={**columns, **dict.fromkeys(hidden)}, height=min(420, 36 * (len(rows) + 1))
    )


def _alt_text(title: str, runs: Sequence[Run]) -> str:
    return f"{title} of {', '.join(run.name for run in runs)} over {max(run.epochs_done for run in runs)} epochs"


def _colours() -> Sequence[str]:
    """The theme's colours for series, which are readable in the light and the dark theme."""
    return list(st.get_option("theme.chartCategoricalColors"))
