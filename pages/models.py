"""The Models page: which model answers, and everything that can be done with models and runs."""

from __future__ import annotations

import streamlit as st

from extexify.model.library import list_models
from extexify.training.runs import list_runs
from extexify.ui.common.job_panel import PAGES
from extexify.ui.models.changes import show_notice
from extexify.ui.models.models import offer_conversion, offer_upload, show_models
from extexify.ui.models.runs import show_runs
from extexify.ui.sign_in.view import operator_page
from extexify.workspace.paths import old_models

operator_page("Models and runs", "Choose a model to see how good it is, and to let it answer.", wide=True)
show_notice()
st.header("Models", anchor=False)
models, runs = list_models(), list_runs()
if models:
    show_models(models)
else:
    st.info("No model yet. Train one, or add a file.", icon=":material/school:")
    st.page_link(PAGES["train"], label="Train a model", icon=":material/arrow_forward:")
offer_conversion(old_models())
offer_upload()
st.header("Runs", anchor=False)
if runs:
    show_runs(runs, models)
else:
    st.caption("No run yet. Every training is listed here; an interrupted one can be resumed.")
    st.page_link(PAGES["train"], label="Train a model", icon=":material/arrow_forward:")
