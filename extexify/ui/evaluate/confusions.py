"""The confused pairs of an evaluation: drawings of one symbol that the model takes for another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.lookalikes import Match
from extexify.evaluation.error_analysis import Confusion, confused_drawings, confusions, correct_answers
from extexify.evaluation.records import Evaluation
from extexify.ui.common.pictures import pictures
from extexify.ui.evaluate.labelled_drawings import Pair, show_confusions

PAIRS = 10
"""Pairs shown at a time."""

PAIR_DRAWINGS = 8
"""Drawings shown of each symbol of a pair."""

_SHOWN = "pairs-shown"


def show_pairs(evaluation: Evaluation, match: Match, *, open_symbol: Callable[[str], None]) -> None:
    """Show the confused pairs, the most frequent first; `open_symbol` is called with the key of a chosen symbol."""
    found = confusions(evaluation, match)
    if not found:
        st.success("No drawing was taken for another symbol.", icon=":material/check_circle:")
        return
    shown = st.session_state.get(_SHOWN, PAIRS)
    right = correct_answers(evaluation)
    show_confusions(
        [_pair(evaluation, confusion, right) for confusion in found[:shown]], open_symbol=open_symbol, key="confusions"
    )
    if len(found) > shown:
        st.button(
            f"Show {min(PAIRS, len(found) - shown)} more of {len(found) - shown:,}",
            type="tertiary",
            key="pairs-more",
            on_click=_show_more,
            args=(shown + PAIRS,),
        )


def _pair(evaluation: Evaluation, confusion: Confusion, right: NDArray[np.bool_]) -> Pair:
    records = evaluation.records
    mistaken = confused_drawings(evaluation, confusion.label, confusion.taken_for)[:PAIR_DRAWINGS]
    others = np.flatnonzero(records.labels == confusion.taken_for)
    # Correctly recognized ones first: they show what the model expects.
    others = others[np.argsort(~right[others], kind="stable")][:PAIR_DRAWINGS]
    images = pictures(records.drawings.take(np.concatenate([mistaken, others])))
    return Pair(
        key=evaluation.classes[confusion.label],
        taken_for=evaluation.classes[confusion.taken_for],
        count=f"{confusion.count:,} of {confusion.drawings:,} drawings",
        mistaken=list(images[: len(mistaken)]),
        others=list(images[len(mistaken) :]),
    )


def _show_more(count: int) -> None:
    st.session_state[_SHOWN] = count
