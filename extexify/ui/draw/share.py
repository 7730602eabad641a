"""Sharing the drawing: opening a link's drawing, the address that follows the drawing, and the Share dialog."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from extexify.drawing.link import LINK, MAX_QR_LINK, BadLink, decode, encode
from extexify.drawing.strokes import Drawing
from extexify.ui.common.components import assets
from extexify.ui.common.text import escaped, sentence
from extexify.ui.draw import share_routes
from extexify.ui.draw.answers import answer_with

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier

MODEL = "model"
"""The query parameter that names the model a link is meant for."""

MAX_SHOWN_NAME = 60
"""Characters of a model's name that are repeated to the visitor whose link has it."""

_KNOWN = 50
"""Links of this visit that are remembered. The browser's address is behind by a drawing or two, for a moment."""

_ROUNDING = 1.0
"""Canvas pixels that the canvas may take off a corner."""

_HTML = """
<button type="button" class="open" aria-haspopup="dialog">
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true">
    <circle cx="18" cy="5" r="3"/><circle cx="6" cy="12" r="3"/><circle cx="18" cy="19" r="3"/>
    <path d="M8.6 10.5l6.8-4M8.6 13.5l6.8 4"/>
  </svg>
  Share
</button>
<dialog aria-labelledby="title">
  <form method="dialog"><button class="close" aria-label="Close">×</button></form>
  <h2 id="title">Share this drawing</h2>
  <p class="quiet">The link holds the drawing itself: whoever opens it sees it on the canvas, with its answers.</p>
  <div class="link"><input readonly aria-label="Link to this drawing"></div>
  <label class="named"><input type="checkbox"><span></span></label>
  <div class="files">
    <img class="qr" alt="QR code of the link" width="168" height="168">
    <div>
      <p class="quiet scan">Scan the code to open it on another device.</p>
      <p class="quiet">Or take it as a picture:</p>
      <p class="pictures">
        <a class="png" download="drawing.png">PNG</a> <a class="svg" download="drawing.svg">SVG</a>
      </p>
    </div>
  </div>
</dialog>
"""


@dataclass
class _Sharing:
    """What a visit has opened and drawn, as texts of links."""

    asked: str = ""
    known: deque[str] = field(default_factory=lambda: deque(maxlen=_KNOWN))
    opened: str = ""
    problem: str = ""
    model: str = ""
    missing: str = ""

    def is_news(self, text: str) -> bool:
        """Whether an address with this text was opened, and not made by the visit itself.

        The canvas may have gone on since: what it shows must not give way to its own earlier drawings.
        """
        news = text not in ("", self.asked, *self.known)
        self.asked = text
        return news


def opened_drawing() -> Drawing | None:
    """The drawing of the link that was opened, [] for a link without a usable one; None when there is no new link.

    To be asked in a run of the whole page. A model that the link names answers from then on. What can't be had,
    `show_share` says.
    """
    sharing = _sharing()
    text = st.query_params.get(LINK, "")
    if not sharing.is_news(text):
        return None
    sharing.opened, sharing.problem = text, ""
    name = st.query_params.get(MODEL, "")
    sharing.model, sharing.missing = (name, "") if not name or answer_with(name) else ("", name)
    try:
        return with_corners(decode(text))
    except BadLink as error:
        sharing.opened, sharing.problem = "", sentence(str(error))
        return []


def with_corners(drawing: Drawing) -> Drawing:
    """The same lines with points at corners twice: the canvas rounds a line from point to point, but not at such ones.

    The pen's own points lie so close together that rounding is a matter of pixels; a link leaves out what lies
    between.
    """
    strokes = []
    for stroke in drawing:
        counts = np.ones(len(stroke), np.int64)
        # How far a curve through the middles of two lines stays from the point between them.
        rounding = np.hypot(*(stroke[:-2] - 2 * stroke[1:-1] + stroke[2:]).T) / 8
        counts[1:-1] += rounding > _ROUNDING
        strokes.append(np.repeat(stroke, counts, axis=0))
    return strokes


def show_share(drawing: Drawing, model: Future[Classifier] | None, *, key: str) -> None:
    """Show the Share button, let the address follow the drawing, and say what of the opened link isn't there."""
    sharing = _sharing()
    text = encode(drawing) if drawing else ""
    if text not in sharing.known:
        sharing.known.append(text)
    name = model.result().name if model is not None and model.done() and model.exception() is None else ""
    data = {
        "text": text,
        "model": name,
        "named": bool(name) and name == sharing.model,
        "png": share_routes.PNG,
        "svg": share_routes.SVG,
        "qr": share_routes.QR,
        "longestQr": MAX_QR_LINK,
    }
    _component()(data=data, key=key)
    if text != sharing.opened:
        # What there is to say is about the link's drawing, and not about what the visitor draws after it.
        sharing.problem = sharing.missing = ""
    if sharing.problem:
        st.warning(sharing.problem)
    if sharing.missing and name:
        asked = escaped(_shortened(sharing.missing))
        st.info(f"The link asks for the model “{asked}”, which isn't here: “{escaped(name)}” answers.")


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_SHOWN_NAME else f"{name[:MAX_SHOWN_NAME]}…"


def _sharing() -> _Sharing:
    found: _Sharing = st.session_state.setdefault("sharing", _Sharing())
    return found


# Registered once a process: registering anew makes the browser load the code anew.
@cache
def _component() -> Any:
    return st.components.v2.component(
        "extexify_share",
        html=_HTML,
        css=assets("web/page.css", "ui/draw/share.css"),
        js=assets("web/page.js", "ui/draw/share.js"),
    )
