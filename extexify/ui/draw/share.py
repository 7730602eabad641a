"""Sharing: the drawing of a link that was opened, the address that follows the drawing, and the Share dialog."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from extexify.drawing.link import LINK_PARAMETER, MAX_QR_LINK, BadLink, decode, encode
from extexify.drawing.strokes import MAX_DRAWN_STROKES, Drawing
from extexify.ui.common.components import assets
from extexify.ui.common.text import escaped, sentence
from extexify.ui.draw import share_routes
from extexify.ui.draw.answers import answer_with
from extexify.ui.draw.document import packages_of_links

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier

_COMPONENT = st.components.v2.component(
    "extexify_share",
    html=assets("ui/draw/share.html"),
    css=assets("web/page.css", "ui/draw/action.css", "ui/draw/share.css"),
    js=assets("web/page.js", "ui/draw/share.js"),
)

MODEL = "model"
"""The query parameter for the name of the model that should answer."""

MAX_SHOWN_NAME = 60
"""Characters of a model's name from a link that the page repeats."""

_HISTORY = 50
"""Drawings of this visit that are remembered: for a moment, the browser's address lags a drawing or two behind."""

_ROUNDING = 1.0
"""Canvas pixels by which the canvas may round a corner off."""


@dataclass
class _Sharing:
    """What a visit has opened and drawn, encoded as in links.

    address: the drawing in the browser's address at the last run. history: the last drawings of this visit.
    opened: the drawing of the link that was opened; problem: a sentence about that link; model: the model that it
    names; missing: the same if there is no such model.
    """

    address: str = ""
    history: deque[str] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    opened: str = ""
    problem: str = ""
    model: str = ""
    missing: str = ""

    def is_opened(self, text: str) -> bool:
        """Whether an address with this drawing was opened, rather than set by the visit itself.

        The visitor may have drawn more since an address of their own: an earlier drawing must not come back.
        """
        is_opened = text not in ("", self.address, *self.history)
        self.address = text
        return is_opened


def opened_drawing() -> Drawing | None:
    """The drawing of a link that has just been opened, [] for an unusable one; None if no new link was opened.

    To be called in runs of the whole page. The model that the link names answers from then on. `show_share` reports
    problems.
    """
    sharing = _sharing()
    text = st.query_params.get(LINK_PARAMETER, "")
    if not sharing.is_opened(text):
        return None
    sharing.opened, sharing.problem = text, ""
    name = st.query_params.get(MODEL, "")
    sharing.model, sharing.missing = (name, "") if not name or answer_with(name) else ("", name)
    try:
        drawing = decode(text)
        if len(drawing) > MAX_DRAWN_STROKES:
            raise BadLink(f"the link’s drawing has over {MAX_DRAWN_STROKES:,} strokes, too many for the canvas")
        return with_corners(drawing)
    except BadLink as error:
        sharing.opened, sharing.problem = "", sentence(str(error))
        return []


def with_corners(drawing: Drawing) -> Drawing:
    """The same lines with the points at corners doubled, where the canvas would otherwise round them off.

    The canvas draws a curve through the midpoints of consecutive points. Points drawn with a pen are so close that this
    makes no difference; in a link, points on straight lines are left out.
    """
    points, ends = np.concatenate(drawing), np.cumsum([len(stroke) for stroke in drawing])
    counts = np.ones(len(points), np.int64)
    # Distance between a point and the quadratic curve that has it as its control point.
    rounding = np.hypot(*(points[:-2] - 2 * points[1:-1] + points[2:]).T) / 8
    counts[1:-1] += rounding > _ROUNDING
    counts[ends - 1] = counts[ends[:-1]] = 1  # of strokes' last and first points
    return np.split(np.repeat(points, counts, axis=0), np.cumsum(counts)[ends[:-1] - 1])


def show_share(drawing: Drawing, model: Future[Classifier] | None, *, key: str) -> None:
    """Show the Share button, update the browser's address, and report what of the opened link is missing."""
    sharing = _sharing()
    text = encode(drawing) if drawing else ""
    if text not in sharing.history:
        sharing.history.append(text)
    name = model.result().name if model is not None and model.done() and model.exception() is None else ""
    data = {
        "text": text,
        "model": name,
        "named": bool(name) and name == sharing.model,
        "png": share_routes.PNG,
        "svg": share_routes.SVG,
        "qr": share_routes.QR,
        "longestQr": MAX_QR_LINK,
        "packages": packages_of_links(),
    }
    _COMPONENT(data=data, key=key)
    if text != sharing.opened:
        # The messages below are about the link's drawing; the visitor has drawn since.
        sharing.problem = sharing.missing = ""
    if sharing.problem:
        st.warning(sharing.problem)
    if sharing.missing and name:
        missing = escaped(_shortened(sharing.missing))
        st.info(f"The link asks for the model “{missing}”, which isn't here: “{escaped(name)}” answers.")


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_SHOWN_NAME else f"{name[:MAX_SHOWN_NAME]}…"


def _sharing() -> _Sharing:
    sharing: _Sharing = st.session_state.setdefault("sharing", _Sharing())
    return sharing
