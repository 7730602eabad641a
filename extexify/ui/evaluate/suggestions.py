"""The labels view: drawings that probably show another symbol than their label says, each to be marked or kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import streamlit as st

from extexify.catalog.symbols import symbol_for, symbol_summary
from extexify.core.errors import UserError
from extexify.dataset.review import Mark, ReviewList, mark_of
from extexify.dataset.splits import FOLDS, MAX_FOLDS
from extexify.evaluation.label_errors import LabelError, label_errors
from extexify.evaluation.records import CROSS_VALIDATION, Evaluation
from extexify.training.recipes import RECIPES
from extexify.ui.common.components import assets, handle_messages, last_message
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.errors import show_error
from extexify.ui.common.job_panel import start_job
from extexify.ui.common.pictures import ink_url, pictures
from extexify.ui.common.text import percentage
from extexify.ui.evaluate.evaluations import new_evaluation
from extexify.ui.evaluate.review_list import report_problem, review_marks
from extexify.workspace.files import StorageError
from extexify.workspace.paths import confirmed_file, dataset_folder, evaluations_folder, review_file

SHOWN = 24
"""Suggestions shown at a time, the most certain first."""

Decision = Literal["reject", "keep", "undo"]

_SUGGESTIONS = st.components.v2.component(
    "extexify_suggestions",
    html='<div class="suggestions"><p class="keys"></p><ul></ul></div>',
    css=assets("ui/common/tiles.css", "ui/evaluate/suggestions.css"),
    js=assets("web/page.js", "ui/evaluate/suggestions.js"),
)

_KEY = "suggestions"
_DECIDED = "suggestions-decided"
"""Session state of the drawings that were decided about in this session, which stay in their places."""
_COUNT = "suggestions-shown"


def show_suggestions(evaluation: Evaluation) -> None:
    """Show the drawings of an evaluation that are probably mislabelled, and the form that checks the whole dataset."""
    try:
        rejected, confirmed = review_marks(), _confirmed().marks()
    except StorageError as error:
        show_error(error)
        return
    decided: set[Mark] = st.session_state.setdefault(_DECIDED, set())
    found = _found(evaluation)
    listed = [(error, mark) for error, mark in found if mark in decided or mark not in rejected | confirmed]
    waiting = sum(mark not in rejected | confirmed for _, mark in listed)
    kept = sum(mark in confirmed for _, mark in found)
    st.caption(_introduction(waiting, kept))
    if listed:
        shown = st.session_state.get(_COUNT, SHOWN)
        _show_cards(evaluation, listed[:shown], rejected, confirmed)
        if len(listed) > shown:
            st.button("Show more", type="tertiary", key="suggestions-more", on_click=_show_more, args=(2 * shown,))
    if evaluation.summary.context.split != CROSS_VALIDATION:
        _show_form(len(evaluation))


def _version(evaluation: Evaluation) -> tuple[str, str]:
    return str(evaluation.summary.path), evaluation.summary.when.isoformat()


# The page asks for them at every decision.
@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Evaluation: _version})
def _found(evaluation: Evaluation) -> list[tuple[LabelError, Mark]]:
    """The label errors of an evaluation, each with the drawing's mark."""
    return [(error, _mark(evaluation, error.row)) for error in label_errors(evaluation)]


def _introduction(waiting: int, kept: int) -> str:
    """How many suggestions there are, and how they come about."""
    if not waiting:
        text = "No drawing of this evaluation looks mislabelled."
    else:
        are = "drawing probably shows" if waiting == 1 else "drawings probably show"
        text = f"{waiting:,} {are} another symbol than the label says, the most certain first: the model finds that "
        text += "symbol as probable as it finds it in its own drawings. Exports leave out what you mark as mislabelled."
    return f"{text} {kept:,} {'label was' if kept == 1 else 'labels were'} kept." if kept else text


def _show_cards(
    evaluation: Evaluation,
    listed: Sequence[tuple[LabelError, Mark]],
    rejected: frozenset[Mark],
    confirmed: frozenset[Mark],
) -> None:
    rows = np.array([error.row for error, _ in listed])
    images = pictures(evaluation.records.drawings.take(rows))
    cards = []
    for (error, mark), image in zip(listed, images, strict=True):
        label, suggested = mark[0], evaluation.classes[error.suggested]
        percent = percentage(error.probability)
        cards.append(
            {
                "id": str(error.row),
                "url": ink_url(image),
                "about": f"Drawing {evaluation.records.ids[error.row]}, labelled {symbol_for(label).command}, "
                f"looks like {symbol_for(suggested).command} ({percent})",
                "label": symbol_summary(label),
                "suggested": symbol_summary(suggested),
                "percent": percent,
                "labelPercent": percentage(error.label_probability),
                "state": "rejected" if mark in rejected else "kept" if mark in confirmed else "",
            }
        )
    suggested_classes = {str(error.row): evaluation.classes[error.suggested] for error, _ in listed}

    def decide(name: str, decision: str) -> None:
        if name in suggested_classes and decision in get_args(Decision):
            _decide(evaluation, int(name), suggested_classes[name], decision)  # type: ignore[arg-type]

    _SUGGESTIONS(
        data={"cards": cards, "done": last_message(_KEY)},
        key=_KEY,
        default={"decisions": {}},
        on_decisions_change=lambda: handle_messages(_KEY, "decisions", decide),
    )


def _decide(evaluation: Evaluation, row: int, suggested: str, decision: Decision) -> None:
    """Carry out a decision about a drawing; an error is shown by the next run of the review list."""
    mark = _mark(evaluation, row)
    st.session_state[_DECIDED].add(mark)
    identifier, drawing = int(evaluation.records.ids[row]), evaluation.drawing(row)
    try:
        if decision != "reject":
            _rejected().restore(mark)
        if decision != "keep":
            _confirmed().restore(mark)
        if decision == "reject":
            _rejected().reject(mark[0], identifier, drawing, f"looks like {symbol_for(suggested).command}")
        elif decision == "keep":
            _confirmed().reject(mark[0], identifier, drawing)
    except UserError as error:
        report_problem(error)


def _show_form(count: int) -> None:
    """The form of the job that checks the labels of the whole dataset."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        show_error(error)
        return
    if dataset is None:
        return
    with st.container(border=True, key="cross-validate"):
        st.markdown(
            f"**Check all labels.** These suggestions are for {count:,} drawings. Cross-validation checks all "
            f"{len(dataset):,} of the dataset: for each part of it, a network is trained on the other parts."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = [name for name, recipe in RECIPES.items() if recipe.augment is not None]
            recipe = st.selectbox("Recipe", names, index=names.index("quick"), key="cross-validate-recipe", width=180)
            folds = st.number_input("Parts", 2, MAX_FOLDS, FOLDS, key="cross-validate-folds", width=140)
            if st.button("Check all labels", icon=":material/fact_check:", key="cross-validate-go"):
                name = new_evaluation()
                start_job(
                    "cross-validate",
                    ["--dataset", str(dataset_folder()), "--recipe", recipe, "--folds", str(folds),
                     "--out", str(evaluations_folder() / name)],
                    title=f"Check all labels: {folds} trainings by {recipe}",
                    writes=[f"evaluations/{name}", "cross-validation"],
                )  # fmt: skip
                st.rerun()


def _show_more(count: int) -> None:
    st.session_state[_COUNT] = count


def _mark(evaluation: Evaluation, row: int) -> Mark:
    return mark_of(evaluation.label(row), evaluation.records.drawings[row])


def _rejected() -> ReviewList:
    return ReviewList(review_file())


def _confirmed() -> ReviewList:
    return ReviewList(confirmed_file())
