"""The canvas with its buttons Undo, Redo and Clear, as a widget that returns a drawing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from extexify.drawing.strokes import BadDrawing, Drawing, Stroke
from extexify.ui.common.components import assets
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas

_CANVAS = st.components.v2.component(
    "streamlit-drawable-canvas.streamlit_drawable_canvas",
    html='<div class="canvas-root" role="img" aria-label="Box to draw a symbol in, with mouse, pen or finger"></div>',
    css=assets("ui/draw/canvas.css"),
    js="index-*.js",
)
"""The canvas component with a style sheet of ours. The package's own function, `st_canvas`, takes none, and shows a
toolbar over the canvas."""

_BUTTONS = st.components.v2.component(
    "extexify_canvas_buttons",
    html=assets("ui/draw/sketchpad.html"),
    css=assets("ui/draw/action.css", "ui/draw/buttons.css"),
    js=assets("web/canvas_keys.js", "ui/draw/sketchpad.js"),
)

_BUTTONS_KEY = "canvas_buttons"

DRAW = "sketch"
"""Name of the Draw page's sketch."""

SIDE = 400
"""Width and height of the canvas in its own pixels; sketchpad.css has the same number, and smaller ones for phones."""

PEN_WIDTH = 6

INK = "#606ce0"
"""The pen's colour, legible on the light and on the dark theme: the browser may switch at any time, and the server
learns of it later."""

MAX_CLEARED = 10
"""Cleared drawings of a visit that Undo brings back."""

_TALL = 10_000
"""Pixels, more than any canvas has."""

_ROUNDING = 0.01
"""Pixels by which a coordinate may differ after the canvas has loaded and sent it."""

_STYLES = Path(__file__).with_suffix(".css")

_SHOWN = "sketch-shown"
"""Session state: the name of the sketch that the last run showed."""

Command = Callable[[object, Drawing], Drawing]
"""A page's own command: called with the value that the browser sent with it and with the drawing on the canvas, it
returns the drawing that replaces it."""


@dataclass
class _Sketch:
    """The canvas of a visit.

    drawing: what is on it. content, revision: the JSON that the server sent it last. seen: the JSON from the browser
    that `drawing` has taken account of. cleared: drawings that Clear removed, newest last. undone: what Redo brings
    back, next last: a stroke, or None for clearing the canvas.
    """

    drawing: Drawing = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=lambda: {"objects": []})
    revision: int = 0
    seen: object = None
    cleared: deque[Drawing] = field(default_factory=lambda: deque(maxlen=MAX_CLEARED))
    undone: list[Stroke | None] = field(default_factory=list)

    def show(self, drawing: Drawing) -> None:
        """Replace what is on the canvas."""
        self.drawing = drawing
        # The component updates the canvas only when its content differs from the previous one.
        self.revision += 1
        content = canvas_from_drawing(drawing, color=INK, stroke_width=PEN_WIDTH)
        self.content = {**content, "revision": self.revision}
        # What the browser has sent is out of date, until it sends something else.
        self.seen = _sent()

    def read(self) -> None:
        """Take what the browser has sent since the last time. Raises `BadDrawing`."""
        sent = _sent()
        if sent is None or sent == self.seen:
            return
        before, self.drawing = self.drawing, []
        self.drawing = drawing_from_canvas(sent)
        self.seen = sent
        if not all(map(_is_same, before, self.drawing)):
            self.undone.clear()
            return
        self.undone += before[len(self.drawing) :][::-1]
        for stroke in self.drawing[len(before) :]:
            if self.undone and _is_same(self.undone[-1], stroke):
                self.undone.pop()
            else:
                self.undone.clear()

    @property
    def mark(self) -> int:
        """A number for the drawing that the server sent last. As a maximum height, the canvas component shows it in its
        style, by which sketchpad.js knows that it has arrived."""
        return _TALL + self.revision

    def undo(self, go_back: Callable[[], Drawing] | None = None) -> None:
        """Remove the last stroke; bring back the drawing that Clear removed if there is none, and before the first one
        of these what `go_back` returns."""
        after = self.latest()
        if after:
            self.undone.append(after[-1])
            after = after[:-1]
        elif self.cleared:
            self.undone.append(None)
            after = self.cleared.pop()
        elif go_back is not None:
            self.undone.clear()
            after = go_back()
        self.show(after)

    def redo(self) -> None:
        """Take back the last Undo."""
        after = self.latest()
        if self.undone:
            stroke = self.undone.pop()
            if stroke is None:
                self.cleared.append(after)
            after = [] if stroke is None else [*after, stroke]
        self.show(after)

    def clear(self) -> None:
        """Remove all strokes."""
        if self.latest():
            self.cleared.append(self.drawing)
        self.undone.clear()
        self.show([])

    def begin(self, drawing: Drawing) -> None:
        """Replace what is on the canvas, and what Undo and Redo would bring back."""
        self.cleared.clear()
        self.undone.clear()
        self.show(drawing)

    def perform(self, name: str, command: Command) -> None:
        """Perform a command of the page, which the browser sent as a trigger of the buttons' component."""
        self.begin(command(st.session_state[_BUTTONS_KEY][name], self.latest()))

    def latest(self) -> Drawing:
        """The drawing in a callback, which runs before the page reads it; [] when it can't be read."""
        with suppress(BadDrawing):
            self.read()
        return self.drawing


def put_on_canvas(drawing: Drawing) -> None:
    """Replace what is on the Draw page's canvas by a drawing in canvas pixels."""
    sketch = _sketch(DRAW)
    sketch.undone.clear()
    sketch.show(drawing)


def take_from_canvas(name: str) -> Drawing:
    """The drawing of a sketch, whose canvas is empty from then on; for callbacks."""
    sketch = _sketch(name)
    drawing = sketch.latest()
    sketch.begin([])
    return drawing


def sketchpad(
    name: str = DRAW,
    *,
    commands: Mapping[str, Command] | None = None,
    go_back: Callable[[], Drawing] | None = None,
) -> Drawing:
    """Show the canvas and its buttons; return the drawing on it in canvas pixels, [] when it is empty.

    name: of the sketch, which a visit has one of for each page. commands: the page's own, by the names under which its
    JavaScript sends them: as an event `canvas-command` of the document with {name, value}. They come in order with
    Undo, Redo and Clear, and with the last stroke. go_back: what Undo does on an empty canvas; it returns what the
    canvas shows then. Raises `BadDrawing` for JSON that the canvas component doesn't produce.
    """
    sketch = _sketch(name)
    if "canvas" not in st.session_state or st.session_state.get(_SHOWN) != name:
        # After another page was visited, the canvas component is a new, empty one.
        sketch.seen = _sent()
        if sketch.drawing:
            sketch.show(sketch.drawing)
    st.session_state[_SHOWN] = name
    st.html(_STYLES)
    with st.container(key="sketchpad"):
        buttons = st.container()
        _CANVAS(
            data={
                "drawingMode": "freedraw",
                "strokeColor": INK,
                "strokeWidth": PEN_WIDTH,
                "canvasWidth": SIDE,
                "canvasHeight": SIDE,
                "initialDrawing": sketch.content,
                "backgroundImageURL": None,
                "maxDisplayHeight": sketch.mark,
                "realtimeUpdateStreamlit": True,
            },
            key="canvas",
            width="content",
            on_drawing_change=_ignore,
        )
        try:
            sketch.read()
        finally:
            # Also after BadDrawing: Clear is the way out of it.
            with buttons:
                _show_buttons(sketch, commands or {}, go_back)
    return sketch.drawing


def _show_buttons(sketch: _Sketch, commands: Mapping[str, Command], go_back: Callable[[], Drawing] | None) -> None:
    callbacks: dict[str, Any] = {
        f"on_{name}_change": partial(sketch.perform, name, command) for name, command in commands.items()
    }
    _BUTTONS(
        data={
            "mark": sketch.mark,
            "undo": bool(sketch.drawing or sketch.cleared or go_back),
            "redo": bool(sketch.undone),
        },
        key=_BUTTONS_KEY,
        on_undo_change=partial(sketch.undo, go_back),
        on_redo_change=sketch.redo,
        on_clear_change=sketch.clear,
        **callbacks,
    )


def _sketch(name: str) -> _Sketch:
    sketch: _Sketch = st.session_state.setdefault(name, _Sketch())
    return sketch


def _sent() -> object:
    """The canvas's JSON as the browser sent it last; None before that."""
    state = st.session_state.get("canvas")
    drawing = state.get("drawing") if isinstance(state, Mapping) else None
    return drawing.get("raw") if isinstance(drawing, Mapping) else None


def _is_same(one: Stroke | None, other: Stroke) -> bool:
    """Whether the canvas sends one stroke as the other."""
    return one is not None and one.shape == other.shape and bool((np.abs(one - other) <= _ROUNDING).all())


def _ignore() -> None:
    """The callback where there is none: Streamlit needs one to create the state."""
