"""The ranked list of answers, and the picture of what the model sees.

Both are small components of our own: one message to the browser an answer, instead of a dozen Streamlit
elements a row, and rows that change in place.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from extexify.catalog import Symbol, glyph_svg, symbol_for

if TYPE_CHECKING:
    from extexify.classifier import Prediction

_HERE = Path(__file__).parent

_MODES = {"math": "math mode", "text": "text mode", "both": "math and text"}

_LIST_HTML = """
<div class="invitation">
  <div class="examples" aria-hidden="true">α ∑ ∮ ↦ ℝ</div>
  <p>Commands such as <code>\\alpha</code> appear here.</p>
  <p>Size and place in the box don't matter.</p>
</div>
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


def show_predictions(predictions: Sequence[Prediction], *, strokes: int, key: str) -> None:
    """Show answers, best first, each with its printed glyph and a button that copies the command.

    Without any it shows what to do; the same component does both, so that its code and fonts are in the
    browser before the first answer is.
    `strokes`, the count of strokes that were answered, ends up in the page for tests and measurements.
    """
    data = {"strokes": strokes, "answers": [_answer(prediction) for prediction in predictions]}
    _list_component()(data=data, key=key)


def show_raster(image: NDArray[np.uint8] | None, lines: list[str], *, key: str) -> None:
    """Show a drawing as the model sees it, uint8 (H, W), ink 255, and lines beside it; no ink for None."""
    _raster_component()(data={"image": "" if image is None else _ink_url(image), "lines": lines}, key=key)


def _answer(prediction: Prediction) -> dict[str, Any]:
    symbol = symbol_for(prediction.key)
    return {
        "command": prediction.command,
        "svg": glyph_svg(prediction.key),
        "character": symbol.unicode,
        "name": symbol.unicode_name,
        "about": f"{_origin(symbol)} · {_MODES[symbol.mode]}",
        "preamble": symbol.usepackage,
        "probability": round(prediction.probability, 4),
        "percent": percentage(prediction.probability),
    }


def _origin(symbol: Symbol) -> str:
    """What a document needs for the symbol, in a word or two; the preamble has it exactly."""
    if not symbol.usepackage:
        return "LaTeX"
    return symbol.package if symbol.package != "latex2e" else f"{symbol.fontenc} fonts"


def percentage(share: float) -> str:
    """A share as people read it: `98%`, `0.4%`, `<0.1%`."""
    percent = 100 * share
    if percent < 0.1:
        return "<0.1%"
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%"


def _ink_url(image: NDArray[np.uint8]) -> str:
    """The ink as the opacity of an image, so that the page gives it the text's colour in either theme."""
    layers = np.zeros((*image.shape, 2), np.uint8)
    layers[..., 1] = image
    file = io.BytesIO()
    Image.fromarray(layers, "LA").save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


# Registered once a process: registering anew makes the browser load the code anew.
@cache
def _list_component() -> Any:
    return st.components.v2.component(
        "extexify_predictions",
        html=_LIST_HTML,
        css=(_HERE / "predictions.css").read_text("utf-8"),
        js=(_HERE / "predictions.js").read_text("utf-8"),
    )


@cache
def _raster_component() -> Any:
    return st.components.v2.component(
        "extexify_raster",
        html='<figure><div class="ink"><div></div></div><figcaption></figcaption></figure>',
        css=_RASTER_CSS,
        js=_RASTER_JS,
    )
