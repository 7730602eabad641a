"""The browser's side of our components: style sheets and scripts that lie beside the Python code that uses them."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[2]


def code(*names: str) -> str:
    """The files `names`, paths below `extexify/`, one after the other: what several components share comes first."""
    return "\n".join((_PACKAGE / name).read_text("utf-8") for name in names)
