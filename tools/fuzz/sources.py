"""Targets: where drawings come from (dumps, SQLite files, addresses, uploads), and what an export makes of them."""

from __future__ import annotations

import gzip
import io
from contextlib import closing
from pathlib import Path
from random import Random

from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import BadDrawing
from extexify.sources.base import Source, SourceError
from extexify.sources.open import check_source, open_source
from extexify.sources.rows import check_row, shown_id
from extexify.workspace.files import StorageError
from extexify.workspace.uploads import delete_upload, list_uploads, safe_name, save_upload
from tools.fuzz.formats import dump, sqlite, zipped
from tools.fuzz.hostile import damaged, text
from tools.fuzz.target import Case, Fault, Target, check_sentence, check_text, put

_MOST_ROWS = 100_000
"""Rows after which a small file must have ended."""


def _check_rows(source: Source) -> None:
    """Read all rows and check each, as an export does."""
    check_text(source.name)
    with closing(source.rows()) as rows:
        for number, row in enumerate(rows):
            if number > _MOST_ROWS:
                raise Fault("a small file has rows without end")
            try:
                sample = check_row(row)
                check_text(sample.key)
            except BadDrawing as error:
                check_sentence(str(error))
                shown = shown_id(row)
                if isinstance(shown, str):
                    check_text(shown)
    source.position()


def _make_dump(rng: Random) -> Case:
    return {"dump.sql": dump(rng)}


def _make_zipped(rng: Random) -> Case:
    return {"dump.sql.gz": zipped(rng, dump(rng))}


def _make_sqlite(rng: Random) -> Case:
    return {"store.sqlite3": sqlite(rng)}


def _read_source(case: Case, folder: Path) -> None:
    (name,) = case
    path = str(put(case, folder) / name)
    check_source(open_source(path))  # the page's look at a file
    _check_rows(open_source(path))


# --- addresses -----------------------------------------------------------------------------------

_ADDRESSES = (
    "postgresql://user:password@host:5432/database", "postgres://host/db?sslmode=require", "postgresql://[::1]:5432/x",
    "starter:each=2,seed=1,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta", "starter", "starter:", "env:NOTHING_SUCH",
    "mysql://host/db", "file:///etc/passwd", "dump.sql", "./starter",
)  # fmt: skip


def _make_address(rng: Random) -> Case:
    address = rng.choice(_ADDRESSES).encode()
    if rng.random() < 0.3:
        address = address.split(b":")[0] + b":" + text(rng).encode("utf-8", "surrogatepass")
    elif rng.random() < 0.8:
        address = damaged(
            rng, address, (b"@", b"/", b"%00", b"%zz", b"=", b"&", b";", b",", b"each=9", b"\x00", b"?", b"[", b"'")
        )
    return {"address.txt": address}


def _read_address(case: Case, folder: Path) -> None:
    address = case["address.txt"].decode("utf-8", "replace")
    source = open_source(str(folder / address) if address.startswith(("/", "~", ".")) else address)
    check_text(source.name)
    if "user:password@" in address and "password@" in source.name:
        raise Fault("a source's name holds its password")


# --- uploads -------------------------------------------------------------------------------------


def _make_upload(rng: Random) -> Case:
    content = rng.choice((dump, sqlite))(rng) if rng.random() < 0.8 else text(rng).encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        content = gzip.compress(content, 1)
    name = text(rng) + rng.choice((".sql", ".sql.gz", ".sqlite3", ""))
    return {"content": content, "name": name.encode("utf-8", "surrogatepass")}


def _read_upload(case: Case, folder: Path) -> None:
    name = case["name"].decode("utf-8", "surrogatepass")
    check_text(safe_name(name))
    path = save_upload(name, io.BytesIO(case["content"]))
    if list_uploads() != [path] or folder not in path.parents:
        raise Fault(f"an upload is kept at {path}")
    try:
        check_source(open_source(str(path)))
    except SourceError as error:
        check_sentence(str(error))
    delete_upload(path)
    if list_uploads():
        raise Fault("an upload is still there after it was forgotten")


# --- exports -------------------------------------------------------------------------------------


def _make_export(rng: Random) -> Case:
    files: Case = {"first.sql": dump(rng)}
    if rng.random() < 0.5:
        files["second.sql"] = dump(rng)
    return files


def _read_export(case: Case, folder: Path) -> None:
    put(case, folder)
    sources = [open_source(str(folder / name)) for name in case]
    dataset = export_dataset(sources, folder / "dataset")
    check_text(*dataset.classes)
    if len(dataset) != sum(dataset.manifest["counts"][name] for name in ("train", "validation", "test")):
        raise Fault("an export doesn't count its drawings right")


TARGETS = (
    Target("dumps", 90_000, _make_dump, _read_source, (SourceError,), "dump.sql"),
    Target("gzip", 40_000, _make_zipped, _read_source, (SourceError,), "dump.sql.gz"),
    Target("sqlite", 20_000, _make_sqlite, _read_source, (SourceError,), "store.sqlite3"),
    Target("addresses", 40_000, _make_address, _read_address, (SourceError,), "address.txt"),
    Target("uploads", 15_000, _make_upload, _read_upload, (StorageError,), "content"),
    Target("exports", 10_000, _make_export, _read_export, (SourceError, StorageError), "first.sql"),
)
