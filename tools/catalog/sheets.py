"""Contact sheets for review by eye: ``python -m tools.catalog.sheets OUT`` writes PNG pages.

First all symbols, then the groups that print alike and those that are drawn alike, each group on a tint of its own.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from html import escape
from pathlib import Path

from extexify.catalog.lookalikes import look_alike_groups
from extexify.catalog.symbols import Symbol, glyph_svg, load_catalog, symbol_for

COLUMNS, ROWS = 10, 12
CELL_WIDTH, CELL_HEIGHT = 150, 110
TINTS = ("#e6edff", "#ffeedd")
EM = 40  # pixels: 2.5 times as large as in a result list


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the pages")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    pages = _write(out, "all", [[symbol] for symbol in load_catalog().values()])
    for relation in ("prints", "drawn"):
        groups = [[symbol_for(key) for key in group] for group in look_alike_groups(relation)]
        pages += _write(out, relation, groups)
    print(f"{pages} pages in {out}")


def _write(out: Path, name: str, groups: list[list[Symbol]]) -> int:
    """Write the pages of these groups of symbols; return how many there are."""
    cells = [(symbol, TINTS[number % len(TINTS)]) for number, group in enumerate(groups) for symbol in group]
    starts = range(0, len(cells), COLUMNS * ROWS)
    for number, start in enumerate(starts, 1):
        page = out / f"{name}-{number:02}.svg"
        page.write_text(_sheet(cells[start : start + COLUMNS * ROWS]), encoding="utf-8")
        subprocess.run(["rsvg-convert", "-o", page.with_suffix(".png"), page], check=True)
    return len(starts)


def _sheet(cells: list[tuple[Symbol, str]]) -> str:
    """One page as SVG: a cell a symbol, its picture's edges shaded and its baseline drawn."""
    drawn = "".join(_cell(symbol, number, tint) for number, (symbol, tint) in enumerate(cells))
    width, height = COLUMNS * CELL_WIDTH, ROWS * CELL_HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="11" color="#000">'
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>'
    )


def _cell(symbol: Symbol, number: int, tint: str) -> str:
    left = number % COLUMNS * CELL_WIDTH
    top = number // COLUMNS * CELL_HEIGHT
    svg = glyph_svg(symbol.key)
    if svg is None:
        raise SystemExit(f"{symbol.key} has no glyph.")
    box = re.search(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', svg)
    assert box is not None
    _, y, width, height = (float(number) * EM / 1000 for number in box.groups())
    picture = re.sub(r'width="[^"]*em" height="[^"]*em" style="[^"]*"', f'width="{width}" height="{height}"', svg)
    x = left + (CELL_WIDTH - width) / 2
    baseline = top + 50
    picture = picture.replace("<svg", f'<svg x="{x}" y="{baseline + y}"', 1)
    label = f"{symbol.mode[0]} {symbol.package} {symbol.unicode or '∅'}"
    return (
        f'<rect x="{x}" y="{baseline + y}" width="{width}" height="{height}" fill="{tint}"/>'
        f'<path d="M{left + 4} {baseline}h{CELL_WIDTH - 8}" stroke="#f99" stroke-width=".5"/>{picture}'
        f'<text x="{left + CELL_WIDTH / 2}" y="{top + 86}" text-anchor="middle">{escape(symbol.command)}</text>'
        f'<text x="{left + CELL_WIDTH / 2}" y="{top + 101}" text-anchor="middle" fill="#555">{escape(label)}</text>'
    )


if __name__ == "__main__":
    main()
