"""The Train page's parts: the training that runs or ran last, its outcome, and the curves of one or several runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from extexify.model.library import Model, list_models, model_of_run, publish_run
from extexify.training.runs import Run, find_run, list_runs
from extexify.ui.common.frame import show_facts
from extexify.ui.common.job_panel import PAGES, POLL, is_recent, job_panel
from extexify.ui.common.text import escaped, sentence
from extexify.ui.evaluate.start import MODEL_CHOICE
from extexify.ui.train.curves import CHARTS, Curve, draw_chart
from extexify.ui.train.form import RUN_PARAMETER, resume, training_form
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError
from extexify.workspace.jobs import Job

KINDS = ("train", "pipeline")
"""The kinds of job that train."""

_NEWS = 24 * 3600.0
"""Seconds for which a training that has ended is what the page begins with: a night's work greets in the morning."""

_DISMISSED = "train-dismissed"

_LEGEND_STYLE = """
<style>
.runs-legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; font-size: 0.85rem; align-items: center; }
.runs-legend span { display: inline-flex; align-items: center; gap: 0.4rem; min-width: 0; overflow-wrap: anywhere; }
.runs-legend i { flex: none; width: 1.4rem; border-top: 3px solid currentColor; }
.runs-legend .how { opacity: 0.75; }
.runs-legend .how i { border-top-width: 2px; }
.runs-legend i.dashed { border-top-style: dotted; }
.runs-legend i.best { width: 0.55rem; height: 0.55rem; border: 0; background: currentColor; transform: rotate(45deg); }
</style>
"""


def train_page() -> None:
    """All of the page below its title."""
    shown = _jobs_to_show()
    for job in shown:
        job_panel(job, key=f"train-{job.id}")
        if job.state != "running":
            _show_outcome(job)
    if shown:
        with st.expander("Train another model", icon=":material/add:", key="train-another"):
            training_form()
    else:
        with st.container(key="train-form"):
            training_form()
    _show_curves([name for job in shown if (name := run_of(job))])


def run_of(job: Job) -> str:
    """The name of the run that a job trains; empty when it trains none."""
    return next((name.removeprefix("runs/") for name in job.writes if name.startswith("runs/")), "")


def use_model(path: Path) -> None:
    """Let a model answer from now on, and say so."""
    try:
        paths.choose_model(path)
        # What the Draw page was told to answer with in this visit would go before.
        st.session_state.pop("model_of_visit", None)
    except StorageError as error:
        st.session_state["use-failed"] = str(error)


def _jobs_to_show() -> list[Job]:
    """The trainings that run; without any, the last one for as long as it is news and nobody has put it away."""
    trainings = [job for job in jobs.jobs() if job.kind in KINDS]
    if running := [job for job in trainings if job.state == "running"]:
        return running
    last = next(iter(trainings), None)
    # Who comes for certain runs wants to see those.
    if last is None or st.session_state.get(_DISMISSED) == last.id or RUN_PARAMETER in st.query_params:
        return []
    return [last] if is_recent(last.ended or 0, _NEWS) else []


def _show_outcome(job: Job) -> None:
    """What a training that has ended left, and the way on."""
    name = run_of(job)
    run = find_run(name)
    model = model_of_run(name, list_models())
    with st.container(key="train-outcome"):
        if job.state == "done" and model is not None:
            _show_figures(model)
            offer_model(model)
        elif run is not None and run.state == "interrupted":
            _offer_to_go_on(run)
        st.button("Put this away", type="tertiary", icon=":material/close:", on_click=_dismiss, args=(job.id,))


def _dismiss(job_id: str) -> None:
    st.session_state[_DISMISSED] = job_id


def _show_figures(model: Model) -> None:
    values = ((k, model.metrics.get(f"top{k}")) for k in (1, 3, 5, 10))
    show_facts((f"Top-{k}, {model.evaluated_split}", f"{value:.1%}") for k, value in values if value is not None)


def offer_model(model: Model) -> None:
    """The ways on from a model: let it answer, judge it, draw with it."""
    if problem := st.session_state.pop("use-failed", ""):
        st.error(sentence(problem), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center", key="model-ways"):
        if model.serves:
            st.badge("Answers on the Draw page", icon=":material/check:", color="green")
            st.page_link("pages/draw.py", label="Draw with it", icon=":material/draw:")
        else:
            st.button(
                "Use this model", type="primary", icon=":material/check:", key="use-model", on_click=use_model,
                args=(model.path,), help="It answers on the Draw page from now on.",
            )  # fmt: skip
        if st.button("Evaluate it", icon=":material/query_stats:", key="evaluate-model-go", type="tertiary"):
            st.session_state[MODEL_CHOICE] = model.path
            st.switch_page(PAGES["evaluate"])


def _offer_to_go_on(run: Run) -> None:
    st.markdown(
        f"{run.epochs_done:,} of {run.total_epochs:,} epochs are done and kept. It goes on where it was stopped."
    )
    with st.container(horizontal=True):
        if st.button("Go on", type="primary", icon=":material/play_arrow:", key="train-resume"):
            resume(run.name)
        offer_best_so_far(run)


def offer_best_so_far(run: Run) -> None:
    """Make a model of an unfinished run's best epoch, if it has one."""
    if run.model is None or run.best is None:
        return
    if st.button(
        "Keep its best so far as a model", icon=":material/inventory_2:", key=f"best-of-{run.name}",
        help=f"Epoch {run.best.number}, validation top-5 {run.best.validation.top5:.1%}. The run can still go on.",
    ):  # fmt: skip
        try:
            path = publish_run(run.model, run.name)
            st.success(f"Kept as {escaped(path.stem)}: it is on the Models page.", icon=":material/check_circle:")
        except OSError as error:
            st.error(sentence(str(error)), icon=":material/error:")


# --- curves -------------------------------------------------------------------------------------


def _show_curves(of_jobs: Sequence[str]) -> None:
    """The curves of the jobs' runs, and of others beside them."""
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
    """The charts as far as the runs are; Streamlit's page redraws none whose epochs are the same."""
    runs = [run for name in names if (run := find_run(name)) is not None]
    for run in runs:
        if run.problem:
            st.warning(f"Run {escaped(run.name)}: {escaped(run.problem)}.", icon=":material/warning:")
    drawn = [run for run in runs if run.epochs]
    if not drawn:
        if names:
            st.caption("The curves begin with the end of the first epoch.")
        return
    curves = tuple(Curve.of(run, colour) for run, colour in zip(drawn, _colours(), strict=False))
    if len(drawn) == 1:
        _show_standing(drawn[0])
    st.html(_legend(curves))
    with st.container(key="train-charts"):
        for start in range(0, len(CHARTS), 2):
            for column, chart in zip(st.columns(2), CHARTS[start : start + 2], strict=True):
                with column:
                    st.markdown(f"**{chart.title}**")
                    st.plotly_chart(
                        draw_chart(chart, curves), key=f"chart-{chart.title}", config={"displayModeBar": False},
                        alt=_in_words(chart.title, drawn),
                    )  # fmt: skip
    with st.expander("Every epoch in figures", icon=":material/table_rows:", key="train-epochs"):
        _show_table(drawn)


def _show_standing(run: Run) -> None:
    """A run in four figures."""
    last, best = run.epochs[-1], run.best
    facts = [("Epochs", f"{run.epochs_done:,} of {run.total_epochs:,}" if run.total_epochs else f"{run.epochs_done:,}")]
    if best is not None:
        facts += [
            ("Best epoch", str(best.number)),
            ("Its top-5, validation", f"{best.validation.top5:.1%}"),
            ("Its top-1, validation", f"{best.validation.top1:.1%}"),
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
    return f'{_LEGEND_STYLE}<div class="runs-legend">{runs}{how}</div>'


def _show_table(runs: Sequence[Run]) -> None:
    rows = [
        {
            "run": run.name,
            "epoch": epoch.number,
            "best": "●" if epoch is run.best else "",
            "train loss": epoch.train.loss,
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
    forms = {
        **{name: column(format="%.3f") for name in ("train loss", "loss")},
        **{name: column(format="percent") for name in ("train top-1", "train top-5", "top-1", "top-5")},
        "learning rate": column(format="%.2e"),
        "seconds": column(format="%.1f"),
        "drawings a second": column(format="%,.0f"),
    }
    hidden = ["run"] if len(runs) == 1 else []
    st.dataframe(
        rows, hide_index=True, column_config={**forms, **dict.fromkeys(hidden)}, height=min(420, 36 * (len(rows) + 1))
    )


def _in_words(title: str, runs: Sequence[Run]) -> str:
    return f"{title} of {', '.join(run.name for run in runs)} over {max(run.epochs_done for run in runs)} epochs"


def _colours() -> Sequence[str]:
    """The theme's colours for series, which read well on either background."""
    return list(st.get_option("theme.chartCategoricalColors"))
