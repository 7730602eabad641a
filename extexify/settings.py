"""All settings of Extexify: environment variables, or the same names at the top of `.streamlit/secrets.toml`.

Every one has a default, so that nothing has to be set. (Streamlit makes environment variables of the
entries at the top of its secrets; an environment variable that is set already goes before.)
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its environment variable, what it is without one (in words), and what it is for."""

    name: str
    default: str
    meaning: str


WORKSPACE = Setting(
    "EXTEXIFY_WORKSPACE",
    "`workspace/` in the current folder",
    "the folder with everything that a user's work produces",
)
CONTRIBUTIONS = Setting(
    "EXTEXIFY_CONTRIBUTIONS",
    "`drawings.sqlite3` in the workspace",
    "where the Draw page keeps drawings that visitors name: a `postgresql://` address",
)

SETTINGS = (WORKSPACE, CONTRIBUTIONS)
"""All of them, in the order of the documentation."""


def value_of(setting: Setting) -> str:
    """What a setting is set to; empty when it isn't."""
    return os.environ.get(setting.name, "").strip()
