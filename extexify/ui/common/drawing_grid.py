"""A grid of drawings: many pictures in one message to the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.symbols import glyph_svg, symbol_for
from extexify.drawing.raster import RasterSettings
from extexify.ui.common.components import assets
from extexify.ui.common.pictures import ink_url

_COMPONENT = st.components.v2.component(
    "extexify_drawings",
    html='<ul class="drawings"></ul>',
    css=assets("ui/common/drawing_grid.css"),
    js=assets("web/page.js", "ui/common/drawing_grid.js"),
)

AS_DRAWN = RasterSettings(size=160, stroke_width=4)
"""Settings of pictures for people: the drawing's own proportions, sharp on any screen."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a drawing: uint8 (H, W), ink 255, with a label below it; `pixels` shows pixels as squares."""

    image: NDArray[np.uint8]
    label: str = ""
    pixels: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A drawing in a grid: its pictures side by side, its symbol's key, its split, and a note in its tooltip."""

    pictures: Sequence[Picture]
    key: str
    split: str = ""
    note: str = ""


def show_drawings(items: Sequence[Item], *, width: float = 6.6, key: str) -> None:
    """Show drawings in as many columns of at least `width` rem as fit. Keys and notes may hold anything."""
    _COMPONENT(data={"width": width, "drawings": [_shown(item) for item in items]}, key=key)


def _shown(item: Item) -> dict[str, Any]:
    symbol = symbol_for(item.key)
    pictures = [
        {"url": ink_url(picture.image), "label": picture.label, "pixels": picture.pixels} for picture in item.pictures
    ]
    return {
        "pictures": pictures,
        "key": item.key,
        "command": symbol.command,
        "svg": glyph_svg(item.key),
        "character": symbol.unicode,
        "split": item.split,
        "note": item.note,
    }
