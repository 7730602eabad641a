"""The answering side of the Draw page: which model answers, what it says, what it sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from extexify.drawing.strokes import Drawing
from extexify.model.answers import fold_look_alikes
from extexify.model.rejection import SUMMED_CLASSES, is_rejected
from extexify.ui.common.text import percentage
from extexify.ui.draw import serving
from extexify.ui.draw.contribute import keeping, show_keeping
from extexify.ui.draw.predictions import show_raster, show_results
from extexify.workspace.paths import available_models, default_model

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier

FEW, MANY = 5, 25
"""How many answers are shown at first, and on demand."""

SAID = 3
"""How many answers go with a drawing that a visitor of a public demo names."""

_NO_MODEL = """
**No model yet.** Nothing can answer until there is one. Train it from a dump of drawings
(or from synthetic ones, with `starter` in place of DUMP),

```
python -m extexify pipeline --source DUMP
```

or put a model file (`.safetensors`) into the `models` folder of your workspace, and reload this page.
"""


def choose_model() -> Future[Classifier] | None:
    """Say which model answers, with a choice (for this visit) when there are several; None without any."""
    files = available_models()
    if not files:
        st.info(_NO_MODEL, icon=":material/school:")
        return None
    path = st.session_state.get("model_of_visit")
    if path not in files:
        path = files[0]
        with suppress(FileNotFoundError, ValueError):  # it was deleted since the listing
            path = files[files.index(default_model())]
    if len(files) > 1:
        names = _names(files)
        path = st.selectbox(
            "Model that answers",
            files,
            index=files.index(path),
            # Asked for the earlier choice too, whose file may be gone by now.
            format_func=lambda file: names.get(file, file.stem),
            on_change=_remember_model,
            key="model",
        )
    try:
        return serving.model(path)
    except OSError:
        st.info(f"The model {path.stem} has just been moved or deleted. Reload this page to choose another one.")
        return None


def answer_with(name: str) -> bool:
    """Let the model of that name answer in this visit; False when there is none."""
    path = next((file for file in available_models() if file.stem == name), None)
    if path is None:
        return False
    st.session_state["model_of_visit"] = path
    st.session_state.pop("model", None)
    return True


def _remember_model() -> None:
    # Only what was chosen, so that another default shows when one comes back from another page.
    st.session_state["model_of_visit"] = st.session_state["model"]


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """What each model file is called in the choice: its name and top-5, as soon as that is known; no name twice."""
    names: dict[Path, str] = {}
    for path in files:
        description = serving.description(path)
        top5 = None if description is None else _top5(description.metrics)
        name = path.stem if top5 is None else f"{path.stem} · top-5 {percentage(top5)}"
        # The shipped ones come last, and may be called like one of the workspace's.
        names[path] = f"{name} (shipped)" if name in names.values() else name
    return names


def show_answers(model: Future[Classifier], drawing: Drawing) -> None:
    """What the drawing may be, best first, and a way to say which it was; an invitation as long as there is none."""
    if drawing and not model.done():
        with st.spinner("Getting the model ready …"):
            wait([model])
    if model.done() and (error := model.exception()) is not None:
        st.error(f"This model can't answer: {error}", icon=":material/error:")
        return
    if not drawing:
        show_results([], strokes=0, key="predictions")
        return
    many = st.session_state.setdefault("many", False)
    classifier = model.result()
    predictions = classifier.candidates(drawing, results=MANY, symbols=SUMMED_CLASSES)
    results = fold_look_alikes(predictions)[:MANY]
    mine = keeping()
    said = [(result.head.key, result.probability) for result in results[:SAID]]
    kept = mine.answer(drawing, classifier.classes, classifier.name, said)
    show_results(
        results if many else results[:FEW], strokes=len(drawing), kept=kept, word=mine.word, on_keep=_keep_result,
        key="predictions", unsure=is_rejected(predictions, classifier.description.rejection_threshold),
    )  # fmt: skip
    if len(results) > FEW:
        label = "Show fewer" if many else f"Show {len(results) - FEW} more"
        st.button(label, type="tertiary", on_click=_toggle_many, key="more")
    show_keeping(mine, key="contribute_panel")


def _keep_result() -> None:
    keeping().keep(st.session_state["predictions"].keep)


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
    top5 = _top5(model.metrics)
    figure = "" if top5 is None else f", right within five for {percentage(top5)} of unseen drawings"
    return [
        f"What the model sees: {model.raster.size} × {model.raster.size} pixels",
        f"Model “{model.name}”: {len(model.classes):,} symbols{figure}",
    ]


def _top5(metrics: Mapping[str, Any]) -> float | None:
    """A model's share right within five, on drawings that it wasn't trained on: tested, or at least validated."""
    figures = metrics.get("test") or metrics.get("validation") or {}
    top5 = figures.get("top5") if isinstance(figures, dict) else None
    return float(top5) if isinstance(top5, int | float) else None
