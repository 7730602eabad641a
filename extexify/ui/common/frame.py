"""What every page has around its content."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

ICON = Path(__file__).parents[2] / "web" / "icon.png"
"""The picture in the browser's tab; Streamlit fetches the icons it knows by name from the internet."""

LOGO = ICON.with_name("logo.svg")
"""The name beside it, in a colour that reads well on either theme."""

SIDEBAR = 220
"""Pixels of the sidebar's width: canvas and answers still fit beside it on a tablet."""

_STYLES = """
<style>
.stMainBlockContainer { max-width: 68rem; padding: 3.5rem 3rem 3rem; }
.stMainBlockContainer h1 { padding-bottom: 0.2rem; letter-spacing: -0.01em; }
/* Beside each other where both fit, else below each other. */
[class*="st-key-beside-"] { flex-wrap: wrap; align-items: flex-start; }
[class*="st-key-beside-"] > :last-child { flex: 1 1 18rem; min-width: min(18rem, 100%); }
@media (max-width: 1200px) {
  .stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; }
}
@media (max-width: 640px) {
  [class*="st-key-beside-"] { gap: 1rem; }
  .stMainBlockContainer { padding: 3.2rem 1rem 2rem; }
  .stMainBlockContainer h1 { font-size: 1.5rem; }
}
</style>
"""


_WIDE = "<style>.stMainBlockContainer { max-width: 92rem; }</style>"


def page_frame(title: str, purpose: str, *, wide: bool = False) -> None:
    """The page's title and one line that says what it is for and what to do first."""
    st.html(_STYLES + _WIDE if wide else _STYLES)
    st.title(title, anchor=False)
    st.markdown(purpose)


def side_by_side(name: str) -> DeltaGenerator:
    """A container for two containers: the first keeps its width, the second takes what is left."""
    return st.container(horizontal=True, gap="medium", key=f"beside-{name}")
