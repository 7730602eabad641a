"""CSV, TSV and the like with a header line, and Parquet."""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator
from tempfile import TemporaryFile

from extexify.sources.base import SAMPLES, NoDrawings, Row, SourceError, Table, content_id, no_such_column
from extexify.sources.copy import Lines
from extexify.sources.delimited import Dialect, records
from extexify.sources.streams import TextFile

PARQUET = b"PAR1"
"""First bytes of a Parquet file."""

_DELIMITERS = ",\t;|"
_NAME = re.compile(r"[\w.-][\w .-]*")  # of a column


def delimiter_of(head: bytes, table: Table = SAMPLES) -> str:
    """The delimiter of a file that begins with such a header; "" if its first line isn't one with the columns."""
    header = head.partition(b"\n")[0].decode("utf-8", "replace")
    for delimiter in _DELIMITERS:
        names = [name.strip(' "\r') for name in header.split(delimiter)]
        is_header = len(names) > 1 and all(map(_NAME.fullmatch, names))
        if is_header and (table.strokes in names or table.key in names):
            return delimiter
    return ""


def csv_rows(file: TextFile, delimiter: str, table: Table = SAMPLES) -> Generator[Row]:
    """The rows of a file with a header; a missing id column is made up for by ids from the content.

    Raises `SourceError` without the other columns, and for a record with more or fewer fields than the header.
    """
    found = records(Lines(file.chunks), Dialect(delimiter, null=""), file.name)
    header = [(name or b"").decode("utf-8", "replace").strip() for name in next(found)[0]]
    for column in (table.key, table.strokes):
        if column not in header:
            raise SourceError(no_such_column(f"the header of {file.name}", column, header))
    at_key, at_strokes = header.index(table.key), header.index(table.strokes)
    at_id = header.index(table.id) if table.id in header else None
    for number, (values, truncated) in enumerate(found, 2):
        if truncated:
            yield Row(0, None, None, oversized=True)
            continue
        if len(values) != len(header):
            raise SourceError(
                f"{file.name} is damaged: record {number:,} has {len(values)} fields, its header {len(header)}; export "
                "it again"
            )
        key, strokes = values[at_key], values[at_strokes]
        yield Row(content_id(key, strokes) if at_id is None else values[at_id], key, strokes)


def parquet_rows(file: TextFile, table: Table = SAMPLES) -> Generator[Row]:
    """The rows of a Parquet file; strokes are JSON, or lists of lists of points. Raises `SourceError`."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SourceError(f"{file.name} is a Parquet file, for which pyarrow is needed: install it") from None
    import orjson

    with TemporaryFile() as copy:
        for chunk in file.chunks:
            copy.write(chunk)
        copy.seek(0)
        try:
            content = parquet.ParquetFile(copy)
            names = content.schema_arrow.names
            for column in (table.key, table.strokes):
                if column not in names:
                    raise NoDrawings(no_such_column(file.name, column, names))
            columns = [name for name in table.columns if name in names]
            for batch in content.iter_batches(batch_size=256, columns=columns):
                ids = batch[table.id].to_pylist() if table.id in names else itertools.repeat(None, len(batch))
                for number, key, strokes in zip(
                    ids, batch[table.key].to_pylist(), batch[table.strokes].to_pylist(), strict=True
                ):
                    text = strokes if isinstance(strokes, str | bytes | None) else orjson.dumps(strokes)
                    label = key if isinstance(key, str | bytes | None) else str(key)
                    yield Row(_id(number, label, text), label, text)
        except (pyarrow.ArrowException, OSError, TypeError) as error:
            raise SourceError(f"{file.name} can't be read as a Parquet file ({error}): export it again") from None


def _id(number: object, key: str | bytes | None, strokes: str | bytes | None) -> bytes | int:
    if isinstance(number, int):
        return number
    return content_id(key, strokes) if number is None else str(number).encode()
