"""Reads the style sheets, scripts and HTML of components, which lie beside their Python code.

Modules register their components as they are imported, once a process: a second registration makes browsers load the
code anew.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[2]


def assets(*names: str) -> str:
    """The concatenated text of files, named by their paths below `extexify/`; shared files come first."""
    return "\n".join((_PACKAGE / name).read_text("utf-8") for name in names)
