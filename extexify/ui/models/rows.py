"""A list of which one entry is chosen: one component and one message for any number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import streamlit as st

from extexify.ui.common.components import assets

_HTML = """
<div class="list">
  <input type="search" autocomplete="off" spellcheck="false" hidden>
  <div class="rows" role="radiogroup"></div>
  <p class="none" role="status" hidden>Nothing has that name.</p>
</div>
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: what it is (unique), a title, a badge beside it, a quiet line below, figures with their names at the
    right, and how far it is (0 to 1; None: that is no question)."""

    id: str
    title: str
    line: str = ""
    badge: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    part: float | None = None
    tone: str = "good"  # the badge's: good, wait, bad


def choose_row(rows: Sequence[Row], *, label: str, key: str, first: str = "") -> str:
    """Show rows, at least one; returns the id of the chosen one, which is `first` (else the first row's) at first."""
    ids = {row.id for row in rows}
    chosen = st.session_state.setdefault(f"{key}-chosen", first)
    if chosen not in ids:
        chosen = first if first in ids else rows[0].id

    def choose() -> None:
        if (picked := st.session_state[key].choice) is not None:
            st.session_state[f"{key}-chosen"] = picked

    data = {"rows": [asdict(row) for row in rows], "chosen": chosen, "label": label}
    _component()(data=data, key=key, on_choice_change=choose)
    return chosen


def choose(key: str, row: str) -> None:
    """Choose a row of the list of this key, from now on."""
    st.session_state[f"{key}-chosen"] = row


# Registered once a process: registering anew makes the browser load the code anew.
@cache
def _component() -> Any:
    return st.components.v2.component(
        "extexify_rows", html=_HTML, css=assets("ui/models/rows.css"), js=assets("web/page.js", "ui/models/rows.js")
    )
