"""The Evaluate page: how good a model is, what it takes for what, and which drawings are mislabelled."""

from __future__ import annotations

from extexify.ui.evaluation_start import start_evaluation
from extexify.ui.evaluation_view import show_evaluations
from extexify.ui.frame import page_frame

page_frame(
    "Where the model errs",
    "Judge a model on drawings that it hasn't seen, then look at what it takes for what.",
    wide=True,
)
start_evaluation()
show_evaluations()
