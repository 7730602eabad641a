"""The blog post's export, reimplemented from its description as the baseline.

"Training the Symbol Recognizer" (antiprojects.com/extexify, December 2021): all rows through `fetchmany(5000)`, a
padded array a stroke, everything pickled. The pickled files are written to a benchmark's temporary folder and never
read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
from numpy.typing import NDArray
from tqdm import tqdm

FETCH = 5000


def export(address: str, folder: Path) -> int:
    """Read all rows and save strokes and keys as two arrays of objects; returns how many rows there are."""
    connection = psycopg2.connect(address)
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM samples")
    bar = tqdm(total=cursor.fetchone()[0], disable=None)
    cursor.execute("SELECT * FROM samples")
    strokes: list[list[NDArray[Any]]] = []
    keys: list[str] = []
    while rows := cursor.fetchmany(FETCH):
        for _, key, drawing in rows:
            _check(key, drawing)
            padded = [np.pad(np.array(stroke).reshape(-1, 3), ((0, 0), (0, 1))) for stroke in drawing]
            for stroke in padded:
                stroke[-1, -1] = 1  # the fourth column marks the end of a stroke
            strokes.append(padded)
            keys.append(key)
        bar.update(len(rows))
    connection.close()
    packed = np.empty(len(strokes), object)
    packed[:] = strokes
    np.save(folder / "strokes.npy", packed, allow_pickle=True)
    np.save(folder / "keys.npy", np.array(keys))
    return len(keys)


def _check(key: object, drawing: object) -> None:
    """The assertions that the post makes for every row."""
    assert isinstance(key, str)
    assert isinstance(drawing, list)
    assert all(isinstance(stroke, list) for stroke in drawing)
    assert all(len(point) == 3 for stroke in drawing for point in stroke)
