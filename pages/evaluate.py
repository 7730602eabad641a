"""The Evaluate page: how good a model is, what it takes for what, and which drawings are mislabelled."""

from __future__ import annotations

import streamlit as st

from extexify.ui.evaluate.start import start_evaluation
from extexify.ui.evaluate.view import show_evaluations
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Where the model errs",
    "Judge a model on drawings that it hasn't seen, then look at what it takes for what.",
    wide=True,
)
# Each has a place of its own: a job that comes or goes above moves nothing below, which would be built anew.
with st.container():
    start_evaluation()
with st.container():
    show_evaluations()
