"""Variation of how a drawing is made: doubled, connected and lifted strokes, hooks, loops, round corners, large marks.

Other people draw the symbol of a drawing with other strokes. Here they are made from the drawing's own: unlike those of
`extexify.training.augment`, these changes add points and strokes. They are small enough that a symbol doesn't become
another one: a line doesn't become two, nor an angle a bow.

A drawing's changes are a function of (seed, epoch, its number), as in `extexify.training.augment`. Lengths are
fractions of the drawing's longer side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit
from extexify.drawing.strokes import Drawings
from extexify.training.rng import normal, number_state, uniform

CHANGES = ("enlarge", "double", "bow", "loop", "smooth", "connect", "lift", "hook")
"""Names of the changes, in the order in which they are made. Each is a setting of `AugmentSettings`, which says in what
fraction of the drawings."""

STEP = 1 / 40
"""Distance of a changed drawing's points, which are resampled: each stroke has LEAST to LONGEST of them."""

LEAST, LONGEST = 3, 400

REACH, SHARP = 2, 0.9
"""A corner turns by more than SHARP radians between the REACH points before it and those after it."""

MARK, ENLARGED = 0.25, 0.4
"""Extents of the largest stroke that is enlarged, and of the largest result. Marks are enlarged 1.3 to 2.2 times, if
they are `APART` from all other strokes and one of these is twice as large as MARK."""

APART = 0.04

DOT, TICK = 0.01, (0.03, 0.08)
"""A mark of an extent below DOT becomes a line of a length within TICK."""

STRAIGHT, DOUBLED = 0.93, 0.35
"""Least ratio of chord and arc, and least chord, of what is doubled: a straight part of a stroke between corners."""

NEAR, WIDE = (0.01, 0.025), (0.04, 0.12)
"""Distances of the copy: so near that it doesn't count as a second line, and in double-struck letters."""

BOW = 0.045
"""σ of the height of a bowed part of a stroke between corners, as a fraction of its chord."""

SMOOTHED = (2, 6)
"""Points to each side over which a smoothed stroke is averaged, twice; at most an eighth of the stroke."""

LOOPED = (0.06, 0.16)
"""Distances of a loop's Bézier control points from its corner: the loop is about two thirds as long."""

CONNECTED, LONG_ENOUGH = 0.35, 0.2
"""Largest gap between strokes that are connected, and least length of each of them."""

HOOK, HOOKED = (0.03, 0.08), 0.25
"""Lengths of hooks, and least length of a stroke that has some."""

_CURVE = 5  # points of a hook
_LOOP = 9  # points of a loop

_DOUBLE_STRUCK = re.compile(r"_(mathbb|mathbbm|mathbbmss|mathbbold|mathds|varmathbb)\{|_Bbbk")


def double_struck(classes: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each key (classes,) is a double-struck letter: with a further line doubled, it is still the same."""
    return np.array([bool(_DOUBLE_STRUCK.search(key)) for key in classes], np.bool_)


def restyle(
    drawings: Drawings,
    numbers: NDArray[np.integer],
    fractions: Sequence[float],
    *,
    seed: int,
    epoch: int,
    wide: NDArray[np.bool_] | None = None,
) -> Drawings:
    """Make each of `CHANGES` in a fraction of N drawings; `numbers` (N,) seeds each one's random numbers.

    wide (N,): whether copies of doubled strokes may be far from them. Changed drawings are centred, with the longer
    side about 1; the others stay as they are.
    """
    if wide is None:
        wide = np.zeros(len(drawings), np.bool_)
    base = np.uint64(np.random.SeedSequence([seed, epoch, 2]).generate_state(1, np.uint64)[0])
    return Drawings(
        *_restyle(
            np.asarray(drawings.points), np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends),
            np.asarray(numbers, np.uint64), base, np.array(fractions, np.float64), wide,
        )
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _restyle(points, stroke_ends, sample_ends, numbers, base, fractions, wide):  # type: ignore[no-untyped-def]
    out = np.empty((2 * len(points) + 256, 2), np.float32)
    out_ends = np.empty(2 * len(stroke_ends) + 64, np.int64)
    out_samples = np.empty(len(sample_ends), np.int64)
    state = np.empty(1, np.uint64)
    made_points = made_strokes = 0
    chosen = np.empty(len(fractions), np.bool_)
    for sample in range(len(sample_ends)):
        number_state(state, base, numbers[sample])
        for change in range(len(fractions)):
            chosen[change] = uniform(state) < fractions[change]
        first_stroke = sample_ends[sample - 1] if sample > 0 else 0
        begin = stroke_ends[first_stroke - 1] if first_stroke > 0 else 0
        ends = stroke_ends[first_stroke : sample_ends[sample]] - begin
        own = points[begin : begin + ends[-1]].astype(np.float64)
        if chosen.any():
            own, ends = _even(own, ends)
            if chosen[0]:
                own = _enlarged(own, ends, state)
            if chosen[1]:
                own, ends = _doubled(own, ends, WIDE if wide[sample] else NEAR, state)
            if chosen[2]:
                own = _bowed(own, ends, state)
            if chosen[3]:
                own, ends = _looped(own, ends, state)
            if chosen[4]:
                own = _smoothed(own, ends, state)
            if chosen[5]:
                own, ends = _connected(own, ends, state)
            if chosen[6]:
                own, ends = _lifted(own, ends, state)
            if chosen[7]:
                own, ends = _hooked(own, ends, state)
        if made_points + len(own) > len(out):
            larger = np.empty((2 * len(out) + len(own), 2), np.float32)
            larger[:made_points] = out[:made_points]
            out = larger
        if made_strokes + len(ends) > len(out_ends):
            larger_ends = np.empty(2 * len(out_ends) + len(ends), np.int64)
            larger_ends[:made_strokes] = out_ends[:made_strokes]
            out_ends = larger_ends
        out[made_points : made_points + len(own)] = own
        out_ends[made_strokes : made_strokes + len(ends)] = made_points + ends
        made_points += len(own)
        made_strokes += len(ends)
        out_samples[sample] = made_strokes
    return out[:made_points].copy(), out_ends[:made_strokes].copy(), out_samples


@njit(cache=True, nogil=True)
def _between(state, limits):  # type: ignore[no-untyped-def]
    return limits[0] + (limits[1] - limits[0]) * uniform(state)


@njit(cache=True, nogil=True)
def _distance(a, b):  # type: ignore[no-untyped-def]
    return np.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)


@njit(cache=True, nogil=True)
def _arc(points, begin, end):  # type: ignore[no-untyped-def]
    """The length of the line through points begin…end."""
    length = 0.0
    for index in range(begin + 1, end):
        length += _distance(points[index], points[index - 1])
    return length


@njit(cache=True, nogil=True)
def _extent(points, begin, end):  # type: ignore[no-untyped-def]
    """The longer side of the box around points begin…end."""
    width = points[begin:end, 0].max() - points[begin:end, 0].min()
    return max(width, points[begin:end, 1].max() - points[begin:end, 1].min())


@njit(cache=True, nogil=True)
def _even(points, ends):  # type: ignore[no-untyped-def]
    """A drawing, centred and scaled to a longer side of 1, with its strokes' points `STEP` apart; ends (S,)."""
    side = _extent(points, 0, len(points))
    fitted = np.empty_like(points)
    for axis in range(2):
        middle = (points[:, axis].min() + points[:, axis].max()) / 2
        fitted[:, axis] = (points[:, axis] - middle) / (side if side > 0 else 1.0)
    counts = np.empty(len(ends), np.int64)
    for stroke in range(len(ends)):
        length = _arc(fitted, ends[stroke - 1] if stroke > 0 else 0, ends[stroke])
        counts[stroke] = min(max(int(np.ceil(length / STEP)) + 1, LEAST), LONGEST)
    even = np.empty((counts.sum(), 2))
    even_ends = np.cumsum(counts)
    for stroke in range(len(ends)):
        own = fitted[(ends[stroke - 1] if stroke > 0 else 0) : ends[stroke]]
        made = even[even_ends[stroke] - counts[stroke] : even_ends[stroke]]
        along = np.zeros(len(own))
        for index in range(1, len(own)):
            along[index] = along[index - 1] + _distance(own[index], own[index - 1])
        wanted = np.linspace(0.0, along[-1], counts[stroke])
        for axis in range(2):
            made[:, axis] = np.interp(wanted, along, own[:, axis])
    return even, even_ends


@njit(cache=True, nogil=True)
def _parts(points, ends):  # type: ignore[no-untyped-def]
    """Where strokes are cut at their corners: first and last point of each part, and its stroke, (parts, 3)."""
    parts = np.empty((len(points) + len(ends), 3), np.int64)
    count = 0
    for stroke in range(len(ends)):
        begin, end = (ends[stroke - 1] if stroke > 0 else 0), ends[stroke]
        turns = np.zeros(end - begin)
        for index in range(begin + REACH, end - REACH):
            before, after = points[index] - points[index - REACH], points[index + REACH] - points[index]
            cross = before[0] * after[1] - before[1] * after[0]
            turns[index - begin] = abs(np.arctan2(cross, before[0] * after[0] + before[1] * after[1]))
        start = begin
        for index in range(begin + REACH, end - REACH):
            turn = turns[index - begin]
            low, high = max(index - begin - REACH, 0), index - begin + REACH + 1
            if turn > SHARP and turn == turns[low:high].max() and index > start + REACH:
                parts[count] = start, index, stroke
                start = index
                count += 1
        parts[count] = start, end - 1, stroke
        count += 1
    return parts[:count]


@njit(cache=True, nogil=True)
def _enlarged(points, ends, state):  # type: ignore[no-untyped-def]
    """Small strokes that touch no others, beside a large one, made larger."""
    factor = 1.3 + 0.9 * uniform(state)
    angle, tick = 2 * np.pi * uniform(state), _between(state, TICK)
    largest = 0.0
    for stroke in range(len(ends)):
        largest = max(largest, _extent(points, ends[stroke - 1] if stroke > 0 else 0, ends[stroke]))
    made = points.copy()
    for stroke in range(len(ends)):
        begin, end = (ends[stroke - 1] if stroke > 0 else 0), ends[stroke]
        extent = _extent(points, begin, end)
        if extent > MARK or largest < 2 * MARK:
            continue
        nearest = np.inf
        for other in range(len(points)):
            if not begin <= other < end:
                for index in range(begin, end):
                    nearest = min(nearest, _distance(points[index], points[other]))
        if nearest < APART:
            continue
        for axis in range(2):
            middle = (points[begin:end, axis].min() + points[begin:end, axis].max()) / 2
            if extent < DOT:
                direction = np.cos(angle) if axis == 0 else np.sin(angle)
                made[begin:end, axis] = middle + tick * direction * np.linspace(-0.5, 0.5, end - begin)
            else:
                by = max(min(factor, ENLARGED / extent), 1.0)
                made[begin:end, axis] = middle + by * (points[begin:end, axis] - middle)
    return made


@njit(cache=True, nogil=True)
def _doubled(points, ends, limits, state):  # type: ignore[no-untyped-def]
    """A straight part of a stroke, if there is one, drawn a second time beside it, by a stroke that follows."""
    gap = _between(state, limits) * (1.0 if uniform(state) < 0.5 else -1.0)
    at, backwards = uniform(state), uniform(state) < 0.3
    from_start, from_end = uniform(state), uniform(state)
    parts = _parts(points, ends)
    fitting = np.zeros(len(parts), np.bool_)
    for number in range(len(parts)):
        first, last, _ = parts[number]
        chord = _distance(points[first], points[last])
        fitting[number] = chord >= DOUBLED and chord >= STRAIGHT * _arc(points, first, last + 1)
    places = np.flatnonzero(fitting)
    if not len(places):
        return points, ends
    first, last, stroke = parts[places[int(at * len(places))]]
    along = points[last] - points[first]
    across = np.array([-along[1], along[0]]) * gap / _distance(points[last], points[first])
    # Up to a tenth is missing at each end.
    first, last = first + int(0.1 * from_start * (last - first)), last - int(0.1 * from_end * (last - first))
    copied = points[first : last + 1] + across
    if backwards:
        copied = copied[::-1].copy()
    place = ends[stroke]
    made = np.concatenate((points[:place], copied, points[place:]))
    later = ends[stroke:] + len(copied)
    return made, np.concatenate((ends[: stroke + 1], later))


@njit(cache=True, nogil=True)
def _bowed(points, ends, state):  # type: ignore[no-untyped-def]
    """The parts of strokes between corners bent to one side, their ends staying."""
    made = points.copy()
    parts = _parts(points, ends)
    for number in range(len(parts)):
        first, last, _ = parts[number]
        height = BOW * normal(state)
        chord = points[last] - points[first]
        for index in range(first + 1, last):
            rise = height * np.sin(np.pi * (index - first) / (last - first))
            made[index, 0] -= rise * chord[1]
            made[index, 1] += rise * chord[0]
    return made


@njit(cache=True, nogil=True)
def _looped(points, ends, state):  # type: ignore[no-untyped-def]
    """Small loops at corners, at each with probability 1/2: the pen goes on and comes back before it turns."""
    parts = _parts(points, ends)
    made = np.empty((len(points) + _LOOP * len(parts), 2))
    made_ends = ends.copy()
    count = done = 0
    for number in range(len(parts)):
        _, last, stroke = parts[number]
        made[count : count + last + 1 - done] = points[done : last + 1]
        count += last + 1 - done
        done = last + 1
        made_ends[stroke] = count
        if done == ends[stroke] or uniform(state) < 0.5:
            continue
        reach = _between(state, LOOPED)
        corner = points[last]
        into = (corner - points[last - REACH]) * reach / max(_distance(corner, points[last - REACH]), 1e-9)
        out_of = (points[last + REACH] - corner) * reach / max(_distance(corner, points[last + REACH]), 1e-9)
        for step in range(1, _LOOP + 1):
            t = step / (_LOOP + 1)
            made[count] = corner + 3 * t * (1 - t) * ((1 - t) * into - t * out_of)
            count += 1
        made_ends[stroke] = count
    return made[:count].copy(), made_ends


@njit(cache=True, nogil=True)
def _smoothed(points, ends, state):  # type: ignore[no-untyped-def]
    """Strokes averaged along themselves, which rounds their corners; their ends stay."""
    most = int(_between(state, SMOOTHED))
    made = points.copy()
    for _ in range(2):
        source = made.copy()
        for stroke in range(len(ends)):
            begin, end = (ends[stroke - 1] if stroke > 0 else 0), ends[stroke]
            for index in range(begin, end):
                width = min(most, (end - begin) // 8, index - begin, end - 1 - index)
                for axis in range(2):
                    made[index, axis] = source[index - width : index + width + 1, axis].mean()
    return made


@njit(cache=True, nogil=True)
def _connected(points, ends, state):  # type: ignore[no-untyped-def]
    """Strokes joined with the next one by a curve if that begins near, most of them."""
    longest_curve = int(CONNECTED / STEP) + 1
    made = np.empty((len(points) + longest_curve * len(ends), 2))
    made_ends = np.empty_like(ends)
    count = strokes = 0
    for stroke in range(len(ends)):
        begin, end = (ends[stroke - 1] if stroke > 0 else 0), ends[stroke]
        made[count : count + end - begin] = points[begin:end]
        count += end - begin
        made_ends[strokes] = count
        keep, bend = uniform(state) < 0.3, 0.3 * (2 * uniform(state) - 1)
        if keep or stroke + 1 == len(ends):
            strokes += 1
            continue
        origin, target = points[end - 1], points[end]
        gap = _distance(origin, target)
        shorter = min(_arc(points, begin, end), _arc(points, end, ends[stroke + 1]))
        if gap > CONNECTED or shorter < LONG_ENOUGH:
            strokes += 1
            continue
        between = target - origin
        steps = int(gap / STEP)
        for step in range(1, steps + 1):
            t = step / (steps + 1)
            rise = 4 * bend * t * (1 - t)
            made[count, 0] = origin[0] + t * between[0] - rise * between[1]
            made[count, 1] = origin[1] + t * between[1] + rise * between[0]
            count += 1
    return made[:count].copy(), made_ends[:strokes].copy()


@njit(cache=True, nogil=True)
def _lifted(points, ends, state):  # type: ignore[no-untyped-def]
    """Strokes cut in two at their corners, at each with probability 1/2; the picture stays."""
    parts = _parts(points, ends)
    made = np.empty((len(points) + len(parts), 2))
    made_ends = np.empty(len(parts), np.int64)
    count = strokes = done = 0
    for number in range(len(parts)):
        _, last, stroke = parts[number]
        made[count : count + last + 1 - done] = points[done : last + 1]
        count += last + 1 - done
        done = last + 1
        if done == ends[stroke]:
            made_ends[strokes] = count
            strokes += 1
        elif uniform(state) < 0.5:
            made_ends[strokes] = count
            strokes += 1
            made[count] = points[last]
            count += 1
    return made[:count].copy(), made_ends[:strokes].copy()


@njit(cache=True, nogil=True)
def _hooked(points, ends, state):  # type: ignore[no-untyped-def]
    """Small hooks where the pen comes down and where it is lifted, at each end with probability 1/2."""
    made = np.empty((len(points) + 2 * _CURVE * len(ends), 2))
    made_ends = np.empty_like(ends)
    # A hand turns to the same side everywhere.
    sides = (1.0 if uniform(state) < 0.5 else -1.0, 1.0 if uniform(state) < 0.5 else -1.0)
    count = 0
    for stroke in range(len(ends)):
        begin, end = (ends[stroke - 1] if stroke > 0 else 0), ends[stroke]
        hooked = _arc(points, begin, end) >= HOOKED
        at_start, at_end = uniform(state) < 0.5, uniform(state) < 0.5
        if hooked and at_start:
            curve = _hook(points[begin], points[begin + REACH], sides[0], state)
            made[count : count + _CURVE] = curve[::-1]
            count += _CURVE
        made[count : count + end - begin] = points[begin:end]
        count += end - begin
        if hooked and at_end:
            made[count : count + _CURVE] = _hook(points[end - 1], points[end - 1 - REACH], sides[1], state)
            count += _CURVE
        made_ends[stroke] = count
    return made[:count].copy(), made_ends


@njit(cache=True, nogil=True)
def _hook(tip, inner, side, state):  # type: ignore[no-untyped-def]
    """A curve (_CURVE, 2) that leaves a stroke at its tip and turns by 60 to 140 degrees."""
    length, turn = _between(state, HOOK), side * np.pi * (60 + 80 * uniform(state)) / 180
    heading = np.arctan2(tip[1] - inner[1], tip[0] - inner[0])
    curve = np.empty((_CURVE, 2))
    x, y = tip
    for step in range(_CURVE):
        angle = heading + turn * (step + 1) / _CURVE
        x += np.cos(angle) * length / _CURVE
        y += np.sin(angle) * length / _CURVE
        curve[step, 0], curve[step, 1] = x, y
    return curve
