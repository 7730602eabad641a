"""Uploaded files, stored in the workspace as `uploads/DIGEST/NAME`.

DIGEST is a hash of the content: a file that is uploaded again, under any name, is stored once.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from extexify.access import permissions
from extexify.workspace.files import StorageError, atomic_file
from extexify.workspace.paths import uploads_folder

MAX_NAME = 80
"""Maximum length of a stored name. The last characters are used, because they include the extension."""

_CHUNK_BYTES = 1 << 20


@permissions.operators_only
def save_upload(name: str, data: BinaryIO) -> Path:
    """Store a file and return its path; if the same content is stored already, the path of that file.

    `name` is any text, from the browser; `data` is read from its beginning, in chunks.
    Raises `StorageError` when the disk is full or can't be written.
    """
    digest = hashlib.blake2b(digest_size=16)
    for chunk in _chunks(data):
        digest.update(chunk)
    folder = uploads_folder() / digest.hexdigest()
    try:
        for stored in _files(folder):
            return stored
        path = folder / safe_name(name)
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            for chunk in _chunks(data):
                file.write(chunk)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"the upload can't be saved in {uploads_folder()}: {error.strerror or error}") from None
    return path


@permissions.operators_only
def list_uploads() -> list[Path]:
    """All uploaded files, the newest first."""
    dated: list[tuple[float, Path]] = []
    for folder in uploads_folder().glob("*/"):
        for path in _files(folder):
            with suppress(FileNotFoundError):  # deleted since the listing
                dated.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(dated, reverse=True)]


@permissions.operators_only
def delete_upload(path: Path) -> None:
    """Delete an uploaded file, if it still exists. Raises `StorageError` for a path outside the uploads folder."""
    folder = Path() if "\0" in str(path) else path.resolve().parent
    if folder.parent != uploads_folder().resolve():
        raise StorageError(f"{path} is no upload of this workspace")
    shutil.rmtree(folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """A file name of letters, digits, `.`, `_` and `-` made from `name`, without folders and without a leading dot."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", last)[-MAX_NAME:].lstrip("._-") or "upload"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[!.]*") if path.is_file())


def _chunks(data: BinaryIO) -> Iterator[bytes]:
    data.seek(0)
    while chunk := data.read(_CHUNK_BYTES):
        yield chunk
