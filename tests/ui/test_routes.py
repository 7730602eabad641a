"""What browsers fetch besides pages: the catalogue, searches, and the files of shared drawings."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extexify.catalog.symbols import load_catalog
from extexify.drawing.link import LINK_PARAMETER, encode
from extexify.ui.common import catalog_routes
from extexify.ui.draw import share_routes
from tests.drawings import zigzag

SENT = encode(zigzag(1))
ROUTES: list[Route] = [*catalog_routes.routes(), *share_routes.routes()]


def fetch(path: str, query: str = "", **headers: str) -> Response:
    """The response to a request; queries are percent-encoded."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
    }
    route = next(route for route in ROUTES if route.path == f"/{path}")
    response = route.endpoint(Request(scope))
    assert isinstance(response, Response)
    return response


def test_the_catalogue_is_compressed_and_cached() -> None:
    address, _, query = catalog_routes.addresses()["symbols"].partition("?")
    packed = fetch(address, query, accept_encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "immutable" in packed.headers["Cache-Control"]
    assert len(packed.body) < 250_000
    plain = fetch(address, query)
    assert gzip.decompress(bytes(packed.body)) == plain.body
    assert [entry["key"] for entry in json.loads(bytes(plain.body))] == list(load_catalog())


def test_any_search_gets_an_answer() -> None:
    for query in ("", "%00", "%F0%9F%98%80", "a" * 5000, "%ED%A0%80", "a%20" * 500):
        found = json.loads(bytes(fetch("catalog/search", f"q={query}").body))
        assert all(0 <= position < len(load_catalog()) for position in found)


def test_pages_without_the_catalogue_find_symbols() -> None:
    def find(query: str) -> Any:
        return json.loads(bytes(fetch(catalog_routes.FIND, f"q={quote(query)}").body))

    assert find("") == []
    assert find("q" * 5000) == []
    assert find("<script>\0 ∮") == []
    found = find("∮")
    assert found[0]["command"] == "\\oint"
    assert found[0]["svg"].startswith("<svg")
    assert len(find("a")) == catalog_routes.MAX_FOUND


@pytest.mark.parametrize("path", [share_routes.PNG, share_routes.SVG, share_routes.QR])
def test_a_file_of_no_drawing_is_one_sentence(path: str) -> None:
    links = [
        f"http://x/?{LINK_PARAMETER}=1",
        f"javascript:alert(1)?{LINK_PARAMETER}={SENT}",
        "x" * 5000,
        "http://[",
        "",
    ]
    links.append(f"http://{'x' * 3000}/?{LINK_PARAMETER}={SENT}")
    for query in (f"{LINK_PARAMETER}={SENT[:-1]}", "", *(f"link={quote(link, safe='')}" for link in links)):
        response = fetch(path, query)
        assert response.status_code == 400, query
        assert re.fullmatch(r"No file: .*\.", bytes(response.body).decode())
