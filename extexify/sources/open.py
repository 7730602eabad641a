"""Opens the source that an address names, as given by `--source` and the Export page."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from extexify.access import permissions
from extexify.sources.base import TABLE, Source, SourceError
from extexify.sources.files import STANDARD_INPUT, FileSource
from extexify.sources.sqlite import SqliteSource

POSTGRES = ("postgresql://", "postgres://")
"""Prefixes of addresses of PostgreSQL databases."""

ENVIRONMENT = "env:"
"""Prefix of the name of an environment variable that contains a PostgreSQL address."""


@permissions.operators_only
def open_source(address: str) -> Source:
    """The source that an address names.

    An address is `postgresql://…`; `env:NAME`, an environment variable that contains such an address, which is then
    neither shown nor stored; `starter` with or without options (see `extexify.sources.starter`); `-`, standard input;
    or the path of an SQLite file, of another file (see `extexify.sources.files`), of a folder or of a pipe (`./starter`
    for a file of that name). Raises `SourceError` for any other address.
    """
    if address.startswith(POSTGRES):
        return _postgres(address)
    if address.startswith(ENVIRONMENT):
        return _source_of_variable(address.removeprefix(ENVIRONMENT))
    if address.partition(":")[0] == "starter":
        from extexify.sources.starter import StarterSource

        return StarterSource.from_address(address)
    if "://" in address:
        raise SourceError(f"{address.split('://')[0]}:// is no address of a source: use postgresql:// or a file's path")
    if address == STANDARD_INPUT:
        return FileSource(None)
    try:
        path = Path(address).expanduser()
        if not path.exists():
            raise SourceError(f"{path} does not exist")
        if path.is_char_device() or path.is_block_device():
            raise SourceError(f"{path} is a device, not a file with drawings")
        if path.is_file() and _head(path) == b"SQLite format 3\x00":
            return SqliteSource(path)
        return FileSource(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~USER of an unknown user
        why = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{address} can't be read: {why}") from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def check_source(source: Source) -> None:
    """Read a source up to its first row. Raises `SourceError` when it can't be read or is empty."""
    with closing(source.rows()) as rows:
        if next(rows, None) is None:
            raise SourceError(f"{source.name} is empty: its table {TABLE} has no rows")


def _postgres(address: str, *, alias: str = "") -> Source:
    from extexify.sources.postgres import PostgresSource

    return PostgresSource(address, alias=alias)


def _source_of_variable(name: str) -> Source:
    address = os.environ.get(name, "").strip()
    if not address.startswith(POSTGRES):
        state = "holds no such address" if address else "isn't set"
        raise SourceError(f"{ENVIRONMENT}{name} stands for a postgresql:// address, but the variable {name} {state}")
    return _postgres(address, alias=f"PostgreSQL ({ENVIRONMENT}{name})")
