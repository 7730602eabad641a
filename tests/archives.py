"""Archives of detexify-next, and servers that send them as servers do."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

SUM = "latex2e-OT1-_sum"
_DATA = "detexify-next-1/packages/data/source"


def tar(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    """A tar archive; `mode` "w:gz" and the like compress it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def sample(number: int, strokes: object = (), **more: object) -> bytes:
    """A line of a file with drawings."""
    strokes = strokes or [[{"x": 0.1 * number, "y": 0.5}, {"x": 1, "y": 1}]]
    return json.dumps({"id": f"sample:{number}", "symbolId": "latex:x:sum", "strokes": strokes, **more}).encode()


def origin(key: str, number: int) -> dict[str, object]:
    """Where a drawing of Detexify comes from."""
    return {"legacyApiId": key, "rowId": number}


def project(lines: Iterable[bytes], *, claimed: int = 0, rejected: Iterable[int] = (), filling: int = 0) -> bytes:
    """An archive with these drawings, in two files; beside them lie pictures, other JSON and `filling` bytes."""
    lines = list(lines)
    symbol = {"id": "latex:x:sum", "command": "\\sum", "package": "latex2e", "fontenc": "OT1"}
    files = {
        "detexify-next-1/apps/web/logo.svg": b"<svg><path d='M0 0 1 1'/></svg>",
        f"{_DATA}/assets/filling.svg": Random(len(lines)).randbytes(filling),
        f"{_DATA}/samples/a/sum.jsonl": b"\n".join(lines[:-1]) + b"\n",
        f"{_DATA}/samples/b/more.jsonl": lines[-1],
        f"{_DATA}/samples/manifest.json": json.dumps({"sampleCount": claimed or len(lines)}).encode(),
        f"{_DATA}/symbols.json": json.dumps({"symbols": [symbol]}).encode(),
        f"{_DATA}/reviews/rejected-samples.json": json.dumps(
            {"rejected": {f"sample:{number}": {"reason": "bad"} for number in rejected}}
        ).encode(),
    }
    return tar(files, "w:gz")


Answer = Callable[[BaseHTTPRequestHandler], None]


def send(
    content: bytes,
    *,
    tag: str = '"1"',
    length: int | None = None,
    stop: int | None = None,
    status: int = 200,
    kind: str = "application/x-gzip",
    ranges: bool = True,
    hold: threading.Event | None = None,
) -> Answer:
    """An answer with `content`, or the rest of it if asked for, of which `stop` bytes are sent."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        first = 0
        asked, version = request.headers.get("Range", ""), request.headers.get("If-Range")
        if ranges and status == 200 and asked and version == tag:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
        request.send_response(206 if first else status)
        request.send_header("Content-Type", kind)
        if tag:
            request.send_header("ETag", tag)
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - first if length is None else length))
        request.end_headers()
        request.wfile.write(content[first:stop])
        if hold is not None:
            request.wfile.flush()
            hold.wait()

    return answer


@contextmanager
def served(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """The address of a file on a server that gives one answer after the other, the last one again and again.

    The list has the ranges that were asked for, "" for the whole file.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Range", ""))
            answers[min(len(asked), len(answers)) - 1](self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/archive.tar.gz", asked
        server.shutdown()
