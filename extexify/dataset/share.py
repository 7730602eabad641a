"""A dataset's drawings as one file for other programs: a dump, JSON lines, InkML or Parquet.

Reading the file back gives the same samples. Dumps, JSON lines and InkML are packed by the ending of the name (`.gz`).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, cast
from xml.sax.saxutils import escape

import numpy as np
import orjson

from extexify.core.errors import UserError
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawing, strokes_json
from extexify.workspace.files import atomic_file

_BATCH = 1000
_LEVEL = 6  # of gzip

Samples = Iterator[tuple[int, str, Drawing]]


def share_dataset(dataset: Dataset, path: Path, report: Reporter = quiet) -> None:
    """Write all samples (id, key, drawing) to `path`, in the format that its name says, as one step.

    Raises `UserError` for a name with another ending, `StorageError` when the file can't be written.
    """
    write = _format_of(path)
    stage = Stage(report, "share", total=len(dataset))
    with ExitStack() as files:
        temporary = files.enter_context(atomic_file(path))
        file: IO[bytes] = files.enter_context(temporary.open("wb"))
        if path.suffix == ".gz":
            packed = gzip.GzipFile("", "wb", _LEVEL, file, mtime=0)
            files.callback(packed.close)
            file = cast("IO[bytes]", packed)
        write(file, _samples(dataset, stage))
    stage.finish(f"{path}: {len(dataset):,} drawings")


def _format_of(path: Path) -> Callable[[IO[bytes], Samples], None]:
    name = path.name.lower()
    plain = name.removesuffix(".gz")
    for ending, write in _FORMATS.items():
        if plain.endswith(ending) and (plain == name or ending != ".parquet"):
            return write
    endings = ", ".join(ending if ending == ".parquet" else f"{ending}[.gz]" for ending in _FORMATS)
    raise UserError(f"{path} has no ending that says its format: use one of {endings}")


def _samples(dataset: Dataset, stage: Stage) -> Samples:
    drawings = dataset.drawings
    for start in range(0, len(dataset), _BATCH):
        places = np.arange(start, min(start + _BATCH, len(dataset)))
        some = drawings.take(places)
        for place, drawing in zip(places.tolist(), some, strict=True):
            yield int(dataset.ids[place]), dataset.classes[dataset.labels[place]], drawing
        stage.advance(len(places))


def _write_dump(file: IO[bytes], samples: Samples) -> None:
    """A pg_dump text dump, to be read by `psql` as well."""
    file.write(
        b"CREATE TABLE samples (\n    id bigint PRIMARY KEY,\n    key text NOT NULL,\n    strokes json NOT NULL\n);\n\n"
        b"COPY samples (id, key, strokes) FROM stdin;\n"
    )
    for identifier, key, drawing in samples:
        escaped = key.encode().replace(b"\\", b"\\\\")
        file.write(b"%d\t%b\t%b\n" % (identifier, escaped, strokes_json(drawing)))
    file.write(b"\\.\n")


def _write_json_lines(file: IO[bytes], samples: Samples) -> None:
    for identifier, key, drawing in samples:
        file.write(
            orjson.dumps({"id": identifier, "key": key, "strokes": orjson.Fragment(strokes_json(drawing))}) + b"\n"
        )


def _write_inkml(file: IO[bytes], samples: Samples) -> None:
    text = io.TextIOWrapper(file, "utf-8", write_through=True)
    text.write('<?xml version="1.0" encoding="UTF-8"?>\n<ink xmlns="http://www.w3.org/2003/InkML">\n')
    for identifier, key, drawing in samples:
        traces = "".join(f"<trace>{', '.join(f'{x} {y}' for x, y in stroke.tolist())}</trace>" for stroke in drawing)
        text.write(
            f'<traceGroup><annotation type="label">{escape(key)}</annotation>'
            f'<annotation type="id">{identifier}</annotation>{traces}</traceGroup>\n'
        )
    text.write("</ink>\n")
    text.detach()


def _write_parquet(file: IO[bytes], samples: Samples) -> None:
    """Columns id (int64), key (string) and strokes (list of strokes, of points, of x and y: float32)."""
    import pyarrow
    from pyarrow import parquet

    strokes = pyarrow.list_(pyarrow.list_(pyarrow.list_(pyarrow.float32())))
    schema = pyarrow.schema([("id", pyarrow.int64()), ("key", pyarrow.string()), ("strokes", strokes)])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while some := list(islice(samples, _BATCH)):
            rows = [
                {"id": identifier, "key": key, "strokes": [stroke.tolist() for stroke in drawing]}
                for identifier, key, drawing in some
            ]
            writer.write_batch(pyarrow.RecordBatch.from_pylist(rows, schema=schema))


_FORMATS: dict[str, Callable[[IO[bytes], Samples], None]] = {
    ".sql": _write_dump,
    ".jsonl": _write_json_lines,
    ".inkml": _write_inkml,
    ".parquet": _write_parquet,
}
