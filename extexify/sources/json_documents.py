"""JSON: documents with a drawing and its label, one after the other or in a list, read as a stream; or one drawing."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import orjson

from extexify.sources.base import SAMPLES, NoDrawings, Row, SourceError, Table, content_id
from extexify.sources.copy import MAX_LINE
from extexify.sources.streams import TextFile

KEYS = ("key", "label", "word", "symbol", "command")
"""Names of a document's label."""

STROKES = ("strokes", "drawing", "data")
"""Names of its strokes: this project's, Quick Draw's, Detexify's (CouchDB)."""

IDS = ("id", "key_id", "_id")
"""Names of its id."""

# An object whose list has the documents, such as CouchDB's answer to _all_docs.
_CONTAINER = re.compile(
    r'\{\s*+(?:"[^"]*+"\s*+:\s*+(?:"[^"]*+"|[^\s"\[\]{},]++)\s*+,\s*+)*+"(?:rows|docs|documents|samples|drawings)"\s*+'
    r":\s*+\[\s*+(?=[\[{])"
)
# A list of documents: of objects that are no points, or of lists that begin with a key, or an id and a key.
_LIST = re.compile(r'\[\s*+(?=\{(?!\s*+"(?:x|y|t|time)")|\[\s*+(?:"|-?\d++\s*+,\s*+"))')
_SPACE = re.compile(r"[\s,\x1e]*")  # U+001E: JSON text sequences (RFC 7464)
_HEAD = 1 << 16  # characters in which a file must show what it is
_NEAR = 16  # characters: where the text ends inside a value, the parser's error is no further from the end


class _Values:
    """JSON values of a stream of text, one after the other."""

    def __init__(self, file: TextFile) -> None:
        self._name, self._chunks = file.name, file.chunks
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parse = json.JSONDecoder().raw_decode
        self._text, self._at = "", 0
        self._count = 0
        self._fill(_HEAD)

    def _fill(self, size: int) -> None:
        """Read until `size` characters are ahead, or to the end."""
        parts = [self._text[self._at :]]
        length = len(parts[0])
        while length < size and (chunk := next(self._chunks, None)) is not None:
            parts.append(self._decode(chunk))
            length += len(parts[-1])
        self._text, self._at = "".join(parts), 0

    def enter_list(self) -> None:
        """Enter the list that all documents are in, if they are in one."""
        self._skip_space()
        if match := _CONTAINER.match(self._text, self._at) or _LIST.match(self._text, self._at):
            self._at = match.end()

    def __iter__(self) -> Iterator[Any]:
        """The values up to the end of the text, or of the list that they are in. Raises `SourceError`."""
        while self._skip_space() and self._text[self._at] != "]":
            yield self._value()
            self._count += 1

    def _skip_space(self) -> bool:
        """Skip space and separators; False at the end of the text."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return True
            self._fill(1)
            if not self._text:
                return False

    def _value(self) -> Any:
        while True:
            ahead = len(self._text) - self._at
            try:
                value, self._at = self._parse(self._text, self._at)
                return value
            except json.JSONDecodeError as error:
                is_cut = error.pos >= len(self._text) - _NEAR or error.msg.startswith("Unterminated string")
                if not is_cut:
                    raise self._damaged(f"is no JSON ({error.msg})") from None
            except RecursionError:
                raise self._damaged("is nested too deeply") from None
            except ValueError:  # Python converts no integer of more than 4,300 digits
                raise self._damaged("has a number of thousands of digits") from None
            if ahead > MAX_LINE:
                raise self._damaged("is longer than any drawing")
            self._fill(2 * ahead)  # twice as much each time, so that long values take linear time
            if len(self._text) == ahead:
                raise self._damaged("is cut off")

    def _damaged(self, what: str) -> SourceError:
        kind = SourceError if self._count else NoDrawings
        return kind(f"{self._name} is damaged: its JSON value {self._count + 1:,} {what}; download or export it again")


_NOTHING = Row(0, "", None)  # a document without a drawing


def json_rows(file: TextFile, table: Table = SAMPLES) -> Generator[Row]:
    """The drawings of a file.

    A document is `[key, strokes]`, `[id, key, strokes]` or an object with its strokes, its label and perhaps an id, by
    the names of the table's columns or those of `STROKES`, `KEYS` and `IDS`; strokes alone are a drawing without a
    label. Raises `SourceError` for a file that is no JSON, and `NoDrawings` for one without drawings.
    """
    values = _Values(file)
    values.enter_list()
    skipped = 0
    found = False
    for value in values:
        row = _row(value, table)
        if found:
            yield row or _NOTHING
        elif row:
            found = True
            yield from [_NOTHING] * skipped
            yield row
        else:
            skipped += 1
    if not found:
        raise NoDrawings(
            f"{file.name} is JSON without drawings, which are [key, strokes] or objects with "
            f"{' or '.join(STROKES)} and {' or '.join(KEYS)}"
        )


def _row(value: Any, table: Table) -> Row | None:
    """The row of a document, or None if it has no drawing."""
    if isinstance(value, list):
        return _row_of_list(value)
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("doc"), dict):  # CouchDB's rows have the documents inside
        value = value["doc"]
    strokes_name = _first(value, (table.strokes, *STROKES))
    if strokes_name is None:
        return None
    key_name = _first(value, (table.key, *KEYS))
    id_name = _first(value, (table.id, *IDS))
    if key_name is None and strokes_name == "data" and isinstance(value.get("id"), str):
        key_name, id_name = "id", _first(value, ("_id",))  # Detexify's documents: `id` is the symbol's
    key = value[key_name] if key_name else None
    return _made(value[id_name] if id_name else None, key, value[strokes_name])


def _row_of_list(value: list[Any]) -> Row | None:
    match value:
        case [str() as key, list() as strokes]:
            return _made(None, key, strokes)
        case [int() | str() as identifier, str() as key, list() as strokes]:
            return _made(identifier, key, strokes)
        case [list() | dict(), *_]:
            return _made(None, None, value)
    return None


def _made(identifier: Any, key: Any, strokes: Any) -> Row:
    text = strokes if isinstance(strokes, str) else _dumped(strokes)
    label = key if isinstance(key, str) or key is None else str(key)
    if isinstance(identifier, str):
        identifier = identifier.encode("utf-8", "replace")
    elif type(identifier) is not int:
        identifier = content_id(label, text)
    return Row(identifier, label, text)


def _dumped(strokes: Any) -> bytes:
    try:
        return orjson.dumps(strokes)
    except (orjson.JSONEncodeError, RecursionError):  # a whole number beyond 64 bits, which the check of rows refuses
        return json.dumps(strokes).encode()


def _first(value: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in value), None)
