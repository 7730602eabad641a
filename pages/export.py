"""The Export page: drawings from one or several sources become the dataset."""

from __future__ import annotations

from extexify.ui.export.view import choose_and_start, show_job, show_result, show_welcome
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Get drawings",
    "Choose where the drawings come from, then export them: they become the dataset that everything after it reads.",
)
show_welcome()
choose_and_start()
show_job()
show_result()
