"""Image files of a drawing, SVG and PNG, and the QR code of a link."""

from __future__ import annotations

import io
from html import escape

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image

from extexify.drawing.link import MAX_QR_LINK
from extexify.drawing.raster import DOT_FACTOR, RasterSettings, fit_points, rasterize_drawing
from extexify.drawing.strokes import Drawing

PICTURE = RasterSettings(size=512, stroke_width=12, margin=0.08)
"""Raster settings of the images: the line width in proportion is about that of the canvas."""


def drawing_svg(drawing: Drawing, title: str = "A drawing") -> str:
    """The drawing as an SVG image, black on transparent, with the geometry of `drawing_png`."""
    strokes = np.split(fit_points(drawing, PICTURE), np.cumsum([len(stroke) for stroke in drawing])[:-1])
    paths = "\n".join(f'<path stroke-width="{_width(stroke):g}" d="{_path(stroke)}"/>' for stroke in strokes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PICTURE.size} {PICTURE.size}"'
        f' width="{PICTURE.size}" height="{PICTURE.size}">\n<title>{escape(title)}</title>\n'
        f'<g fill="none" stroke="#000" stroke-linecap="round" stroke-linejoin="round">\n{paths}\n</g>\n</svg>\n'
    )


def drawing_png(drawing: Drawing) -> bytes:
    """The drawing as a PNG image of 512 × 512 pixels, black on white."""
    file = io.BytesIO()
    Image.fromarray(255 - rasterize_drawing(drawing, PICTURE)).save(file, "PNG")
    return file.getvalue()


def qr_svg(link: str) -> str:
    """A QR code (ISO/IEC 18004) as an SVG image, black on white. Raises ValueError for a link over MAX_QR_LINK."""
    if len(link) > MAX_QR_LINK:
        raise ValueError(f"{len(link):,} characters are too many for a readable QR code: {MAX_QR_LINK} fit")
    code = segno.make(link, error="l", boost_error=True, micro=False)
    file = io.BytesIO()
    code.save(file, kind="svg", xmldecl=False, border=4, dark="#000", light="#fff", omitsize=True)
    return file.getvalue().decode()


def _path(stroke: NDArray[np.float32]) -> str:
    """SVG path data of a stroke. A single point becomes a line to itself, which is drawn as a dot by its round caps."""
    points = [f"{x:.1f} {y:.1f}" for x, y in stroke.tolist()]
    return f"M{points[0]}L{' '.join(points[1:] or points)}"


def _width(stroke: NDArray[np.float32]) -> float:
    """The line width of a stroke; strokes smaller than a dot are widened to a dot's size, as the rasterizer does."""
    extent = float(np.ptp(stroke, axis=0).max())
    return max(PICTURE.stroke_width, PICTURE.stroke_width * DOT_FACTOR - extent)
