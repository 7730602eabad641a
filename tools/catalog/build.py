"""Regenerate the symbol catalogue: ``python -m tools.catalog.build`` (tools/catalog/README.md says what it needs)."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from extexify.catalog.symbols import load_catalog
from tools.catalog.aliases import write_aliases
from tools.catalog.entries import build_entries, with_names
from tools.catalog.files import DATA, KEYS, write_lines
from tools.catalog.lookalikes import write_lookalikes
from tools.catalog.outlines import Outline, short_path
from tools.catalog.unicode_check import check_unicode


def main() -> None:
    parser = argparse.ArgumentParser(description="Regenerate the symbol catalogue in extexify/catalog/data.")
    parser.add_argument("--names", action="store_true", help="only the Unicode and Typst names and the aliases anew")
    parser.add_argument("--dataset", type=Path, help="an exported dataset, to find look-alikes anew")
    options = parser.parse_args()
    if options.names:
        entries = [with_names(entry) for entry in load_catalog().values()]
    else:
        entries, glyphs = build_entries(sorted(set(KEYS.read_text(encoding="utf-8").splitlines())))
        write_lines(DATA / "glyphs.json", {key: packed(printed.outline) for key, printed in glyphs.items()})
    write_lines(DATA / "symbols.json", [dataclasses.asdict(entry) for entry in entries])
    load_catalog.cache_clear()
    print(
        f"{len(entries)} symbols, {sum(entry.unicode is not None for entry in entries)} with Unicode, "
        f"{sum(entry.typst is not None for entry in entries)} with a Typst name"
    )
    write_aliases()
    check_unicode()
    if options.dataset:
        write_lookalikes(options.dataset)


def packed(outline: Outline) -> dict[str, object]:
    """A glyph as the package reads it: its box in units, the ``d`` of each path."""
    glyph: dict[str, object] = {"box": outline.box(), "ink": [short_path(path) for path in outline.ink]}
    if outline.placeholder:
        glyph["placeholder"] = [short_path(path) for path in outline.placeholder]
    return glyph


if __name__ == "__main__":
    main()
