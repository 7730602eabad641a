"""The stored evaluations of the workspace: the choice of one, its title, and a cache of opened ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st

from extexify.evaluation.records import (
    CROSS_VALIDATION,
    Evaluation,
    EvaluationSummary,
    file_digest,
    list_evaluations,
    new_name,
)
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.text import capital, sentence
from extexify.ui.export.dataset_report import short_name
from extexify.workspace.files import StorageError, remove_folder
from extexify.workspace.paths import MODEL_SUFFIX, OLD_SUFFIX, evaluations_folder

_PARAMETER = "evaluation"
_CHOICE = "evaluation-choice"
_PROBLEM = "evaluation-problem"


def new_evaluation() -> str:
    """A name for an evaluation that is about to be made; the page shows that one from now on."""
    name = new_name()
    st.query_params[_PARAMETER] = name
    return name


def choose_evaluation() -> EvaluationSummary | None:
    """Show a choice of a stored evaluation: at first the one that the address names, else the newest."""
    stored = {summary.path.name: summary for summary in list_evaluations(evaluations_folder())}
    if not stored:
        return None
    named = st.query_params.get(_PARAMETER, "")
    st.session_state[_CHOICE] = named if named in stored else next(iter(stored))
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(sentence(problem), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Evaluation",
            list(stored),
            format_func=lambda name: title(stored[name]) if name in stored else name,
            key=_CHOICE,
            on_change=_remember,
        )
        summary = stored.get(chosen or "")
        if summary is not None:
            # A key per evaluation, so that the popover of a deleted one doesn't stay open for the next.
            with st.popover("Delete", icon=":material/delete:", key=f"evaluation-delete-{chosen}"):
                st.markdown("Delete this evaluation? The model, the drawings and the review list stay.")
                st.button("Delete", type="primary", key="evaluation-delete-go", on_click=_delete, args=(summary,))
    return summary


def _delete(summary: EvaluationSummary) -> None:
    try:
        with suppress(FileNotFoundError):  # deleted in another tab
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
    """The opened evaluation. Raises `StorageError` if it is damaged, FileNotFoundError if it has been deleted."""
    status = (summary.path / "manifest.json").stat()
    return _open(summary.path.resolve(), (status.st_mtime_ns, status.st_ino))


@st.cache_resource(max_entries=8, show_spinner=False)
def _open(path: Path, version: tuple[int, int]) -> Evaluation:
    return Evaluation.open(path)


def model_has_changed(summary: EvaluationSummary) -> bool | None:
    """Whether the model's file has changed since the evaluation; None if it is gone."""
    path = Path(summary.context.file)
    try:
        # The manifest may name any path, even a device that can be read endlessly.
        if path.suffix not in (MODEL_SUFFIX, OLD_SUFFIX) or not path.is_file():
            return None
        status = path.stat()
        return _digest(path, (status.st_mtime_ns, status.st_size, status.st_ino)) != summary.context.digest
    except OSError:
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def _digest(path: Path, version: tuple[int, int, int]) -> str:
    return file_digest(path)


def title(summary: EvaluationSummary) -> str:
    """An evaluation in one line: model, drawings, their number, and when."""
    count = summary.metrics.get("n", 0)
    when = summary.when.astimezone()
    return f"{summary.context.model} · {evaluated_on(summary)} · {count:,} drawings · {when.day} {when:%b %Y, %H:%M}"


def evaluated_on(summary: EvaluationSummary) -> str:
    """The drawings of an evaluation: a split, or sources by their names without folders."""
    context = summary.context
    if context.split:
        named = {"all": "whole dataset", CROSS_VALIDATION: "cross-validation"}
        return named.get(context.split, f"{context.split} split")
    return ", ".join(map(short_name, context.data))


def remarks(summary: EvaluationSummary) -> str:
    """Remarks on an evaluation: drawings that were left out, and reasons why its metrics are too high."""
    metrics = summary.metrics
    parts = []
    if unknown := metrics.get("unknown_keys"):
        parts.append(f"{unknown:,} more drawings are of symbols that the model doesn't have")
    if unusable := metrics.get("unusable"):
        parts.append(f"{unusable:,} rows can't be used")
    if summary.context.split in ("train", "all"):
        parts.append("a model that was trained on these drawings looks better than it is")
    if summary.context.split and _dataset_hash() not in ("", *summary.context.data):
        parts.append("the dataset has been exported again since then")
    return " ".join(f"{capital(part)}." for part in parts)


def _dataset_hash() -> str:
    """The content hash of the present dataset; empty without one."""
    try:
        dataset = current_dataset()
    except StorageError:
        return ""
    return "" if dataset is None else dataset.content_hash
