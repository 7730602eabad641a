"""The answering side of the Draw page: which model answers, what it says, what it sees."""

from __future__ import annotations

from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from extexify.results import fold_look_alikes
from extexify.strokes import Drawing
from extexify.ui import serving
from extexify.ui.predictions import percentage, show_raster, show_results
from extexify.workspace import available_models, default_model

if TYPE_CHECKING:
    from extexify.classifier import Classifier

FEW, MANY = 5, 25
"""How many answers are shown at first, and on demand."""

_NO_MODEL = """
**No model yet.** Nothing can answer until there is one. Train it from a dump of drawings
(or from synthetic ones, with `starter` in place of DUMP),

```
python -m extexify pipeline --source DUMP
```

or put a model file (`.safetensors`) into the `models` folder of your workspace, and reload this page.
"""


def choose_model() -> Future[Classifier] | None:
    """Say which model answers, with a choice when there are several; None, and what to do, without any."""
    try:
        path = default_model()
        files = available_models()
        if len(files) > 1:
            path = st.selectbox("Model that answers", files, index=files.index(path), format_func=_name, key="model")
        return serving.model(path)
    except FileNotFoundError:
        st.info(_NO_MODEL, icon=":material/school:")
        return None


def _name(path: Path) -> str:
    return path.stem


def show_answers(model: Future[Classifier], drawing: Drawing) -> None:
    """What the drawing may be, best first; an invitation as long as there is none."""
    if model.done() and (error := model.exception()) is not None:
        st.error(f"This model can't answer: {error}", icon=":material/error:")
        return
    if not drawing:
        show_results([], strokes=0, key="predictions")
        return
    many = st.session_state.setdefault("many", False)
    if not model.done():
        with st.spinner("Getting the model ready …"):
            wait([model])
    classifier = model.result()
    # All symbols and not the first few: a result is as probable as all its look-alikes together.
    results = fold_look_alikes(classifier.classify(drawing, top=len(classifier.classes)))[:MANY]
    show_results(results if many else results[:FEW], strokes=len(drawing), key="predictions")
    if len(results) > FEW:
        label = "Show fewer" if many else f"Show {len(results) - FEW} more"
        st.button(label, type="tertiary", on_click=_toggle_many, key="more")


def _toggle_many() -> None:
    st.session_state["many"] = not st.session_state["many"]


def show_model(model: Future[Classifier], drawing: Drawing) -> None:
    """Who answers, how good it is, and the small picture that it gets of the drawing."""
    if not model.done():
        _say_when_ready(model)
    elif model.exception() is None:
        classifier = model.result()
        image = classifier.raster_of(drawing) if drawing else None
        show_raster(image, _credentials(classifier), key="raster")


@st.fragment(run_every=1.0)
def _say_when_ready(model: Future[Classifier]) -> None:
    if model.done():
        st.rerun()
    show_raster(None, ["Getting the model ready. You can draw already."], key="raster_until_ready")


def _credentials(model: Classifier) -> list[str]:
    """Two lines: what the model sees, and how good it is."""
    # A model that hasn't been tested yet has been validated on drawings that it wasn't trained on either.
    figures = model.metrics.get("test") or model.metrics.get("validation") or {}
    top5 = figures.get("top5")
    figure = "" if top5 is None else f", right within five for {percentage(top5)} of unseen drawings"
    return [
        f"What the model sees: {model.raster.size} × {model.raster.size} pixels",
        f"Model “{model.name}”: {len(model.classes):,} symbols{figure}",
    ]
