"""The end of an export: deduplicate, resolve id collisions, assign splits, write the arrays."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.dataset.dataset import ARRAYS, content_hash
from extexify.dataset.splits import LEFT_OUT, SPLITS, assign_splits
from extexify.drawing.strokes import Drawings
from extexify.sources.base import SourceError
from extexify.workspace.files import ArrayWriter

_RENUMBERED_IN_MANIFEST = 100

_MIN_NEW_ID = 2**52
"""New ids are 2^52 to 2^53 - 1: above a database's serial numbers and the embedded store's ids, exact in JSON."""

_COPY_POINTS = 1 << 20  # points copied at a time (8 MB) when samples are dropped


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples that were read (N), without their points: ids int64, digests uint64 of their content, sample_ends
    int64 as in a dataset, and labels int32 that index `keys`, which are in the order of their first sample.

    The samples of source number i begin at index `starts[i]`.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int32]
    digests: NDArray[np.uint64]
    sample_ends: NDArray[np.int64]
    keys: Sequence[str]
    sources: Sequence[str]
    starts: Sequence[int]

    def source(self, index: int) -> str:
        """The name of a sample's source."""
        return self.sources[bisect_right(self.starts, index) - 1]


class LeaveOut(Protocol):
    """Records a row that is left out: reason, source, the row's number there, its id, details."""

    def __call__(
        self, reason: str, source: str, row: int | None, identifier: int | str | None, detail: str = ""
    ) -> None: ...


def finalize(folder: Path, samples: Samples, leave_out: LeaveOut, seed: int, ratios: Sequence[float]) -> dict[str, Any]:
    """Deduplicate, resolve id collisions, assign splits, and write all arrays of the dataset in `folder`.

    The folder has points.npy and stroke_ends.npy of all samples already. Returns the manifest's entries about classes,
    counts, splits and renumbered ids.
    """
    classes = sorted(samples.keys)
    position = {key: number for number, key in enumerate(classes)}
    labels = np.array([position[key] for key in samples.keys], np.int32)[samples.labels]

    keep = _first_of_each(samples.ids, labels, samples.digests)
    for index in np.flatnonzero(~keep).tolist():
        leave_out("repeated", samples.source(index), None, int(samples.ids[index]))
    rows = np.flatnonzero(keep)
    labels, digests = labels[rows], samples.digests[rows]
    keys = [classes[label] for label in labels.tolist()]
    ids = _unique_ids(samples.ids[rows], keys, digests)
    renumbered = [
        {
            "id": int(samples.ids[rows[place]]), "key": keys[place], "new_id": int(ids[place]),
            "source": samples.source(int(rows[place])),
        }
        for place in np.flatnonzero(ids != samples.ids[rows]).tolist()
    ]  # fmt: skip
    with (folder / "renumbered.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(entry) + b"\n" for entry in renumbered)

    splits = assign_splits(ids, labels, classes, digests, seed=seed, ratios=ratios)
    small = splits == LEFT_OUT
    for place in np.flatnonzero(small).tolist():
        leave_out("class too small", samples.source(int(rows[place])), None, int(ids[place]), keys[place])
    left_out_classes = sorted({keys[place] for place in np.flatnonzero(small).tolist()})
    ids, labels, splits, digests, rows = (column[~small] for column in (ids, labels, splits, digests, rows))
    if not len(rows):
        raise SourceError("no class has three distinct drawings: there is nothing to train on")

    used, compact_labels = np.unique(labels, return_inverse=True)
    classes = [classes[label] for label in used]
    sample_ends = _drop_others(folder, samples.sample_ends, rows)
    columns: dict[str, NDArray[Any]] = {
        "sample_ends": sample_ends, "labels": compact_labels, "ids": ids, "split": splits,
    }  # fmt: skip
    for name, values in columns.items():
        with ArrayWriter(folder / f"{name}.npy", *ARRAYS[name]) as writer:  # unlike np.save, reports a full disk
            writer.append(values)
    return {
        "classes": classes,
        "counts": {
            "samples": len(rows),
            "classes": len(classes),
            **{name: int((splits == number).sum()) for number, name in enumerate(SPLITS)},
            "duplicates": len(digests) - len(np.unique(digests)),
            "renumbered": len(renumbered),
        },
        "class_counts": np.bincount(compact_labels).tolist(),
        "splits": {"seed": seed, "ratios": list(ratios)},
        "left_out_classes": left_out_classes,
        "renumbered": renumbered[:_RENUMBERED_IN_MANIFEST],
        "content_hash": content_hash(folder, tuple(classes)),
    }


def _first_of_each(ids: NDArray[np.int64], labels: NDArray[np.int32], digests: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True for the first row of each (id, class, drawing)."""
    order = np.lexsort((digests, labels, ids))  # stable: of equal rows the first stays first
    same = (np.diff(ids[order]) == 0) & (np.diff(labels[order]) == 0) & (np.diff(digests[order]) == 0)
    first = np.ones(len(ids), bool)
    first[order[1:][same]] = False
    return first


def _unique_ids(ids: NDArray[np.int64], keys: Sequence[str], digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The ids, with a new one for each row whose id an earlier row has.

    A new id is a hash of old id, key and drawing, so another export of the same rows assigns the same one.
    """
    new_ids = ids.copy()
    attempt = 0  # above 0 only if two hashes agree, or a hash agrees with an id
    while True:
        order = np.argsort(new_ids, kind="stable")
        collisions = order[1:][np.diff(new_ids[order]) == 0].tolist()
        if not collisions:
            return new_ids
        for place in collisions:
            salt = f"{attempt}:{ids[place]}:{digests[place]}:{keys[place]}"
            number = int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "little")
            new_ids[place] = _MIN_NEW_ID + number % _MIN_NEW_ID
        attempt += 1


def _drop_others(folder: Path, sample_ends: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rewrite points.npy and stroke_ends.npy with only the samples `rows`, in order; returns their sample ends."""
    if len(rows) == len(sample_ends):
        return sample_ends
    stroke_ends = np.load(folder / "stroke_ends.npy", allow_pickle=False)
    point_ends = stroke_ends[sample_ends - 1]
    # Samples are copied in groups of about `_COPY_POINTS` points.
    group_stops = np.unique(np.searchsorted(point_ends, np.arange(_COPY_POINTS, point_ends[-1], _COPY_POINTS)) + 1)
    with (
        # Read instead of memory-mapped, because mapped pages would count as the process's memory.
        (folder / "points.npy").open("rb") as points_file,
        ArrayWriter(folder / "points.new", *ARRAYS["points"]) as new_points,
        ArrayWriter(folder / "stroke_ends.new", *ARRAYS["stroke_ends"]) as new_ends,
    ):
        points_file.seek(new_points.offset)
        start = stroke = point = 0
        for stop in [*group_stops.tolist(), len(sample_ends)]:
            if start < stop:
                points = np.fromfile(points_file, np.float32, 2 * (int(point_ends[stop - 1]) - point)).reshape(-1, 2)
                strokes = slice(stroke, int(sample_ends[stop - 1]))
                group = Drawings(points, stroke_ends[strokes] - point, sample_ends[start:stop] - stroke)
                first, last = np.searchsorted(rows, (start, stop))
                selected = group.take(rows[first:last] - start)
                new_ends.append(selected.stroke_ends + new_points.rows)
                new_points.append(selected.points)
                start, stroke, point = stop, strokes.stop, int(point_ends[stop - 1])
    for name in ("points", "stroke_ends"):
        (folder / f"{name}.new").replace(folder / f"{name}.npy")
    return np.cumsum(np.diff(sample_ends, prepend=0)[rows])
