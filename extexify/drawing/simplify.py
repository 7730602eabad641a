"""Lines with fewer points: the algorithm of Ramer (1972) and of Douglas and Peucker (1973), compiled by numba."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def keep_needed(stroke, kept, tolerance):  # type: ignore[no-untyped-def]
    """Mark in `kept`, bool (n,), the points of a stroke, int64 (n, 2), that its line needs: without them it would pass
    some point farther off than `tolerance`.

    The first and the last point must be marked before; whatever else is, stays. A stroke of the marked points alone
    keeps all of them, at the same tolerance.
    """
    spans = np.empty((len(stroke), 2), np.int64)
    count = 0
    start = 0
    for end in range(1, len(stroke)):
        if kept[end]:
            spans[count, 0], spans[count, 1] = start, end
            count += 1
            start = end
    while count:
        count -= 1
        start, end = spans[count, 0], spans[count, 1]
        from_x, from_y = stroke[start, 0], stroke[start, 1]
        line_x, line_y = stroke[end, 0] - from_x, stroke[end, 1] - from_y
        length2 = max(line_x * line_x + line_y * line_y, 1)
        farthest, middle = tolerance * tolerance, 0
        for index in range(start + 1, end):
            x, y = stroke[index, 0] - from_x, stroke[index, 1] - from_y
            along = min(max((x * line_x + y * line_y) / length2, 0.0), 1.0)
            distance2 = (x - along * line_x) ** 2 + (y - along * line_y) ** 2
            if distance2 > farthest:
                farthest, middle = distance2, index
        if middle:
            kept[middle] = True
            spans[count, 0], spans[count, 1] = start, middle
            spans[count + 1, 0], spans[count + 1, 1] = middle, end
            count += 2
