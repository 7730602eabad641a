"""The end of an export: repeated rows, taken ids, class order and splits are settled, and the arrays written.

Everything works on columns in files, a bounded number of rows at a time, so that memory doesn't grow with the rows.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.dataset.dataset import ARRAYS, content_hash
from extexify.dataset.splits import LEFT_OUT, SPLITS, assign_splits
from extexify.drawing.chunks import Scratch, parts, pieces, where
from extexify.sources.base import SourceError
from extexify.workspace.files import ArrayWriter

_RENUMBERED_IN_MANIFEST = 100

_FIRST_NEW_ID = 2**52
"""New ids lie from 2^52 to 2^53: above serial numbers and the embedded store's ids, exact in JSON."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of the samples that were read (N): ids int64, labels int32 in the order in which the keys came,
    digests uint64 of their content, sample_ends int64 as in a dataset; keys are those that came. Of `names`, the
    sources, each has the samples from its number in `starts` on."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int32]
    digests: NDArray[np.uint64]
    sample_ends: NDArray[np.int64]
    keys: Sequence[str]
    names: Sequence[str]
    starts: Sequence[int]

    def source(self, index: int) -> str:
        """The name of a sample's source."""
        return self.names[bisect_right(self.starts, index) - 1]


class LeaveOut(Protocol):
    """Takes note of a row that is left out: why, its source, its number there, its id, more of it."""

    def __call__(
        self, reason: str, source: str, row: int | None, identifier: int | str | None, detail: str = ""
    ) -> None: ...


def settle(
    folder: Path, columns: Columns, scratch: Scratch, leave_out: LeaveOut, seed: int, ratios: Sequence[float]
) -> dict[str, Any]:
    """Settle everything and write the arrays of the dataset in `folder`; returns what the manifest says of them.

    The points and stroke ends of all samples are there already.
    """
    classes = sorted(columns.keys)
    position = {key: number for number, key in enumerate(classes)}
    relabel = np.array([position[key] for key in columns.keys], np.int32)
    labels, before = columns.labels, columns.ids
    ids = scratch.array(np.int64, len(before))
    for piece in pieces(len(labels)):
        labels[piece] = relabel[labels[piece]]
        ids[piece] = before[piece]

    keep = _first_of_each(ids, labels, columns.digests)
    for index in where(keep, np.logical_not).tolist():
        leave_out("repeated", columns.source(index), None, int(before[index]))
    _renumber(ids, keep, columns, classes)
    first_renumbered, renumbered = _tell_renumbered(folder / "renumbered.jsonl", ids, columns, classes)

    rows = where(keep, np.asarray) if not keep.all() else None
    kept_ids, kept_labels, digests = (_taken(column, rows, scratch) for column in (ids, labels, columns.digests))
    leaders = scratch.array(np.int64, len(kept_ids))
    splits = assign_splits(kept_ids, kept_labels, classes, digests, seed=seed, ratios=ratios, leaders=leaders)
    small_classes: set[str] = set()
    for place in where(splits, lambda values: values == LEFT_OUT).tolist():
        index = place if rows is None else int(rows[place])
        key = classes[labels[index]]
        leave_out("class too small", columns.source(index), None, int(ids[index]), key)
        small_classes.add(key)
        keep[index] = False
    if not keep.any():
        raise SourceError("no class has three distinct drawings: there is nothing to train on")
    if not keep.all():
        _compact_points(folder, columns.sample_ends, keep)

    counts = _write_columns(folder, columns.sample_ends, keep, kept_ids, kept_labels, splits, len(classes))
    used = np.flatnonzero(counts.sum(1))
    kept_classes = [classes[label] for label in used]
    return {
        "classes": kept_classes,
        "counts": {
            "samples": int(counts.sum()),
            "classes": len(kept_classes),
            **{name: int(number) for name, number in zip(SPLITS, counts.sum(0), strict=True)},
            "duplicates": _duplicates(digests, splits),
            "renumbered": renumbered,
        },
        "class_counts": counts[used].sum(1).tolist(),
        "splits": {"seed": seed, "ratios": list(ratios)},
        "left_out_classes": sorted(small_classes),
        "renumbered": first_renumbered,
        "content_hash": content_hash(folder, tuple(kept_classes)),
    }


def _first_of_each(ids: NDArray[np.int64], labels: NDArray[np.int32], digests: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True for the first row of each (id, class, drawing)."""
    first = np.ones(len(ids), bool)
    for rows in parts(ids):
        # Stable: of equal rows the first stays first.
        order = rows[np.lexsort((digests[rows], labels[rows], ids[rows]))]
        same = (np.diff(ids[order]) == 0) & (np.diff(labels[order]) == 0)
        same &= digests[order][1:] == digests[order][:-1]
        first[order[1:][same]] = False
    return first


def _renumber(ids: NDArray[np.int64], keep: NDArray[np.bool_], columns: Columns, classes: list[str]) -> None:
    """Give kept rows whose id is taken by an earlier row an id of their own.

    The new id is a hash of old id, key and drawing, so the next export of the same rows gives it again.
    """
    attempt = 0  # above 0 only if two hashes agree, or one agrees with an id
    while clashes := [index for rows in parts(ids) for index in _taken_ids(ids, rows[keep[rows]])]:
        for index in clashes:
            old, key = columns.ids[index], classes[columns.labels[index]]
            salt = f"{attempt}:{old}:{columns.digests[index]}:{key}"
            number = int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "little")
            ids[index] = _FIRST_NEW_ID + number % _FIRST_NEW_ID
        attempt += 1


def _taken_ids(ids: NDArray[np.int64], rows: NDArray[np.int64]) -> list[int]:
    """Those of some rows whose id an earlier one of them has."""
    order = rows[np.argsort(ids[rows], kind="stable")]
    found: list[int] = order[1:][np.diff(ids[order]) == 0].tolist()
    return found


def _tell_renumbered(
    path: Path, ids: NDArray[np.int64], columns: Columns, classes: list[str]
) -> tuple[list[dict[str, Any]], int]:
    """List the rows that got a new id in a file; returns the first of them and how many they are."""

    def told() -> Iterator[dict[str, Any]]:
        for piece in pieces(len(ids)):
            for index in (np.flatnonzero(ids[piece] != columns.ids[piece]) + piece.start).tolist():
                yield {
                    "id": int(columns.ids[index]), "key": classes[columns.labels[index]], "new_id": int(ids[index]),
                    "source": columns.source(index),
                }  # fmt: skip

    entries = told()
    first = list(islice(entries, _RENUMBERED_IN_MANIFEST))
    number = len(first)
    with path.open("wb") as file:
        file.writelines(orjson.dumps(entry) + b"\n" for entry in first)
        for entry in entries:
            file.write(orjson.dumps(entry) + b"\n")
            number += 1
    return first, number


def _taken(column: NDArray[Any], rows: NDArray[np.int64] | None, scratch: Scratch) -> NDArray[Any]:
    """A column's values at some rows; None: all of them."""
    if rows is None:
        return column
    taken = scratch.array(column.dtype, len(rows))
    for piece in pieces(len(rows)):
        taken[piece] = column[rows[piece]]
    return taken


def _write_columns(
    folder: Path,
    sample_ends: NDArray[np.int64],
    keep: NDArray[np.bool_],
    ids: NDArray[np.int64],
    labels: NDArray[np.int32],
    splits: NDArray[np.uint8],
    classes: int,
) -> NDArray[np.int64]:
    """Write sample ends, labels, ids and splits of what is kept; returns the drawings of each class in each split.

    `keep` is of all rows that were read; ids, labels and splits of those that were no repeats.
    """
    counts = np.zeros((classes, len(SPLITS)), np.int64)
    for piece in pieces(len(ids)):
        good = splits[piece] != LEFT_OUT
        np.add.at(counts, (labels[piece][good], splits[piece][good]), 1)
    compact = np.cumsum(counts.sum(1) > 0) - 1
    with ExitStack() as files:
        writers = {
            name: files.enter_context(ArrayWriter(folder / f"{name}.npy", *ARRAYS[name]))
            for name in ("sample_ends", "labels", "ids", "split")
        }
        end = before = 0
        for piece in pieces(len(keep)):
            lengths = np.diff(sample_ends[piece], prepend=before)[keep[piece]]
            before = sample_ends[piece][-1]
            if len(lengths):
                ends = end + np.cumsum(lengths)
                writers["sample_ends"].append(ends)
                end = ends[-1]
        for piece in pieces(len(ids)):
            good = splits[piece] != LEFT_OUT
            writers["labels"].append(compact[labels[piece][good]])
            writers["ids"].append(ids[piece][good])
            writers["split"].append(splits[piece][good])
    return counts


def _duplicates(digests: NDArray[np.uint64], splits: NDArray[np.uint8]) -> int:
    """How many of the drawings that are kept equal an earlier one."""
    number = 0
    for rows in parts(digests):
        kept = digests[rows[splits[rows] != LEFT_OUT]]
        number += len(kept) - len(np.unique(kept))
    return number


def _compact_points(folder: Path, sample_ends: NDArray[np.int64], keep: NDArray[np.bool_]) -> None:
    """Rewrite points and stroke ends without the samples that were dropped, a run of kept ones at a time."""
    edges = np.flatnonzero(np.diff(np.r_[False, keep, False]))
    stroke_ends = np.load(folder / "stroke_ends.npy", mmap_mode="r", allow_pickle=False)
    with (
        # Read and not mapped: pages of a map count as memory of ours.
        (folder / "points.npy").open("rb") as points,
        ArrayWriter(folder / "points.new", *ARRAYS["points"]) as new_points,
        ArrayWriter(folder / "stroke_ends.new", *ARRAYS["stroke_ends"]) as new_ends,
    ):
        for start, stop in edges.reshape(-1, 2):
            first = int(sample_ends[start - 1]) if start else 0
            last = int(sample_ends[stop - 1])
            begin = int(stroke_ends[first - 1]) if first else 0
            end = int(stroke_ends[last - 1])
            for piece in pieces(last - first):
                strokes = slice(first + piece.start, first + piece.stop)
                new_ends.append(stroke_ends[strokes] - begin + new_points.rows)
            points.seek(new_points.offset + begin * _POINT_BYTES)
            for piece in pieces(end - begin):
                read = points.read((piece.stop - piece.start) * _POINT_BYTES)
                new_points.append(np.frombuffer(read, np.float32).reshape(-1, 2))
    for name in ("points", "stroke_ends"):
        (folder / f"{name}.new").replace(folder / f"{name}.npy")


_POINT_BYTES = 8
