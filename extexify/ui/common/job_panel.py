"""Background jobs on the pages: a panel with progress, log and a stop button, and a list in the sidebar."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import streamlit as st

from extexify.core.progress import Event
from extexify.ui.common.errors import show_error
from extexify.ui.common.text import capital, escaped, sentence
from extexify.workspace import jobs
from extexify.workspace.files import StorageError
from extexify.workspace.jobs import Job, JobError

POLL = 1.0
"""Seconds between two updates of a running job; only the fragment that shows it reruns."""

_IDLE_POLL = 30.0
"""Seconds until the sidebar shows a job that another tab started. Each update is a rerun, and on a busy server a rerun
discards unsent messages of the one before, such as the answer to a stroke."""

_RECENT = 60.0
"""Seconds for which the sidebar shows that a job has ended."""

_SHOWN_FOR = 600.0
"""Seconds for which a page shows how its last job ended."""

PAGES = {
    "export": "pages/export.py",
    "render": "pages/render.py",
    "train": "pages/train.py",
    "pipeline": "pages/train.py",
    "evaluate": "pages/evaluate.py",
    "calibrate": "pages/evaluate.py",
    "cross-validate": "pages/evaluate.py",
    "convert": "pages/models.py",
}
"""The page of each kind of job."""


_STEPS: dict[str, dict[str, tuple[str, ...]]] = {
    "pipeline": {
        "Export": ("export", "split"),
        "Render": ("render",),
        "Train": ("train", "validate"),
        "Evaluate": ("evaluate",),
    }
}
"""The steps of kinds of job that have several, each with the prefixes of its stages' names."""


def start_job(
    kind: str,
    arguments: Sequence[str],
    *,
    title: str,
    writes: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
) -> Job | None:
    """Start a job; returns None, with the reason on the page, if it can't be started."""
    try:
        return jobs.start(kind, arguments, title=title, writes=writes, secrets=secrets)
    except JobError as error:
        show_error(error)
        return None


def latest_job(*kinds: str) -> Job | None:
    """The newest job of these kinds."""
    return next((job for job in jobs.list_jobs() if job.kind in kinds), None)


def recent_job(*kinds: str) -> Job | None:
    """The newest job of these kinds if it is running or ended less than ten minutes ago."""
    job = latest_job(*kinds)
    return job if job is not None and (job.ended is None or is_recent(job.ended, _SHOWN_FOR)) else None


def is_recent(moment: float, seconds: float) -> bool:
    """Whether a moment (seconds since 1970) is less than this many seconds ago.

    False also for a moment further than that in the future, which means that the clock has been set back.
    """
    return abs(time.time() - moment) < seconds


def job_panel(job: Job, *, key: str) -> None:
    """Show a job: its progress while it runs, then how it ended; its end reruns the page once."""
    with st.container(border=True, key=key):
        if job.state == "running":
            st.fragment(_live, run_every=POLL)(job.id, key)
        else:
            _show_end(job, key)


def sidebar_jobs() -> None:
    """Show the running jobs in the sidebar, each with a link to its page."""
    with st.sidebar:
        any_running = bool(jobs.running())
        st.fragment(_sidebar, run_every=2 * POLL if any_running else _IDLE_POLL)(any_running)


def duration(seconds: float) -> str:
    """Seconds as text: `8 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _live(job_id: str, key: str) -> None:
    job = jobs.find(job_id)
    if job is None or job.state != "running":
        st.rerun()
    title, button = st.columns([5, 1], vertical_alignment="center")
    title.markdown(f"**{escaped(job.title)}**")
    label = "Stop now" if job.is_stopping else "Stop"
    button.button(
        label,
        icon=":material/stop_circle:",
        key=f"{key}-stop",
        on_click=_stop,
        args=(job, key),
        width="stretch",
        help="The job is stopping; this ends it at once." if job.is_stopping else None,
    )
    if problem := st.session_state.pop(_stop_error(key), ""):
        st.error(sentence(problem), icon=":material/error:")
    _show_steps(job)
    _show_bars(job)
    st.caption(_pace(job))
    _show_log(job, expanded=False)


def _stop(job: Job, key: str) -> None:
    try:
        jobs.stop(job)
    except StorageError as error:
        st.session_state[_stop_error(key)] = str(error)


def _stop_error(key: str) -> str:
    """The session state with the reason why a job can't be stopped, until it is shown."""
    return f"{key}-stop-error"


def _show_steps(job: Job) -> None:
    """Show the steps of a job that has several, and the present one."""
    latest = job.latest()
    steps = _STEPS.get(job.kind, {})
    present = next((at for at, stages in enumerate(steps.values()) if latest and _is_of(latest, stages)), 0)
    items = "".join(
        f'<li class="{"past" if at < present else "present" if at == present else "future"}">{name}</li>'
        for at, name in enumerate(steps)
    )
    if items:
        st.html(f"<ol class='steps'>{items}</ol>")


def _is_of(event: Event, stages: tuple[str, ...]) -> bool:
    return event.progress.stage.startswith(stages)


def _show_bars(job: Job) -> None:
    """Show the progress of the stage, and of a training that of the present epoch, too."""
    latest, done = job.latest(), job.done
    # An unknown total is shown as 0.
    st.progress(0.0 if done is None else done, text="stopping …" if job.is_stopping else _stage(job))
    if job.epoch and latest and latest.progress.total:
        progress = latest.progress
        what = "Validation" if progress.stage.startswith("validate") else "This epoch"
        text = f"{what}: {progress.done:,} of {progress.total:,} {progress.unit}"
        st.progress(min(progress.done / latest.progress.total, 1.0), text=text)


def _stage(job: Job) -> str:
    """The present stage of a job."""
    if epoch := job.epoch:
        return f"Epoch {epoch[0]:,} of {epoch[1]:,}"
    latest = job.latest()
    return capital(latest.progress.stage) if latest else "Starting"


def _show_end(job: Job, key: str) -> None:
    took = duration(job.seconds)
    if job.state == "failed":
        st.error(f"**{escaped(job.title)}** failed after {took}: {escaped(job.error)}", icon=":material/error:")
        _show_log(job, expanded=True)
    elif job.state == "stopped":
        latest = job.latest()
        message = latest.progress.message if latest else ""
        st.info(
            f"**{escaped(job.title)}** was stopped after {took}" + (f": {escaped(message)}" if message else "."),
            icon=":material/stop_circle:",
        )
    else:
        st.success(f"**{escaped(job.title)}** finished in {took}.", icon=":material/check_circle:")
        _show_log(job, expanded=False)


def _pace(job: Job) -> str:
    latest = job.latest()
    parts = [f"running for {duration(job.seconds)}"]
    if latest is not None:
        progress = latest.progress
        bytes_counted = progress.unit == "bytes"
        divisor, unit = (1e6, "MB") if bytes_counted else (1, progress.unit)
        digits = ".1f" if bytes_counted else ",.0f"
        if progress.total and not job.epoch:
            parts.append(f"{progress.done / divisor:{digits}} of {progress.total / divisor:{digits}} {unit}")
        if progress.rate:
            parts.append(f"{progress.rate / divisor:{digits}} {unit} a second")
    if (left := job.time_left) is not None and not job.is_stopping:
        parts.append(f"about {duration(left)} left")
    return " · ".join(parts)


def _show_log(job: Job, *, expanded: bool) -> None:
    if lines := job.log():
        with st.expander("Log", expanded=expanded):
            st.code("\n".join(lines), language=None, height=min(220, 40 + 22 * len(lines)), wrap_lines=True)


def _sidebar(any_running: bool) -> None:
    running = jobs.running()
    if bool(running) != any_running:
        st.rerun()
    for job in running:
        with st.container(border=True, key=f"sidebar-{job.id}"):
            st.progress(job.done or 0.0, text=f"**{escaped(job.title)}**  \n{_stage(job)}")
            left = job.time_left
            st.caption("about " + duration(left) + " left" if left is not None else f"{duration(job.seconds)} so far")
            _link(job)
    newest = next(iter(jobs.list_jobs()), None)
    if not running and newest is not None and newest.ended is not None and is_recent(newest.ended, _RECENT):
        how = {"done": "finished", "failed": "failed", "stopped": "was stopped"}[newest.state]
        st.caption(f"{escaped(newest.title)} {how}.")
        _link(newest)


def _link(job: Job) -> None:
    if job.kind in PAGES:
        st.page_link(PAGES[job.kind], label="Show", icon=":material/arrow_forward:")
