"""Glyphs of own symbols from SVG and PNG files: what is shown, and the lines that a pen would draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from extexify.catalog.own import OwnSymbol, checked
from extexify.core.errors import UserError
from extexify.sources.glyphs import filled, read_glyph
from extexify.sources.own import drawings_of, glyph_drawings

PLUS = "M4 0h2v4h4v2h-4v4h-2v-4h-4v-2h4z"


def svg(path: Path, content: str) -> Path:
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{content}</svg>')
    return path


def plus_png(path: Path, mode: str = "L") -> Path:
    picture = Image.new(mode, (100, 100), (255, 255, 255, 0)[: len(mode)] if len(mode) > 1 else 255)
    pen = ImageDraw.Draw(picture)
    ink = (0, 0, 0, 255) if mode == "RGBA" else 0
    pen.rectangle((40, 0, 59, 99), fill=ink)
    pen.rectangle((0, 40, 99, 59), fill=ink)
    picture.save(path)
    return path


def check_plus(file: Path) -> None:
    """Expect two crossing lines, an upright one and a level one, and outlines as wide as tall."""
    glyph = read_glyph(file)
    assert glyph.box == (0, -700, 700, 0)
    assert glyph.ink
    wide = sorted(tuple(np.ptp(np.array(line), axis=0).round(-2)) for line in glyph.lines)
    assert [tuple(extent > 500 for extent in line) for line in wide] == [(False, True), (True, False)]
    symbol = checked(OwnSymbol, r"\plus", glyph=glyph)
    assert drawings_of(symbol) == []
    drawings = glyph_drawings(symbol, 16)
    assert len(drawings) == 16
    assert all(1 <= len(drawing) <= 4 for drawing in drawings)


def test_the_outlines_of_an_svg_file(tmp_path: Path) -> None:
    check_plus(svg(tmp_path / "plus.svg", f'<path d="{PLUS}"/>'))


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_the_ink_of_a_png_file(mode: str, tmp_path: Path) -> None:
    check_plus(plus_png(tmp_path / "plus.png", mode))


def test_lines_of_a_pen_are_drawings_themselves(tmp_path: Path) -> None:
    glyph = read_glyph(svg(tmp_path / "v.svg", '<polyline points="0,0 5,10 10,0"/>'))
    assert glyph.ink == ()
    assert glyph.lines == (((0, 0), (500, 1000), (1000, 0)),)


def test_the_inside_of_outlines_with_a_hole() -> None:
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)
    hole = square[::-1] * 0.4 + 3
    assert filled([square]).sum() == 100
    assert filled([square, hole]).sum() == 84
    assert filled([square, hole[::-1]]).sum() == 100


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("no.png", b"\x89PNG\r\n\x1a\nbroken", "is no PNG picture"),
        ("no.svg", b"<svg", "no.svg"),
        ("dot.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M1 1L1 1z"/></svg>', "shows nothing"),
    ],
)
def test_a_file_that_shows_no_glyph_is_refused(name: str, content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=why):
        read_glyph(tmp_path / name)
    Image.new("L", (30, 30), 255).save(tmp_path / "empty.png")
    with pytest.raises(UserError, match="no dark ink"):
        read_glyph(tmp_path / "empty.png")
