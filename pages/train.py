"""The Train page: a recipe becomes a model, and one can watch it learn."""

from __future__ import annotations

from extexify.ui.sign_in.view import operator_page
from extexify.ui.train.view import train_page

operator_page("Train a model", "Choose a recipe and start: the curves show how well it learns, epoch by epoch.")
train_page()
