"""What browsers fetch besides pages: the catalogue, searches, and the files of shared drawings."""

from __future__ import annotations

import gzip
import json
import re
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extexify.catalog import own
from extexify.catalog.output import OutputFormat, formatted
from extexify.catalog.symbols import glyph_svg, load_catalog
from extexify.drawing.link import LINK_PARAMETER, encode
from extexify.sources.own import strokes_for
from extexify.ui.common import catalog_routes
from extexify.ui.draw import share_routes
from extexify.ui.server import base_path
from extexify.workspace import paths
from tests.drawings import zigzag

SENT = encode(zigzag(1))
HOST = "draw.example.org:8501"
ROUTES: list[Route] = [*catalog_routes.routes(), *share_routes.routes()]


def fetch(path: str, query: str = "", path_params: dict[str, str] | None = None, **headers: str) -> Response:
    """The response to a request; queries are percent-encoded. path: the route's, with names of `path_params`."""
    headers.setdefault("host", HOST)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "path_params": path_params or {},
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
    assert len(packed.body) < 400_000
    plain = fetch(address, query)
    assert gzip.decompress(bytes(packed.body)) == plain.body
    assert [entry["key"] for entry in json.loads(bytes(plain.body))] == list(load_catalog())


def test_glyphs_are_sent_by_position() -> None:
    keys = list(load_catalog())
    sent = json.loads(bytes(fetch("catalog/glyphs/some.json", "at=7,0,1234").body))
    assert sent == [glyph_svg(keys[position]) for position in (7, 0, 1234)]
    for wrong in ("", "at=", "at=1,,2", "at=-1", "at=x", f"at={len(keys)}", "at=" + ",".join(["1"] * 101)):
        response = fetch("catalog/glyphs/some.json", wrong)
        assert (response.status_code, bytes(response.body)[:4]) == (400, b"`at`")


def test_forms_in_a_format_are_sent_in_the_order_of_the_catalogue() -> None:
    sent = json.loads(bytes(fetch("catalog/forms/{name}.json", path_params={"name": "html"}).body))
    assert sent == [formatted(symbol, OutputFormat.HTML) for symbol in load_catalog().values()]
    response = fetch("catalog/forms/{name}.json", path_params={"name": "word"})
    assert (response.status_code, bytes(response.body)[:23]) == (404, b"There is no such format")


def test_own_symbols_are_sent_and_found_before_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    count = len(load_catalog())

    def found(query: str) -> list[int]:
        positions: list[int] = json.loads(bytes(fetch("catalog/search", f"q={quote(query)}").body))
        return positions

    assert all(position < count for position in found("alpha"))
    for command in (r"\alphabeta", r"\zeta2"):
        own.add_symbol(own.checked(own.OwnSymbol, command, drawings=(strokes_for(zigzag(1)),)))
    sent = json.loads(bytes(fetch("catalog/own.json").body))
    assert [(entry["key"], entry["svg"][:4]) for entry in sent] == [
        (r"own-OT1-_alphabeta", "<svg"), (r"own-OT1-_zeta2", "<svg"),
    ]  # fmt: skip
    assert found("alphabeta")[0] == count
    assert found("alpha")[0] == count
    assert found("zeta")[0] == count + 1
    first = json.loads(bytes(fetch(catalog_routes.FIND, "q=alpha").body))[0]
    assert (first["key"], first["svg"][:4]) == ("own-OT1-_alphabeta", "<svg")
    own.remove_symbol(r"\alphabeta")
    assert found("zeta")[0] == count
    assert all(position < count for position in found("alpha"))
    # A file that can't be read takes no search with it.
    paths.own_symbols_file().write_text("{}")
    assert found("alpha")
    assert json.loads(bytes(fetch("catalog/own.json").body)) == []


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
        f"http://{HOST}/?{LINK_PARAMETER}=1",
        f"http://{HOST}/",
        f"javascript:alert(1)?{LINK_PARAMETER}={SENT}",
        "x" * 5000,
        "http://[",
        f"http://[/?{LINK_PARAMETER}={SENT}",
        "",
    ]
    links.append(f"http://{HOST}/{'x' * 3000}?{LINK_PARAMETER}={SENT}")
    for query in (f"{LINK_PARAMETER}={SENT[:-1]}", "", *(f"link={quote(link, safe='')}" for link in links)):
        response = fetch(path, query)
        assert response.status_code == 400, query
        assert re.fullmatch(r"No file: .*\.", bytes(response.body).decode())


def qr(address: str, host: str = HOST) -> int:
    """The status of the answer to a request for the QR code of a drawing's link at an address."""
    return fetch(share_routes.QR, f"link={quote(f'{address}?{LINK_PARAMETER}={SENT}', safe='')}", host=host).status_code


def test_a_qr_code_leads_to_the_server_that_made_it() -> None:
    for mine in (f"http://{HOST}/", f"https://{HOST}/", f"https://{HOST}", f"https://{HOST.upper()}/a"):
        assert qr(mine) == 200, mine
    assert qr("http://[::1]:8501/", "[::1]:8501") == 200
    assert qr("https://xn--bcher-kva.example/", "xn--bcher-kva.example") == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "http://draw.example.org/",  # another port
        f"https://{HOST}.evil.example/",
        f"https://{HOST}@evil.example/",
        f"https://evil.example@{HOST}/",
        f"https://{HOST}\\@evil.example/",
        f"https://evil.example\\@{HOST}/",
        f"https://evil.example/{HOST}/",
        f"https://{HOST[:4]}\n{HOST[4:]}/",
        f"https://{HOST[:4]}\t{HOST[4:]}/",
        f"https://{HOST}/ https://evil.example/",
        f"https://{HOST}/\0",
        f"https://{HOST[:-4]}\uff18501/",  # a full-width 8
        f"https:///{HOST}/",
        "https:///",
        f"https:{HOST}/",
        "https://?",
    ],
)
def test_no_qr_code_leads_elsewhere(address: str) -> None:
    assert qr(address) == 400
    assert qr(address, "") == 400


def test_a_qr_code_leads_below_the_servers_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_path.st, "get_option", {"server.baseUrlPath": "/draw/"}.__getitem__)
    assert {route.path for route in share_routes.routes()} >= {f"/draw/{share_routes.QR}"}
    (to_draw,) = (route.endpoint for route in share_routes.routes() if route.path == "/draw/draw")
    request = Request({"type": "http", "method": "GET", "path": "/draw/draw", "query_string": b"", "headers": []})
    assert to_draw(request).headers["Location"] == "/draw/"
    for mine in ("/draw", "/draw/", "/draw/symbols"):
        assert qr(f"https://{HOST}{mine}") == 200, mine
    for other in ("", "/", "/drawn/", "/mail/draw/", "/draw/../mail", "/draw/%2E%2e/mail", "//draw/", "/draw\\..\\x"):
        assert qr(f"https://{HOST}{other}") == 400, other


def test_the_draw_page_is_found_by_its_name(server: str) -> None:
    for address, leads_to in (
        ("/draw", "/"),
        (f"/draw?{LINK_PARAMETER}={SENT}&model=x", f"/?{LINK_PARAMETER}={SENT}&model=x"),
    ):
        connection = HTTPConnection(urlsplit(server).netloc, timeout=30)
        connection.request("GET", address)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Location")) == (307, leads_to)
        connection.close()


def test_a_running_server_makes_qr_codes_for_itself_alone(server: str) -> None:
    def status(link: str) -> int:
        connection = HTTPConnection(urlsplit(server).netloc, timeout=30)
        connection.request("GET", f"/{share_routes.QR}?link={quote(f'{link}/?{LINK_PARAMETER}={SENT}', safe='')}")
        answer = connection.getresponse()
        assert answer.status == 200 or answer.read().decode() == (
            "No file: QR codes are made only for links to this server."
        )
        connection.close()
        return answer.status

    assert status(server) == 200
    assert status(server.replace("http:", "https:")) == 200
    assert status("https://evil.example") == 400
    assert status(server.replace("127.0.0.1", "evil.example")) == 400
