"""The Models page: which model answers, and everything that can be done with models and runs."""

from __future__ import annotations

from extexify.ui.models.view import models_page
from extexify.ui.sign_in.view import operator_page

operator_page("Models and runs", "Choose a model to see how good it is, and to let it answer.", wide=True)
models_page()
