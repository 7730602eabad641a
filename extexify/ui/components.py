"""The browser's side of our components: style sheets and scripts that lie beside this file."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def code(*names: str) -> str:
    """The files `names`, one after the other: what several components share comes first."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)
