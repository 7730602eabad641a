"""The canvas to draw on, with undo and clear, as a widget that returns a drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from extexify.drawing.strokes import Drawing
from extexify.ui.common.components import assets
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas

SIDE = 400
"""Width and height of the canvas in its own pixels; a narrow screen shows it smaller (see the styles)."""

PEN_WIDTH = 6

INK = "#606ce0"
"""The pen's colour. It reads well on the light and on the dark theme, so nothing depends on which one the
browser shows: it may change at any time, and the server hears of it only later."""

SMALLER_SIDES = {460: 343, 374: 328, 359: 288}
"""Side at which the canvas is shown, by the width of the widest window that it is for."""

_STYLES = f"""
/* The component's own tools (redo, move and scale strokes) appear over the right of our row of buttons. */
.st-key-sketchpad {{ width: {SIDE}px; max-width: 100%; gap: 0.5rem; }}
.st-key-canvas {{
  width: {SIDE}px; height: {SIDE}px; cursor: crosshair;
  background: color-mix(in srgb, currentColor 4%, transparent);
}}
.st-key-canvas > div {{ width: {SIDE}px !important; max-width: none !important; }}
.st-key-canvas_tools {{ display: none; }}
/* On a phone the answers follow right below the canvas: sharing takes the free place above it. */
@media (max-width: 640px) {{
  :has(> * > .st-key-share) {{ position: relative; }}
  .st-key-share, :has(> .st-key-share) {{ position: static; }}
  .st-key-share_panel {{ position: absolute; top: 0; right: 0; width: auto; }}
}}
"""

# A transform and not another canvas size: a phone that is turned keeps its drawing, and the strokes keep their
# coordinates, because the canvas divides pointer positions by its visible size.
_SMALLER_STYLES = "".join(
    f"""
@media (max-width: {window}px) {{
  .st-key-canvas {{ width: {side}px; height: {side}px; }}
  .st-key-canvas > div {{ transform: scale({side / SIDE}); transform-origin: 0 0; }}
}}"""
    for window, side in SMALLER_SIDES.items()
)


@dataclass
class _Sketch:
    """What a visitor has on the canvas.

    ours: the canvas shows (or is about to show) what we told it to, and what it sent before that is stale.
    """

    drawing: Drawing = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=lambda: {"objects": []})
    revision: int = 0
    ours: bool = False

    def show(self, drawing: Drawing) -> None:
        """Put a drawing on the canvas in place of what is there."""
        self.drawing = drawing
        # The canvas takes new content only when it differs from the last one that it was given.
        self.revision += 1
        content = canvas_from_drawing(drawing, color=INK, stroke_width=PEN_WIDTH)
        self.content = {**content, "revision": self.revision}
        self.ours = True

    def undo(self) -> None:
        """Take the last stroke back, one that the canvas has from us (its own ones it undoes itself)."""
        self.show(self.drawing[:-1])

    def clear(self) -> None:
        """Empty the canvas."""
        self.show([])

    def heard(self) -> None:
        """The canvas has sent something: from here on it is right, and what we told it is done."""
        self.ours = False


def put_on_canvas(drawing: Drawing) -> None:
    """Let the canvas show a drawing (canvas pixels) in place of what is there, as if the visitor had drawn it."""
    _sketch().show(drawing)


def sketchpad() -> Drawing:
    """Show the canvas and its buttons; return what is drawn on it, in canvas pixels, [] when it is empty.

    Raises `BadDrawing` when the browser sends what no canvas does.
    """
    sketch = _sketch()
    if "canvas" not in st.session_state and sketch.drawing:
        # Back from another page: the canvas is a new one.
        sketch.show(sketch.drawing)
    st.html(f"<style>{_STYLES}{_SMALLER_STYLES}</style>")
    with st.container(key="sketchpad"):
        buttons = st.container(horizontal=True, gap="small")
        result = st_canvas(
            stroke_width=PEN_WIDTH,
            stroke_color=INK,
            width=SIDE,
            height=SIDE,
            initial_drawing=sketch.content,
            on_change=sketch.heard,
            key="canvas",
        )
        try:
            if not sketch.ours:
                sketch.drawing = []
                sketch.drawing = drawing_from_canvas(result.json_data)
        finally:
            # Whatever the canvas sent, there is a button to be rid of it.
            with buttons:
                _show_buttons(sketch)
    return sketch.drawing


def _sketch() -> _Sketch:
    found: _Sketch = st.session_state.setdefault("sketch", _Sketch())
    return found


def _show_buttons(sketch: _Sketch) -> None:
    nothing = not sketch.drawing
    st.button("Undo", icon=":material/undo:", on_click=sketch.undo, disabled=nothing, help="Ctrl+Z", key="undo")
    st.button("Clear", icon=":material/ink_eraser:", on_click=sketch.clear, help="Esc", key="clear")
    _tools()(key="canvas_tools")


# Registered once a process: registering anew makes the browser load the code anew.
@cache
def _tools() -> Any:
    """Undo that acts on what is on the canvas, and the keys; nothing to be seen."""
    return st.components.v2.component("extexify_canvas_tools", js=assets("ui/draw/sketchpad.js"))
