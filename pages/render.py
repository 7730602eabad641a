"""The Render page."""

from __future__ import annotations

from extexify.ui.frame import page_frame

page_frame("Render the drawings", "See how drawings become the pictures that the network learns from.")
