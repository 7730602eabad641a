"""The target of addresses that browsers fetch from by themselves: pictures of links, searches, the offline page."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import quote
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from extexify.drawing.link import encode
from extexify.ui.common import catalog_routes
from extexify.ui.draw import share_routes
from extexify.ui.models import offline_routes
from tools.fuzz.drawings import some_drawing
from tools.fuzz.hostile import damaged, text
from tools.fuzz.learned import hostile_model, plain_model
from tools.fuzz.target import Case, Fault, Target, check_sentence, put

_PATHS = (
    share_routes.PNG, share_routes.SVG, share_routes.QR, "catalog/search", catalog_routes.FIND, "catalog/symbols.json",
    "offline/", "offline/model.onnx", "offline/model.json", "offline/index.html", "offline/../app.py",
)  # fmt: skip

_SVG = {"svg", "title", "g", "path", "rect"}
"""The elements that pictures of ours are made of."""


@cache
def _routes() -> list[Route]:
    return [*catalog_routes.routes(), *share_routes.routes(), *offline_routes.routes()]


def _make(rng: Random) -> Case:
    plain_model()  # what loads for long loads with the first case
    path = rng.choice(_PATHS)
    link = encode(some_drawing(rng))
    value = rng.choice(
        (link, f"http://host/?d={link}", text(rng), "alpha", "http://example.org/", f"javascript:?d={link}")
    )
    query = f"{rng.choice(('d', 'q', 'link'))}={quote(value, safe='', errors='replace')}".encode()
    if rng.random() < 0.2:
        query = damaged(rng, query, (b"%", b"%ff", b"&d=", b"=", b";", b"\x00", b"%00", b"+", b"%u0041"))
    case = {"path": path.encode(), "query": query, "header": text(rng).encode("latin-1", "replace")}
    if rng.random() < 0.05:
        case |= hostile_model(rng)
        case["serving.json"] = b'{"model": "workspace/tiny.safetensors"}'
    return case


def _read(case: Case, folder: Path) -> None:
    put({name: content for name, content in case.items() if name not in ("path", "query", "header")}, folder)
    headers = [(b"accept-encoding", case["header"]), (b"if-none-match", case["header"])]
    path = f"/{case['path'].decode()}"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": case["query"], "headers": headers}
    for route in _routes():
        match, more = route.matches(scope)
        if match is Match.FULL:
            _check(path, route.endpoint(Request({**scope, **more})))
            return
    raise Fault(f"nothing answers {path}")


def _check(path: str, answer: Response) -> None:
    content = bytes(answer.body) if hasattr(answer, "body") else b""
    if answer.status_code not in (200, 304, 307, 400, 404):
        raise Fault(f"{path} is answered with {answer.status_code}")
    if answer.status_code in (400, 404):
        check_sentence(content.decode())
    elif path.endswith(".svg"):
        found = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(content).iter()}
        if not found <= _SVG:
            raise Fault(f"{path} is answered with a picture of {found}")
    elif path.endswith(".png") and not content.startswith(b"\x89PNG"):
        raise Fault(f"{path} is answered with no picture")
    elif path.startswith("/catalog/s") and "gzip" not in answer.headers.get("Content-Encoding", ""):
        json.loads(content)


TARGETS = (Target("routes", 10_000, _make, _read, (), "query"),)
