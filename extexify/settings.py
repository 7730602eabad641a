"""All settings of Extexify: environment variables, or the same names at the top of `.streamlit/secrets.toml`.

Every one has a default, so that nothing has to be set. The dashboard and the command line read them here.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

SECRETS = Path(".streamlit/secrets.toml")
"""Streamlit's file of secrets, in the folder that the program is started in."""


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
    value = os.environ.get(setting.name) or secrets().get(setting.name)
    return value.strip() if isinstance(value, str) else ""


def secrets() -> dict[str, Any]:
    """What the file of secrets holds; nothing without one, or when it is no TOML, as Streamlit tells when it starts."""
    try:
        status = SECRETS.stat()
        return _read(SECRETS.resolve(), status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=1)
def _read(path: Path, modified: int, size: int) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
