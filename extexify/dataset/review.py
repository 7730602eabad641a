"""The review list: drawings marked as mislabelled, which exports leave out.

A JSON lines file with one drawing a line: `key`, `id`, `strokes`, `when` (ISO 8601), `note`. A drawing is identified by
its key and its points, because exports may change ids. The drawing's source is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.drawing.strokes import Drawing, content_digest, drawing_from_lists
from extexify.sources.rows import checked_key
from extexify.workspace.files import StorageError, atomic_file, writer_lock

Mark = tuple[str, int]
"""The identity of a rejected drawing: its key and the digest of its strokes."""

MAX_NOTE = 500
"""Characters of a note."""

_LOCK_TIMEOUT = 30.0  # seconds; a change takes milliseconds


class NoteError(UserError, ValueError):
    """A note is too long or is not valid text."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry of the review list: the drawing as it was marked, when, and a note."""

    key: str
    id: int
    drawing: Drawing
    when: datetime
    note: str = ""

    @property
    def mark(self) -> Mark:
        return mark_of(self.key, self.drawing)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file. `note` is any text, which may have line breaks; strokes have a check of their own."""

    key: str
    id: int
    when: datetime
    note: Any
    strokes: Any


def mark_of(key: str, drawing: Sequence[NDArray[np.float32]]) -> Mark:
    """The identity of a drawing under a key."""
    counts = np.array([len(drawing), *map(len, drawing)], np.int64)
    return key, content_digest(counts, np.concatenate(drawing))


class ReviewList:
    """The review list in a file, which several processes may read and change; a missing file is an empty list.

    Every change rereads the file under a lock, so that it concerns one drawing and no other entry is lost. Of two
    notes on one drawing the later one stays. All methods raise `StorageError`, naming the line, if one is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @permissions.operators_only
    def entries(self) -> list[Rejected]:
        """All rejected drawings, in the order in which they were marked."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [self._entry(line, number) for number, line in enumerate(lines, 1) if line.strip()]

    def marks(self) -> frozenset[Mark]:
        """The drawings that an export leaves out."""
        return frozenset(entry.mark for entry in self.entries())

    @permissions.operators_only
    def reject(self, key: str, identifier: int, drawing: Drawing, note: str = "") -> Rejected:
        """Mark a drawing as mislabelled.

        If it is marked already, its entry is replaced; an empty note leaves the old note. Raises `NoteError` for an
        invalid note.
        """
        _check_note(note)
        new = Rejected(key, identifier, drawing, datetime.now().astimezone().replace(microsecond=0), note)
        mark = new.mark
        with writer_lock(self.path, "the review list", wait=_LOCK_TIMEOUT):
            entries = self.entries()
            if not note:
                new = replace(new, note=next((entry.note for entry in entries if entry.mark == mark), ""))
            self._write([*(entry for entry in entries if entry.mark != mark), new])
        return new

    @permissions.operators_only
    def annotate(self, mark: Mark, note: str) -> bool:
        """Replace the note of a drawing on the list; False if it isn't there.

        Raises `NoteError` for an invalid note.
        """
        _check_note(note)
        with writer_lock(self.path, "the review list", wait=_LOCK_TIMEOUT):
            entries = self.entries()
            found = any(entry.mark == mark for entry in entries)
            if found:
                self._write([replace(entry, note=note) if entry.mark == mark else entry for entry in entries])
        return found

    @permissions.operators_only
    def restore(self, mark: Mark) -> bool:
        """Remove a drawing from the list; False if it isn't there."""
        with writer_lock(self.path, "the review list", wait=_LOCK_TIMEOUT):
            before = self.entries()
            after = [entry for entry in before if entry.mark != mark]
            if len(after) < len(before):
                self._write(after)
        return len(after) < len(before)

    def _write(self, entries: Sequence[Rejected]) -> None:
        with atomic_file(self.path) as temporary, temporary.open("wb") as file:
            for entry in entries:
                fields = {
                    "key": entry.key,
                    "id": entry.id,
                    "when": entry.when.isoformat(),
                    "note": entry.note,
                    "strokes": [np.ascontiguousarray(stroke) for stroke in entry.drawing],
                }
                file.write(orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")

    def _entry(self, text: bytes, number: int) -> Rejected:
        try:
            line = validate(orjson.loads(text), _Line)
            if not isinstance(line.note, str):
                raise ValueError("its note is no text")
            return Rejected(checked_key(line.key), line.id, drawing_from_lists(line.strokes), line.when, line.note)
        except orjson.JSONDecodeError:
            why = "it is no JSON"
        except ValueError as error:
            why = str(error)
        raise StorageError(f"line {number} of {self.path} is damaged ({why}): correct or remove that line")


def _check_note(note: str) -> None:
    if len(note) > MAX_NOTE:
        raise NoteError(f"a note may have {MAX_NOTE} characters, not {len(note):,}")
    if any("\ud800" <= letter <= "\udfff" for letter in note):
        raise NoteError("a note can't hold half a character")
