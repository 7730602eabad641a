"""Fuzzing: addresses from which browsers fetch pictures of links, searches and the offline page."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import quote
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.routing import Match, Route

from extexify.drawing.link import encode
from extexify.model.offline import made_files
from extexify.ui.common import catalog_routes
from extexify.ui.draw import share_routes
from extexify.ui.models import offline_routes
from extexify.workspace.paths import default_model
from tests.fuzz.harness import Case, Fault, check_message, fuzz, put
from tests.fuzz.hostile import damaged, text
from tests.fuzz.test_drawings import some_drawing
from tests.fuzz.test_model_files import model

_PATHS = (
    share_routes.PNG, share_routes.SVG, share_routes.QR, share_routes.DRAW,
    "catalog/search", catalog_routes.FIND, "catalog/symbols.json", "catalog/own.json",
    "catalog/glyphs/0.json", "catalog/glyphs/some.json", "catalog/glyphs/99.json",
    "catalog/forms/html.json", "catalog/forms/word.json",
    "offline/", "offline/model.onnx", "offline/model.json", "offline/index.html", "offline/../app.py",
)  # fmt: skip
_TOKENS = (b"%", b"%ff", b"&d=", b"=", b";", b"\x00", b"%00", b"+", b"%u0041")

_SVG = {"svg", "title", "g", "path", "rect"}
"""The elements that our own pictures are made of."""


@cache
def _routes() -> list[Route]:
    # The tables of the shipped model's symbols, which no request changes, are made once.
    made_files(default_model())
    return [*catalog_routes.routes(), *share_routes.routes(), *offline_routes.routes()]


def _request(rng: Random) -> Case:
    link = encode(some_drawing(rng))
    values = (
        link,
        f"{rng.randrange(9)},{rng.randrange(99_999)}",
        f"http://host/?d={link}",
        text(rng),
        "alpha",
        "http://example.org/",
        f"javascript:?d={link}",
    )
    query = f"{rng.choice(('d', 'q', 'link', 'at'))}={quote(rng.choice(values), safe='', errors='replace')}".encode()
    if rng.random() < 0.2:
        query = damaged(rng, query, _TOKENS)
    case = {"path": rng.choice(_PATHS).encode(), "query": query, "header": text(rng).encode("latin-1", "replace")}
    if rng.random() < 0.05:
        case |= {**model(rng), "serving.json": b'{"model": "workspace/tiny.onnx"}'}
    return case


@fuzz(_request)
def test_routes(case: Case, folder: Path) -> None:
    put({name: content for name, content in case.items() if name not in ("path", "query", "header")}, folder)
    headers = [(b"host", b"host"), (b"accept-encoding", case["header"]), (b"if-none-match", case["header"])]
    path = f"/{case['path'].decode()}"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": case["query"], "headers": headers}
    matches = ((route, *route.matches(scope)) for route in _routes())
    route, more = next((route, more) for route, match, more in matches if match is Match.FULL)
    response = route.endpoint(Request({**scope, **more}))
    content = bytes(response.body) if hasattr(response, "body") else b""
    if response.status_code not in (200, 304, 307, 400, 404):
        raise Fault(f"{path} is answered with {response.status_code}")
    if response.status_code in (400, 404):
        check_message(content.decode())
    elif path.endswith(".svg"):
        found = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(content).iter()}
        if not found <= _SVG:
            raise Fault(f"{path} is answered with a picture of {found}")
    elif path.endswith(".png") and not content.startswith(b"\x89PNG"):
        raise Fault(f"{path} is answered with no picture")
    elif path.startswith("/catalog/s") and "gzip" not in response.headers.get("Content-Encoding", ""):
        json.loads(content)
