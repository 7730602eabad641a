"""Downloads of large files over HTTP, which go on where they were interrupted."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from extexify.core.progress import Reporter, Stage
from extexify.sources.base import SourceError
from extexify.workspace.files import StorageError, explained, read_json, write_json, writer_lock

SECONDS = 20.0
"""Time without a byte after which a connection counts as broken off."""

TRIES = 3
"""Connections in a row that may bring nothing new before the download ends with an error."""

MAX_BYTES = 4_000_000_000
"""A longer file than that is not what was asked for."""

_CHUNK = 1 << 16


class _BrokenOff(Exception):
    """The connection ended before the file did."""


def download(url: str, path: Path, what: str, check: Callable[[Path], None], report: Reporter) -> None:
    """Fetch `url` to `path`, unless it is there; `what` names it in messages and in the progress.

    Until it is complete and `check` accepts it (by not raising `SourceError`), the file is `NAME.part` beside it; an
    interrupted download goes on there if the server still has the same file, which its ETag or date tell. A file that
    `check` refuses is deleted. Raises `SourceError` for what the server does, `StorageError` for what the disk does,
    and any exception of `report`, which is how a caller stops it.
    """
    if path.exists():
        return
    if not url.startswith(("https://", "http://")):
        raise SourceError(f"{what} can't be downloaded: {url} is no address that begins with https://")
    path.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(path, what), explained(path.parent):
        if not path.exists():
            _Download(url, path, what, report).run(check)


@dataclass(frozen=True, slots=True)
class _Version:
    """What tells versions of the file at an address apart: its ETag or, without one, its date; "" without both."""

    url: str
    tag: str

    @classmethod
    def of(cls, url: str, answer: Any) -> _Version:
        tag = answer.headers.get("ETag", "")
        # A weak tag names equal content, not equal bytes, and isn't one to continue by (RFC 9110, 13.1.5).
        return cls(url, "" if tag.startswith("W/") else tag or answer.headers.get("Last-Modified", ""))


class _Download:
    def __init__(self, url: str, path: Path, what: str, report: Reporter) -> None:
        self._url, self._path, self._what = url, path, what
        self._part = path.with_name(f"{path.name}.part")
        self._note = path.with_name(f"{path.name}.part.json")  # the version of the part
        self._stage = Stage(report, "download", unit="bytes", done=self._size())

    def run(self, check: Callable[[Path], None]) -> None:
        failures, most = 0, self._size()
        while True:
            try:
                self._connect()
                break
            except _BrokenOff as error:
                # Compared to all that ever came, because a server may begin anew each time.
                failures = 0 if self._size() > most else failures + 1
                most = max(most, self._size())
                if failures >= TRIES:
                    raise self._failed(error) from None
        try:
            check(self._part)
        except SourceError:
            self._discard()
            raise
        self._part.replace(self._path)
        self._note.unlink(missing_ok=True)
        self._stage.finish(f"{self._what}: {self._stage.done / 1e6:,.1f} MB in {self._stage.seconds:.0f} s")

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _discard(self) -> None:
        self._part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _stored_version(self) -> _Version | None:
        with suppress(StorageError, OSError, ValueError, TypeError):
            value: Any = read_json(self._note)
            version = _Version(value["url"], value["tag"])
            return version if version.url == self._url and version.tag else None
        return None

    def _connect(self) -> None:
        """Fetch what is missing. Raises `_BrokenOff` when the connection ends too early."""
        version = self._stored_version()
        done = self._size() if version else 0
        headers = {"User-Agent": "extexify", "Accept-Encoding": "identity"}
        if done and version:
            headers |= {"Range": f"bytes={done}-", "If-Range": version.tag}
        request = urllib.request.Request(self._url, headers=headers)
        with self._answer(request) as answer:
            self._refuse_web_page(answer)
            done = self._begin(answer, version, done)
            self._stage.total = _whole_size(answer, done)
            with self._part.open("ab") as file:
                self._receive(answer, file, done)

    def _answer(self, request: urllib.request.Request) -> Any:
        try:
            return urllib.request.urlopen(request, timeout=SECONDS)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # the part is no beginning of the file that is there now
                self._discard()
            if error.code in (416, 429) or error.code >= 500:
                raise _BrokenOff(f"status {error.code}") from None
            raise SourceError(
                f"{self._what} can't be downloaded: {self._url} answers with status {error.code}; is the address right?"
            ) from None
        except urllib.error.URLError as error:
            raise _BrokenOff(str(error.reason)) from None
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenOff(_named(error)) from None
        except ValueError as error:  # http.client.InvalidURL is one
            raise SourceError(f"{self._what} can't be downloaded: {self._url} is no address ({error})") from None

    def _refuse_web_page(self, answer: Any) -> None:
        if answer.headers.get_content_type() == "text/html":
            raise SourceError(
                f"{self._what} can't be downloaded: {self._url} answers with a web page; does the network ask for a "
                "sign-in?"
            )

    def _begin(self, answer: Any, version: _Version | None, done: int) -> int:
        """The bytes that are there already; a part of another version is deleted."""
        new = _Version.of(self._url, answer)
        goes_on = answer.status == 206 and new == version and _first_byte(answer) == done
        if not goes_on:
            self._discard()
            if answer.status == 206:
                raise _BrokenOff("the file has changed")
            write_json(self._note, {"url": new.url, "tag": new.tag})
            return 0
        return done

    def _receive(self, answer: Any, file: IO[bytes], done: int) -> None:
        total = self._stage.total
        self._stage.at(done)
        while chunk := _read(answer):
            file.write(chunk)
            done += len(chunk)
            if done > MAX_BYTES:
                raise SourceError(
                    f"{self._what} is longer than {MAX_BYTES / 1e9:g} GB: is {self._url} the right address?"
                )
            self._stage.at(done)
        if total is not None and done < total:
            raise _BrokenOff(f"{done:,} of {total:,} bytes came")

    def _failed(self, why: Exception) -> SourceError:
        done = self._size()
        kept = f"; it goes on after the {done / 1e6:,.1f} MB that are here" if done and self._stored_version() else ""
        return SourceError(
            f"{self._what} can't be downloaded from {self._url} ({why}): is there a connection? Begin again{kept}"
        )


def _read(answer: Any) -> bytes:
    """The next bytes, none at the end. Raises `_BrokenOff`."""
    try:
        data: bytes = answer.read1(_CHUNK)
        return data
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOff(_named(error)) from None


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__


def _whole_size(answer: Any, done: int) -> int | None:
    """The size of the whole file, None if the server doesn't say."""
    length = answer.headers.get("Content-Length", "")
    return done + int(length) if length.isdigit() else None


def _first_byte(answer: Any) -> int | None:
    """The position of the first byte of a partial answer."""
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdigit() else None
