"""The Draw page: a canvas, and beside it the symbols that the drawing may mean."""

from __future__ import annotations

import streamlit as st

from extexify.strokes import BadDrawing, Drawing
from extexify.ui.answers import choose_model, show_answers, show_model
from extexify.ui.frame import page_frame, side_by_side
from extexify.ui.sketchpad import sketchpad


@st.fragment
def draw_and_answer() -> None:
    """Everything that changes with a stroke, and nothing else, so that a stroke reruns only this."""
    with side_by_side("draw"):
        with st.container(width="content"):
            drawing: Drawing = []
            try:
                drawing = sketchpad()
            except BadDrawing as error:
                st.warning(f"This drawing can't be read: {error}. Clear the canvas and draw it again.")
        with st.container(key="answers"):
            answers = st.container()
            model = choose_model()
            if model is not None:
                with answers:
                    show_answers(model, drawing)
                    show_model(model, drawing)


page_frame(
    "Draw a symbol, get its LaTeX command",
    "Draw it in the box with mouse, pen or finger: the list fills in after every stroke.",
)
draw_and_answer()
