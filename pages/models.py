"""The Models page."""

from __future__ import annotations

from extexify.ui.frame import page_frame

page_frame("Models and runs", "Choose the model that answers.")
