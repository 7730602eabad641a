"""Plotly, imported with the first chart that is drawn: a second that no other page waits for."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def graph_objects() -> Any:
    """`plotly.graph_objects`."""
    # Plotly looks into pandas wherever that is imported, even if another visit's thread is only half through with
    # it; importing it here waits for that thread.
    import_module("pandas")
    return import_module("plotly.graph_objects")
