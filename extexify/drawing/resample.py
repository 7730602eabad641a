"""The resampler: drawings → sequences of equally many points; and the simplification of strokes.

A drawing is scaled uniformly and centered as for its image. The points are distributed over its strokes in proportion
to their lengths, at equal distances along each stroke. A sequence so depends on the path of the pen, not on its speed,
its size or the sampling rate. The kernels are compiled by numba and release the GIL.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit
from extexify.core.schema import validate
from extexify.drawing.strokes import Drawings

CHANNELS = 6
"""Channels of a point: x and y (the longer side from -1 to 1, the drawing's center at 0), the unit vector of the
direction (0, 0 in a dot), 1 at the beginning of a stroke, 1 at the end of a stroke."""

MIN_SEQUENCE_POINTS, MAX_SEQUENCE_POINTS = 8, 1024


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """Settings of the resampler, stored in every model that reads sequences. points: points per drawing (8 to 1024)."""

    points: int = 128

    def __post_init__(self) -> None:
        if not MIN_SEQUENCE_POINTS <= self.points <= MAX_SEQUENCE_POINTS:
            raise ValueError(
                f"a sequence must have {MIN_SEQUENCE_POINTS} to {MAX_SEQUENCE_POINTS} points, not {self.points}"
            )

    def to_json(self) -> dict[str, Any]:
        """The settings as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> SequenceSettings:
        """Settings from `to_json`'s object. Raises `SchemaError` (a ValueError) that names the field."""
        return validate(value, cls)


def resample(drawings: Drawings, settings: SequenceSettings) -> NDArray[np.float32]:
    """The sequences of N drawings: float32 (N, CHANNELS, points), finite.

    Every stroke has at least one point; if a drawing has more strokes than points, evenly chosen strokes have one.
    """
    sequences = np.zeros((len(drawings), CHANNELS, settings.points), np.float32)
    _resample(
        np.asarray(drawings.points), np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends), sequences
    )
    return sequences


@njit(cache=True, nogil=True)
def _resample(points, stroke_ends, sample_ends, sequences):  # type: ignore[no-untyped-def]
    """Fill `sequences`, which must be zero."""
    wanted = sequences.shape[2]
    for sample in range(len(sample_ends)):
        first_stroke = sample_ends[sample - 1] if sample > 0 else 0
        strokes = sample_ends[sample] - first_stroke
        center_x, center_y, scale = _frame(points, stroke_ends, first_stroke, sample_ends[sample])
        total = 0.0
        for stroke in range(first_stroke, sample_ends[sample]):
            total += _length(points, stroke_ends, stroke)
        sequence = sequences[sample]
        if strokes > wanted:
            for index in range(wanted):
                stroke = first_stroke + (2 * index + 1) * strokes // (2 * wanted)
                _resample_stroke(points, stroke_ends, stroke, index, 1, sequence)
        else:
            # One point per stroke, the others by length: the cumulative share up to each stroke's end is rounded.
            share, assigned, begin = 0.0, 0, 0
            for number in range(strokes):
                stroke = first_stroke + number
                part = _length(points, stroke_ends, stroke) / total if 0 < total < np.inf else 1.0 / strokes
                share += part * (wanted - strokes)
                more = wanted - strokes - assigned if number == strokes - 1 else int(share + 0.5) - assigned
                _resample_stroke(points, stroke_ends, stroke, begin, 1 + more, sequence)
                begin += 1 + more
                assigned += more
        for index in range(wanted):
            sequence[0, index] = (sequence[0, index] - center_x) * scale
            sequence[1, index] = (sequence[1, index] - center_y) * scale


@njit(cache=True, nogil=True)
def _frame(points, stroke_ends, first_stroke, last_stroke):  # type: ignore[no-untyped-def]
    """The center of a drawing and the factor that scales its longer side to 2 (0 for a drawing without extent)."""
    first = stroke_ends[first_stroke - 1] if first_stroke > 0 else 0
    low_x = high_x = np.float64(points[first, 0])
    low_y = high_y = np.float64(points[first, 1])
    for index in range(first + 1, stroke_ends[last_stroke - 1]):
        x, y = np.float64(points[index, 0]), np.float64(points[index, 1])
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
    side = max(high_x - low_x, high_y - low_y)
    return (low_x + high_x) / 2, (low_y + high_y) / 2, 2.0 / side if side > 0 else 0.0


@njit(cache=True, nogil=True)
def _length(points, stroke_ends, stroke):  # type: ignore[no-untyped-def]
    """The length of a stroke in the drawing's units."""
    length = 0.0
    for index in range((stroke_ends[stroke - 1] if stroke > 0 else 0) + 1, stroke_ends[stroke]):
        dx = np.float64(points[index, 0]) - np.float64(points[index - 1, 0])
        dy = np.float64(points[index, 1]) - np.float64(points[index - 1, 1])
        length += np.sqrt(dx * dx + dy * dy)
    return length


@njit(cache=True, nogil=True)
def _resample_stroke(points, stroke_ends, stroke, begin, count, sequence):  # type: ignore[no-untyped-def]
    """Write `count` equidistant points of a stroke to sequence[:, begin:begin + count]: positions in the drawing's
    units, directions, flags. A single point lies half-way along the stroke."""
    first = stroke_ends[stroke - 1] if stroke > 0 else 0
    last = stroke_ends[stroke] - 1
    step = _length(points, stroke_ends, stroke) / (count - 1 if count > 1 else 2)
    # `here` is the length up to point `index`, the start of the segment that contains the next point.
    index, here, segment = first, 0.0, 0.0
    for number in range(count):
        target = (number if count > 1 else 1) * step
        while index < last:
            dx = np.float64(points[index + 1, 0]) - np.float64(points[index, 0])
            dy = np.float64(points[index + 1, 1]) - np.float64(points[index, 1])
            segment = np.sqrt(dx * dx + dy * dy)
            if here + segment >= target and segment > 0:
                break
            here += segment
            index += 1
        x, y = np.float64(points[index, 0]), np.float64(points[index, 1])
        if index < last:
            along = min(max((target - here) / segment, 0.0), 1.0)
            x += along * (np.float64(points[index + 1, 0]) - x)
            y += along * (np.float64(points[index + 1, 1]) - y)
        sequence[0, begin + number] = x
        sequence[1, begin + number] = y
    sequence[4, begin] = 1.0
    sequence[5, begin + count - 1] = 1.0
    for number in range(count):
        # The direction between both neighbours, which smooths the steps of a coarse screen.
        before, after = begin + max(number - 1, 0), begin + min(number + 1, count - 1)
        dx = np.float64(sequence[0, after]) - np.float64(sequence[0, before])
        dy = np.float64(sequence[1, after]) - np.float64(sequence[1, before])
        chord = np.sqrt(dx * dx + dy * dy)
        if chord > 0:
            sequence[2, begin + number] = dx / chord
            sequence[3, begin + number] = dy / chord


@njit(cache=True, nogil=True)
def mark_needed(points, needed, tolerance, most):  # type: ignore[no-untyped-def]
    """Mark the points of strokes, int64 (n, 2), that their simplification needs, in `needed`, bool (n,).

    No point is farther than `tolerance` from the line through the marked ones (Ramer 1972, Douglas and Peucker 1973).
    The first and last point of each stroke must be marked before; other marks stay. The result is idempotent: of the
    marked points alone, all are needed. Returns the number of distances computed; over `most` it stops half done.
    """
    spans = np.empty((len(points), 2), np.int64)
    distances = 0
    count = 0
    start = 0
    for end in range(1, len(points)):
        if needed[end]:
            spans[count, 0], spans[count, 1] = start, end
            count += 1
            start = end
    while count and distances <= most:
        count -= 1
        start, end = spans[count, 0], spans[count, 1]
        distances += end - start - 1
        from_x, from_y = points[start, 0], points[start, 1]
        line_x, line_y = points[end, 0] - from_x, points[end, 1] - from_y
        length2 = max(line_x * line_x + line_y * line_y, 1)
        farthest, middle = tolerance * tolerance, 0
        for index in range(start + 1, end):
            x, y = points[index, 0] - from_x, points[index, 1] - from_y
            along = min(max((x * line_x + y * line_y) / length2, 0.0), 1.0)
            distance2 = (x - along * line_x) ** 2 + (y - along * line_y) ** 2
            if distance2 > farthest:
                farthest, middle = distance2, index
        if middle:
            needed[middle] = True
            spans[count, 0], spans[count, 1] = start, middle
            spans[count + 1, 0], spans[count + 1, 1] = middle, end
            count += 2
    return distances
