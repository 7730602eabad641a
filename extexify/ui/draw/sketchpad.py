"""The canvas with its Undo and Clear buttons, as a widget that returns a drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from extexify.drawing.strokes import Drawing
from extexify.ui.common.components import assets
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas

_TOOLS = st.components.v2.component("extexify_canvas_tools", js=assets("ui/draw/sketchpad.js"))
"""An invisible component: undo of the canvas's own strokes, and keyboard shortcuts."""

SIDE = 400
"""Width and height of the canvas in its own pixels; sketchpad.css has the same number, and smaller ones for phones."""

PEN_WIDTH = 6

INK = "#606ce0"
"""The pen's colour, legible on the light and on the dark theme: the browser may switch at any time, and the server
learns of it later."""

_STYLES = Path(__file__).with_suffix(".css")


@dataclass
class _Sketch:
    """The canvas of a visit.

    drawing: what is on it. content, revision: the JSON that the server sent it last. pending: the canvas has sent
    nothing since then, so that what it sent before is stale.
    """

    drawing: Drawing = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=lambda: {"objects": []})
    revision: int = 0
    pending: bool = False

    def show(self, drawing: Drawing) -> None:
        """Replace what is on the canvas."""
        self.drawing = drawing
        # The component updates the canvas only when its content differs from the previous one.
        self.revision += 1
        content = canvas_from_drawing(drawing, color=INK, stroke_width=PEN_WIDTH)
        self.content = {**content, "revision": self.revision}
        self.pending = True

    def undo(self) -> None:
        """Remove the last stroke, one that the server put there: those drawn since are undone in the browser."""
        self.show(self.drawing[:-1])

    def clear(self) -> None:
        """Remove all strokes."""
        self.show([])

    def on_change(self) -> None:
        """The canvas has sent its content: from now on that counts."""
        self.pending = False


def put_on_canvas(drawing: Drawing) -> None:
    """Replace what is on the canvas by a drawing in canvas pixels."""
    _sketch().show(drawing)


def sketchpad() -> Drawing:
    """Show the canvas and its buttons; return the drawing on it in canvas pixels, [] when it is empty.

    Raises `BadDrawing` for JSON that the canvas component doesn't produce.
    """
    sketch = _sketch()
    if "canvas" not in st.session_state and sketch.drawing:
        # After another page was visited, the canvas component is a new, empty one.
        sketch.show(sketch.drawing)
    st.html(_STYLES)
    with st.container(key="sketchpad"):
        buttons = st.container(horizontal=True, gap="small")
        result = st_canvas(
            stroke_width=PEN_WIDTH,
            stroke_color=INK,
            width=SIDE,
            height=SIDE,
            initial_drawing=sketch.content,
            on_change=sketch.on_change,
            key="canvas",
        )
        try:
            if not sketch.pending:
                sketch.drawing = []
                sketch.drawing = drawing_from_canvas(result.json_data)
        finally:
            # Also after BadDrawing: Clear is the way out of it.
            with buttons:
                _show_buttons(sketch)
    return sketch.drawing


def _sketch() -> _Sketch:
    sketch: _Sketch = st.session_state.setdefault("sketch", _Sketch())
    return sketch


def _show_buttons(sketch: _Sketch) -> None:
    st.button(
        "Undo", icon=":material/undo:", on_click=sketch.undo, disabled=not sketch.drawing, help="Ctrl+Z", key="undo"
    )
    st.button("Clear", icon=":material/ink_eraser:", on_click=sketch.clear, help="Esc", key="clear")
    _TOOLS(key="canvas_tools")
