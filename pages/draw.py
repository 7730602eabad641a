"""The Draw page: a canvas, and beside it the symbols that the drawing may be."""

from __future__ import annotations

import streamlit as st

from extexify.drawing.strokes import BadDrawing, Drawing
from extexify.ui.common.frame import page_frame, side_by_side
from extexify.ui.common.text import escaped
from extexify.ui.draw.answers import choose_model, show_answers, show_model
from extexify.ui.draw.document import PACKAGES, show_document, tick_packages
from extexify.ui.draw.share import opened_drawing, show_share
from extexify.ui.draw.sketchpad import SIDE, put_on_canvas, sketchpad


@st.fragment
def draw_and_answer() -> None:
    """All that changes with a stroke, as a fragment: a stroke reruns only this."""
    with side_by_side("draw"):
        with st.container(width="content"):
            drawing: Drawing = []
            try:
                drawing = sketchpad()
            except BadDrawing as error:
                problem = escaped(str(error))
                st.warning(f"This drawing can't be read: {problem}. Clear the canvas and draw it again.")
            share = st.container(width=SIDE, key="share")
        with st.container(key="answers"):
            answers = st.container()
            model = choose_model()
            if model is not None:
                with answers:
                    show_answers(model, drawing)
                    show_model(model, drawing)
        # Last: the answers are sent first.
        with share:
            show_share(drawing, model, key="share_panel")


page_frame(
    "Draw a symbol, get its LaTeX command",
    "Draw it in the box with mouse, pen or finger: the list fills in after every stroke.",
)
opened = opened_drawing()
if opened is not None:
    put_on_canvas(opened)
    tick_packages(st.query_params.get(PACKAGES, ""))
draw_and_answer()
show_document()
