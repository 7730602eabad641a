"""Export: samples of one or several sources → a dataset folder with a report.

Rows are checked some hundreds at a time and written as they come, what is known of each drawing into scratch files,
where `extexify.dataset.finalize` finds it at the end: memory doesn't grow with the rows.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import ARRAYS, FORMAT_VERSION, Dataset
from extexify.dataset.finalize import Columns, settle
from extexify.dataset.splits import DEFAULT_RATIOS, SPLITS, check_ratios
from extexify.drawing.chunks import Scratch
from extexify.drawing.strokes import Drawings, content_digest
from extexify.sources.base import Source, SourceError
from extexify.sources.rows import REASONS as ROW_REASONS
from extexify.sources.rows import Batch, Refused, batches
from extexify.workspace.files import ArrayWriter, atomic_folder, write_json, writer_lock

REASONS = {
    **ROW_REASONS,
    "rejected": "marked as mislabelled in the review list",
    "repeated": "the same id with the same key and drawing again (kept once)",
    "class too small": "its class has fewer than three distinct drawings, too few for three splits",
}
"""Why a row is left out, in the report's words."""

_SHOWN_IDS = 5

MAX_CLASSES = 100_000
"""Keys that an export takes; all of LaTeX's symbols are a fifth of that. Beyond it, a column holds something else."""

_COLUMNS = {"ids": "int64", "labels": "int32", "digests": "uint64", "sample_ends": "int64"}
"""What is written of each sample until all are there; labels number the keys in the order in which they come."""


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
    """The columns of the samples on their way to disk, as rows come in; of the keys, a number for each."""

    def __init__(self, writers: Mapping[str, ArrayWriter], rejected: Collection[tuple[str, int]]) -> None:
        self._writers = writers
        self._rejected = rejected
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
        numbers, writers = self.key_numbers, self._writers
        writers["digests"].append(digests)
        writers["sample_ends"].append(writers["stroke_ends"].rows + drawings.sample_ends)
        writers["stroke_ends"].append(writers["points"].rows + drawings.stroke_ends)
        writers["points"].append(drawings.points + np.float32(0))
        writers["ids"].append(ids)
        writers["labels"].append(np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32))
        if len(numbers) > MAX_CLASSES:
            raise SourceError(f"there are more than {MAX_CLASSES:,} different keys: is column key the symbol's?")

    def __len__(self) -> int:
        return self._writers["ids"].rows


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
    and content (see `extexify.dataset.review.ReviewList.marks`).
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
        scratch = Scratch(folder / "scratch")
        writers = {name: ArrayWriter(folder / f"{name}.npy", *ARRAYS[name]) for name in ("points", "stroke_ends")}
        writers |= {name: ArrayWriter(scratch.folder / f"{name}.npy", dtype) for name, dtype in _COLUMNS.items()}
        for writer in writers.values():
            files.enter_context(writer)
        samples = _Samples(writers, rejected)
        starts: list[int] = []
        rows_of: list[dict[str, Any]] = []
        for source in sources:
            starts.append(len(samples))
            rows = _read_source(source, samples, left_out, report)
            usable = len(samples) - starts[-1]
            rows_of.append({"source": source.name, "rows": rows, "usable": usable})
            if not usable:
                why = ", ".join(f"{entry['count']} × {entry['reason']}" for entry in left_out.report()[:3])
                raise SourceError(
                    f"{source.name} has no usable row" + (f" ({why})" if rows else ": its table is empty")
                )
        for writer in writers.values():
            writer.close()
        stage = Stage(report, "split", total=len(samples))
        ids, labels, digests, sample_ends = (
            np.load(scratch.folder / f"{name}.npy", mmap_mode="r+", allow_pickle=False) for name in _COLUMNS
        )
        columns = Columns(
            ids, labels, digests, sample_ends,
            keys=list(samples.key_numbers), names=[source.name for source in sources], starts=starts,
        )  # fmt: skip
        manifest = settle(folder, columns, scratch, left_out.add, seed, ratios)
        shutil.rmtree(scratch.folder)
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
