"""The Export page: drawings from one or several sources become the dataset."""

from __future__ import annotations

import streamlit as st

from extexify.ui.common.job_panel import PAGES, job_panel, recent_job
from extexify.ui.export.dataset_report import show_dataset
from extexify.ui.export.form import export_form, show_welcome
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Get drawings",
    "Choose where the drawings come from, then export them: they become the dataset that everything after it reads.",
)
show_welcome()
export_form()
if job := recent_job("export", "pipeline"):
    job_panel(job, key="export-job")
    if job.kind == "export" and job.state == "done":
        st.page_link(PAGES["render"], label="Next: see how they are rendered", icon=":material/arrow_forward:")
show_dataset()
