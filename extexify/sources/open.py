"""Opens the source that an address names, as given by `--source` and the Export page."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from extexify.access import permissions
from extexify.sources.base import SAMPLES, TABLE, Source, SourceError, Table
from extexify.sources.files import STANDARD_INPUT, FileSource
from extexify.sources.sqlite import SqliteSource

POSTGRES = ("postgresql://", "postgres://")
"""Prefixes of addresses of PostgreSQL databases."""

ENVIRONMENT = "env:"
"""Prefix of the name of an environment variable that contains a PostgreSQL address."""


@permissions.operators_only
def open_source(address: str, table: Table = SAMPLES) -> Source:
    """The source that an address names; `table` is the one to read where there are several.

    An address is `postgresql://…`; `env:NAME`, an environment variable that contains such an address, which is then
    neither shown nor stored; `starter` with or without options (see `extexify.sources.starter`); `detexify`, the
    drawings of github.com/kirel/detexify-next, which are downloaded; `own`, those of the user's own symbols; `-`,
    standard input; or the path of an SQLite file, of another file (see `extexify.sources.files`), of a folder or of a
    pipe (`./starter` for a file of that name). Raises `SourceError` for any other address.
    """
    if address.startswith(POSTGRES):
        return _postgres(address, table)
    if address.startswith(ENVIRONMENT):
        return _source_of_variable(address.removeprefix(ENVIRONMENT), table)
    if address.partition(":")[0] == "starter":
        from extexify.sources.starter import StarterSource

        return StarterSource.from_address(address)
    if address == "detexify":
        from extexify.sources.detexify import DetexifySource

        return DetexifySource()
    if address == "own":
        from extexify.sources.own import OwnSymbolsSource

        return OwnSymbolsSource()
    if "://" in address:
        raise SourceError(f"{address.split('://')[0]}:// is no address of a source: use postgresql:// or a file's path")
    if address == STANDARD_INPUT:
        return FileSource(None, table)
    try:
        path = Path(address).expanduser()
        if not path.exists():
            raise SourceError(f"{path} does not exist")
        if path.is_char_device() or path.is_block_device():
            raise SourceError(f"{path} is a device, not a file with drawings")
        if path.is_file() and _head(path) == b"SQLite format 3\x00":
            if table != SAMPLES:
                raise SourceError(
                    f"{path} is an SQLite file, of which table {TABLE} is read: leave --table and --columns out"
                )
            return SqliteSource(path)
        return FileSource(path, table)
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
            raise SourceError(f"{source.name} is empty: its table has no rows")


def _postgres(address: str, table: Table, *, alias: str = "") -> Source:
    from extexify.sources.postgres import PostgresSource

    return PostgresSource(address, alias=alias, table=table)


def _source_of_variable(name: str, table: Table) -> Source:
    address = os.environ.get(name, "").strip()
    if not address.startswith(POSTGRES):
        state = "holds no such address" if address else "isn't set"
        raise SourceError(f"{ENVIRONMENT}{name} stands for a postgresql:// address, but the variable {name} {state}")
    return _postgres(address, table, alias=f"PostgreSQL ({ENVIRONMENT}{name})")
