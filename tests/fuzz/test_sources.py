"""Fuzzing: dumps, gzip data, SQLite files, addresses and uploads, and exports of them."""

from __future__ import annotations

import gzip
import io
from contextlib import closing
from pathlib import Path
from random import Random

from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import BadDrawing
from extexify.sources.base import SourceError
from extexify.sources.open import check_source, open_source
from extexify.sources.rows import check_row, shown_id
from extexify.workspace.files import StorageError
from extexify.workspace.uploads import delete_upload, list_uploads, safe_name, save_upload
from tests.fuzz.formats import archive, document, dump, sqlite, statements, zipped
from tests.fuzz.harness import Case, Fault, check_message, check_text, fuzz, put
from tests.fuzz.hostile import damaged, text, text_bytes

_MAX_ROWS = 100_000
"""Rows after which a small file must have ended."""


def _read_source(case: Case, folder: Path) -> None:
    """Check a source as the Export page does, then read its rows as an export does."""
    (name,) = case
    path = str(put(case, folder) / name)
    check_source(open_source(path))
    source = open_source(path)
    check_text(source.name)
    with closing(source.rows()) as rows:
        for number, row in enumerate(rows):
            if number > _MAX_ROWS:
                raise Fault("a small file has rows without end")
            try:
                check_text(check_row(row).key)
            except BadDrawing as error:
                check_message(str(error))
                shown = shown_id(row)
                if isinstance(shown, str):
                    check_text(shown)
    source.position()


@fuzz(lambda rng: {"dump.sql": dump(rng)}, SourceError)
def test_dumps(case: Case, folder: Path) -> None:
    _read_source(case, folder)


@fuzz(lambda rng: {"dump.sql.gz": zipped(rng, dump(rng))}, SourceError)
def test_gzip(case: Case, folder: Path) -> None:
    _read_source(case, folder)


@fuzz(lambda rng: {"dump.sql": statements(rng)}, SourceError)
def test_statements(case: Case, folder: Path) -> None:
    _read_source(case, folder)


@fuzz(lambda rng: {"file": document(rng)}, SourceError)
def test_documents(case: Case, folder: Path) -> None:
    _read_source(case, folder)


@fuzz(
    lambda rng: {"dump": archive(rng, {"a.sql": dump(rng), "b/c.sql": statements(rng), "d": document(rng)})},
    SourceError,
)
def test_archives(case: Case, folder: Path) -> None:
    _read_source(case, folder)


@fuzz(lambda rng: {"store.sqlite3": sqlite(rng)}, SourceError)
def test_sqlite(case: Case, folder: Path) -> None:
    _read_source(case, folder)


_ADDRESSES = (
    b"postgresql://user:password@host:5432/database", b"postgres://host/db?sslmode=require", b"postgresql://[::1]:5432/x",
    b"starter:each=2,seed=1,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta", b"starter", b"starter:", b"env:NOTHING_SUCH",
    b"mysql://host/db", b"file:///etc/passwd", b"dump.sql", b"./starter",
)  # fmt: skip
_SIGNS = (b"@", b"/", b"%00", b"%zz", b"=", b"&", b";", b",", b"each=9", b"\x00", b"?", b"[", b"'")


def _address(rng: Random) -> Case:
    address = rng.choice(_ADDRESSES)
    if rng.random() < 0.3:
        address = address.split(b":")[0] + b":" + text_bytes(rng)
    elif rng.random() < 0.8:
        address = damaged(rng, address, _SIGNS)
    return {"address.txt": address}


@fuzz(_address, SourceError)
def test_addresses(case: Case, folder: Path) -> None:
    address = case["address.txt"].decode("utf-8", "replace")
    source = open_source(str(folder / address) if address.startswith(("/", "~", ".")) else address)
    check_text(source.name)
    if "user:password@" in address and "password@" in source.name:
        raise Fault("a source's name holds its password")


def _upload(rng: Random) -> Case:
    content = rng.choice((dump, sqlite))(rng) if rng.random() < 0.8 else text_bytes(rng)
    if rng.random() < 0.3:
        content = gzip.compress(content, 1)
    name = text(rng) + rng.choice((".sql", ".sql.gz", ".sqlite3", ""))
    return {"content": content, "name": name.encode("utf-8", "surrogatepass")}


@fuzz(_upload, StorageError)
def test_uploads(case: Case, folder: Path) -> None:
    name = case["name"].decode("utf-8", "surrogatepass")
    check_text(safe_name(name))
    path = save_upload(name, io.BytesIO(case["content"]))
    if list_uploads() != [path] or folder not in path.parents:
        raise Fault(f"an upload is stored at {path}")
    try:
        check_source(open_source(str(path)))
    except SourceError as error:
        check_message(str(error))
    delete_upload(path)
    if list_uploads():
        raise Fault("an upload is still there after its removal")


def _dumps(rng: Random) -> Case:
    return {name: dump(rng) for name in ("first.sql", "second.sql")[: rng.randrange(1, 3)]}


@fuzz(_dumps, SourceError, StorageError)
def test_exports(case: Case, folder: Path) -> None:
    put(case, folder)
    dataset = export_dataset([open_source(str(folder / name)) for name in case], folder / "dataset")
    check_text(*dataset.classes)
    if len(dataset) != sum(dataset.manifest["counts"][name] for name in ("train", "validation", "test")):
        raise Fault("an export's counts don't add up")
