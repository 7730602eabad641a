"""What a kept evaluation shows: figures, confused pairs, symbols with their drawings, and honest probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.lookalikes import Match
from extexify.catalog.symbols import symbol_for
from extexify.dataset.review import Mark, mark_of
from extexify.evaluation.error_analysis import (
    ClassTable,
    Confusion,
    class_drawings,
    class_table,
    confused_drawings,
    confusions,
    correct_answers,
    evaluation_reliability,
)
from extexify.evaluation.metrics import TOP_K
from extexify.evaluation.records import Evaluation, EvaluationSummary
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.pictures import pictures
from extexify.ui.common.text import percentage, sentence
from extexify.ui.evaluate.evaluations import choose_evaluation, model_has_changed, open_evaluation, remarks
from extexify.ui.evaluate.labelled_drawings import Pair, Section, Tile, show_confusions, show_sections
from extexify.ui.evaluate.reliability_chart import reliability_chart
from extexify.ui.evaluate.review_list import review_marks, set_marked, show_review
from extexify.ui.evaluate.start import start_calibration
from extexify.workspace.files import StorageError

PAIRS, PAIR_DRAWINGS, DRAWINGS = 10, 8, 48
"""How many confused pairs, drawings on each side of one, and drawings of a symbol are shown at a time."""

_COUNTING: dict[str, Match] = {"The very symbol": "exact", "Prints alike": "prints", "Drawn alike": "drawn"}
_CONFUSED, _SYMBOLS, _HONESTY = "Confused pairs", "Symbols", "Probabilities"


@st.fragment
def show_evaluations() -> None:
    """The kept evaluations, one of them in full, and the review list: a choice or a mark reruns only this."""
    chosen = choose_evaluation()
    if chosen is None:
        st.caption("Nothing evaluated yet. Choose a model and drawings above, then press Evaluate.")
    else:
        try:
            _show(open_evaluation(chosen))
        except StorageError as error:
            st.error(sentence(str(error)), icon=":material/error:")
        except FileNotFoundError:
            st.info("This evaluation has just been deleted. Reload the page to choose another one.")
    show_review()


def _show(evaluation: Evaluation) -> None:
    if said := remarks(evaluation.summary):
        st.caption(said)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="evaluation-figures"):
        counting = st.segmented_control(
            "Count as right",
            list(_COUNTING),
            default="The very symbol",
            key="counting",
            required=True,
            bind="query-params",
            help="Symbols that print alike are different commands for the same glyph. Symbols that are drawn alike are "
            "those that no drawing can tell apart: the Draw page shows them as one answer.",
        )
        match = _COUNTING[str(counting)]
        _show_figures(evaluation.summary, match)
    view = st.segmented_control(
        "View",
        [_CONFUSED, _SYMBOLS, _HONESTY],
        default=_CONFUSED,
        key="view",
        required=True,
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == _CONFUSED:
        _show_confusions(evaluation, match)
    elif view == _SYMBOLS:
        _show_symbols(evaluation, match)
    else:
        _show_honesty(evaluation, match)


def _show_figures(summary: EvaluationSummary, match: Match) -> None:
    figures = summary.metrics
    top = figures if match == "exact" else figures[f"{match}_alike"]
    with st.container(horizontal=True, width="content"):
        for k in TOP_K:
            st.metric(f"Top-{k}", f"{top[f'top{k}']:.1%}", width=120)


# --- confused pairs -----------------------------------------------------------------------------


def _show_confusions(evaluation: Evaluation, match: Match) -> None:
    found = confusions(evaluation, match)
    if not found:
        st.success("No drawing was taken for another symbol.", icon=":material/check_circle:")
        return
    shown = st.session_state.get("pairs-shown", PAIRS)
    first = (evaluation.records.top[:, 0] == evaluation.records.labels) & correct_answers(evaluation)
    show_confusions(
        [_pair(evaluation, confusion, first) for confusion in found[:shown]], open_symbol=_open_symbol, key="confusions"
    )
    if len(found) > shown:
        st.button(
            f"Show {min(PAIRS, len(found) - shown)} more of {len(found) - shown:,}",
            type="tertiary",
            on_click=_show_more,
            args=("pairs-shown", shown + PAIRS),
        )


def _pair(evaluation: Evaluation, confusion: Confusion, right: NDArray[np.bool_]) -> Pair:
    judged = evaluation.records
    mistaken = confused_drawings(evaluation, confusion.label, confusion.taken_for)[:PAIR_DRAWINGS]
    others = np.flatnonzero(judged.labels == confusion.taken_for)
    # Those that were recognized show best what the model expects; without any, the others do.
    others = others[np.argsort(~right[others], kind="stable")][:PAIR_DRAWINGS]
    images = pictures(judged.drawings.take(np.concatenate([mistaken, others])))
    return Pair(
        key=evaluation.classes[confusion.label],
        taken_for=evaluation.classes[confusion.taken_for],
        count=f"{confusion.count:,} of {confusion.drawings:,} drawings",
        mistaken=list(images[: len(mistaken)]),
        others=list(images[len(mistaken) :]),
    )


def _open_symbol(key: str) -> None:
    """Look at a symbol's drawings."""
    st.query_params["symbol"] = key
    st.session_state["view"] = _SYMBOLS
    # A table that keeps an earlier selection would show that instead.
    st.session_state["symbols-turn"] = st.session_state.get("symbols-turn", 0) + 1
    st.session_state["drawings-shown"] = DRAWINGS


def _show_more(name: str, count: int) -> None:
    st.session_state[name] = count


# --- symbols ------------------------------------------------------------------------------------


def _show_symbols(evaluation: Evaluation, match: Match) -> None:
    table = class_table(evaluation, match)
    order = table.worst_first()
    keys = [evaluation.classes[number] for number in order]
    name = f"symbols-{evaluation.summary.path.name}-{match}-{st.session_state.get('symbols-turn', 0)}"

    def choose() -> None:
        rows = st.session_state[name].selection.rows
        st.session_state["drawings-shown"] = DRAWINGS
        if rows:
            st.query_params["symbol"] = keys[rows[0]]
        else:
            st.query_params.pop("symbol", None)

    asked = st.query_params.get("symbol", "")
    st.caption(
        "The worst symbols come first; click a column's head to sort by it. Tick a row to see its drawings, and mark "
        "those that are mislabelled: exports leave them out."
    )
    st.dataframe(
        _frame(evaluation, table, order),
        hide_index=True,
        height=min(38 * (len(order) + 1), 400),
        key=name,
        on_select=choose,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [keys.index(asked)]}} if asked in keys else None,
        column_config=_columns(),
    )
    if asked in keys:
        _show_drawings(evaluation, table, evaluation.classes.index(asked), match)


def _frame(evaluation: Evaluation, table: ClassTable, order: NDArray[np.int64]) -> dict[str, Any]:
    symbols = [symbol_for(evaluation.classes[number]) for number in order]
    mostly = [symbol_for(evaluation.classes[other]) if other >= 0 else None for other in table.taken_for[order]]
    return {
        "Symbol": [symbol.unicode or "" for symbol in symbols],
        "Command": [symbol.command for symbol in symbols],
        "Drawings": table.drawings[order],
        **{f"Top-{k}": 100 * table.top[k][order] for k in TOP_K},
        "Probability": 100 * table.probability[order],
        "Mostly taken for": [_named(symbol.unicode, symbol.command) if symbol else "" for symbol in mostly],
        "Times": table.times[order],
        "Package": [symbol.package for symbol in symbols],
    }


def _named(character: str | None, command: str) -> str:
    return f"{character}  {command}" if character else command


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "Symbol": column.TextColumn(width=60),
        "Command": column.TextColumn(width=150),
        "Drawings": column.NumberColumn(width=80, format="localized"),
        "Top-1": column.ProgressColumn(width=110, format="%.0f%%", min_value=0, max_value=100),
        **{f"Top-{k}": column.NumberColumn(width=70, format="%.0f%%") for k in TOP_K[1:]},
        "Probability": column.NumberColumn(
            width=90, format="%.1f%%", help="What the right symbol was given, on the average of its drawings."
        ),
        "Times": column.NumberColumn(width=70, help="How many of its drawings were taken for that."),
    }


def _show_drawings(evaluation: Evaluation, table: ClassTable, label: int, match: Match) -> None:
    wrong, right = class_drawings(evaluation, label, match)
    shown = st.session_state.get("drawings-shown", DRAWINGS)
    try:
        marks = review_marks()
    except StorageError:
        marks = None  # the review list below says why
    sections = [
        Section(f"{name} ({len(rows):,})", _tiles(evaluation, rows[:shown], marks), empty="None of its drawings.")
        for name, rows in (("Taken for something else", wrong), ("Recognized", right))
    ]
    line = (
        f"{table.drawings[label]:,} drawings: {table.top[1][label]:.0%} right at first, {table.top[5][label]:.0%} "
        f"within five, {percentage(float(table.probability[label]))} given to the right symbol on average"
    )

    def set_mark(row: str, marked: bool) -> None:
        number = int(row)
        drawing = [np.array(stroke) for stroke in evaluation.records.drawings[number]]
        set_marked(evaluation.classes[label], int(evaluation.records.ids[number]), drawing, marked)

    with st.container(border=True, key="symbol-drawings"):
        show_sections(
            sections,
            set_mark=set_mark,
            mark="Mislabelled" if marks is not None else "",
            restore="Undo",
            head=(evaluation.classes[label], line),
            key="judged",
        )
        if max(len(wrong), len(right)) > shown:
            st.button("Show more drawings", type="tertiary", on_click=_show_more, args=("drawings-shown", 2 * shown))


def _tiles(evaluation: Evaluation, rows: NDArray[np.int64], marks: frozenset[Mark] | None) -> list[Tile]:
    images = pictures(evaluation.records.drawings.take(rows))
    return [_tile(evaluation, int(row), image, marks) for row, image in zip(rows, images, strict=True)]


def _tile(evaluation: Evaluation, row: int, image: NDArray[np.uint8], marks: frozenset[Mark] | None) -> Tile:
    judged = evaluation.records
    key, answer = evaluation.classes[judged.labels[row]], evaluation.classes[judged.top[row, 0]]
    percent = percentage(float(judged.probabilities[row, 0]))
    said = f"taken for {symbol_for(answer).command}" if answer != key else "recognized"
    return Tile(
        id=str(row),
        picture=image,
        about=f"Drawing {judged.ids[row]} of {symbol_for(key).command}, {said} ({percent} sure)",
        taken_for=answer if answer != key else "",
        percent=percent,
        marked=bool(marks) and mark_of(key, judged.drawings[row]) in (marks or ()),
    )


# --- probabilities ------------------------------------------------------------------------------


def _show_honesty(evaluation: Evaluation, match: Match) -> None:
    found = evaluation_reliability(evaluation, match)
    st.caption(
        "Of the answers that the model is 80% sure of, 80% should be right. Points on the dashed line are honest, "
        "below it the model is too sure of itself, above it not sure enough."
        + (
            " Among look-alikes nothing but chance decides: count those as right to judge what the Draw page shows."
            if match == "exact"
            else " Look-alikes are one answer here, as probable as all of them together."
        )
    )
    chart, figures = st.columns([3, 2], gap="large")
    chart.plotly_chart(
        reliability_chart(found),
        key="reliability",
        config={"displayModeBar": False},
        alt=f"How often answers are right by how sure the model is; expected calibration error {found.ece:.1%}",
    )
    with figures:
        with st.container(horizontal=True):
            st.metric(
                "Calibration error", f"{found.ece:.1%}", width=170,
                help="Expected calibration error: how far probabilities are from how often the answers are right, on "
                "average over all drawings.",
            )  # fmt: skip
            st.metric(
                "Log loss", f"{found.nll:.3f}", width=130,
                help="The mean of −ln of the probability that the right answer was given: 0 for a model that is always "
                "right and sure of it.",
            )  # fmt: skip
        st.markdown(f"Temperature when it was judged: **{evaluation.summary.context.temperature:.3g}**")
        _offer_calibration(evaluation.summary)


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
        "Calibrate on validation",
        icon=":material/tune:",
        disabled=missing,
        help="Fits one number, the temperature that logits are divided by, to the validation split, and stores it in "
        "the model. No answer changes its rank.",
    ):
        start_calibration(Path(summary.context.file))
        st.rerun()
    if missing:
        st.page_link("pages/export.py", label="Export a dataset first", icon=":material/arrow_forward:")
    if changed:
        st.caption("The model has changed since: evaluate it again to see how honest it is now.")
