"""The Render page: the dataset's drawings become images."""

from __future__ import annotations

from extexify.ui.common.job_panel import job_panel, recent_job
from extexify.ui.render.form import render_form
from extexify.ui.render.images import show_images
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Render the drawings",
    "See what a network sees of a drawing as you change the settings, then render all of them.",
)
render_form()
if job := recent_job("render"):
    job_panel(job, key="render-job")
show_images()
