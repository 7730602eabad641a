"""A stored evaluation on the page: its metrics, and one of its views."""

from __future__ import annotations

import streamlit as st

from extexify.catalog.lookalikes import Match
from extexify.evaluation.metrics import TOP_K
from extexify.evaluation.page_metrics import PageMetrics
from extexify.evaluation.records import Evaluation, EvaluationSummary
from extexify.ui.common.errors import show_error
from extexify.ui.evaluate.calibration import show_calibration
from extexify.ui.evaluate.confusions import show_pairs
from extexify.ui.evaluate.evaluations import choose_evaluation, open_evaluation, remarks
from extexify.ui.evaluate.review_list import show_review
from extexify.ui.evaluate.suggestions import show_suggestions
from extexify.ui.evaluate.symbols import choose_symbol, show_symbols
from extexify.workspace.files import StorageError

_MATCHES: dict[str, Match] = {"Exact symbol": "exact", "Prints alike": "prints", "Drawn alike": "drawn"}
_PAIRS, _SYMBOLS, _LABELS, _CALIBRATION, _PAGE = "Confused pairs", "Symbols", "Labels", "Calibration", "Draw page"
_VIEW = "view"


@st.fragment
def show_evaluations() -> None:
    """The choice of an evaluation, that evaluation, and the review list: a choice or a mark reruns only this."""
    chosen = choose_evaluation()
    if chosen is None:
        st.caption("Nothing evaluated yet. Choose a model and drawings above, then press Evaluate.")
    else:
        try:
            _show(open_evaluation(chosen))
        except StorageError as error:
            show_error(error)
        except FileNotFoundError:
            st.info("This evaluation has just been deleted. Reload the page to choose another one.")
    show_review()


def _show(evaluation: Evaluation) -> None:
    if text := remarks(evaluation.summary):
        st.caption(text)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="evaluation-metrics"):
        name = st.segmented_control(
            "Count as right", list(_MATCHES), default="Exact symbol", key="counting", required=True,
            bind="query-params",
            help="Symbols that print alike are different commands for the same glyph. Symbols that are drawn alike "
            "can't be distinguished by a drawing: the Draw page shows them as one answer.",
        )  # fmt: skip
        match = _MATCHES[str(name)]
        _show_metrics(evaluation.summary, match)
    view = st.segmented_control(
        "View",
        [_PAIRS, _SYMBOLS, _LABELS, _CALIBRATION, _PAGE],
        default=_PAIRS,
        key=_VIEW,
        required=True,
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == _PAIRS:
        show_pairs(evaluation, match, open_symbol=_open_symbol)
    elif view == _SYMBOLS:
        show_symbols(evaluation, match)
    elif view == _LABELS:
        show_suggestions(evaluation)
    elif view == _CALIBRATION:
        show_calibration(evaluation, match)
    else:
        _show_page(evaluation.summary.page)


def _show_metrics(summary: EvaluationSummary, match: Match) -> None:
    metrics = summary.metrics if match == "exact" else summary.metrics[f"{match}_alike"]
    with st.container(horizontal=True, width="content"):
        for k in TOP_K:
            st.metric(f"Top-{k}", f"{metrics[f'top{k}']:.1%}", width=120)


def _show_page(metrics: PageMetrics | None) -> None:
    """What a visitor of the Draw page gets, by usage: look-alikes are one result, headed by the likeliest symbol."""
    if metrics is None:
        st.info("An earlier version made this evaluation and didn't measure this: evaluate anew.")
        return
    rows = {"Every drawing the same": metrics.uniform, "As often as people ask": metrics.weighted}
    st.table(
        {
            "": list(rows),
            "Heads the first result": [f"{shares.first_head:.1%}" for shares in rows.values()],
            "Heads one of the first five": [f"{shares.five_heads:.1%}" for shares in rows.values()],
            "In the first result": [f"{shares.in_first:.1%}" for shares in rows.values()],
            "In the first five": [f"{shares.in_five:.1%}" for shares in rows.values()],
        },
        width="content",
    )
    st.caption(
        "The right symbol's place in the results of the Draw page, where symbols that are drawn alike are one result, "
        "ranked by usage. In the second row every symbol counts as often as people have taught it to Detexify."
    )


def _open_symbol(key: str) -> None:
    choose_symbol(key)
    st.session_state[_VIEW] = _SYMBOLS
