"""The canvas adapter: what Fabric sends → strokes, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from extexify.drawing.strokes import MAX_DRAWN_POINTS, MAX_DRAWN_STROKES, BadDrawing, Drawing
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas
from extexify.ui.draw.paths import DOT_EXTENT

Objects = list[dict[str, Any]]

# As the component (Fabric 7.4) sent them, shortened to what places an object: the pen at (50, 49.2),
# (100, 59.2), (150, 199.2); a tap at (300, 49.2); a stroke of one pixel.
PEN: dict[str, Any] = {
    "type": "Path", "originX": "center", "originY": "center", "left": 100, "top": 124.2031,
    "width": 100.012, "height": 150.012, "fill": None, "stroke": "#123456", "strokeWidth": 6,
    "strokeUniform": False, "scaleX": 1, "scaleY": 1, "angle": 0, "flipX": False, "flipY": False,
    "visible": True, "skewX": 0, "skewY": 0,
    "path": [
        ["M", 49.994, 49.197125], ["Q", 50, 49.203125, 75, 54.203125],
        ["Q", 100, 59.203125, 125, 129.203125], ["L", 150.006, 199.209125],
    ],
}  # fmt: skip
TAP = {
    **PEN, "left": 300, "top": 49.2031, "width": 0.012, "height": 0,
    "path": [["M", 299.994, 49.203125], ["L", 300.006, 49.203125]],
}  # fmt: skip
LINE: dict[str, Any] = {
    "type": "Line", "originX": "center", "originY": "center", "left": 100, "top": 124.2, "width": 100,
    "height": 150, "strokeWidth": 6, "x1": -50, "x2": 50, "y1": -75, "y2": 75,
}  # fmt: skip
POINT: dict[str, Any] = {
    "type": "Circle", "radius": 3, "originX": "left", "originY": "center", "left": 44, "top": 49.2,
    "width": 6, "height": 6, "strokeWidth": 6,
}  # fmt: skip


def strokes_of(*objects: dict[str, Any]) -> Drawing:
    return drawing_from_canvas({"version": "7.4.0", "objects": list(objects)})


def only_stroke(*objects: dict[str, Any]) -> np.ndarray:
    (stroke,) = strokes_of(*objects)
    return stroke


def test_a_pen_stroke_gives_the_positions_of_the_pen() -> None:
    stroke = only_stroke(PEN)
    assert stroke.dtype == np.float32
    np.testing.assert_allclose(stroke, [[50, 49.203125], [100, 59.203125], [150, 199.203125]], atol=1e-3)


def test_a_tap_gives_a_dot() -> None:
    np.testing.assert_allclose(only_stroke(TAP), [[300, 49.2031]], atol=1e-3)


@pytest.mark.parametrize("empty", [None, {}, {"objects": []}, {"version": "7.4.0", "objects": [], "background": ""}])
def test_an_empty_canvas_gives_no_strokes(empty: object) -> None:
    assert drawing_from_canvas(empty) == []


def test_strokes_keep_their_order_and_invisible_ones_are_left_out() -> None:
    drawing = strokes_of(TAP, {**PEN, "visible": False}, PEN, LINE)
    assert [len(stroke) for stroke in drawing] == [1, 3, 2]


def test_a_line_and_a_point_come_out_where_they_are_seen() -> None:
    np.testing.assert_allclose(only_stroke(LINE), [[50, 49.2], [150, 199.2]], atol=1e-4)
    # `left` is the left edge of the circle's border, half the border's width outside the circle.
    np.testing.assert_allclose(only_stroke(POINT), [[50, 49.2]], atol=1e-4)


def test_a_large_circle_gives_its_outline() -> None:
    outline = only_stroke({**POINT, "radius": 40, "width": 80, "height": 80, "originX": "center", "left": 100})
    np.testing.assert_allclose(np.hypot(*(outline - [100, 49.2]).T), 40, atol=1e-3)
    np.testing.assert_allclose(outline[0], outline[-1], atol=1e-3)


def test_polylines_and_polygons() -> None:
    corners = [{"x": 0, "y": 0}, {"x": 10, "y": 0}, {"x": 10, "y": 20}]
    line = {"type": "Polyline", "originX": "center", "originY": "center", "left": 100, "top": 50, "points": corners}
    expected = [[95, 40], [105, 40], [105, 60]]
    np.testing.assert_allclose(only_stroke(line), expected, atol=1e-4)
    np.testing.assert_allclose(only_stroke({**line, "type": "Polygon"}), [*expected, expected[0]], atol=1e-4)
    assert strokes_of({**line, "points": []}) == []


CENTER = np.array([100, 124.2031])
PEN_POINTS = np.array([[50, 49.203125], [100, 59.203125], [150, 199.203125]]) - CENTER


def turned(degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


@pytest.mark.parametrize(
    ("change", "matrix"),
    [
        ({"scaleX": 2, "scaleY": 0.5}, np.diag([2, 0.5])),
        ({"flipX": True}, np.diag([-1, 1])),
        ({"flipY": True, "scaleY": 3}, np.diag([1, -3])),
        ({"angle": 30}, turned(30)),
        ({"angle": -90, "scaleX": 2}, turned(-90) @ np.diag([2, 1])),
        ({"skewX": 20}, np.array([[1, math.tan(math.radians(20))], [0, 1]])),
        ({"skewY": -10}, np.array([[1, 0], [math.tan(math.radians(-10)), 1]])),
    ],
)
def test_a_transformed_stroke_comes_out_where_it_is_seen(change: dict[str, Any], matrix: np.ndarray) -> None:
    moved = {**PEN, **change, "left": 210, "top": 33}
    np.testing.assert_allclose(only_stroke(moved), PEN_POINTS @ matrix.T + [210, 33], atol=1e-3)


@pytest.mark.parametrize("change", [{}, {"angle": 40}, {"scaleX": 2, "flipY": True}, {"strokeUniform": True}])
def test_an_edge_as_the_origin_means_the_same_place(change: dict[str, Any]) -> None:
    centred = {**PEN, **change}
    line = 6.0
    outer = np.array([100.012, 150.012]) + (0 if change.get("strokeUniform") else line)
    outer *= [change.get("scaleX", 1), 1]
    outer += line if change.get("strokeUniform") else 0
    left, top = (CENTER - turned(change.get("angle", 0)) @ outer / 2).tolist()
    cornered = {**centred, "originX": "left", "originY": "top", "left": left, "top": top}
    np.testing.assert_allclose(only_stroke(cornered), only_stroke(centred), atol=1e-3)


def test_a_group_places_its_members() -> None:
    group = {"type": "Group", "originX": "center", "originY": "center", "left": 200, "top": 100, "scaleX": 2,
             "angle": 90, "objects": [{**LINE, "left": 10, "top": 0}, {**TAP, "left": -10, "top": 5}]}  # fmt: skip
    matrix = turned(90) @ np.diag([2, 1])
    line, dot = strokes_of(group)
    np.testing.assert_allclose(line, np.array([[-40, -75], [60, 75]]) @ matrix.T + [200, 100], atol=1e-3)
    np.testing.assert_allclose(dot, np.array([[-10, 5]]) @ matrix.T + [200, 100], atol=1e-3)


def test_curves_are_followed_closely() -> None:
    control = np.array([[0, 0], [0, 200], [100, -100], [100, 100]], float)
    times = np.linspace(0, 1, 2001)[:, None]
    exact = sum(math.comb(3, k) * (1 - times) ** (3 - k) * times**k * control[k] for k in range(4))
    assert isinstance(exact, np.ndarray)
    low, high = exact.min(axis=0), exact.max(axis=0)
    path = [["M", 0, 0], ["C", 0, 200, 100, -100, 100, 100]]
    curve = only_stroke({**PEN, "path": path, "left": float(low[0] + high[0]) / 2, "top": float(low[1] + high[1]) / 2})
    # Every point of the true curve lies within a twentieth of a pixel of the sampled one.
    starts, ends = curve[:-1].astype(float), curve[1:].astype(float)
    along = ends - starts
    share = np.einsum("psk,sk->ps", exact[:, None] - starts, along) / (along**2).sum(axis=1)
    nearest = starts + share.clip(0, 1)[..., None] * along
    assert np.hypot(*np.moveaxis(exact[:, None] - nearest, 2, 0)).min(axis=1).max() < 0.05


def test_a_path_with_lifted_pen_and_closing_lines() -> None:
    path = [["M", 0, 0], ["L", 10, 0], ["L", 10, 10], ["Z"], ["M", 20, 20], ["L", 30, 20]]
    triangle, dash = strokes_of({**PEN, "path": path, "left": 15, "top": 10})
    np.testing.assert_allclose(triangle, [[0, 0], [10, 0], [10, 10], [0, 0]], atol=1e-4)
    np.testing.assert_allclose(dash, [[20, 20], [30, 20]], atol=1e-4)


NESTED: dict[str, Any] = {"type": "Group", "objects": []}
for _ in range(500):
    NESTED = {"type": "Group", "objects": [NESTED]}


@pytest.mark.parametrize(
    "nonsense",
    [
        "text",
        [],
        17,
        {"objects": None},
        {"objects": {"0": PEN}},
        {"objects": [None]},
        {"objects": ["Path"]},
        {"objects": [{"type": "Image", "src": "x"}]},
        {"objects": [{"type": ["Path"]}]},
        {"objects": [{}]},
        {"objects": [NESTED]},
        {"objects": [{**PEN, "path": None}]},
        {"objects": [{**PEN, "path": "M 0 0 L 1 1"}]},
        {"objects": [{**PEN, "path": [[]]}]},
        {"objects": [{**PEN, "path": [["L", 1, 1]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["A", 1, 1, 1, 1, 1, 1, 1]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["L", 1]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["L", 1, "2"]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["L", 1, True]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["L", 1, math.nan]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["L", 1, math.inf]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["L", 1, 10**400]]}]},
        {"objects": [{**PEN, "path": [["M", 1, 1], ["C", *[1e6, -1e6] * 3]] * 1000}]},
        {"objects": [{**PEN, "left": "100"}]},
        {"objects": [{**PEN, "left": math.nan}]},
        {"objects": [{**PEN, "scaleX": 1e6}]},
        {"objects": [{**PEN, "skewX": 10**400}]},
        {"objects": [{**PEN, "originX": "middle"}]},
        {"objects": [{**PEN, "originX": ["left"]}]},
        {"objects": [{"type": "Polyline", "points": [1, 2]}]},
        {"objects": [{"type": "Polyline", "points": [{"x": 1}]}]},
        {"objects": [{"type": "Circle", "radius": None}]},
    ],
)
def test_nonsense_is_refused_with_one_sentence(nonsense: object) -> None:
    with pytest.raises(BadDrawing) as refusal:
        drawing_from_canvas(nonsense)
    message = str(refusal.value)
    assert 10 < len(message) < 150
    assert "\n" not in message


def pen_path(points: int) -> dict[str, Any]:
    """A stroke of so many points by pen."""
    turns = np.linspace(0, 300, points)
    stroke = np.stack([200 + 190 * np.cos(turns), 200 + 190 * np.sin(turns * 1.1)], axis=1)
    (path,) = canvas_from_drawing([stroke.astype(np.float32)], color="#000000", stroke_width=6)["objects"]
    return dict(path)


def test_what_hands_can_draw_is_accepted() -> None:
    assert [len(stroke) for stroke in strokes_of(pen_path(MAX_DRAWN_POINTS))] == [MAX_DRAWN_POINTS]
    each = MAX_DRAWN_POINTS // MAX_DRAWN_STROKES
    assert [len(stroke) for stroke in strokes_of(*[pen_path(each)] * MAX_DRAWN_STROKES)] == [each] * MAX_DRAWN_STROKES


GROUP: dict[str, Any] = {"type": "Group", "objects": [{**PEN, "visible": False}] * 40}
LOOPS = [["C", 0, 400, 400, 400, 400, 0], ["Z"]]


@pytest.mark.parametrize(
    "objects",
    [
        [pen_path(MAX_DRAWN_POINTS + 1)],
        [pen_path(MAX_DRAWN_POINTS // 2 + 1)] * 2,
        [TAP] * (MAX_DRAWN_STROKES + 1),
        [{"visible": False}] * (MAX_DRAWN_STROKES + 1),
        [{"type": "Group"}] * (MAX_DRAWN_STROKES + 1),
        [GROUP] * 30,
        [{"type": "Circle", "radius": 40}] * MAX_DRAWN_STROKES,
        [{**PEN, "path": [["M", 1, 1]] * (MAX_DRAWN_STROKES + 1)}],
        [{**PEN, "path": [["M", 1, 1], *LOOPS * 200]}],
        [{"type": "Polyline", "points": [{"x": 1, "y": 1}] * 50_000}],
    ],
)
def test_more_than_hands_can_draw_is_refused(objects: Objects) -> None:
    with pytest.raises(BadDrawing, match=r"over|list"):
        strokes_of(*objects)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["Path", "M", "Q"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*PEN, *LINE, "objects", "points", "radius", "x", "y"]), inner, max_size=6)
    ),
    max_leaves=25,
)


almost_objects = st.builds(
    lambda base, change: {**base, **change},
    st.sampled_from([PEN, TAP, LINE, POINT]),
    st.dictionaries(st.sampled_from([*PEN, *LINE]), json_values, max_size=2),
)


@given(st.lists(almost_objects, max_size=3) | json_values)
def test_whatever_is_sent_gives_a_usable_drawing_or_a_refusal(objects: object) -> None:
    try:
        drawing = drawing_from_canvas({"objects": objects})
    except BadDrawing:
        return
    for stroke in drawing:
        assert stroke.dtype == np.float32
        assert stroke.ndim == 2
        assert len(stroke) >= 1
        assert np.isfinite(stroke).all()


coordinates = st.floats(-500, 1500, width=32)
drawings = st.lists(st.integers(1, 30).flatmap(lambda n: arrays(np.float32, (n, 2), elements=coordinates)), max_size=5)


@given(drawings, st.floats(1, 30))
def test_a_drawing_put_on_the_canvas_comes_back(drawing: Drawing, stroke_width: float) -> None:
    back = drawing_from_canvas(canvas_from_drawing(drawing, color="#000000", stroke_width=stroke_width))
    assert len(back) == len(drawing)
    for before, after in zip(drawing, back, strict=True):
        extent = np.ptp(before, axis=0).max()
        if abs(extent - DOT_EXTENT) < 0.005:  # which of the two it is depends on rounding
            continue
        if extent < DOT_EXTENT:
            assert after.shape == (1, 2)
            np.testing.assert_allclose(after[0], before.mean(axis=0), atol=0.11)
        else:
            np.testing.assert_allclose(after, before, atol=2e-3)


def test_a_put_drawing_looks_like_one_that_was_drawn() -> None:
    (path,) = canvas_from_drawing([only_stroke(PEN)], color="#123456", stroke_width=6)["objects"]
    assert [command[0] for command in path["path"]] == [command[0] for command in PEN["path"]]
    for name in ("type", "stroke", "strokeWidth", "fill", "originX", "originY"):
        assert path[name] == PEN[name]
    assert path["left"] == pytest.approx(PEN["left"], abs=0.01)
    assert path["top"] == pytest.approx(PEN["top"], abs=0.01)
