"""The Contributions page: drawings that visitors of a public demo sent wait for an operator's look."""

from __future__ import annotations

from extexify.ui.contributions.view import show_moderation
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Drawings from visitors",
    "Accept those that show what their visitors say: they become a source of the export. The others go for good.",
    wide=True,
)
show_moderation()
