"""Starting and resuming training jobs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from extexify.core.errors import UserError
from extexify.model.library import check_new_run
from extexify.ui.common.errors import show_error
from extexify.ui.common.job_panel import start_job
from extexify.ui.train.devices import devices_of_run
from extexify.workspace import jobs

RUN_PARAMETER = "run"
"""The query parameter that names a run whose curves are shown; may be given several times."""


def start_run(options: Sequence[str], name: str) -> None:
    """Start a new run and rerun the page; a name that is taken or not permitted is reported on the page instead."""
    # If a job is writing this run already, starting another one reports that job.
    if not jobs.running([f"runs/{name}"]):
        try:
            check_new_run(name)
        except UserError as error:
            show_error(error)
            return
    if start_training(options, name, f"Training {name}"):
        st.rerun()


def resume_run(name: str) -> None:
    """Resume an interrupted run on the devices that it was last trained on, and rerun the page."""
    if start_training(["--resume", *devices_of_run(name)], name, f"Resuming {name}"):
        st.rerun()


def start_training(options: Sequence[str], run: str, title: str) -> bool:
    """Start the training job of a run; returns False, with the reason on the page, if it can't be started."""
    writes = [f"runs/{run}", f"models/{run}"]
    if start_job("train", [f"--run={run}", *options], title=title, writes=writes) is None:
        return False
    st.query_params.pop(RUN_PARAMETER, None)
    return True
