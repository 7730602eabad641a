"""The Train page: trains a model by a recipe, and shows how well it learns."""

from __future__ import annotations

import streamlit as st

from extexify.ui.common.job_panel import job_panel
from extexify.ui.sign_in.view import operator_page
from extexify.ui.train.curves import show_curves
from extexify.ui.train.form import training_form
from extexify.ui.train.outcome import show_outcome, trainings_to_show

operator_page("Train a model", "Choose a recipe and start: the curves show how well it learns, epoch by epoch.")
trainings = trainings_to_show()
for job in trainings:
    job_panel(job, key=f"train-{job.id}")
    if job.state != "running":
        show_outcome(job)
with (
    st.expander("Train another model", icon=":material/add:", key="train-another")
    if trainings
    else st.container(key="train-form")
):
    training_form()
show_curves(trainings)
