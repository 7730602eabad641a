"""The start of an evaluation: which model, which drawings, and the job that judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from extexify.dataset.dataset import Dataset
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.job_panel import job_panel, recent_job, start_job
from extexify.ui.common.sources_form import choose_sources, titles
from extexify.ui.common.text import escaped, sentence
from extexify.ui.evaluate.evaluations import new_evaluation
from extexify.workspace.files import StorageError
from extexify.workspace.jobs import Job
from extexify.workspace.paths import SHIPPED_MODELS, available_models, dataset_folder, default_model, evaluations_folder

_DATA = {
    "test": "Test split",
    "validation": "Validation split",
    "train": "Training split",
    "all": "Whole dataset",
    "other": "Other drawings",
}


@dataclass(frozen=True)
class _Drawings:
    """What is to be judged: arguments of the command line, what the page calls it, and environment variables."""

    arguments: Sequence[str]
    title: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


MODEL_CHOICE = "evaluate-model"
"""Where the session keeps the model to judge; another page may put a model's path there first."""


def start_evaluation() -> None:
    """Show what can be judged by what, with a button that starts it, and how far that is."""
    models = available_models()
    if not models:
        st.info("No model yet. Train one, then come back to see how good it is.", icon=":material/school:")
        st.page_link("pages/train.py", label="Train a model", icon=":material/arrow_forward:")
        return
    with st.container(border=True, key="evaluate"):
        row, below = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
        with row:
            model = _choose_model(models)
            data = st.selectbox(
                "Drawings to judge it on",
                list(_DATA),
                format_func=_DATA.__getitem__,
                key="evaluate-data",
                persist_state="session",
                width=240,
            )
        with below:
            drawings = _other() if data == "other" else _split(data)
        pressed = row.button("Evaluate", type="primary", icon=":material/query_stats:", disabled=drawings is None)
        if pressed and drawings is not None:
            _start(model, drawings)
    if job := recent_job("evaluate", "calibrate"):
        job_panel(job, key="evaluation-job")
        if job.kind == "calibrate" and job.state == "done":
            _tell_calibration(job)


def _choose_model(models: list[Path]) -> Path:
    """A choice among the models, the one that answers first."""
    default = default_model()
    return st.selectbox(
        "Model",
        models,
        # A model that another page has put there goes before; Streamlit warns of two beginnings.
        index=0 if MODEL_CHOICE in st.session_state or default not in models else models.index(default),
        format_func=model_name,
        key=MODEL_CHOICE,
        persist_state="session",
        width=280,
    )


def model_name(path: Path) -> str:
    """What a model is called in a choice: no path, and no name for two."""
    return f"{path.stem} (comes with Extexify)" if path.resolve().parent == SHIPPED_MODELS else path.stem


def _split(split: str) -> _Drawings | None:
    """A split of the dataset; None, and what to do, when there is no dataset."""
    try:
        dataset: Dataset | None = current_dataset()
    except StorageError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        return None
    if dataset is None:
        st.info(
            "No dataset yet. Export one to judge the model on, or choose other drawings above.",
            icon=":material/database:",
        )
        st.page_link("pages/export.py", label="Export a dataset", icon=":material/arrow_forward:")
        return None
    return _Drawings(["--dataset", str(dataset_folder()), "--split", split], _DATA[split].lower())


def _other() -> _Drawings | None:
    """Drawings that are no dataset yet; None, and what is missing, until they are chosen."""
    choices = choose_sources(key="evaluate-sources")
    if choices.problems:
        st.caption(choices.problems[0])
        return None
    return _Drawings(
        arguments=[argument for source in choices.sources for argument in ("--source", source.address)],
        title=titles(choices.sources),
        secrets={name: value for source in choices.sources for name, value in source.secrets.items()},
    )


def _start(model: Path, drawings: _Drawings) -> None:
    name = new_evaluation()
    start_job(
        "evaluate",
        ["--model", str(model), *drawings.arguments, "--out", str(evaluations_folder() / name)],
        title=f"Evaluate {model.stem}: {drawings.title}",
        writes=[f"evaluations/{name}"],
        secrets=drawings.secrets,
    )


def start_calibration(model: Path) -> None:
    """Start to fit a model's temperature on the dataset's validation split."""
    start_job(
        "calibrate",
        ["--model", str(model), "--dataset", str(dataset_folder())],
        title=f"Calibrate {model.stem}",
        writes=[f"models/{model.stem}"],
    )


def _tell_calibration(job: Job) -> None:
    """What a calibration has changed."""
    try:
        figures = job.figures
        temperature, ece = figures["temperature"], figures["ece"]
        name = Path(figures["model"]).stem
        text = (
            f"Temperature {temperature['before']:.3g} → {temperature['after']:.3g}. Expected calibration error on "
            f"{figures['n']:,} validation drawings: {100 * ece['before']['drawn']:.1f}% → "
            f"{100 * ece['after']['drawn']:.1f}% for answers as the Draw page shows them, "
            f"{100 * ece['before']['exact']:.1f}% → {100 * ece['after']['exact']:.1f}% for the very symbol."
        )
        copied = bool(figures["copied"])
    except (KeyError, TypeError, ValueError):
        return  # of another version
    if copied:
        text += f" The model itself stays as it is: {escaped(name)} in your workspace is its calibrated copy."
    st.caption(f"{text} Evaluate it again to see all of it.")
