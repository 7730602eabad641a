"""The page that asks for drawings of the symbols that have the fewest."""

from __future__ import annotations

import streamlit as st

from extexify.ui.collect.requests import prepare_requests, requests_of_visit
from extexify.ui.collect.view import show_requests
from extexify.ui.common.frame import page_frame


@st.fragment
def requests() -> None:
    """All that changes with a drawing, as a fragment: a stroke reruns only this."""
    show_requests(requests_of_visit())


page_frame("Draw what is asked", "Draw it your way: the next model learns from it.")
prepare_requests()
requests()
