"""Files that came through the browser, kept in the workspace: `uploads/DIGEST/NAME`.

The digest is of the content, so the same file again, under whichever name, takes no more room.
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
"""Characters of a name that are kept, the last ones: what tells the kind of a file stands at its end."""

_PIECE = 1 << 20


@permissions.operators_only
def save_upload(name: str, data: BinaryIO) -> Path:
    """Keep a file and return where it lies, which is where it lay already if it was kept before.

    `name` is what the browser calls it and may be anything; `data` is read from its beginning, a piece at a time.
    Raises `StorageError` when the disk is full or can't be written.
    """
    digest = hashlib.blake2b(digest_size=16)
    for piece in _pieces(data):
        digest.update(piece)
    folder = uploads_folder() / digest.hexdigest()
    try:
        for kept in _files(folder):
            return kept
        path = folder / safe_name(name)
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            for piece in _pieces(data):
                file.write(piece)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"the upload can't be kept in {uploads_folder()}: {error.strerror or error}") from None
    return path


@permissions.operators_only
def list_uploads() -> list[Path]:
    """All files that are kept, the newest first."""
    dated: list[tuple[float, Path]] = []
    for folder in uploads_folder().glob("*/"):
        for path in _files(folder):
            with suppress(FileNotFoundError):  # forgotten since the listing
                dated.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(dated, reverse=True)]


@permissions.operators_only
def delete_upload(path: Path) -> None:
    """Remove a kept file; nothing happens when it is gone already. Raises `StorageError` for any other file."""
    folder = Path() if "\0" in str(path) else path.resolve().parent
    if folder.parent != uploads_folder().resolve():
        raise StorageError(f"{path} is no upload of this workspace")
    shutil.rmtree(folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """A file name of letters, digits, `.`, `_` and `-` that resembles `name`, without folders, and not hidden."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", last)[-MAX_NAME:].lstrip("._-") or "upload"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[!.]*") if path.is_file())


def _pieces(data: BinaryIO) -> Iterator[bytes]:
    data.seek(0)
    while piece := data.read(_PIECE):
        yield piece
