"""The review list: drawings that somebody marked as mislabelled, which exports leave out.

A JSON lines file, one drawing a line: `key`, `id`, `strokes`, `when` (ISO 8601), `note`. A drawing is known by its key
and its points, since ids may be given anew; nothing is ever removed from where it came from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.core.schema import check_form, moment
from extexify.drawing.strokes import BadDrawing, Drawing, content_digest, drawing_from_lists
from extexify.sources.rows import checked_key
from extexify.workspace.files import StorageError, atomic_file, writer_lock

Mark = tuple[str, int]
"""What a rejected drawing is known by: its key, and the digest of its strokes."""

MAX_NOTE = 500
"""Characters of a note."""

_WAIT = 30.0  # seconds; a change takes milliseconds


@dataclass(frozen=True, slots=True)
class Rejected:
    """A drawing in the review list: as it was when it was marked, when that was, and why."""

    key: str
    id: int
    drawing: Drawing
    when: datetime
    note: str = ""

    @property
    def mark(self) -> Mark:
        """What it is known by."""
        return mark_of(self.key, self.drawing)


def mark_of(key: str, drawing: Sequence[NDArray[np.float32]]) -> Mark:
    """What a drawing under a key is known by."""
    counts = np.array([len(drawing), *map(len, drawing)], np.int64)
    return key, content_digest(counts, np.concatenate(drawing))


class ReviewList:
    """The review list in a file, which several processes may read and change at once; without the file it is empty.

    Everything that reads raises `StorageError`, naming the line, when one is damaged.
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
        """What an export leaves out."""
        return frozenset(entry.mark for entry in self.entries())

    @permissions.operators_only
    def reject(self, key: str, identifier: int, drawing: Drawing, note: str = "") -> Rejected:
        """Mark a drawing as mislabelled; one that is marked already gets the new note, or keeps its own without one.

        Raises ValueError, one sentence, for a note that can't be kept.
        """
        entry = Rejected(key, identifier, drawing, datetime.now().astimezone().replace(microsecond=0), _checked(note))
        mark = entry.mark
        with writer_lock(self.path, "the review list", wait=_WAIT):
            others = []
            for other in self.entries():
                if other.mark != mark:
                    others.append(other)
                elif not note:
                    entry = replace(entry, note=other.note)
            self._write([*others, entry])
        return entry

    @permissions.operators_only
    def annotate(self, mark: Mark, note: str, seen: Collection[str]) -> bool:
        """Change the note of a drawing on the list; False when it isn't there.

        `seen` is what the note may have said to whoever changes it. If it says something else by now, somebody has
        changed it meanwhile: then what both say is kept, one below the other. Raises ValueError, one sentence, for a
        note that can't be kept.
        """
        _checked(note)
        with writer_lock(self.path, "the review list", wait=_WAIT):
            entries = self.entries()
            at = next((number for number, entry in enumerate(entries) if entry.mark == mark), None)
            if at is None:
                return False
            now = entries[at].note
            if now != note and now not in seen:
                note = _both(now, note)
            if now != note:
                entries[at] = replace(entries[at], note=note)
                self._write(entries)
        return True

    @permissions.operators_only
    def restore(self, mark: Mark) -> bool:
        """Take a drawing off the list; False when it isn't there."""
        with writer_lock(self.path, "the review list", wait=_WAIT):
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

    def _entry(self, line: bytes, number: int) -> Rejected:
        try:
            fields: Any = orjson.loads(line)
            key, identifier, when, note = (fields[name] for name in ("key", "id", "when", "note"))
            check_form(identifier, int, "its id")
            if not isinstance(note, str):
                raise ValueError("its note is no text")
            drawing = drawing_from_lists(fields["strokes"])
            return Rejected(checked_key(key), identifier, drawing, moment(when), note)
        except orjson.JSONDecodeError:
            why = "it is no JSON"
        except KeyError as error:
            why = f"it has no {error.args[0]}"
        except (BadDrawing, ValueError, TypeError, AttributeError) as error:
            why = str(error)
        raise StorageError(f"line {number} of {self.path} is damaged ({why}): correct or remove that line")


def _checked(note: str) -> str:
    if len(note) > MAX_NOTE:
        raise ValueError(f"a note may have {MAX_NOTE} characters, not {len(note):,}")
    if any("\ud800" <= letter <= "\udfff" for letter in note):
        raise ValueError("a note can't hold half a character")
    return note


def _both(now: str, note: str) -> str:
    """Two notes, one below the other; lines that the first has already aren't repeated."""
    if not note or f"\n{note}\n" in f"\n{now}\n":
        return now
    both = f"{now}\n{note}" if now else note
    if len(both) > MAX_NOTE:
        raise ValueError(
            f"somebody else has changed the note meanwhile, and both together have {len(both):,} characters, more than "
            f"{MAX_NOTE}: make yours shorter"
        )
    return both
