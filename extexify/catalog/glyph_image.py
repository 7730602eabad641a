"""Glyphs as SVG: one scale, one baseline and one margin for all."""

from __future__ import annotations

from html import escape

# Extent of every picture above and below the baseline, so that pictures in a row share a baseline and a scale; margin
# around ink that reaches further; width in which narrow ink is centred. In thousandths of an em, the glyphs' unit.
_ABOVE, _BELOW, _MARGIN = 780, 260, 50
_MIN_WIDTH = 500


def glyph_image(
    box: tuple[int, int, int, int], content: str, title: str | None, style: str = 'fill="currentColor"'
) -> str:
    """The SVG of ink within a box (left, top, right, bottom; thousandths of an em, y down from the baseline).

    content: its paths. title: the accessible name; without one it is hidden from screen readers. style: attributes.
    """
    left, top, right, bottom = box
    width = max(right - left + 2 * _MARGIN, _MIN_WIDTH)
    x = (left + right - width) / 2
    y = min(-_ABOVE, top - _MARGIN)
    height = max(_BELOW, bottom + _MARGIN) - y
    label = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {label} {style} viewBox="{x:g} {y} {width} {height}" '
        f'width="{width / 1000:g}em" height="{height / 1000:g}em" style="vertical-align:{-(height + y) / 1000:g}em">'
        f"{content}</svg>"
    )
