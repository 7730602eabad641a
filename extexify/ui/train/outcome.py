"""The trainings that the Train page begins with, and what can be done with the run or model of one that has ended."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from extexify.core.errors import UserError
from extexify.model.library import Model, list_models, model_of_run, name_for_run
from extexify.training.runs import Run, find_run
from extexify.ui.common.frame import show_facts
from extexify.ui.common.job_panel import PAGES, is_recent, start_job
from extexify.ui.common.text import escaped, sentence
from extexify.ui.evaluate.form import preselect
from extexify.ui.train.start import RUN_PARAMETER, resume_run
from extexify.workspace import jobs, paths
from extexify.workspace.jobs import Job

KINDS = ("train", "pipeline")
"""The kinds of job that train."""

_SHOWN_FOR = 24 * 3600.0
"""Seconds for which an ended training is shown at the top of the page: the next morning, too."""

_DISMISSED = "train-dismissed"
_USE_ERROR = "train-use-error"


def trainings_to_show() -> list[Job]:
    """The running trainings; if none runs, the last one, unless it ended long ago or was dismissed."""
    trainings = [job for job in jobs.list_jobs() if job.kind in KINDS]
    if running := [job for job in trainings if job.state == "running"]:
        return running
    last = next(iter(trainings), None)
    # A link to certain runs shows those instead.
    if last is None or st.session_state.get(_DISMISSED) == last.id or RUN_PARAMETER in st.query_params:
        return []
    return [last] if is_recent(last.ended or 0, _SHOWN_FOR) else []


def run_of(job: Job) -> str:
    """The name of the run that a job trains; empty for a job that trains none."""
    return next((name.removeprefix("runs/") for name in job.writes if name.startswith("runs/")), "")


def epochs_text(run: Run) -> str:
    """The epochs done, and the planned ones where these are known: `3 of 20`."""
    return f"{run.epochs_done:,} of {run.total_epochs:,}" if run.total_epochs else f"{run.epochs_done:,}"


def show_outcome(job: Job) -> None:
    """Show what an ended training left: its model and that model's metrics, or a run that can be resumed."""
    name = run_of(job)
    run = find_run(name)
    model = model_of_run(name, list_models())
    with st.container(key="train-outcome"):
        if job.state == "done" and model is not None:
            _show_metrics(model)
            offer_model(model)
        elif run is not None and run.state == "interrupted":
            _offer_resume(run)
        st.button("Dismiss", type="tertiary", icon=":material/close:", on_click=_dismiss, args=(job.id,))


def offer_model(model: Model) -> None:
    """Buttons of a model: use it, draw with it, evaluate it."""
    if problem := st.session_state.pop(_USE_ERROR, ""):
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
            preselect(model.path)
            st.switch_page(PAGES["evaluate"])


def use_model(path: Path) -> None:
    """Make a model the one that answers; an error is shown by the next run of `offer_model`."""
    try:
        paths.choose_model(path)
        # The model that this visit chose on the Draw page would take precedence.
        st.session_state.pop("model_of_visit", None)
    except UserError as error:
        st.session_state[_USE_ERROR] = str(error)


def offer_best_so_far(run: Run) -> None:
    """A button that publishes a run's best epoch as a model, if an epoch is done."""
    if run.weights is None or run.best is None:
        return
    split, metrics = run.best.measured_on
    if st.button(
        "Save its best epoch as a model", icon=":material/inventory_2:", key=f"best-of-{run.name}",
        help=f"Epoch {run.best.number}, {split} top-5 {metrics.top5:.1%}. The run can still be resumed.",
    ):  # fmt: skip
        name = name_for_run(run.name)
        if start_conversion([run.weights], f"Save {run.name} as the model {name}", name):
            st.success(
                f"It will be on the Models page as {escaped(name)} in a few seconds.", icon=":material/check_circle:"
            )


def start_conversion(files: list[Path], title: str, name: str = "") -> Job | None:
    """Start a job that makes model files of files of weights: one of this name, or each of its own.

    A job, because PyTorch is needed, which would stay in the server's memory.
    """
    target = paths.models_folder() / f"{name}{paths.MODEL_SUFFIX}"
    writes = [f"models/{name or path.stem}" for path in files]
    arguments = [*(str(path.resolve()) for path in files), *(["--out", str(target.resolve())] if name else [])]
    return start_job("convert", arguments, title=title, writes=writes)


def _offer_resume(run: Run) -> None:
    st.markdown(f"{epochs_text(run)} epochs are done and saved. Resuming continues after the last of them.")
    with st.container(horizontal=True):
        if st.button("Resume", type="primary", icon=":material/play_arrow:", key="train-resume"):
            resume_run(run.name)
        offer_best_so_far(run)


def _show_metrics(model: Model) -> None:
    values = ((k, model.metrics.get(f"top{k}")) for k in (1, 3, 5, 10))
    show_facts((f"Top-{k}, {model.evaluated_split}", f"{value:.1%}") for k, value in values if value is not None)


def _dismiss(job_id: str) -> None:
    st.session_state[_DISMISSED] = job_id
