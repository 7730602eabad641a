"""The Models page's parts: the models, the runs, and what can be done with each."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import streamlit as st

from extexify.access.permissions import is_demo
from extexify.core.names import LONGEST
from extexify.model.library import Model, add_model, delete_model, list_models, model_of_run, rename_model
from extexify.model.offline import onnx_bytes, page_zip
from extexify.training.runs import Run, delete_run, list_runs
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.frame import show_facts, side_by_side
from extexify.ui.common.job_panel import PAGES
from extexify.ui.common.text import escaped, sentence
from extexify.ui.models.offline_routes import PAGE as OFFLINE_PAGE
from extexify.ui.models.rows import Row, choose, choose_row
from extexify.ui.train.form import RUN_PARAMETER, resume
from extexify.ui.train.view import offer_best_so_far, offer_model
from extexify.workspace.files import StorageError

_MODELS, _RUNS = "models-list", "runs-list"
_SAID = "models-said"


def models_page() -> None:
    """All of the page below its title."""
    _show_what_was_said()
    models, runs = list_models(), list_runs()
    if models:
        _show_models(models)
    else:
        st.info("No model yet. Train one, or add a file.", icon=":material/school:")
        st.page_link(PAGES["train"], label="Train a model", icon=":material/arrow_forward:")
    _offer_upload()
    st.header("Runs", anchor=False)
    if runs:
        _show_runs(runs, models)
    else:
        st.caption("No run yet: every training will be here, with what it takes to go on with it.")
        st.page_link(PAGES["train"], label="Train a model", icon=":material/arrow_forward:")


# --- models -------------------------------------------------------------------------------------


def _show_models(models: list[Model]) -> None:
    ids = {_id(model): model for model in models}
    serving = next((name for name, model in ids.items() if model.serves), "")
    with side_by_side("models"):
        with st.container(key="models-side-list"):
            chosen = choose_row([_model_row(model) for model in models], label="Models", key=_MODELS, first=serving)
        with st.container(border=True, key="model"):
            _show_model(ids[chosen])


def _id(model: Model) -> str:
    return f"{'shipped' if model.shipped else 'own'}/{model.name}"


def _model_row(model: Model) -> Row:
    if model.description is None:
        return Row(_id(model), model.name, _facts_line(model.date, model.size), "can't be read", tone="bad")
    return Row(
        _id(model),
        model.name,
        f"{len(model.description.classes):,} symbols · {_facts_line(model.date, model.size)}"
        + (" · comes with Extexify" if model.shipped else ""),
        "answers" if model.serves else "",
        tuple((f"top-{k}", _percent(model.metrics.get(f"top{k}"))) for k in (1, 5)) if model.evaluated_split else (),
    )


def _show_model(model: Model) -> None:
    st.subheader(escaped(model.name), anchor=False)
    if model.description is None:
        st.error(sentence(model.problem), icon=":material/error:")
    else:
        _describe(model)
        offer_model(model)
    _show_file_actions(model)


def _describe(model: Model) -> None:
    description = model.description
    if description is None:
        return
    judged = {"test": "on the test split", "validation": "on validation, not tested yet"}.get(model.evaluated_split, "")
    if judged:
        show_facts((f"Top-{k}", _percent(model.metrics.get(f"top{k}"))) for k in (1, 3, 5, 10))
        st.caption(f"Right within so many answers, {judged}.")
    else:
        unseen = "Learned from all drawings of its dataset: only others can judge it."
        st.caption(unseen if model.trained_on_all else "Nobody has judged it yet.")
    show_facts(
        [
            ("Symbols", f"{len(description.classes):,}"),
            ("Network", f"{description.architecture}, {description.raster.size} × {description.raster.size} pixels"),
            ("Recipe", model.recipe),
            ("Run", model.run),
            ("Temperature", f"{description.temperature:g}"),
            ("Dataset", _dataset(model.dataset_hash)),
            ("Date", _date(model.date)),
            ("Size", _size(model.size)),
        ],
        small=True,
    )


def _show_file_actions(model: Model) -> None:
    with st.container(horizontal=True, key="model-file"):
        st.download_button(
            "Download", model.path.read_bytes, f"{model.name}.safetensors", "application/octet-stream",
            icon=":material/download:", on_click="ignore", key=f"download-{_id(model)}",
        )  # fmt: skip
        if model.description is not None:
            _offer_elsewhere(model)
        if model.shipped:
            return
        if st.button("Rename", icon=":material/edit:", key="model-rename", disabled=model.description is None):
            _rename(model)
        if st.button("Delete", icon=":material/delete:", key="model-delete"):
            _confirm_model(model)


def _offer_elsewhere(model: Model) -> None:
    """The model for other programs, made when it is asked for."""
    with st.popover("Use elsewhere", icon=":material/deployed_code:", key="model-elsewhere"):
        st.markdown("**As an ONNX file**, for any program that runs those.")
        st.download_button(
            "ONNX file", lambda: onnx_bytes(model.path)[1], f"{model.name}.onnx", "application/octet-stream",
            icon=":material/download:", on_click="ignore", key=f"onnx-{_id(model)}",
        )  # fmt: skip
        st.markdown("**With a page that answers in the browser**, from any server of files, without a network.")
        with st.container(horizontal=True):
            st.download_button(
                "Page (.zip)", lambda: page_zip(model.path), f"{model.name}-page.zip", "application/zip",
                icon=":material/download:", on_click="ignore", key=f"page-{_id(model)}",
            )  # fmt: skip
            if model.serves and not is_demo():
                st.link_button("Open it here", OFFLINE_PAGE, icon=":material/open_in_new:")


@st.dialog("Rename the model")
def _rename(model: Model) -> None:
    with st.form("rename", border=False):
        name = st.text_input(
            "New name", model.name, max_chars=LONGEST, help="Letters, digits, dots, dashes and underscores."
        )
        go = st.form_submit_button("Rename", type="primary")
    if go:
        _try(lambda: rename_model(model, name.strip()), f"{model.name} is called {name.strip()} now.")
        choose(_MODELS, f"own/{name.strip()}")
        st.rerun()


@st.dialog("Delete the model?")
def _confirm_model(model: Model) -> None:
    st.markdown(f"**{escaped(model.name)}** ({_size(model.size)}) will be gone for good. Download it first to keep it.")
    if model.serves:
        st.markdown("It is the one that answers: another one will answer in its place.")
    if _confirmed():
        _try(lambda: delete_model(model), f"{model.name} is deleted.")
        st.rerun()


def _offer_upload() -> None:
    turn = st.session_state.setdefault("models-upload-turn", 0)
    with st.popover("Add a model file", icon=":material/upload:", key="models-upload"):
        st.file_uploader(
            "A model of Extexify (.safetensors)", key=f"models-upload-{turn}", on_change=_receive, args=(turn,),
            help="It is read and checked as a whole before it is among the models. Nothing in it can run.",
        )  # fmt: skip


def _receive(turn: int) -> None:
    file = st.session_state.get(f"models-upload-{turn}")
    if file is None:
        return
    st.session_state["models-upload-turn"] = turn + 1  # an empty uploader, or the file would come again and again
    try:
        added = add_model(file, file.name)
    except (ValueError, OSError) as error:
        _say(f"{_in_short(file.name)} was not added: {error}", failed=True)
    else:
        choose(_MODELS, f"own/{added.stem}")
        _say(f"{added.stem} is among the models now.")


# --- runs ---------------------------------------------------------------------------------------


def _show_runs(runs: list[Run], models: list[Model]) -> None:
    ids = {run.name: run for run in runs}
    with side_by_side("runs"):
        with st.container(key="runs-side-list"):
            chosen = choose_row([_run_row(run) for run in runs], label="Runs", key=_RUNS)
        with st.container(border=True, key="run"):
            _show_run(ids[chosen], model_of_run(chosen, models))


def _run_row(run: Run) -> Row:
    epochs = (
        f"{run.epochs_done:,} of {run.total_epochs:,} epochs" if run.total_epochs else f"{run.epochs_done:,} epochs"
    )
    return Row(
        run.name,
        run.name,
        f"{epochs} · {_facts_line(run.began, run.size)}",
        "" if run.state == "finished" else run.state,
        (("best top-5", _percent(run.best.validation.top5)),) if run.best else (),
        run.epochs_done / run.total_epochs if run.total_epochs and run.state != "finished" else None,
        tone={"interrupted": "wait", "damaged": "bad"}.get(run.state, "good"),
    )


def _show_run(run: Run, model: Model | None) -> None:
    st.subheader(escaped(run.name), anchor=False)
    if run.problem:
        st.warning(sentence(run.problem), icon=":material/warning:")
    best = run.best
    if best is not None:
        tops = [("Top-1", _percent(best.validation.top1)), ("Top-5", _percent(best.validation.top5))]
        show_facts([("Best epoch", str(best.number)), *tops])
        st.caption("On the validation split.")
    show_facts(
        [
            ("Epochs", f"{run.epochs_done:,} of {run.total_epochs:,}" if run.total_epochs else f"{run.epochs_done:,}"),
            ("Recipe", run.recipe.name if run.recipe else ""),
            ("Seed", str(run.seed) if run.recipe else ""),
            ("Dataset", _dataset(run.dataset_hash)),
            ("Begun", _date(run.began)),
            ("Size", _size(run.size)),
            ("Model", model.name if model else ""),
        ],
        small=True,
    )
    with st.container(horizontal=True, vertical_alignment="center", key="run-ways"):
        if run.state == "running":
            st.page_link(PAGES["train"], label="Watch it", icon=":material/arrow_forward:")
        elif run.can_resume:
            if st.button("Go on", type="primary", icon=":material/play_arrow:", key="run-resume"):
                resume(run.name)
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
    st.markdown(f"The settings, curves and checkpoint of **{escaped(run.name)}** ({_size(run.size)}) will be gone.")
    if model is not None:
        st.markdown(f"Its model {escaped(model.name)} stays.")
    elif run.model is not None:
        st.markdown("So will its model: it is not among the models above.")
    if _confirmed():
        _try(lambda: delete_run(run.name), f"Run {run.name} is deleted.")
        st.rerun()


# --- what they share ----------------------------------------------------------------------------


def _confirmed() -> bool:
    with st.container(horizontal=True):
        delete = st.button("Delete", type="primary", icon=":material/delete:", key="confirm-delete")
        if st.button("Keep it", key="confirm-keep"):
            st.rerun()
    return delete


def _try(change: Callable[[], object], said: str) -> None:
    """Make a change, and have the page say that it is made, or why it can't be."""
    try:
        change()
    except (ValueError, OSError) as error:
        _say(str(error), failed=True)
    else:
        _say(said)


def _say(text: str, *, failed: bool = False) -> None:
    st.session_state[_SAID] = (text, failed)


def _show_what_was_said() -> None:
    text, failed = st.session_state.pop(_SAID, ("", False))
    if text and failed:
        st.error(sentence(text), icon=":material/error:")
    elif text:
        st.toast(escaped(text), icon=":material/check_circle:")


def _facts_line(date: float, size: int) -> str:
    return f"{_date(date)} · {_size(size)}"


def _date(date: float) -> str:
    moment = datetime.fromtimestamp(date)
    if time.time() - date < 24 * 3600 and moment.date() == datetime.now().date():
        return f"today, {moment:%H:%M}"
    return f"{moment:%Y-%m-%d}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _dataset(content_hash: str) -> str:
    """A dataset as people know it: the one that is there, or the beginning of its hash."""
    try:
        present = current_dataset()
    except StorageError:
        present = None
    if present is not None and present.content_hash == content_hash:
        return "the present one"
    return content_hash[:8]


def _in_short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"
