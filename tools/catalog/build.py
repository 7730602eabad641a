"""Regenerate the symbol catalogue: ``python -m tools.catalog.build`` (tools/catalog/README.md says what it needs)."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from extexify.catalog.symbols import all_glyphs, load_catalog
from tools.catalog.aliases import aliases_of_packages, write_aliases
from tools.catalog.entries import build_entries, with_names
from tools.catalog.files import COVERAGE, DATA, named_keys, write_lines
from tools.catalog.found import found_in
from tools.catalog.lookalikes import write_lookalikes
from tools.catalog.merge import Merged, merge
from tools.catalog.outlines import Outline, short_path
from tools.catalog.packages import PACKAGES
from tools.catalog.plausible import with_plausible_names
from tools.catalog.spacing import write_spacing
from tools.catalog.typst_names import refused
from tools.catalog.unicode_check import check_unicode

COVERAGE_HEAD = (
    "# The packages of the catalogue",
    "",
    "Written by `python -m tools.catalog.build`. Defined: commands of letters that mean something else than in LaTeX",
    "without the package. Symbols: those that the package adds to the catalogue, with letters of its alphabets. Known:",
    "commands that an earlier package prints in the same way, or that another command of the package equals.",
    "",
    "| package | defined | symbols | known | left out |",
    "| --- | ---: | ---: | ---: | --- |",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Regenerate the symbol catalogue in extexify/catalog/data.")
    parser.add_argument(
        "--found", type=Path, required=True, help="folder for what packages print, which is found anew if it is empty"
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        help="an exported dataset, to find anew which of Detexify's symbols are drawn alike",
    )
    options = parser.parse_args()
    keys = sorted(named_keys())
    merged = merge(
        *build_entries(keys),
        ((package, found_in(options.found, package)) for package in PACKAGES),
        aliases_of_packages(),
    )
    write_lines(DATA / "glyphs.json", shared({key: packed(merged.outlines[key]) for key in sorted(merged.symbols)}))
    all_glyphs.cache_clear()
    named = {key: with_names(merged.symbols[key]) for key in sorted(merged.symbols)}
    entries = list(with_plausible_names(named, set(keys)).values())
    if complaint := refused(entry.typst for entry in entries if entry.typst):
        raise SystemExit(f"Typst: {complaint}")
    write_lines(DATA / "symbols.json", [dataclasses.asdict(entry) for entry in entries])
    load_catalog.cache_clear()
    print(
        f"{len(entries)} symbols, {sum(entry.unicode is not None for entry in entries)} with Unicode, "
        f"{sum(entry.typst is not None for entry in entries)} with a Typst name"
    )
    write_aliases(merged.aliases)
    check_unicode()
    write_spacing()
    write_coverage(merged)
    write_lookalikes(options.dataset)


def shared(glyphs: dict[str, dict[str, object]]) -> dict[str, object]:
    """Glyphs that are equal to an earlier one as that one's key."""
    first: dict[str, str] = {}
    content: dict[str, object] = {}
    for key, glyph in glyphs.items():
        earlier = first.setdefault(json.dumps(glyph), key)
        content[key] = glyph if earlier == key else earlier
    return content


def write_coverage(merged: Merged) -> None:
    """Write the table of `coverage.md`: what each package defines, what of it is in the catalogue, and what isn't."""
    rows = [
        f"| {name} | {defined:,} | {added:,} | {known:,} | "
        + "; ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        + " |"
        for name, defined, added, known, left_out in merged.coverage
    ]
    COVERAGE.write_text("\n".join([*COVERAGE_HEAD, *rows]) + "\n", encoding="utf-8")


def packed(outline: Outline) -> dict[str, object]:
    """A glyph as the package reads it: its box in units, the ``d`` of each path."""
    glyph: dict[str, object] = {"box": outline.box(), "ink": [short_path(path) for path in outline.ink]}
    if outline.placeholder:
        glyph["placeholder"] = [short_path(path) for path in outline.placeholder]
    return glyph


if __name__ == "__main__":
    main()
