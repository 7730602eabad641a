"""The Symbols page: all symbols, as they print, with what to type for each."""

from __future__ import annotations

import streamlit as st

from extexify.ui.common.frame import page_frame
from extexify.ui.symbols.gallery import show_gallery


@st.fragment
def gallery() -> None:
    """The gallery by itself: a choice reruns only this."""
    show_gallery(key="gallery")


page_frame(
    "Every symbol, and what to type for it",
    "Search or browse, then choose a symbol to copy its command.",
    wide=True,
)
gallery()
