"""The Evaluate page: how good a model is, what it confuses, and which drawings are mislabelled."""

from __future__ import annotations

import streamlit as st

from extexify.ui.common.job_panel import job_panel, recent_job
from extexify.ui.evaluate.calibration import show_calibration_result
from extexify.ui.evaluate.evaluation import show_evaluations
from extexify.ui.evaluate.form import evaluation_form
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Where the model errs",
    "Evaluate a model on drawings that it wasn't trained on, then look at what it confuses.",
    wide=True,
)
# Containers, so that a job that appears or disappears doesn't shift what is below it, which would be rebuilt.
with st.container():
    evaluation_form()
    if job := recent_job("evaluate", "calibrate", "cross-validate"):
        job_panel(job, key="evaluation-job")
        if job.kind == "calibrate" and job.state == "done":
            show_calibration_result(job)
with st.container():
    show_evaluations()
