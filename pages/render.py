"""The Render page: the dataset's drawings become pictures."""

from __future__ import annotations

from extexify.ui.frame import page_frame
from extexify.ui.render_view import choose_and_start, show_job, show_result

page_frame(
    "Render the drawings",
    "See what a network sees of a drawing as you change the settings, then render all of them.",
)
choose_and_start()
show_job()
show_result()
