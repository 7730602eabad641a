"""Export: samples of one or several sources → a dataset folder and a report of what was left out.

Points and stroke ends are written as the rows come, so that of each sample only 28 bytes stay in memory until
`extexify.dataset.finalize` writes the other arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.catalog.labels import unknown_labels
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import ARRAYS, FORMAT_VERSION, Dataset
from extexify.dataset.finalize import Samples, finalize
from extexify.dataset.splits import DEFAULT_RATIOS, SPLITS, check_ratios
from extexify.drawing.strokes import Drawings, content_digest
from extexify.sources.base import Source, SourceError
from extexify.sources.detexify import fetch
from extexify.sources.rows import MENDED_REASONS, ROW_REASONS, InvalidRow, RowChunk, checked_chunks
from extexify.workspace.files import ArrayWriter, atomic_folder, write_json, writer_lock

LEFT_OUT_REASONS = {
    **ROW_REASONS,
    "rejected": "marked as mislabelled in the review list",
    "repeated": "the same id with the same key and drawing again (exported once)",
    "class too small": "its class has fewer than three distinct drawings, too few for three splits",
}
"""Why a row is left out: reasons, as the manifest has them, with their meaning."""

_SHOWN_IDS = 5

MAX_CLASSES = 100_000
"""Maximum number of different keys, five times as many as LaTeX has symbols. With more, the column is no key."""


class _Tally:
    """Counts rows by reason and remembers the first ids of each."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = meanings
        self._counts: Counter[str] = Counter()
        self._first_ids: dict[str, list[int | str | None]] = {}

    def count(self, reason: str, identifier: int | str | None) -> None:
        self._counts[reason] += 1
        shown = self._first_ids.setdefault(reason, [])
        if len(shown) < _SHOWN_IDS:
            shown.append(identifier)

    def report(self) -> list[dict[str, Any]]:
        """The manifest's entries, the most frequent reason first."""
        return [
            {
                "reason": reason,
                "meaning": self._meanings[reason],
                "count": count,
                "first_ids": self._first_ids[reason],
            }
            for reason, count in self._counts.most_common()
        ]


class _LeftOut(_Tally):
    """Counts the rows left out and lists each in `left_out.jsonl`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LEFT_OUT_REASONS)
        self._file = (folder / "left_out.jsonl").open("wb")

    def add(self, reason: str, source: str, row: int | None, identifier: int | str | None, detail: str = "") -> None:
        self.count(reason, identifier)
        entry = {"reason": reason, "id": identifier, "source": source, "row": row, "detail": detail}
        self._file.write(orjson.dumps(entry) + b"\n")

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def abandon(self) -> None:
        """Close the file after an error, ignoring further ones (a full disk raises again)."""
        with suppress(OSError):
            self._file.close()


class _SampleWriter:
    """Writes points and stroke ends to disk and collects the other columns of the samples in memory."""

    def __init__(self, writers: Mapping[str, ArrayWriter], rejected: Collection[tuple[str, int]]) -> None:
        self._writers = writers
        self._rejected = rejected
        self._labels_of_keys: dict[str, int] = {}
        self._columns: dict[str, list[NDArray[Any]]] = {
            name: [np.empty(0, dtype)]
            for name, dtype in (("ids", "int64"), ("labels", "int32"), ("digests", "uint64"), ("sample_ends", "int64"))
        }
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, chunk: RowChunk) -> list[InvalidRow]:
        """Add the samples of a chunk, except those in the review list, which are returned."""
        pairs = zip(chunk.keys, chunk.digests.tolist(), strict=True) if self._rejected else ()
        found = [index for index, pair in enumerate(pairs) if pair in self._rejected]
        if not found:
            self._append(chunk.ids, chunk.keys, chunk.drawings, chunk.digests)
            return []
        used = np.delete(np.arange(len(chunk.ids)), found)
        keys = [chunk.keys[index] for index in used]
        self._append(chunk.ids[used], keys, chunk.drawings.take(used), chunk.digests[used])
        return [
            InvalidRow(
                int(chunk.places[index]), int(chunk.ids[index]), "rejected",
                f"the drawing of {chunk.keys[index]} is in the review list",
            )
            for index in found
        ]  # fmt: skip

    def _append(self, ids: NDArray[np.int64], keys: list[str], drawings: Drawings, digests: NDArray[np.uint64]) -> None:
        if not len(ids):
            return
        # All drawings of a single dot are equal once rendered, so there is nothing to leak from one split into another.
        # As duplicates they would all be in one split, and `\textperiodcentered`, always one dot, would be left out.
        digests = digests.copy()
        sizes = np.diff(drawings.stroke_ends[drawings.sample_ends - 1], prepend=0)
        for index in np.flatnonzero(sizes == 1).tolist():
            (dot,) = drawings[index]
            salt = int(ids[index]).to_bytes(8, "little", signed=True)
            digests[index] = content_digest(np.array([1, 1], np.int64), dot, salt)
        labels = self._labels_of_keys
        columns: dict[str, NDArray[Any]] = {
            "ids": ids,
            "labels": np.array([labels.setdefault(key, len(labels)) for key in keys], np.int32),
            "digests": digests,
            "sample_ends": self._writers["stroke_ends"].rows + drawings.sample_ends,
        }
        for name, values in columns.items():
            self._columns[name].append(values)
        self._writers["stroke_ends"].append(self._writers["points"].rows + drawings.stroke_ends)
        self._writers["points"].append(drawings.points + np.float32(0))  # -0.0 becomes 0.0
        self._count += len(ids)
        if len(labels) > MAX_CLASSES:
            raise SourceError(f"there are more than {MAX_CLASSES:,} different keys: is column key the symbol's?")

    def samples(self, sources: Sequence[str], starts: Sequence[int]) -> Samples:
        """All samples; `starts` are the indices of the first sample of each source."""
        columns = {name: np.concatenate(self._columns.pop(name)) for name in list(self._columns)}
        return Samples(**columns, keys=list(self._labels_of_keys), sources=sources, starts=starts)


def export_dataset(
    sources: Sequence[Source],
    out: Path,
    *,
    seed: int = 0,
    ratios: Sequence[float] = DEFAULT_RATIOS,
    rejected: Collection[tuple[str, int]] = frozenset(),
    report: Reporter = quiet,
) -> Dataset:
    """Read all rows of `sources`, write the dataset folder `out` atomically, and return the dataset.

    Invalid rows are left out, counted by reason in the manifest (`left_out`) and listed one by one in
    `left_out.jsonl`; `mended` counts those that are used without a part of them. Of rows with the same id, key and
    drawing the first is used; a row with the id of an earlier one but other content gets a new id derived from its
    content (the manifest's `renumbered` lists the first hundred, `renumbered.jsonl` all). `seed` and `ratios` (train,
    validation, test) determine the splits. `rejected` are drawings to leave out, by key and content digest (see
    `extexify.dataset.review.ReviewList.marks`).

    Raises `SourceError` when a source can't be read or has no usable row, `StorageError` when `out` can't be written
    or another process is writing it, `SplitError` for invalid ratios, and any exception of `report`, which is how a
    caller stops the export; `out` is unchanged then.
    """
    check_ratios(ratios)
    if not sources:
        raise SourceError("no source to export from: name at least one")
    with writer_lock(out, "the dataset"), atomic_folder(out) as folder, ExitStack() as files:
        left_out = _LeftOut(folder)
        files.callback(left_out.abandon)
        mended = _Tally(MENDED_REASONS)
        writers = {
            name: files.enter_context(ArrayWriter(folder / f"{name}.npy", *ARRAYS[name]))
            for name in ("points", "stroke_ends")
        }
        writer = _SampleWriter(writers, rejected)
        starts: list[int] = []
        source_entries: list[dict[str, Any]] = []
        for source in sources:
            starts.append(len(writer))
            rows = _read_source(source, writer, left_out, mended, report)
            usable = len(writer) - starts[-1]
            source_entries.append({"source": source.name, "rows": rows, "usable": usable})
            if not usable:
                why = ", ".join(f"{entry['count']} × {entry['reason']}" for entry in left_out.report()[:3])
                raise SourceError(
                    f"{source.name} has no usable row" + (f" ({why})" if rows else ": its table is empty")
                )
        for array in writers.values():
            array.close()
        stage = Stage(report, "split", total=len(writer))
        samples = writer.samples([source.name for source in sources], starts)
        manifest = finalize(folder, samples, left_out.add, seed, ratios)
        left_out.close()
        manifest = {
            "format_version": FORMAT_VERSION,
            "sources": source_entries,
            **manifest,
            "left_out": left_out.report(),
            "mended": mended.report(),
        }
        write_json(folder / "manifest.json", manifest)
        stage.at(len(writer))
        for what in ("left_out", "mended"):
            for entry in manifest[what]:
                ids = ", ".join("NULL" if value is None else str(value) for value in entry["first_ids"])
                stage.log(f"{what.replace('_', ' ')} {entry['count']:,}: {entry['meaning']} (first ids: {ids})")
        if unknown := unknown_labels(manifest["classes"]):
            stage.log(
                f"{len(unknown):,} labels are not in the catalogue and were kept: {', '.join(unknown[:_SHOWN_IDS])}"
            )
        counts = manifest["counts"]
        if counts["renumbered"]:
            some = ", ".join(str(entry["id"]) for entry in manifest["renumbered"][:_SHOWN_IDS])
            stage.log(f"{counts['renumbered']:,} ids came with other content too (exported under new ids): {some}")
        parts = " / ".join(f"{counts[name]:,} {name}" for name in SPLITS)
        stage.finish(f"{counts['samples']:,} drawings of {counts['classes']:,} symbols: {parts}")
    return Dataset.open(out)


def _read_source(source: Source, writer: _SampleWriter, left_out: _LeftOut, mended: _Tally, report: Reporter) -> int:
    """Add a source's valid samples to `writer`; return how many rows it had."""
    fetch(source, report)
    stage = Stage(report, "export", unit=source.unit)
    number = 0
    for chunk in checked_chunks(source):
        invalid = chunk.invalid + writer.add(chunk)
        for bad in sorted(invalid, key=lambda row: row.place):
            left_out.add(bad.reason, source.name, number + bad.place + 1, bad.id, bad.detail)
        for row in chunk.mended:
            mended.count(row.reason, row.id)
        number += chunk.rows
        stage.done, stage.total = source.position()
        stage.at(stage.done)
    stage.done, stage.total = source.position()
    stage.finish(f"{source.name}: {number:,} rows read in {stage.seconds:.1f} s")
    return number
