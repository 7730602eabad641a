"""The Evaluate page's form: which model, which drawings, and the job that evaluates the model on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.errors import show_error
from extexify.ui.common.job_panel import PAGES, start_job
from extexify.ui.common.sources_form import choose_sources, source_arguments, titles
from extexify.ui.evaluate.evaluations import new_evaluation
from extexify.workspace.files import StorageError
from extexify.workspace.paths import SHIPPED_MODELS, available_models, dataset_folder, evaluations_folder

_MODEL = "evaluate-model"

_NEWEST = "evaluate-newest"
"""Session state of the newest model when the form was last shown."""

_DATA = {
    "test": "Test split",
    "validation": "Validation split",
    "train": "Training split",
    "all": "Whole dataset",
    "other": "Other drawings",
}


@dataclass(frozen=True)
class _Drawings:
    """Drawings to evaluate on: arguments of the command line, their name on the page, environment variables."""

    arguments: Sequence[str]
    title: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def evaluation_form() -> None:
    """The choice of a model and of drawings, and the button that starts the evaluation."""
    models = available_models()
    if not models:
        st.info("No model yet. Train one, then come back to see how good it is.", icon=":material/school:")
        st.page_link(PAGES["train"], label="Train a model", icon=":material/arrow_forward:")
        return
    with st.container(border=True, key="evaluate"):
        row, below = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
        with row:
            model = _choose_model(models)
            data = st.selectbox(
                "Drawings to evaluate it on", list(_DATA), format_func=_DATA.__getitem__, key="evaluate-data",
                persist_state="session", width=240,
            )  # fmt: skip
        with below:
            drawings = _other_drawings() if data == "other" else _split(data)
        pressed = row.button(
            "Evaluate", type="primary", icon=":material/query_stats:", disabled=drawings is None, key="evaluate-go"
        )
        if pressed and drawings is not None:
            _start(model, drawings)


def model_name(path: Path) -> str:
    """A model's name in a choice; a shipped model and one of the workspace never have the same."""
    return f"{path.stem} (comes with Extexify)" if path.resolve().parent == SHIPPED_MODELS else path.stem


def preselect(model: Path) -> None:
    """Make a model the one that is chosen when the visitor comes to the page."""
    st.session_state[_MODEL] = model
    st.session_state[_NEWEST] = available_models()[0]


def _choose_model(models: list[Path]) -> Path:
    """A choice among the models; the newest is chosen at first, and again when there is a newer one."""
    if st.session_state.get(_NEWEST) != models[0]:
        preselect(models[0])
    return st.selectbox("Model", models, format_func=model_name, key=_MODEL, persist_state="session", width=280)


def _split(split: str) -> _Drawings | None:
    """A split of the dataset; None, with a link to Export on the page, without a dataset."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        show_error(error)
        return None
    if dataset is None:
        st.info(
            "No dataset yet. Export one to evaluate the model on, or choose other drawings above.",
            icon=":material/database:",
        )
        st.page_link(PAGES["export"], label="Export a dataset", icon=":material/arrow_forward:")
        return None
    return _Drawings(["--dataset", str(dataset_folder()), "--split", split], _DATA[split].lower())


def _other_drawings() -> _Drawings | None:
    """Drawings from sources; None, with what is missing on the page, until some are chosen."""
    choices = choose_sources(key="evaluate-sources")
    if choices.problems:
        st.caption(choices.problems[0])
        return None
    arguments, secrets = source_arguments(choices)
    return _Drawings(arguments, titles(choices.sources), secrets)


def _start(model: Path, drawings: _Drawings) -> None:
    name = new_evaluation()
    start_job(
        "evaluate",
        ["--model", str(model), *drawings.arguments, "--out", str(evaluations_folder() / name)],
        title=f"Evaluate {model.stem}: {drawings.title}",
        writes=[f"evaluations/{name}"],
        secrets=drawings.secrets,
    )
