"""The runs on the Models page: a list, how far the chosen one is, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from extexify.model.library import Model, model_of_run
from extexify.training.runs import Run, delete_run
from extexify.ui.common.frame import show_facts, side_by_side
from extexify.ui.common.job_panel import PAGES
from extexify.ui.common.text import escaped, sentence
from extexify.ui.models.changes import apply_change, confirmed
from extexify.ui.models.formats import dataset_name, date_and_size, date_text, percent, size_text
from extexify.ui.models.rows import Row, choose_row
from extexify.ui.train.outcome import epochs_text, offer_best_so_far
from extexify.ui.train.start import RUN_PARAMETER, resume_run

_LIST = "runs-list"


def show_runs(runs: list[Run], models: list[Model]) -> None:
    """Show the runs, at least one, in a list, and beside it the chosen one."""
    ids = {run.name: run for run in runs}
    with side_by_side("runs"):
        with st.container(key="runs-side-list"):
            chosen = choose_row([_run_row(run) for run in runs], label="Runs", key=_LIST)
        with st.container(border=True, key="run"):
            _show_run(ids[chosen], model_of_run(chosen, models))


def _run_row(run: Run) -> Row:
    epochs = f"{epochs_text(run)} epochs"
    tops: tuple[tuple[str, str], ...] = ()
    if run.best:
        split, metrics = run.best.measured_on
        tops = (("best top-5" if split == "validation" else f"{split} top-5", percent(metrics.top5)),)
    return Row(
        run.name,
        run.name,
        f"{epochs} · {date_and_size(run.began, run.size)}",
        "" if run.state == "finished" else run.state,
        tops,
        run.epochs_done / run.total_epochs if run.total_epochs and run.state != "finished" else None,
        tone={"interrupted": "wait", "damaged": "bad"}.get(run.state, "good"),
    )


def _show_run(run: Run, model: Model | None) -> None:
    st.subheader(escaped(run.name), anchor=False)
    if run.problem:
        st.warning(sentence(run.problem), icon=":material/warning:")
    best = run.best
    if best is not None:
        split, metrics = best.measured_on
        tops = [("Top-1", percent(metrics.top1)), ("Top-5", percent(metrics.top5))]
        show_facts([("Best epoch" if split == "validation" else "Last epoch", str(best.number)), *tops])
        st.caption(f"On the {split} split.")
    show_facts(
        [
            ("Epochs", epochs_text(run)),
            ("Recipe", run.recipe.name if run.recipe else ""),
            ("Seed", str(run.seed) if run.recipe else ""),
            ("Dataset", dataset_name(run.dataset_hash)),
            ("Started", date_text(run.began)),
            ("Size", size_text(run.size)),
            ("Model", model.name if model else ""),
        ],
        small=True,
    )
    with st.container(horizontal=True, vertical_alignment="center", key="run-ways"):
        if run.state == "running":
            st.page_link(PAGES["train"], label="Watch it", icon=":material/arrow_forward:")
        elif run.can_resume:
            if st.button("Resume", type="primary", icon=":material/play_arrow:", key="run-resume"):
                resume_run(run.name)
            offer_best_so_far(run)
        elif run.state == "finished" and model is None:
            offer_best_so_far(run)
        if run.epochs and run.state != "running":
            st.page_link(
                PAGES["train"], label="Curves", icon=":material/show_chart:", query_params={RUN_PARAMETER: run.name}
            )
        if st.button("Delete", icon=":material/delete:", key="run-delete", disabled=run.state == "running"):
            _confirm_run(run, model)


@st.dialog("Delete the run?")
def _confirm_run(run: Run, model: Model | None) -> None:
    st.markdown(
        f"The settings, curves and checkpoint of **{escaped(run.name)}** ({size_text(run.size)}) will be deleted."
    )
    if model is not None:
        st.markdown(f"Its model {escaped(model.name)} stays.")
    elif run.weights is not None:
        st.markdown("Its model, too: it isn't among the models above.")
    if confirmed():
        apply_change(lambda: delete_run(run.name), f"Run {run.name} has been deleted.")
        st.rerun()
