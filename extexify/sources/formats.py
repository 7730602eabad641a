"""Recognizes the format of an unpacked file by its content, and reads its rows."""

from __future__ import annotations

import re
from collections.abc import Generator

from extexify.sources.base import SAMPLES, NoDrawings, Row, SourceError, Table
from extexify.sources.dump import dump_rows
from extexify.sources.inkml import inkml_rows
from extexify.sources.json_documents import json_rows
from extexify.sources.markup import root_name
from extexify.sources.streams import Chunks, TextFile
from extexify.sources.svg import svg_rows
from extexify.sources.tabular import PARQUET, csv_rows, delimiter_of, parquet_rows

_HEAD = 1 << 16  # bytes by which a format is recognized

_WEB_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)
_GIT_LFS = b"version https://git-lfs.github.com/spec/"


def rows_of(file: TextFile, table: Table = SAMPLES) -> Generator[Row]:
    """The rows of a file. Raises `SourceError`, which names the kind of a file that is recognized but not read."""
    chunks = Chunks(file.chunks)
    head = chunks.head(_HEAD)
    _refuse(file.name, head)
    file = TextFile(file.name, chunks, file.member)
    if head.startswith(PARQUET):
        yield from parquet_rows(file, table)
    elif b"\0" in head:
        raise NoDrawings(f"{file.name} is neither text nor a format that can be read")
    elif root := root_name(head):
        yield from _xml_rows(file, head, root)
    elif head.lstrip(b" \t\r\n\x1e")[:1] in (b"{", b"["):
        yield from json_rows(file, table)
    elif delimiter := delimiter_of(head, table):
        yield from csv_rows(file, delimiter, table)
    else:
        yield from dump_rows(file, table)


def _xml_rows(file: TextFile, head: bytes, root: str) -> Generator[Row]:
    if root == "ink":
        yield from inkml_rows(file, head)
    elif root == "svg":
        yield from svg_rows(file, head)
    else:
        raise NoDrawings(f"{file.name} is XML, but neither InkML nor SVG: its root is {root}")


def _refuse(name: str, head: bytes) -> None:
    """Raise `SourceError` for what people have in place of a file with drawings."""
    if _WEB_PAGE.match(head):
        if b"Google Drive" in head:
            raise SourceError(
                f"{name} is Google Drive's warning, a web page, in place of the file: open its link in a browser, "
                "choose “Download anyway”, and take that file"
            )
        raise NoDrawings(f"{name} is a web page in place of a file: open its link in a browser and download the file")
    if head.startswith(_GIT_LFS):
        raise SourceError(f"{name} is a Git LFS pointer in place of the file: fetch the file with `git lfs pull`")
    if head.startswith(b"SQLite format 3\0"):
        raise SourceError(f"{name} is an SQLite file: name it by itself, unpacked")
