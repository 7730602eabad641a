"""Drawings in links: they look the same after decoding, and any other text is refused with one sentence."""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from extexify.cli.parser import main
from extexify.drawing import link, link_codec, pictures
from extexify.drawing.link import CANVAS_SIDE, MAX_TEXT, BadLink, decode, encode, open_link
from extexify.drawing.raster import PRESETS, rasterize_drawing
from extexify.drawing.strokes import MAX_POINTS, Drawing, strokes_json
from tests.drawings import drawing

WORST_PIXEL, WORST_MEAN = 60, 3.0
"""How far an image of the default raster may change, of 255: any pixel, and the mean."""

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

GOLDEN: dict[str, list[list[list[int]]]] = {
    "1VX7xxYOfA": [[[200, 120]]],
    "1DuFQbUYMiFVRZ6": [[[20, 300], [350, 306]]],
    "14SXtj95QgncdKyf6EgRtGxokGSlNs75GuaKlkmck": [
        [[300, 90], [100, 85], [215, 200], [95, 320], [310, 314]],
        [[50, 50]],
        [[60, 50], [60, 350]],
    ],
    "16SxebHsLOmfyIHNBp4LzLSY2ZIevTrOMNDWZRtJHXsR344GaQsrlPOf": [
        [
            [328, 285],
            [322, 268],
            [295, 215],
            [246, 155],
            [182, 118],
            [121, 124],
            [85, 169],
            [85, 231],
            [121, 276],
            [182, 282],
            [246, 245],
            [295, 185],
            [322, 132],
            [328, 115],
        ]
    ],
    "1R7gdcBU8ZI6sancN3VU6SC": [[[-20, 390], [415, 405], [4, 7]]],
    "1iZ6EBHA4SJAZst0": [[[130, 60], [270, 341]]],
}
"""Links of version 1 and their drawings, in whole canvas pixels."""


@st.composite
def drawings(draw: st.DrawFn, side: float = CANVAS_SIDE) -> Drawing:
    """Drawings of up to four strokes with small steps, as by hand."""
    count = draw(st.integers(1, 4))
    strokes = []
    for _ in range(count):
        start = np.array(draw(st.tuples(*[st.floats(0, side, width=32)] * 2)))
        steps = draw(st.lists(st.tuples(*[st.floats(-side / 20, side / 20, width=32)] * 2), max_size=60))
        strokes.append(np.cumsum([start, *map(np.array, steps)], axis=0).astype(np.float32))
    return strokes


def noise(points: int, seed: int = 1) -> np.ndarray:
    """Random points on the canvas."""
    return np.random.default_rng(seed).uniform(0, CANVAS_SIDE, (points, 2)).astype(np.float32)


def walk(points: int) -> Drawing:
    """A random walk."""
    return [np.cumsum(np.random.default_rng(2).normal(0, 8, (points, 2)), axis=0).astype(np.float32)]


RICH: dict[str, Drawing] = {
    "as many points as a drawing may have": [noise(MAX_POINTS)],
    "as many dots": list(noise(MAX_POINTS)[:, None]),
    "a thousand dots": list(noise(1000)[:, None]),
    "two thousand lines": list(noise(4000).reshape(2000, 2, 2)),
    "every second point of a fine net": [
        np.array([[16 * column + 8 * (row % 2), 8 * row]], np.float32) for row in range(48) for column in range(24)
    ],
    "a zigzag that no simplifying shortens": [
        np.stack([np.arange(8000) / 20, np.arange(8000) % 2 * 400], axis=1).astype(np.float32)
    ],
    "a scribble": walk(1500),
    "a long scribble": walk(8000),
}


def picture(strokes: Drawing) -> np.ndarray:
    """The drawing's image, int (40, 40)."""
    return rasterize_drawing(strokes, PRESETS["default"]).astype(int)


def box(strokes: Drawing) -> np.ndarray:
    """Lowest and highest x and y, (2, 2)."""
    points = np.concatenate(strokes)
    return np.stack([points.min(axis=0), points.max(axis=0)])


@given(drawings())
def test_a_decoded_drawing_looks_the_same_and_is_at_the_same_place(sent: Drawing) -> None:
    text = encode(sent)
    assert re.fullmatch("1[0-9A-Za-z]+", text)
    assert len(text) <= MAX_TEXT
    back = decode(text)
    assert len(back) == len(sent)
    change = np.abs(picture(back) - picture(sent))
    assert change.max() <= WORST_PIXEL
    assert change.mean() <= WORST_MEAN
    assume(np.ptp(box(sent), axis=0).max() >= 1)
    assert np.abs(box(back) - box(sent)).max() <= 1 + 0.003 * np.ptp(box(sent), axis=0).max()


@given(drawings())
def test_a_decoded_drawing_has_the_same_link(sent: Drawing) -> None:
    text = encode(sent)
    back = decode(text)
    assert encode(back) == text
    # The canvas rounds, and doubles points so that corners stay corners.
    doubled = [np.repeat(stroke.round(3), 2, axis=0) for stroke in back]
    assert encode(doubled) == text


@given(drawings(), st.floats(1e-6, 2e3), st.tuples(*[st.floats(-5e5, 5e5)] * 2))
def test_a_drawing_in_any_unit_is_decoded_onto_the_canvas(
    shape: Drawing, scale: float, shift: tuple[float, float]
) -> None:
    sent = [(stroke * scale + shift).astype(np.float32) for stroke in shape]
    back = decode(encode(sent))
    assert np.abs(picture(back) - picture(sent)).max() <= WORST_PIXEL
    if np.abs(box(sent)).max() > 2 * CANVAS_SIDE:
        assert 0 <= box(back).min() <= box(back).max() <= CANVAS_SIDE


@pytest.mark.parametrize("name", RICH)
def test_any_drawing_fits(name: str) -> None:
    text = encode(RICH[name])
    assert len(text) <= MAX_TEXT
    back = decode(text)
    # A traced drawing is only roughly the same.
    assert np.abs(picture(back) - picture(RICH[name])).mean() < 30
    assert encode(back) == text


def encode_with_patience(sent: Drawing) -> str:
    """The text for which every candidate is written in full, however long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "_MAX_BITS", math.inf)
        patch.setattr(link, "MAX_DISTANCES", math.inf)
        return encode(sent)


@pytest.mark.parametrize("points", [560, 900, 1500, 2040])
def test_giving_up_early_changes_no_text(points: int) -> None:
    for sent in (walk(points), [noise(points)]):
        assert encode(sent) == encode_with_patience(sent)


@given(drawings())
def test_giving_up_early_changes_no_text_of_small_drawings(sent: Drawing) -> None:
    assert encode(sent) == encode_with_patience(sent)


@given(drawings())
def test_the_length_of_a_text_is_known_before_it_is_written(sent: Drawing) -> None:
    on_grid = link._GridDrawing.of(sent)
    bits = math.log2(link_codec.from_digits(on_grid.text()[1:]))
    assert abs(on_grid._bits() - bits) < link._BITS_TOLERANCE / 4


def test_simplifying_comes_before_tracing() -> None:
    change = np.abs(picture(decode(encode(walk(1500)))) - picture(walk(1500)))
    assert change.mean() <= WORST_MEAN


def test_lines_that_bend_little_need_few_points() -> None:
    turns = np.linspace(0, 6, 500)
    circle = np.stack([200 + 100 * np.cos(turns), 200 + 100 * np.sin(turns)], axis=1).astype(np.float32)
    assert sum(map(len, decode(encode([circle])))) < 60
    assert len(encode([circle])) < 150


def test_a_drawing_without_strokes_has_no_link() -> None:
    with pytest.raises(ValueError, match="at least one stroke"):
        encode([])


def test_links_of_version_1_still_open() -> None:
    for text, strokes in GOLDEN.items():
        back = decode(text)
        assert [stroke.round().astype(int).tolist() for stroke in back] == strokes
        assert encode(back) == text


SENT = encode(drawing([[20, 20], [60, 200], [250, 30]], [[300, 300]], [[10, 250], [280, 240]]))


INVALID = [
    ("", "carries no drawing"),
    ("2" + SENT[1:], "newer version of Extexify"),
    ("z", "newer version of Extexify"),
    ("1" * (MAX_TEXT + 1), "too long"),
    ("1" * 10_000_000, "too long"),
    ("1", "damaged"),
    ("1" + "0" * 50, "damaged"),
    ("1" + "z" * (MAX_TEXT - 1), "damaged"),
    (SENT + "\n", "damaged"),
    (SENT + "é", "damaged"),
    ("１" + SENT[1:], "damaged"),
    ("1<script>alert(1)</script>", "damaged"),
    ("1\0", "damaged"),
]


def test_a_text_that_is_no_drawing_is_refused_in_one_sentence() -> None:
    for text, message in INVALID:
        with pytest.raises(BadLink, match=message) as raised:
            decode(text)
        assert len(str(raised.value)) < 150
        assert "\n" not in str(raised.value)


def test_a_whole_link_is_opened_like_its_text() -> None:
    for text in (SENT, f" {SENT}\n", f"https://example.org/draw?embed=true&d={SENT}&model=x#top", f"?d={SENT}"):
        assert encode(open_link(text)) == SENT


def test_a_link_without_a_drawing_is_refused() -> None:
    for text in ("", "https://example.org/", "http://[", f"http://x/{SENT}", "?" + "a=1&" * 100_000):
        with pytest.raises(BadLink):
            open_link(text)


def test_a_truncated_link_is_refused() -> None:
    for end in range(len(SENT)):
        with pytest.raises(BadLink):
            decode(SENT[:end])


def test_a_link_with_a_wrong_letter_is_refused() -> None:
    for place in range(len(SENT)):
        for digit in DIGITS:
            if digit != SENT[place]:
                with pytest.raises(BadLink):
                    decode(SENT[:place] + digit + SENT[place + 1 :])


def test_a_link_with_two_letters_swapped_is_refused() -> None:
    for place, (letter, following) in enumerate(pairwise(SENT)):
        if letter != following:
            with pytest.raises(BadLink):
                decode(SENT[:place] + following + letter + SENT[place + 2 :])


@settings(max_examples=500)
@given(st.text(DIGITS, max_size=MAX_TEXT) | st.text(max_size=300))
def test_any_text_is_a_drawing_or_refused(text: str) -> None:
    for candidate in (text, "1" + text[: MAX_TEXT - 1]):
        try:
            back = decode(candidate)
        except BadLink:
            continue
        assert 0 < sum(map(len, back)) <= link.MAX_LINK_POINTS
        assert all(np.isfinite(stroke).all() for stroke in back)


def numbers(strokes: int, points: int, steps: int) -> str:
    """The text of a drawing with these counts, valid or not."""
    writer = link_codec.Writer()
    for count in (len(link._CORNERS), len(link._CORNERS), link._SIZES):
        writer.choice(count, 0)
    writer.number("strokes", strokes)
    writer.number("points", points)
    for _ in range(steps):
        writer.number("begin", 0)
    return "1" + link_codec.to_digits(writer.finish(1 << 18))


def test_a_link_with_too_many_points_is_refused() -> None:
    for strokes, points, steps in ((8190, 0, 3000), (0, 8190, 3000), (8190, 8190, 1)):
        with pytest.raises(BadLink, match="damaged"):
            decode(numbers(strokes, points, steps))


def test_a_drawing_beyond_the_grid_is_refused() -> None:
    outside = link._GridDrawing((0, 0), 0, np.array([[0, link.GRID + 1]], np.int64), np.array([1]))
    with pytest.raises(BadLink, match="damaged"):
        decode(outside.text())


def test_the_command_line_classifies_a_link(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tiny_model: Path
) -> None:
    strokes = tmp_path / "strokes.json"
    strokes.write_bytes(strokes_json(decode(SENT)))
    outputs = []
    for arguments in (["--link", f"https://example.org/?d={SENT}"], [str(strokes)]):
        assert main(["classify", "--model", str(tiny_model), "--json", *arguments]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != ""
    assert main(["classify", "--model", str(tiny_model), "--link", SENT[:-1]]) == 1
    assert capsys.readouterr().err == "extexify: error: the link is damaged: a part of it is missing or has changed\n"


FILED = drawing([[10, 10], [60, 200], [100, 30]], [[130, 20]])


def test_a_picture_shows_the_drawing_black_on_white() -> None:
    image = Image.open(io.BytesIO(pictures.drawing_png(FILED)))
    assert image.format == "PNG"
    assert image.size == (512, 512)
    ink = 255 - np.asarray(image).astype(int)
    np.testing.assert_array_equal(ink, rasterize_drawing(FILED, pictures.PICTURE))


def test_an_svg_has_a_line_for_each_stroke_and_its_title_is_text() -> None:
    root = ElementTree.fromstring(pictures.drawing_svg(FILED, '<script>&"'))
    assert root.findtext("{*}title") == '<script>&"'
    paths = root.findall("{*}g/{*}path")
    assert [path.get("d", "").count(" ") for path in paths] == [5 - 1, 3 - 1]
    assert float(paths[1].get("stroke-width", "")) > float(paths[0].get("stroke-width", ""))
    assert "script" not in {element.tag for element in root.iter()}


def test_a_qr_code_is_made_for_what_a_camera_can_read() -> None:
    code = pictures.qr_svg("https://example.org/?d=" + SENT)
    assert ElementTree.fromstring(code).tag.endswith("svg")
    with pytest.raises(ValueError, match="too many for a readable QR code"):
        pictures.qr_svg("x" * (link.MAX_QR_LINK + 1))
