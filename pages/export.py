"""The Export page."""

from __future__ import annotations

from extexify.ui.frame import page_frame

page_frame("Get drawings", "Choose where the drawings come from, then export them.")
