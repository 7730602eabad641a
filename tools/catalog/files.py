"""Where the catalogue's files are, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from extexify.catalog.symbols import detexify_keys

TOOLS = Path(__file__).resolve().parent
COVERAGE = TOOLS / "coverage.md"
DATA = TOOLS.parents[1] / "extexify" / "catalog" / "data"


def named_keys() -> frozenset[str]:
    """The keys of Detexify's data, whose symbols the catalogue always has."""
    return frozenset(detexify_keys())


def write_lines(path: Path, content: Sequence[object] | Mapping[str, object]) -> None:
    """JSON with one symbol a line, so that a change shows as the lines it changes."""
    if isinstance(content, Mapping):
        lines = [f"{_compact(key)}:{_compact(value)}" for key, value in content.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
    else:
        text = "[\n" + ",\n".join(_compact(value) for value in content) + "\n]\n"
    path.write_text(text, encoding="utf-8")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
