"""The source data of github.com/kirel/detexify-next: drawings as JSON lines a symbol, symbols, and reviewers' verdicts.

They lie in `packages/data/source` of the project's folder or archive, beside much else that could be taken for
drawings. The order of an archive's files isn't given, so that what is rejected is read before all drawings.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from extexify.sources.base import Row, SourceError, content_id
from extexify.sources.copy import MAX_LINE, Lines
from extexify.sources.streams import TextFile

_PROJECT = re.compile(r"(?:^|/)(?:detexify-next[^/]*|packages/data/source)/")
_DATA = re.compile(r"(?:^|/)packages/data/source/(.*)")
_SAMPLES = re.compile(r"samples/.+\.jsonl$")
_MANIFEST, _SYMBOLS, _REJECTED = "samples/manifest.json", "symbols.json", "reviews/rejected-samples.json"


def is_member(path: str) -> bool:
    """Whether a file's path in a folder or archive is one of the project."""
    return bool(_PROJECT.search(path))


@dataclass
class Project:
    """What is known of all drawings: the keys of symbols by their ids, and the ids of rejected drawings."""

    keys: dict[str, str] = field(default_factory=dict)
    rejected: frozenset[str] = frozenset()

    @classmethod
    def read(cls, files: Iterable[TextFile]) -> Project:
        """From the files of the folder or archive. Raises `SourceError` for damaged ones."""
        project = cls()
        for file in files:
            path = _path(file)
            if path == _SYMBOLS:
                symbols = _json(file)["symbols"]
                project.keys = {entry["id"]: _key(entry) for entry in symbols}
            elif path == _REJECTED:
                project.rejected = frozenset(_json(file)["rejected"])
        return project

    def rows(self, file: TextFile) -> Generator[Row]:
        """The drawings of a file, of which only those with samples have any. Raises `SourceError`."""
        if not _SAMPLES.match(_path(file)):
            return
        for number, (line, truncated) in enumerate(Lines(file.chunks), 1):
            if truncated:
                yield Row(0, None, None, oversized=True)
            elif line.strip():
                try:
                    row = self._row(orjson.loads(line))
                except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
                    raise SourceError(
                        f"{file.name} is damaged: line {number:,} is no drawing ({error}); download it again"
                    ) from None
                if row is not None:
                    yield row

    def _row(self, sample: dict[str, Any]) -> Row | None:
        if sample["id"] in self.rejected:
            return None
        origin = sample.get("source") or {}
        key = origin.get("legacyApiId") or self.keys.get(sample["symbolId"]) or sample["symbolId"]
        strokes = orjson.dumps(sample["strokes"])
        return Row(origin.get("rowId") or content_id(key, strokes), key, strokes)


def check_complete(files: Iterable[TextFile], name: str) -> None:
    """Raise `SourceError` unless the files have as many drawings as the project's manifest says."""
    expected, count = None, 0
    for file in files:
        path = _path(file)
        if path == _MANIFEST:
            expected = _json(file)["sampleCount"]
        elif _SAMPLES.match(path):
            count += sum(1 for line, _ in Lines(file.chunks) if line.strip())
    if expected is None:
        raise SourceError(f"{name} is no archive of detexify-next with drawings: is its address right?")
    if count != expected:
        raise SourceError(f"{name} is incomplete: it has {count:,} drawings of {expected:,}; download it again")


def _path(file: TextFile) -> str:
    """A file's path below the data's folder, "" for one that isn't there."""
    match = _DATA.search(file.member)
    return match[1] if match else ""


def _key(symbol: dict[str, Any]) -> str:
    command = symbol["command"].replace("\\", "_")
    return f"{symbol['package']}-{symbol['fontenc']}-{command}"


def _json(file: TextFile) -> Any:
    data = b""
    for chunk in file.chunks:
        data += chunk
        if len(data) > MAX_LINE:
            raise SourceError(f"{file.name} is longer than it can be: download it again")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise SourceError(f"{file.name} is damaged ({error}): download it again") from None
