"""The Render page: the dataset's drawings become pictures."""

from __future__ import annotations

from extexify.ui.render.view import choose_and_start, show_job, show_result
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Render the drawings",
    "See what a network sees of a drawing as you change the settings, then render all of them.",
)
choose_and_start()
show_job()
show_result()
