"""The page frame and the layouts that several pages use."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_WEB = Path(__file__).parents[2] / "web"

ICON = f"data:image/png;base64,{b64encode((_WEB / 'icon.png').read_bytes()).decode()}"
"""The browser tab's icon, as a data URL: a file's address would need an operator's cookie in a demo, and Streamlit
fetches icons given by name from the internet."""

LOGO = _WEB / "logo.svg"
"""The name in the sidebar, in a colour that is legible on the light and on the dark theme."""

SIDEBAR = 220
"""Width of the sidebar in pixels: canvas and answers still fit beside it on a tablet."""

_STYLES = Path(__file__).with_name("frame.css")


def page_frame(title: str, purpose: str, *, wide: bool = False) -> None:
    """Show the page's title and one line that says what it is for and what to do first."""
    st.html(_STYLES)
    with st.container(key="frame-wide" if wide else "frame"):
        st.title(title, anchor=False)
        st.markdown(purpose)


def side_by_side(name: str) -> DeltaGenerator:
    """A container for two containers: the first one has its natural width, the second one takes the rest."""
    return st.container(horizontal=True, gap="medium", key=f"beside-{name}")


def show_facts(facts: Iterable[tuple[str, str]], *, small: bool = False) -> None:
    """Show (name, value) pairs in a row, both as plain text; pairs with an empty value are left out."""
    st.html(facts_html(facts, small=small))


def facts_html(facts: Iterable[tuple[str, str]], *, small: bool = False) -> str:
    """The HTML of `show_facts`."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts if value)
    return f'<dl class="facts{" small" if small else ""}">{items}</dl>'
