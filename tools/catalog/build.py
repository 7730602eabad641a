"""Regenerate the symbol catalogue: ``python tools/catalog/build.py`` (tools/catalog/README.md says what it needs)."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parents[1]
sys.path.insert(0, str(ROOT))  # the package need not be installed to build its data

from entries import build_entries  # noqa: E402
from outlines import short_path  # noqa: E402

DATA = ROOT / "extexify" / "data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    keys = (TOOLS / "keys.txt").read_text(encoding="utf-8").splitlines()
    entries, glyphs = build_entries(sorted(set(keys)))
    write_lines(DATA / "symbols.json", [dataclasses.asdict(entry) for entry in entries])
    packed = {}
    for key, printed in glyphs.items():
        packed[key] = {"box": printed.outline.box(), "ink": [short_path(path) for path in printed.outline.ink]}
        if printed.outline.placeholder:
            packed[key]["placeholder"] = [short_path(path) for path in printed.outline.placeholder]
    write_lines(DATA / "glyphs.json", packed)
    print(
        f"{len(entries)} symbols, {sum(entry.unicode is not None for entry in entries)} with Unicode, "
        f"{sum(entry.typst is not None for entry in entries)} with a Typst name"
    )


def write_lines(path: Path, content: list[object] | dict[str, object]) -> None:
    """JSON with one symbol a line, so that a change shows as the lines it changes."""
    if isinstance(content, dict):
        lines = [f"{_compact(key)}:{_compact(value)}" for key, value in content.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
    else:
        text = "[\n" + ",\n".join(_compact(value) for value in content) + "\n]\n"
    path.write_text(text, encoding="utf-8")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
