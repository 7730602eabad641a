"""The symbols of an evaluation: a table, the worst first, and the drawings of the symbol that is chosen in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.lookalikes import Match
from extexify.catalog.symbols import symbol_for
from extexify.dataset.review import Mark, mark_of
from extexify.evaluation.error_analysis import ClassTable, class_drawings, class_table
from extexify.evaluation.metrics import TOP_K
from extexify.evaluation.records import Evaluation
from extexify.ui.common.pictures import pictures
from extexify.ui.common.text import percentage
from extexify.ui.evaluate.labelled_drawings import Section, Tile, show_sections
from extexify.ui.evaluate.review_list import review_marks, set_marked
from extexify.workspace.files import StorageError

DRAWINGS = 48
"""Drawings of a symbol shown at a time, wrong and right each."""

_PARAMETER = "symbol"
_SHOWN = "drawings-shown"
_TURN = "symbols-turn"


def choose_symbol(key: str) -> None:
    """Show the drawings of this symbol from the next run on."""
    st.query_params[_PARAMETER] = key
    # A new key for the table, which would report its earlier selection otherwise.
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    st.session_state[_SHOWN] = DRAWINGS


def forget_symbol() -> None:
    """Show no symbol's drawings from the next run on."""
    st.query_params.pop(_PARAMETER, None)


def show_symbols(evaluation: Evaluation, match: Match) -> None:
    """Show the table of symbols and, below it, the drawings of the chosen one."""
    table = class_table(evaluation, match)
    order = table.worst_first()
    keys = [evaluation.classes[number] for number in order]
    name = f"symbols-{evaluation.summary.path.name}-{match}-{st.session_state.get(_TURN, 0)}"

    def choose() -> None:
        rows = st.session_state[name].selection.rows
        st.session_state[_SHOWN] = DRAWINGS
        if rows:
            st.query_params[_PARAMETER] = keys[rows[0]]
        else:
            forget_symbol()

    chosen = st.query_params.get(_PARAMETER, "")
    st.caption(
        "The worst symbols come first; click a column's head to sort by it. Tick a row to see its drawings, and mark "
        "mislabelled ones: exports leave them out."
    )
    st.dataframe(
        _frame(evaluation, table, order),
        hide_index=True,
        height=min(38 * (len(order) + 1), 400),
        key=name,
        on_select=choose,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [keys.index(chosen)]}} if chosen in keys else None,
        column_config=_columns(),
    )
    if chosen in keys:
        _show_drawings(evaluation, table, evaluation.classes.index(chosen), match)


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
            width=90, format="%.1f%%", help="The right symbol's probability, averaged over its drawings."
        ),
        "Times": column.NumberColumn(width=70, help="How many of its drawings were taken for that symbol."),
    }


def _show_drawings(evaluation: Evaluation, table: ClassTable, label: int, match: Match) -> None:
    wrong, right = class_drawings(evaluation, label, match)
    shown = st.session_state.get(_SHOWN, DRAWINGS)
    try:
        marks = review_marks()
    except StorageError:
        marks = None  # the review list below shows the error
    sections = [
        Section(f"{name} ({len(rows):,})", _tiles(evaluation, rows[:shown], marks), empty="None of its drawings.")
        for name, rows in (("Taken for something else", wrong), ("Recognized", right))
    ]
    line = (
        f"{table.drawings[label]:,} drawings: {table.top[1][label]:.0%} right at first, {table.top[5][label]:.0%} "
        f"within five, mean probability of the right symbol {percentage(float(table.probability[label]))}"
    )

    def set_mark(row: str, marked: bool) -> None:
        number = int(row)
        set_marked(evaluation.classes[label], int(evaluation.records.ids[number]), evaluation.drawing(number), marked)

    with st.container(border=True, key="symbol-drawings"):
        show_sections(
            sections,
            set_mark=set_mark,
            mark="Mislabelled" if marks is not None else "",
            restore="Undo",
            head=(evaluation.classes[label], line),
            key="labelled-drawings",
        )
        if max(len(wrong), len(right)) > shown:
            st.button(
                "Show more drawings", type="tertiary", key="drawings-more", on_click=_show_more, args=(2 * shown,)
            )


def _show_more(count: int) -> None:
    st.session_state[_SHOWN] = count


def _tiles(evaluation: Evaluation, rows: NDArray[np.int64], marks: frozenset[Mark] | None) -> list[Tile]:
    images = pictures(evaluation.records.drawings.take(rows))
    return [_tile(evaluation, int(row), image, marks) for row, image in zip(rows, images, strict=True)]


def _tile(evaluation: Evaluation, row: int, image: NDArray[np.uint8], marks: frozenset[Mark] | None) -> Tile:
    records = evaluation.records
    key, answer = evaluation.classes[records.labels[row]], evaluation.classes[records.top[row, 0]]
    percent = percentage(float(records.probabilities[row, 0]))
    result = f"taken for {symbol_for(answer).command}" if answer != key else "recognized"
    return Tile(
        id=str(row),
        picture=image,
        about=f"Drawing {records.ids[row]} of {symbol_for(key).command}, {result} (probability {percent})",
        taken_for=answer if answer != key else "",
        percent=percent,
        marked=bool(marks) and mark_of(key, records.drawings[row]) in (marks or ()),
    )
