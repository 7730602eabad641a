"""The workspace's kept evaluations: which there are, which one is looked at, and opening it once for all visitors."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import streamlit as st

from extexify.dataset.splits import SPLITS
from extexify.evaluation.records import Evaluation, EvaluationSummary, file_digest, list_evaluations
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.text import capital, sentence
from extexify.ui.export.dataset_view import short_name
from extexify.workspace.files import StorageError, remove_folder
from extexify.workspace.paths import evaluations_folder

_PARAMETER = "evaluation"
_CHOICE = "evaluation-choice"
_PROBLEM = "evaluation-problem"


def new_evaluation() -> str:
    """A name for an evaluation that is about to be made; from now on this visit looks at that one."""
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    st.query_params[_PARAMETER] = name
    return name


def choose_evaluation() -> EvaluationSummary | None:
    """Show a choice among the kept evaluations; the one that the address names is chosen, else the newest."""
    kept = {summary.path.name: summary for summary in list_evaluations(evaluations_folder())}
    if not kept:
        return None
    named = st.query_params.get(_PARAMETER, "")
    st.session_state[_CHOICE] = named if named in kept else next(iter(kept))
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(sentence(problem), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Evaluation",
            list(kept),
            format_func=lambda name: title(kept[name]) if name in kept else name,
            key=_CHOICE,
            on_change=_remember,
        )
        summary = kept.get(chosen or "")
        if summary is not None:
            # A key of its own: what is left open after a deletion must not ask the same of the next one.
            with st.popover("Delete", icon=":material/delete:", key=f"evaluation-delete-{chosen}"):
                st.markdown("Delete this evaluation? The model, the drawings and the review list stay.")
                st.button("Delete", type="primary", key="evaluation-delete-go", on_click=_delete, args=(summary,))
    return summary


def _delete(summary: EvaluationSummary) -> None:
    try:
        with suppress(FileNotFoundError):  # another tab was quicker
            remove_folder(summary.path)
    except StorageError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    for name in (_PARAMETER, "symbol"):
        st.query_params.pop(name, None)


def _remember() -> None:
    st.query_params[_PARAMETER] = st.session_state[_CHOICE]
    st.query_params.pop("symbol", None)


def open_evaluation(summary: EvaluationSummary) -> Evaluation:
    """The evaluation, opened. Raises `StorageError`, one sentence, for one that is damaged."""
    status = (summary.path / "manifest.json").stat()
    return _open(summary.path.resolve(), (status.st_mtime_ns, status.st_ino))


@st.cache_resource(max_entries=8, show_spinner=False)
def _open(path: Path, version: tuple[int, int]) -> Evaluation:
    return Evaluation.open(path)


def model_has_changed(summary: EvaluationSummary) -> bool | None:
    """Whether the model's file is another one than it was judged with; None when it is gone."""
    path = Path(summary.context.file)
    try:
        # The manifest may name anything, such as a device that can be read without end.
        if path.suffix != ".safetensors" or not path.is_file():
            return None
        status = path.stat()
        return _digest(path, (status.st_mtime_ns, status.st_size, status.st_ino)) != summary.context.digest
    except OSError:
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def _digest(path: Path, version: tuple[int, int, int]) -> str:
    return file_digest(path)


def title(summary: EvaluationSummary) -> str:
    """What tells an evaluation from others, in a line."""
    count = summary.metrics.get("n", 0)
    when = summary.when.astimezone()
    return f"{summary.context.model} · {judged_on(summary)} · {count:,} drawings · {when:%-d %b %Y, %H:%M}"


def judged_on(summary: EvaluationSummary) -> str:
    """What was judged: a split, or sources by their names without folders."""
    about = summary.context
    if about.split:
        return f"{about.split} split" if about.split in SPLITS else "whole dataset"
    return ", ".join(map(short_name, about.data))


def remarks(summary: EvaluationSummary) -> str:
    """What to know of an evaluation besides its title: what couldn't be judged, and what flatters the model."""
    figures = summary.metrics
    parts = []
    if unknown := figures.get("unknown_keys"):
        parts.append(f"{unknown:,} more have symbols that the model doesn't know")
    if unusable := figures.get("unusable"):
        parts.append(f"{unusable:,} rows can't be used")
    if summary.context.split in ("train", "all"):
        parts.append("a model that was trained on this dataset knows these drawings and looks better than it is")
    if summary.context.split and _dataset_hash() not in ("", *summary.context.data):
        parts.append("the dataset was exported anew since then")
    return " ".join(f"{capital(part)}." for part in parts)


def _dataset_hash() -> str:
    """The content hash of the dataset that there is now; empty without one."""
    try:
        dataset = current_dataset()
    except StorageError:
        return ""
    return "" if dataset is None else dataset.content_hash
