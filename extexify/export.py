"""Export: samples of one or several sources → a dataset folder with a report.

Rows are checked one at a time and written as they come. What stays in memory is 32 bytes a sample, and a few
times that while repeats and splits are settled: a million and a half drawings fit in 500 MB.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.dataset import ARRAYS, FORMAT_VERSION, Dataset, content_hash
from extexify.progress import Reporter, Stage, quiet
from extexify.samples import REASONS as ROW_REASONS
from extexify.samples import Batch, Refused, batches
from extexify.sources import Source, SourceError
from extexify.splits import DEFAULT_RATIOS, LEFT_OUT, SPLITS, assign_splits, check_ratios
from extexify.storage import ArrayWriter, atomic_folder, write_json, writer_lock
from extexify.strokes import Drawings, content_digest

REASONS = {
    **ROW_REASONS,
    "rejected": "marked as mislabelled in the review list",
    "repeated": "the same id with the same key and drawing again (kept once)",
    "class too small": "its class has fewer than three distinct drawings, too few for three splits",
}
"""Why a row is left out, in the report's words."""

_SHOWN_IDS = 5
_RENUMBERED_IN_MANIFEST = 100

MAX_CLASSES = 100_000
"""Keys that an export takes; all of LaTeX's symbols are a fifth of that. Beyond it, a column holds something else."""

_FIRST_NEW_ID = 2**52
"""New ids lie from 2^52 to 2^53: above serial numbers and the embedded store's ids, exact in JSON."""


class _LeftOut:
    """Counts the rows left out and writes each to `left_out.jsonl`, so that no number of them fills the memory."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "left_out.jsonl").open("wb")
        self.counts: Counter[str] = Counter()
        self.first_ids: dict[str, list[int | str | None]] = {}

    def add(self, reason: str, source: str, row: int | None, identifier: int | str | None, detail: str = "") -> None:
        self.counts[reason] += 1
        shown: list[int | str | None] = self.first_ids.setdefault(reason, [])
        if len(shown) < _SHOWN_IDS:
            shown.append(identifier)
        entry = {"reason": reason, "id": identifier, "source": source, "row": row, "detail": detail}
        self._file.write(orjson.dumps(entry) + b"\n")

    def close(self) -> None:
        """Close the list; a second time does nothing."""
        self._file.close()

    def abandon(self) -> None:
        """Close the list whatever becomes of it."""
        with suppress(OSError):  # a full disk, which was told already
            self._file.close()

    def report(self) -> list[dict[str, Any]]:
        return [
            {
                "reason": reason,
                "meaning": REASONS[reason],
                "count": count,
                "first_ids": self.first_ids[reason],
            }
            for reason, count in self.counts.most_common()
        ]


class _Samples:
    """The per-sample columns while rows come in, and the point arrays going to disk."""

    def __init__(self, points: ArrayWriter, stroke_ends: ArrayWriter, rejected: Collection[tuple[str, int]]) -> None:
        self.points = points
        self.stroke_ends = stroke_ends
        self._rejected = rejected
        self.ids = array("q")
        self.keys = array("i")
        self.sample_ends = array("q")
        self.digests = array("Q")
        self.key_numbers: dict[str, int] = {}

    def add(self, batch: Batch) -> list[Refused]:
        """Take the samples of a batch but those in the review list, which are returned."""
        if not len(batch.ids):
            return []
        pairs = zip(batch.keys, batch.digests.tolist(), strict=True) if self._rejected else ()
        found = [index for index, pair in enumerate(pairs) if pair in self._rejected]
        if not found:
            self._append(batch.ids, batch.keys, batch.drawings, batch.digests)
            return []
        kept = np.delete(np.arange(len(batch.ids)), found)
        keys = [batch.keys[index] for index in kept]
        self._append(batch.ids[kept], keys, batch.drawings.take(kept), batch.digests[kept])
        return [
            Refused(
                int(batch.places[index]), int(batch.ids[index]), "rejected",
                f"the drawing of {batch.keys[index]} is in the review list",
            )
            for index in found
        ]  # fmt: skip

    def _append(self, ids: NDArray[np.int64], keys: list[str], drawings: Drawings, digests: NDArray[np.uint64]) -> None:
        # All single dots are one picture: there is nothing in them to leak from one split into another, and tying
        # them together would drop `\textperiodcentered`, drawn as one dot only.
        digests = digests.copy()
        sizes = np.diff(drawings.stroke_ends[drawings.sample_ends - 1], prepend=0)
        for index in np.flatnonzero(sizes == 1).tolist():
            (dot,) = drawings[index]
            salt = int(ids[index]).to_bytes(8, "little", signed=True)
            digests[index] = content_digest(np.array([1, 1], np.int64), dot, salt)
        self.digests.frombytes(digests.tobytes())
        self.sample_ends.frombytes((self.stroke_ends.rows + drawings.sample_ends).tobytes())
        self.stroke_ends.append(self.points.rows + drawings.stroke_ends)
        self.points.append(drawings.points + np.float32(0))
        self.ids.frombytes(ids.tobytes())
        numbers = self.key_numbers
        self.keys.extend([numbers.setdefault(key, len(numbers)) for key in keys])
        if len(numbers) > MAX_CLASSES:
            raise SourceError(f"there are more than {MAX_CLASSES:,} different keys: is column key the symbol's?")

    def __len__(self) -> int:
        return len(self.ids)


def export_dataset(
    sources: Sequence[Source],
    out: Path,
    *,
    seed: int = 0,
    ratios: Sequence[float] = DEFAULT_RATIOS,
    rejected: Collection[tuple[str, int]] = frozenset(),
    report: Reporter = quiet,
) -> Dataset:
    """Read all rows of `sources`, write the dataset folder `out` in one step, and return it opened.

    Rows that can't be used are left out, counted by reason in the manifest (`left_out`) and listed one
    by one in `left_out.jsonl`. The same id with the same key and drawing again is kept once; the same
    id with other content is kept under a new id derived from that content, and told (the manifest's
    `renumbered` has the first hundred, `renumbered.jsonl` all).
    `seed` and `ratios` (train, validation, test) govern the splits. `rejected` names drawings to leave out, by key
    and content (see `extexify.review.ReviewList.marks`).
    Raises `SourceError` when a source can't be read or nothing usable comes of it, `StorageError` when `out`
    can't be written or is being written already, and whatever `report` raises, which is how a caller stops
    it; `out` is as it was then.
    """
    check_ratios(ratios)
    if not sources:
        raise SourceError("no source to export from: name at least one")
    with writer_lock(out, "the dataset"), atomic_folder(out) as folder, ExitStack() as files:
        left_out = _LeftOut(folder)
        files.callback(left_out.abandon)
        samples = _Samples(
            files.enter_context(ArrayWriter(folder / "points.npy", *ARRAYS["points"])),
            files.enter_context(ArrayWriter(folder / "stroke_ends.npy", *ARRAYS["stroke_ends"])),
            rejected,
        )
        source_of = array("i")
        rows_of: list[dict[str, Any]] = []
        for number, source in enumerate(sources):
            before = len(samples)
            rows = _read_source(source, samples, left_out, report)
            rows_of.append({"source": source.name, "rows": rows, "usable": len(samples) - before})
            source_of.extend([number] * (len(samples) - before))
            if len(samples) == before:
                why = ", ".join(f"{entry['count']} × {entry['reason']}" for entry in left_out.report()[:3])
                raise SourceError(
                    f"{source.name} has no usable row" + (f" ({why})" if rows else ": its table is empty")
                )
        samples.points.close()
        samples.stroke_ends.close()
        stage = Stage(report, "split", total=len(samples))
        names = [source.name for source in sources]
        manifest = _finish(folder, samples, np.array(source_of), names, left_out, seed, ratios)
        left_out.close()
        manifest = {
            "format_version": FORMAT_VERSION,
            "sources": rows_of,
            **manifest,
            "left_out": left_out.report(),
        }
        write_json(folder / "manifest.json", manifest)
        stage.at(len(samples))
        for entry in manifest["left_out"]:
            ids = ", ".join("NULL" if value is None else str(value) for value in entry["first_ids"])
            stage.say(f"left out {entry['count']:,}: {entry['meaning']} (first ids: {ids})")
        counts = manifest["counts"]
        if counts["renumbered"]:
            some = ", ".join(str(entry["id"]) for entry in manifest["renumbered"][:_SHOWN_IDS])
            stage.say(f"{counts['renumbered']:,} ids came with other content too (kept under new ids): {some}")
        parts = " / ".join(f"{counts[name]:,} {name}" for name in SPLITS)
        stage.finish(f"{counts['samples']:,} drawings of {counts['classes']:,} symbols: {parts}")
    return Dataset.open(out)


def _read_source(source: Source, samples: _Samples, left_out: _LeftOut, report: Reporter) -> int:
    """Add a source's usable rows to `samples`; return how many rows it had."""
    stage = Stage(report, "export", unit=source.unit)
    number = 0
    for batch in batches(source):
        refused = batch.refused + samples.add(batch)
        for row in sorted(refused, key=lambda row: row.place):
            left_out.add(row.reason, source.name, number + row.place + 1, row.id, row.detail)
        number += batch.rows
        stage.done, stage.total = source.position()
        stage.at(stage.done)
    stage.done, stage.total = source.position()
    stage.finish(f"{source.name}: {number:,} rows read in {stage.seconds:.1f} s")
    return number


def _finish(
    folder: Path,
    samples: _Samples,
    source_of: NDArray[np.int32],
    names: list[str],
    left_out: _LeftOut,
    seed: int,
    ratios: Sequence[float],
) -> dict[str, Any]:
    """Settle repeats, class order and splits; write the arrays; return what the manifest says of them."""
    classes = sorted(samples.key_numbers)
    position = {key: number for number, key in enumerate(classes)}
    relabel = np.array([position[key] for key in samples.key_numbers], np.int32)
    labels = relabel[np.frombuffer(samples.keys, np.int32)]
    ids = np.array(samples.ids, np.int64)
    groups = np.unique(np.frombuffer(samples.digests, np.uint64), return_inverse=True)[1]

    def told(index: np.intp) -> dict[str, Any]:
        """What the report says of a renumbered row."""
        old, new = int(before[index]), int(ids[index])
        return {"id": old, "key": classes[labels[index]], "new_id": new, "source": names[source_of[index]]}

    keep = _first_of_each(ids, labels, groups)
    for index in np.flatnonzero(~keep):
        left_out.add("repeated", names[source_of[index]], None, int(ids[index]))
    before = _renumber(ids, keep, samples, labels, classes)
    renumbered = np.flatnonzero(ids != before)
    with (folder / "renumbered.jsonl").open("wb") as file:
        for index in renumbered:
            file.write(orjson.dumps(told(index)) + b"\n")
    first_renumbered = [told(index) for index in renumbered[:_RENUMBERED_IN_MANIFEST]]

    splits = np.full(len(ids), LEFT_OUT, np.uint8)
    splits[keep] = assign_splits(ids[keep], labels[keep], classes, groups[keep], seed=seed, ratios=ratios)
    small = keep & (splits == LEFT_OUT)
    for index in np.flatnonzero(small):
        left_out.add("class too small", names[source_of[index]], None, int(ids[index]), classes[labels[index]])
    small_classes = [classes[label] for label in np.unique(labels[small])]
    keep &= ~small
    if not keep.any():
        raise SourceError("no class has three distinct drawings: there is nothing to train on")

    used = np.unique(labels[keep])
    compact = np.full(len(classes), -1, np.int32)
    compact[used] = np.arange(len(used))
    labels, kept_classes = compact[labels], [classes[label] for label in used]
    if not keep.all():
        _compact_points(folder, samples, keep)
    ends = np.frombuffer(samples.sample_ends, np.int64)
    lengths = np.diff(ends, prepend=0)[keep]
    for name, values in (
        ("sample_ends", np.cumsum(lengths)), ("labels", labels[keep]), ("ids", ids[keep]), ("split", splits[keep]),
    ):  # fmt: skip
        with ArrayWriter(folder / f"{name}.npy", *ARRAYS[name]) as writer:
            writer.append(values)

    per_split = np.bincount(splits[keep], minlength=3)
    groups_kept = groups[keep]
    return {
        "classes": kept_classes,
        "counts": {
            "samples": int(keep.sum()),
            "classes": len(kept_classes),
            **{name: int(count) for name, count in zip(SPLITS, per_split, strict=True)},
            "duplicates": int(len(groups_kept) - len(np.unique(groups_kept))),
            "renumbered": len(renumbered),
        },
        "class_counts": np.bincount(labels[keep], minlength=len(kept_classes)).tolist(),
        "splits": {"seed": seed, "ratios": list(ratios)},
        "left_out_classes": small_classes,
        "renumbered": first_renumbered,
        "content_hash": content_hash(folder, tuple(kept_classes)),
    }


def _first_of_each(ids: NDArray[np.int64], labels: NDArray[np.int32], groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """True for the first row of each (id, class, drawing)."""
    order = np.lexsort((groups, labels, ids))  # stable: the first row of equal ones stays first
    fresh = np.ones(len(ids), bool)
    fresh[1:] = (np.diff(ids[order]) != 0) | (np.diff(labels[order]) != 0) | (np.diff(groups[order]) != 0)
    first = np.empty(len(ids), bool)
    first[order] = fresh
    return first


def _renumber(
    ids: NDArray[np.int64],
    keep: NDArray[np.bool_],
    samples: _Samples,
    labels: NDArray[np.int32],
    classes: list[str],
) -> NDArray[np.int64]:
    """Give kept rows whose id is taken by an earlier row an id of their own, in `ids`; return the ids before.

    The new id is a hash of old id, key and drawing, so the next export of the same rows gives it again.
    """
    before = ids.copy()
    kept = np.flatnonzero(keep)
    attempt = 0  # above 0 only if two hashes agree, or one agrees with an id
    while True:
        order = kept[np.argsort(ids[kept], kind="stable")]
        clashes = order[1:][np.diff(ids[order]) == 0]
        if not len(clashes):
            return before
        for index in clashes:
            salt = f"{attempt}:{before[index]}:{samples.digests[index]}:{classes[labels[index]]}"
            number = int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "little")
            ids[index] = _FIRST_NEW_ID + number % _FIRST_NEW_ID
        attempt += 1


def _compact_points(folder: Path, samples: _Samples, keep: NDArray[np.bool_]) -> None:
    """Rewrite points and stroke ends without the samples that were dropped, a run of kept ones at a time."""
    sample_ends = np.frombuffer(samples.sample_ends, np.int64)
    edges = np.flatnonzero(np.diff(np.r_[False, keep, False]))
    stroke_ends = np.load(folder / "stroke_ends.npy", allow_pickle=False)
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
            new_ends.append(stroke_ends[first:last] - begin + new_points.rows)
            points.seek(samples.points.offset + begin * _POINT_BYTES)
            for piece in range(begin, end, _PIECE):
                read = points.read(min(_PIECE, end - piece) * _POINT_BYTES)
                new_points.append(np.frombuffer(read, np.float32).reshape(-1, 2))
    for name in ("points", "stroke_ends"):
        (folder / f"{name}.new").replace(folder / f"{name}.npy")


_POINT_BYTES = 8
_PIECE = 1 << 17  # points copied at a time
