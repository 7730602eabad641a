"""The Evaluate page."""

from __future__ import annotations

from extexify.ui.frame import page_frame

page_frame("Where the model errs", "Judge a model on drawings that it has not seen.")
