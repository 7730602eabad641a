"""The ranked list of answers, and the picture of what the model sees.

Both are small components of our own: one message to the browser an answer, instead of a dozen Streamlit
elements a row, and rows that change in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.symbols import symbol_summary
from extexify.ui.common.components import assets
from extexify.ui.common.pictures import ink_url
from extexify.ui.common.text import percentage

if TYPE_CHECKING:
    from extexify.model.answers import Result

_LIST_HTML = """
<div class="invitation">
  <div class="examples" aria-hidden="true">α ∑ ∮ ↦ ℝ</div>
  <p>Commands such as <code>\\alpha</code> appear here.</p>
  <p>Size and place in the box don't matter.</p>
</div>
<p class="unsure" role="status" hidden></p>
<ol aria-live="polite"></ol>
"""

_RASTER_CSS = """
figure { display: flex; align-items: center; gap: 0.8rem; margin: 0; font-family: var(--st-font); }
.ink {
  width: 48px; height: 48px; flex: none; border: 1px solid var(--st-border-color); border-radius: 6px;
  color: var(--st-text-color);
}
.ink div { width: 100%; height: 100%; background: currentColor; mask-size: 100% 100%; image-rendering: pixelated; }
figcaption { font-size: 0.82rem; line-height: 1.45; opacity: 0.75; color: var(--st-text-color); }
figcaption div + div { margin-top: 0.1rem; }
"""

_RASTER_JS = """
export default function ({ data, parentElement }) {
  const ink = parentElement.querySelector(".ink div");
  ink.style.maskImage = data.image ? `url(${data.image})` : "linear-gradient(transparent, transparent)";
  const caption = parentElement.querySelector("figcaption");
  caption.replaceChildren(...data.lines.map((line) => {
    const row = document.createElement("div");
    row.textContent = line;
    return row;
  }));
}
"""


def show_results(
    results: Sequence[Result],
    *,
    strokes: int,
    kept: str = "",
    word: str = "Kept",
    on_keep: Callable[[], None] | None = None,
    unsure: bool = False,
    key: str,
) -> None:
    """Show results, best first, each with its printed glyph and a button that copies the command.

    The symbols that a result folds in stand below its first one. Every symbol can be named as the one that was
    meant: `on_keep` is called then, with its key in the component's trigger `keep`. `kept` is the key that the
    drawing is kept under already, if it is, and `word` says so.
    Without any result it shows what to do; the same component does both, so that its code and fonts are in the
    browser before the first answer is.
    unsure: say that the drawing may be no symbol at all.
    `strokes`, the count of strokes that were answered, ends up in the page for tests and measurements.
    """
    data = {
        "strokes": strokes,
        "answers": [_answer(result) for result in results],
        "kept": kept,
        "word": word,
        "unsure": unsure,
    }
    _list_component()(data=data, key=key, on_keep_change=on_keep or _nothing)


def show_raster(image: NDArray[np.uint8] | None, lines: list[str], *, key: str) -> None:
    """Show a drawing as the model sees it, uint8 (H, W), ink 255, and lines beside it; no ink for None."""
    _raster_component()(data={"image": "" if image is None else ink_url(image), "lines": lines}, key=key)


def _nothing() -> None:
    """What a press that nobody waits for does."""


def _answer(result: Result) -> dict[str, Any]:
    head, *alike = (symbol_summary(member.key) for member in result.members)
    return {
        **head,
        "alike": alike,
        "probability": round(result.probability, 4),
        "percent": percentage(result.probability),
    }


# Registered once a process: registering anew makes the browser load the code anew.
@cache
def _list_component() -> Any:
    return st.components.v2.component(
        "extexify_predictions",
        html=_LIST_HTML,
        css=assets("web/page.css", "web/predictions.css"),
        js=assets("web/page.js", "web/answer_rows.js", "ui/draw/predictions.js"),
    )


@cache
def _raster_component() -> Any:
    return st.components.v2.component(
        "extexify_raster",
        html='<figure><div class="ink"><div></div></div><figcaption></figcaption></figure>',
        css=_RASTER_CSS,
        js=_RASTER_JS,
    )
