"""The Contributions page: an operator accepts or rejects what visitors of a public demo drew."""

from __future__ import annotations

from extexify.ui.contributions.view import show_moderation
from extexify.ui.sign_in.view import operator_page

operator_page(
    "Drawings from visitors",
    "Accept those that show what their visitors say: they become a source of the export. Rejected ones are deleted.",
    wide=True,
)
show_moderation()
