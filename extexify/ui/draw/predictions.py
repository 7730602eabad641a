"""The ranked list of answers, and the drawing as the model gets it.

Each is a component of our own: one message to the browser an answer instead of a dozen Streamlit elements a row, and
rows that are updated in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.comparison import detailed_summary
from extexify.catalog.lookalikes import prints_alike
from extexify.catalog.output import labels
from extexify.catalog.symbols import symbol_for
from extexify.ui.common.components import assets
from extexify.ui.common.pictures import ink_url
from extexify.ui.common.text import percentage

if TYPE_CHECKING:
    from extexify.catalog.document import Document
    from extexify.model.answers import Result

MOST_ALIKE = 36
"""Symbols of a result that are listed; some shapes, such as a vertical line, have more than a hundred."""

_LIST_COMPONENT = st.components.v2.component(
    "extexify_predictions",
    html=assets("ui/draw/predictions.html"),
    css=assets("web/page.css", "web/predictions.css", "web/comparison.css"),
    js=assets(
        "web/page.js",
        "web/page_keys.js",
        "web/output_format.js",
        "web/comparison.js",
        "web/picks.js",
        "web/answer_rows.js",
        "ui/draw/predictions.js",
    ),
)

_RASTER_COMPONENT = st.components.v2.component(
    "extexify_raster",
    html='<figure><div class="ink"><div></div></div><figcaption></figcaption></figure>',
    css=assets("ui/draw/raster.css"),
    js=assets("ui/draw/raster.js"),
)


def show_results(
    results: Sequence[Result],
    *,
    strokes: int,
    saved_key: str = "",
    saved_label: str = "Kept",
    on_keep: Callable[[], None] | None = None,
    unsure: bool = False,
    document: Document | None = None,
    key: str,
) -> None:
    """Show results, best first, each with its printed glyph and a button that copies the command.

    The other symbols of a result stand below its first one. Every symbol has a button that saves the drawing as an
    example of it: `on_keep` is called, with the symbol's key in the component's trigger `keep`. `saved_key` is the key
    that the drawing is saved under, if any, and `saved_label` the text of its button.

    Without results the component shows what to do; it is the same component so that its code and fonts are loaded
    before the first answer. unsure: say that the drawing may be none of the symbols. document: the visitor's, for what
    to type in it, and what a symbol would need. strokes, the number of strokes
    that were classified, is put into the DOM for tests and measurements.
    """
    data = {
        "strokes": strokes,
        "formats": labels(),
        "answers": [_answer(result, document) for result in results],
        "savedKey": saved_key,
        "savedLabel": saved_label,
        "unsure": unsure,
    }
    _LIST_COMPONENT(data=data, key=key, on_keep_change=on_keep or _ignore)


def show_raster(image: NDArray[np.uint8] | None, lines: list[str], *, key: str) -> None:
    """Show an image, uint8 (H, W), ink 255, or an empty frame, with lines of text beside it."""
    _RASTER_COMPONENT(data={"image": "" if image is None else ink_url(image), "lines": lines}, key=key)


def _ignore() -> None:
    """The callback where there is none: Streamlit needs one to create the trigger."""


def _answer(result: Result, document: Document | None) -> dict[str, Any]:
    first, *rest = result.keys[: max(MOST_ALIKE, len(result.members))]
    alike = prints_alike(first)
    return {
        **detailed_summary(first),
        **_in_document(first, document),
        "alike": [{**detailed_summary(key, glyph=key not in alike), **_in_document(key, document)} for key in rest],
        "probability": round(result.probability, 4),
        "percent": percentage(result.probability),
    }


def _in_document(key: str, document: Document | None) -> dict[str, str]:
    """What to type for a symbol in a document, if that isn't its command, and what it would need there, if anything."""
    if document is None:
        return {}
    typed, needs = document.typed(key), document.needs(key) or ""
    return {"typed": "" if typed == symbol_for(key).command else typed, "needs": needs.replace("\n", " ")}
