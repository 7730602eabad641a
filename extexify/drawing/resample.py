"""The resampler: drawings → sequences of equally many points, what a network reads along the strokes.

A drawing is fitted as for its picture (proportions kept), then its strokes, one after the other, share out the
points by their lengths, and each stroke's points lie equally far apart along it. So a sequence depends on where
the pen went, not on how fast, how large, or how densely its positions were noted down. Like the rasterizer's, the
kernel is compiled by numba and releases the interpreter lock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from extexify.drawing.strokes import Drawings

CHANNELS = 6
"""What is known of each point: x, y (the longer side from -1 to 1, the drawing's middle at 0), the unit vector of
the direction (0, 0 in a dot), 1 at the beginning of a stroke, 1 at the end of one."""

MIN_SEQUENCE_POINTS, MAX_SEQUENCE_POINTS = 8, 1024


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """How drawings become sequences; stored in every model that reads them. points: points a drawing (8 to 1024)."""

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
        """Settings from `to_json`'s object. Raises ValueError naming what is wrong."""
        if not isinstance(value, dict) or set(value) != {"points"} or type(value["points"]) is not int:
            raise ValueError("sequence settings must be a JSON object with a whole number of points")
        return cls(value["points"])


def resample(drawings: Drawings, settings: SequenceSettings) -> NDArray[np.float32]:
    """The sequences of a batch: float32 (N, CHANNELS, points), finite.

    Every stroke has at least one point; of a drawing with more strokes than points, evenly chosen strokes have one.
    """
    sequences = np.zeros((len(drawings), CHANNELS, settings.points), np.float32)
    _resample(
        np.asarray(drawings.points), np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends), sequences
    )
    return sequences


@njit(cache=True, nogil=True)
def _resample(points, stroke_ends, sample_ends, sequences):  # type: ignore[no-untyped-def]
    """Fill `sequences`, which is zero."""
    wanted = sequences.shape[2]
    for sample in range(len(sample_ends)):
        first_stroke = sample_ends[sample - 1] if sample > 0 else 0
        strokes = sample_ends[sample] - first_stroke
        middle_x, middle_y, scale = _frame(points, stroke_ends, first_stroke, sample_ends[sample])
        total = 0.0
        for stroke in range(first_stroke, sample_ends[sample]):
            total += _length(points, stroke_ends, stroke)
        sequence = sequences[sample]
        if strokes > wanted:
            for index in range(wanted):
                stroke = first_stroke + (2 * index + 1) * strokes // (2 * wanted)
                _walk(points, stroke_ends, stroke, index, 1, sequence)
        else:
            # One point a stroke, the others by length: what is due up to a stroke's end, rounded, is dealt by then.
            due, dealt, begin = 0.0, 0, 0
            for number in range(strokes):
                stroke = first_stroke + number
                part = _length(points, stroke_ends, stroke) / total if 0 < total < np.inf else 1.0 / strokes
                due += part * (wanted - strokes)
                more = wanted - strokes - dealt if number == strokes - 1 else int(due + 0.5) - dealt
                _walk(points, stroke_ends, stroke, begin, 1 + more, sequence)
                begin += 1 + more
                dealt += more
        for index in range(wanted):
            sequence[0, index] = (sequence[0, index] - middle_x) * scale
            sequence[1, index] = (sequence[1, index] - middle_y) * scale


@njit(cache=True, nogil=True)
def _frame(points, stroke_ends, first_stroke, last_stroke):  # type: ignore[no-untyped-def]
    """The middle of a drawing and the factor that makes its longer side 2 (a drawing without extent: 0)."""
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
    """The length of a stroke, in the drawing's own units."""
    length = 0.0
    for index in range((stroke_ends[stroke - 1] if stroke > 0 else 0) + 1, stroke_ends[stroke]):
        dx = np.float64(points[index, 0]) - np.float64(points[index - 1, 0])
        dy = np.float64(points[index, 1]) - np.float64(points[index - 1, 1])
        length += np.sqrt(dx * dx + dy * dy)
    return length


@njit(cache=True, nogil=True)
def _walk(points, stroke_ends, stroke, begin, count, sequence):  # type: ignore[no-untyped-def]
    """Put `count` points of a stroke, equally far apart, into sequence[:, begin:begin + count]: places in the
    drawing's own units, directions, flags. A single point lies half-way."""
    first = stroke_ends[stroke - 1] if stroke > 0 else 0
    last = stroke_ends[stroke] - 1
    step = _length(points, stroke_ends, stroke) / (count - 1 if count > 1 else 2)
    # `here` is the length walked up to point `index`, the near end of the segment that the next point lies on.
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
        # Between both neighbours, which evens out the steps of a coarse screen.
        before, after = begin + max(number - 1, 0), begin + min(number + 1, count - 1)
        dx = np.float64(sequence[0, after]) - np.float64(sequence[0, before])
        dy = np.float64(sequence[1, after]) - np.float64(sequence[1, before])
        chord = np.sqrt(dx * dx + dy * dy)
        if chord > 0:
            sequence[2, begin + number] = dx / chord
            sequence[3, begin + number] = dy / chord
