"""The Symbols page: all symbols as they print, with the LaTeX command of each."""

from __future__ import annotations

import streamlit as st

from extexify.ui.common.frame import page_frame
from extexify.ui.symbols.gallery import show_gallery
from extexify.ui.symbols.own import show_own_symbols


@st.fragment
def gallery() -> None:
    """The gallery as a fragment: a choice reruns only this."""
    show_gallery(key="gallery")


@st.fragment
def own_symbols() -> None:
    """The user's own symbols as a fragment: a stroke reruns only this."""
    show_own_symbols()


page_frame(
    "Every symbol, and what to type for it",
    "Search or browse, then choose a symbol to copy its command.",
    wide=True,
)
own_symbols()
gallery()
