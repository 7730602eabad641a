"""XML as a stream of events, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat

from extexify.sources.base import SourceError
from extexify.sources.copy import MAX_LINE
from extexify.sources.streams import TextFile

_DECLARED = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']utf-16", re.IGNORECASE)
_ROOT = re.compile(rb"(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>|\s)*+<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL)
_STEP = 1 << 16  # bytes parsed at once


@dataclass(frozen=True, slots=True)
class Event:
    """The start of an element, with its attributes, or its end, with its own text; names are without namespaces."""

    kind: Literal["start", "end"]
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""


def root_name(head: bytes) -> str:
    """The name of the root element of a file that begins with `head`; "" if it is no XML."""
    match = _ROOT.match(head)
    return match[1].decode() if match else ""


def events(file: TextFile, head: bytes) -> Generator[Event]:
    """The elements of a file in their order; `head` is its beginning. Entities of its own are not read.

    Raises `SourceError` for XML that is not well-formed, and for an element longer than any drawing.
    """
    # Text in UTF-16 comes here as UTF-8, but still declares what it was.
    parser = expat.ParserCreate("utf-8" if _DECLARED.match(head) else None)
    found: list[Event] = []
    texts: list[list[str]] = []
    waiting = 0  # bytes since the last event

    def start(name: str, attributes: dict[str, str]) -> None:
        texts.append([])
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        found.append(Event("start", name.rpartition(":")[2], local))

    def end(name: str) -> None:
        found.append(Event("end", name.rpartition(":")[2], text="".join(texts.pop())))

    def refuse(*_: object) -> None:
        raise SourceError(f"{file.name} declares entities, which no file with drawings needs: leave them out")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: texts[-1].append(text)
    parser.EntityDeclHandler = refuse
    try:
        for chunk in file.chunks:
            for position in range(0, len(chunk), _STEP):
                piece = chunk[position : position + _STEP]
                parser.Parse(piece)
                waiting = 0 if found else waiting + len(piece)
                yield from found
                found.clear()
                if waiting > MAX_LINE:
                    raise SourceError(f"{file.name} has an element that is longer than any drawing: is it damaged?")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise SourceError(
            f"{file.name} is damaged: line {error.lineno} is no XML ({expat.errors.messages[error.code]}); download or "
            "make it again"
        ) from None
    yield from found
