"""The answers on the Draw page: the choice of the model, its ranked answers, and a line about it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing
from extexify.model.answers import in_document
from extexify.model.ranking import PRIORS
from extexify.ui.common.errors import reason, show_fault
from extexify.ui.common.text import escaped, percentage
from extexify.ui.draw import serving
from extexify.ui.draw.contribute import contributor, show_contribution
from extexify.ui.draw.document import document_of_visit
from extexify.ui.draw.predictions import show_raster, show_results
from extexify.workspace.paths import available_models, default_model

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier
    from extexify.model.description import ModelDescription

FEW, MANY = 5, 25
"""Answers that are shown at first, and after “Show more”."""

STORED = 3
"""Answers that are stored with a drawing in the moderation list."""

_RANK_BY, _BY_USAGE = "rank-by", "Usage"
_RANKINGS = {_BY_USAGE: "usage", "Shape alone": "none"}
"""The names of priors (`extexify.model.ranking.PRIORS`) by what the page calls them."""

_NO_MODEL = """
**No model yet.** Nothing can answer until there is one. Train it from a dump of drawings
(or from synthetic ones, with `starter` in place of DUMP),

```
python -m extexify pipeline --source DUMP
```

or put a model file (`.onnx`) into the `models` folder of your workspace, and reload this page.
"""


def choose_model() -> Future[Classifier] | None:
    """The model that answers, with a choice for this visit when there are several; None, and a message, without any."""
    files = available_models()
    if not files:
        st.info(_NO_MODEL, icon=":material/school:")
        return None
    path = st.session_state.get("model_of_visit")
    if path not in files:
        path = files[0]
        with suppress(FileNotFoundError, ValueError):  # deleted since the listing
            path = files[files.index(default_model())]
    if len(files) > 1:
        names = _names(files)
        path = st.selectbox(
            "Model that answers",
            files,
            index=files.index(path),
            # Streamlit also formats the previous choice, whose file may be gone.
            format_func=lambda file: names.get(file, file.stem),
            on_change=_remember_model,
            key="model",
        )
    try:
        return serving.model(path)
    except OSError:
        name = escaped(path.stem)
        st.info(f"The model {name} has just been moved or deleted. Reload this page to choose another one.")
        return None


def answer_with(name: str) -> bool:
    """Choose the model of that name for this visit; False when there is none."""
    path = next((file for file in available_models() if file.stem == name), None)
    if path is None:
        return False
    st.session_state["model_of_visit"] = path
    st.session_state.pop("model", None)
    return True


def _remember_model() -> None:
    # Only on a change by the visitor: otherwise a new default model is to show after a visit to another page.
    st.session_state["model_of_visit"] = st.session_state["model"]


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """Unique labels of model files: the name, and the top-5 accuracy as soon as that has been read."""
    names: dict[Path, str] = {}
    for path in files:
        description = serving.description(path)
        top5 = None if description is None else _top5(description)
        name = path.stem if top5 is None else f"{path.stem} · top-5 {percentage(top5)}"
        # Shipped models come last, and may have the name of one in the workspace.
        names[path] = f"{name} (shipped)" if name in names.values() else name
    return names


def show_answers(model: Future[Classifier], drawing: Drawing) -> None:
    """Show the symbols that the drawing may be, best first, with buttons to save it; without a drawing, what to do."""
    if drawing and not model.done():
        with st.spinner("Getting the model ready …"):
            wait([model])
    if model.done() and (error := model.exception()) is not None:
        if isinstance(error, UserError | FileNotFoundError):
            why = escaped(reason(error, "loading a model"))
            st.error(f"This model can't answer: {why}.", icon=":material/error:")
        else:
            show_fault(error, "loading a model")
        return
    if not drawing:
        show_results([], strokes=0, key="predictions")
        return
    many = st.session_state.setdefault("many", False)
    classifier = model.result()
    answers = classifier.answers(drawing, MANY, PRIORS[_RANKINGS[st.session_state.get(_RANK_BY) or _BY_USAGE]])
    document = document_of_visit()
    results = in_document(answers.results, document)
    current = contributor()
    best = [(result.head.key, result.probability) for result in results[:STORED]]
    saved_key = current.answer(drawing, classifier.classes, classifier.name, best)
    show_results(
        results if many else results[:FEW],
        strokes=len(drawing),
        saved_key=saved_key,
        saved_label=current.label,
        on_keep=_keep_result,
        unsure=not answers.is_sure,
        document=document,
        key="predictions",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if len(results) > FEW:
            label = "Show fewer" if many else f"Show {len(results) - FEW} more"
            st.button(label, type="tertiary", on_click=_toggle_many, key="more")
        st.segmented_control(
            "Rank by", list(_RANKINGS), default=_BY_USAGE, key=_RANK_BY, required=True,
            help="Usage: by the drawing and by how often people want each symbol. Shape alone: by the drawing, as if "
            "all were wanted equally often.",
        )  # fmt: skip
    show_contribution(current, key="contribute_panel")


def _keep_result() -> None:
    contributor().keep(st.session_state["predictions"].keep)


def _toggle_many() -> None:
    st.session_state["many"] = not st.session_state["many"]


def show_model(model: Future[Classifier], drawing: Drawing) -> None:
    """Show the image that the model gets of the drawing, with two lines about the model."""
    if not model.done():
        _wait_for_model(model)
    elif model.exception() is None:
        classifier = model.result()
        image = classifier.raster_of(drawing) if drawing else None
        show_raster(image, _about(classifier), key="raster")


@st.fragment(run_every=1.0)
def _wait_for_model(model: Future[Classifier]) -> None:
    if model.done():
        st.rerun()
    show_raster(None, ["Getting the model ready. You can draw already."], key="raster_until_ready")


def _about(model: Classifier) -> list[str]:
    """Two lines: the size of the model's input, and its accuracy."""
    top5 = _top5(model.description)
    accuracy = "" if top5 is None else f", right within five for {percentage(top5)} of unseen drawings"
    return [
        f"What the model sees: {model.raster.size} × {model.raster.size} pixels",
        f"Model “{model.name}”: {len(model.classes):,} symbols{accuracy}",
    ]


def _top5(description: ModelDescription) -> float | None:
    """The top-5 accuracy on unseen drawings; None if it is unknown."""
    top5 = description.evaluated.get("top5")
    return float(top5) if isinstance(top5, int | float) else None
