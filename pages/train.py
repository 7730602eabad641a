"""The Train page."""

from __future__ import annotations

from extexify.ui.frame import page_frame

page_frame("Train a model", "Choose a recipe and watch it learn.")
