"""The models on the Models page: a list, what is known of the chosen one, and what can be done with it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from extexify.access.permissions import is_demo
from extexify.core.errors import UserError
from extexify.core.names import MAX_NAME
from extexify.model.library import Model, add_model, delete_model, rename_model
from extexify.model.offline import page_zip
from extexify.ui.common.frame import show_facts, side_by_side
from extexify.ui.common.job_panel import job_panel, recent_job
from extexify.ui.common.receive import file_receiver
from extexify.ui.common.text import escaped, sentence
from extexify.ui.models.changes import apply_change, confirmed, set_notice
from extexify.ui.models.formats import dataset_name, date_and_size, date_text, percent, size_text
from extexify.ui.models.offline_routes import PAGE as OFFLINE_PAGE
from extexify.ui.models.rows import Row, choose, choose_row
from extexify.ui.train.outcome import offer_model, start_conversion

_LIST = "models-list"

_NAMED = 5  # models of earlier versions that are named

_EVALUATED = {
    "test": "on the test split",
    "validation": "on validation, not tested yet",
    "same_recipe": "as measured with a model of the same recipe on drawings that were held out from it; this one was "
    "trained on all of them",
}
"""What the metrics of a model were measured on."""


def show_models(models: list[Model]) -> None:
    """Show the models, at least one, in a list, and beside it the chosen one; at first that is the one that answers."""
    ids = {_id(model): model for model in models}
    serving = next((name for name, model in ids.items() if model.serves), "")
    with side_by_side("models"):
        with st.container(key="models-side-list"):
            chosen = choose_row([_model_row(model) for model in models], label="Models", key=_LIST, first=serving)
        with st.container(border=True, key="model"):
            _show_model(ids[chosen])


def _id(model: Model) -> str:
    return f"{'shipped' if model.shipped else 'own'}/{model.name}"


def _model_row(model: Model) -> Row:
    if model.description is None:
        return Row(_id(model), model.name, date_and_size(model.date, model.size), "can't be read", tone="bad")
    return Row(
        _id(model),
        model.name,
        f"{len(model.description.classes):,} symbols · {date_and_size(model.date, model.size)}"
        + (" · comes with Extexify" if model.shipped else ""),
        "answers" if model.serves else "",
        tuple((f"top-{k}", percent(model.metrics.get(f"top{k}"))) for k in (1, 5)) if model.evaluated_split else (),
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
    split = _EVALUATED.get(model.evaluated_split, "")
    if split:
        show_facts((f"Top-{k}", percent(model.metrics.get(f"top{k}"))) for k in (1, 3, 5, 10))
        st.caption(f"The right symbol is among the first k answers, {split}.")
    else:
        trained_on_all = "Trained on all drawings of its dataset: it can only be evaluated on others."
        st.caption(trained_on_all if model.trained_on_all else "Not evaluated yet.")
    network = str(description.options.get("network", description.architecture))
    show_facts(
        [
            ("Symbols", f"{len(description.classes):,}"),
            *([("Learnt without real drawings", f"{len(description.undrawn):,}")] if description.undrawn else []),
            ("Network", f"{network}, {description.raster.size} × {description.raster.size} pixels"),
            ("Recipe", model.recipe),
            ("Run", model.run),
            ("Temperature", f"{description.temperature:g}"),
            ("Dataset", dataset_name(model.dataset_hash)),
            ("Date", date_text(model.date)),
            ("Size", size_text(model.size)),
        ],
        small=True,
    )


def _show_file_actions(model: Model) -> None:
    with st.container(horizontal=True, key="model-file"):
        st.download_button(
            "Download", model.path.read_bytes, model.path.name, "application/octet-stream",
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
    """The model for other programs; the page is made when its button is pressed."""
    with st.popover("Use elsewhere", icon=":material/deployed_code:", key="model-elsewhere"):
        st.markdown("**In programs**: the file that *Download* gives is an ONNX file, for any ONNX runtime.")
        st.markdown("**With a page that answers in the browser**, from any static file server.")
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
            "New name", model.name, max_chars=MAX_NAME, help="Letters, digits, dots, dashes and underscores."
        )
        pressed = st.form_submit_button("Rename", type="primary")
    if pressed:
        apply_change(lambda: rename_model(model, name.strip()), f"{model.name} has been renamed to {name.strip()}.")
        choose(_LIST, f"own/{name.strip()}")
        st.rerun()


@st.dialog("Delete the model?")
def _confirm_model(model: Model) -> None:
    st.markdown(
        f"**{escaped(model.name)}** ({size_text(model.size)}) will be deleted permanently. Download it first if you "
        "may need it."
    )
    if model.serves:
        st.markdown("It is the one that answers on the Draw page: another one will take its place.")
    if confirmed():
        apply_change(lambda: delete_model(model), f"{model.name} has been deleted.")
        st.rerun()


def offer_conversion(files: list[Path]) -> None:
    """A button that makes model files of the models of earlier versions, and how far that is."""
    job = recent_job("convert")
    if files and (job is None or job.state != "running"):
        names = ", ".join(escaped(path.stem) for path in files[:_NAMED]) + (", …" if len(files) > _NAMED else "")
        st.info(
            f"**{len(files):,} model{'s' if len(files) > 1 else ''} of an earlier version**: {names}. "
            "New files have to be made of them before they answer; the old ones stay.",
            icon=":material/upgrade:",
        )
        if st.button("Convert", type="primary", icon=":material/upgrade:", key="models-convert"):
            start_conversion(files, "Convert models of earlier versions")
            st.rerun()
    if job is not None:
        job_panel(job, key="conversion")


def offer_upload() -> None:
    """A field for a model file, which is added to the models when it is valid."""
    with st.popover("Add a model file", icon=":material/upload:", key="models-upload"):
        file_receiver(
            "A model of Extexify (.onnx)",
            _receive,
            key="models-upload",
            help="The file is read and validated before it is added. Nothing in it is executed.",
        )


def _receive(file: UploadedFile) -> None:
    try:
        added = add_model(file, file.name)
    except UserError as error:
        set_notice(f"{_shortened(file.name)} was not added: {error}", failed=True)
    else:
        choose(_LIST, f"own/{added.stem}")
        set_notice(f"{added.stem} has been added to the models.")


def _shortened(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"
