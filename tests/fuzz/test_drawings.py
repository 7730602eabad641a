"""Fuzzing: drawings as they come from files, from the canvas and in links."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from extexify.drawing.link import MAX_TEXT, BadLink, decode, encode, open_link
from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.resample import SequenceSettings, resample
from extexify.drawing.strokes import MAX_ABS_COORDINATE, MAX_POINTS, BadDrawing, Drawing, Drawings, parse_strokes
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas
from tests.fuzz.formats import strokes
from tests.fuzz.harness import Case, Fault, fuzz
from tests.fuzz.hostile import changed, damaged, json_bytes, number, text_bytes, times, value

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _check(drawing: Drawing) -> None:
    """Raise `Fault` unless a drawing has the properties that rasterizer and resampler rely on."""
    for stroke in drawing:
        if stroke.dtype != np.float32 or stroke.ndim != 2 or stroke.shape[1] != 2 or not len(stroke):
            raise Fault("a stroke is no float32 array of (x, y)")
        if not (np.abs(stroke) <= MAX_ABS_COORDINATE).all():
            raise Fault("a coordinate is out of range")
    if sum(map(len, drawing)) > MAX_POINTS:
        raise Fault("the drawing has too many points")
    if drawing:
        packed = Drawings.pack([drawing])
        for preset in PRESETS.values():
            rasterize(packed, preset, threads=1)
        if not np.isfinite(resample(packed, SequenceSettings(16))).all():
            raise Fault("a resampled point is not finite")


# --- strokes JSON --------------------------------------------------------------------------------


def _strokes(rng: Random) -> Case:
    kind = rng.random()
    if kind < 0.8:
        return {"strokes.json": strokes(rng)}
    if kind < 0.9:
        return {"strokes.json": json_bytes(rng, value(rng, 4))}
    tokens = ("[", "]", "[[", "]]", ",", "1", "-", ".", "e", "0", " ", "\n", "1e5", "NaN", "null", '"')
    return {"strokes.json": "".join(rng.choice(tokens) for _ in range(rng.randrange(60))).encode()}


@fuzz(_strokes, BadDrawing)
def test_strokes(case: Case, folder: Path) -> None:
    data = case["strokes.json"]
    drawing = parse_strokes(data)
    _check(drawing)
    if not drawing:
        raise Fault("no strokes, and no refusal")
    as_text = parse_strokes(data.decode("utf-8", "surrogatepass"))
    if not all(np.array_equal(one, other) for one, other in zip(drawing, as_text, strict=True)):
        raise Fault("text and bytes are read differently")


# --- canvas JSON ---------------------------------------------------------------------------------

_ITEMS: tuple[dict[str, Any], ...] = (
    {"type": "Path", "path": [["M", 1, 2], ["Q", 1, 2, 3, 4], ["Q", 5, 6, 7, 8], ["L", 9, 10]], "left": 5, "top": 6},
    {"type": "path", "path": [["M", 0, 0], ["C", 1, 2, 3, 4, 5, 6], ["Z"], ["M", 9, 9]], "originX": "center"},
    {"type": "line", "x1": 0, "y1": 1, "x2": 300, "y2": 4, "strokeWidth": 6, "strokeUniform": True},
    {"type": "polyline", "points": [{"x": 1, "y": 2}, {"x": 30, "y": 40}], "angle": 45, "scaleX": 2, "flipX": True},
    {"type": "polygon", "points": [{"x": 1, "y": 2}, {"x": 30, "y": 40}, {"x": 5, "y": 5}], "skewX": 30, "skewY": -10},
    {"type": "circle", "radius": 30, "width": 60, "height": 60, "left": 1, "top": 2, "visible": True},
    {"type": "circle", "radius": 3},
)  # fmt: skip
_FIELDS = (
    "left", "top", "angle", "scaleX", "scaleY", "skewX", "skewY", "strokeWidth", "width", "height", "radius", "type",
)  # fmt: skip


def _item(rng: Random, depth: int = 0) -> Any:
    if rng.random() < 0.1 and depth < 12:
        group = {"type": "group", "objects": [_item(rng, depth + 1) for _ in range(rng.randrange(3))]}
        return group if rng.random() < 0.8 else changed(rng, group)
    item = dict(rng.choice(_ITEMS))
    for _ in range(rng.randrange(3)):
        item[rng.choice(_FIELDS)] = number(rng) if rng.random() < 0.8 else value(rng, 1)
    return times(rng, changed, item, 2)


def _canvas(rng: Random) -> Case:
    kind = rng.random()
    if kind < 0.1:
        return {"canvas.json": json_bytes(rng, value(rng, 4))}
    if kind < 0.2:
        nested = _item(rng)
        for _ in range(rng.choice((3, 8, 9, 100))):
            nested = {"type": "group", "objects": [nested], "angle": rng.randrange(360)}
        return {"canvas.json": json.dumps({"objects": [nested]}).encode()}
    return {
        "canvas.json": json_bytes(rng, {"objects": [_item(rng) for _ in range(rng.randrange(4))], "background": ""})
    }


@fuzz(_canvas, BadDrawing)
def test_canvas(case: Case, folder: Path) -> None:
    try:
        sent = json.loads(case["canvas.json"])
    except (ValueError, RecursionError):
        return  # refused by Streamlit
    drawing = drawing_from_canvas(sent)
    _check(drawing)
    if drawing and all((np.abs(stroke) < 1000).all() for stroke in drawing):
        drawing_from_canvas(canvas_from_drawing(drawing, color="#000", stroke_width=6))
        encode(drawing)


# --- links ---------------------------------------------------------------------------------------


def some_drawing(rng: Random) -> Drawing:
    """A drawing of one to three strokes, tiny or huge."""
    spread = rng.choice((1e-3, 1.0, 400.0, 1e6))
    # Only a seed is drawn, because hypothesis limits how much a case may draw.
    steps = np.random.default_rng(rng.getrandbits(32)).normal(0, spread / 8, (rng.choice((1, 3, 20, 20, 200)), 2))
    points = np.clip(np.cumsum(steps, axis=0), -spread, spread).astype(np.float32)
    cuts = sorted(rng.randrange(1, len(points)) for _ in range(rng.randrange(3))) if len(points) > 1 else []
    return [stroke for stroke in np.split(points, cuts) if len(stroke)]


def _link(rng: Random) -> Case:
    kind = rng.random()
    link = encode(some_drawing(rng)).encode()
    if kind < 0.35:
        link = b"1" + bytes(rng.choice(_DIGITS) for _ in range(rng.randrange(rng.choice((12, 300)))))
    elif kind < 0.4:
        link = b"1" + bytes([rng.choice(_DIGITS[::7])]) * rng.choice((MAX_TEXT - 1, MAX_TEXT, 10**5))
    elif kind < 0.6:
        link = damaged(rng, link, (b"", b"0", b"z", b"zzzzz", b"-", "é".encode(), b"\x00", b"%41"))
    elif kind < 0.8:
        at = rng.randrange(len(link))
        link = link[:at] + bytes([rng.choice(_DIGITS)]) + link[at + 1 :]
    elif kind < 0.9:
        around = (b"http://host/?d=%b", b"https://host/?d=1&d=%b", b"?d=%b", b"http://[?d=%b", b"%b#x", b"?%b", b"//%b")
        link = rng.choice(around) % link + text_bytes(rng)
    return {"link.txt": link}


@fuzz(_link, BadLink)
def test_links(case: Case, folder: Path) -> None:
    drawing = open_link(case["link.txt"].decode("utf-8", "replace"))
    if not drawing or not all(len(stroke) and np.isfinite(stroke).all() for stroke in drawing):
        raise Fault("a link is opened as something that is no drawing")
    written = encode(drawing)
    if len(written) > MAX_TEXT:
        raise Fault(f"a link of {len(written)} characters")
    if encode(decode(written)) != written:
        raise Fault("a link that is opened and sent on changes")
