"""A list with one chosen row: one component, and one message to the browser, for any number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from extexify.ui.common.components import assets

_COMPONENT = st.components.v2.component(
    "extexify_rows",
    html=assets("ui/models/rows.html"),
    css=assets("ui/models/rows.css"),
    js=assets("web/page.js", "ui/models/rows.js"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list.

    id is unique; badge stands beside the title and line below it; metrics are names and values at the right; progress
    is 0 to 1, None for no bar; tone is the badge's colour: good, wait or bad.
    """

    id: str
    title: str
    line: str = ""
    badge: str = ""
    metrics: tuple[tuple[str, str], ...] = ()
    progress: float | None = None
    tone: str = "good"


def choose_row(rows: Sequence[Row], *, label: str, key: str, first: str = "") -> str:
    """Show rows, at least one; returns the id of the chosen one, at first `first` or, without that, the first row."""
    ids = {row.id for row in rows}
    chosen = st.session_state.setdefault(f"{key}-chosen", first)
    if chosen not in ids:
        chosen = first if first in ids else rows[0].id

    def choose() -> None:
        if (picked := st.session_state[key].choice) is not None:
            st.session_state[f"{key}-chosen"] = picked

    data = {"rows": [asdict(row) for row in rows], "chosen": chosen, "label": label}
    _COMPONENT(data=data, key=key, on_choice_change=choose)
    return chosen


def choose(key: str, row: str) -> None:
    """Set the chosen row of the list with this key."""
    st.session_state[f"{key}-chosen"] = row
