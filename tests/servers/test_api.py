"""The HTTP API of a running server: the answers of the command line, one clear error a kind, limits, other origins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jsonschema
import pytest

from extexify.catalog.symbols import detexify_keys
from extexify.cli import parser
from extexify.core import settings
from extexify.drawing.link import encode
from extexify.drawing.strokes import MAX_DRAWN_STROKES, parse_strokes
from extexify.ui.api.openapi import SCHEMAS
from tools.dashboard import dashboard

EQUIV = [[[0, 0], [10, 0]], [[0, 4], [10, 4]], [[0, 8], [10, 8]]]
BLOG, EVIL = "https://blog.example.org", "https://evil.example"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    environment = {settings.API_ORIGINS.name: BLOG}
    with dashboard(tmp_path_factory.mktemp("workspace"), **environment) as running:
        yield running


def ask(address: str, path: str, body: Any = None, method: str = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of an answer; `body` is sent as JSON, or as it is if it is bytes."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(address + path, data, {"Content-Type": "application/json", **sent}, method=method or None)
    try:
        with urlopen(request, timeout=60) as answer:
            status, content, found = answer.status, answer.read(), answer.headers
    except HTTPError as error:
        status, content, found = error.code, error.read(), error.headers
    is_json = found.get_content_type() == "application/json"
    return status, json.loads(content) if is_json else content, {name.lower(): value for name, value in found.items()}


def is_valid(value: Any, schema: str) -> bool:
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}})
    return True


def test_the_answers_are_those_of_the_command_line(
    address: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, answer, _ = ask(address, "/api/classify", {"strokes": EQUIV, "top": 3})
    assert (status, answer["sure"], answer["model"]) == (200, True, "extexify")
    assert is_valid(answer, "Classification")
    assert answer["answers"][0]["command"] == r"\equiv"
    (tmp_path / "drawing.json").write_text(json.dumps(EQUIV))
    parser.main(["classify", str(tmp_path / "drawing.json"), "--top", "3", "--json"])
    assert answer["answers"] == json.loads(capsys.readouterr().out)


def test_a_link_is_answered_as_its_drawing(address: str) -> None:
    link = f"https://extexify.example.org/?d={encode(parse_strokes(json.dumps(EQUIV)))}"
    status, answer, _ = ask(address, "/api/classify", {"link": link})
    assert (status, answer["answers"][0]["command"], len(answer["answers"])) == (200, r"\equiv", 5)


def test_clients_of_the_old_server_get_five_commands(address: str) -> None:
    status, answer, _ = ask(address, "/classify", {"data": EQUIV})
    assert (status, answer["top5"][0]) == (200, r"\equiv")
    assert is_valid(answer, "TopFive")
    assert len(answer["top5"]) == 5


def test_symbols_model_and_description(address: str) -> None:
    _, found, _ = ask(address, "/api/symbols?q=for%20all&limit=2")
    assert is_valid(found, "Symbols")
    assert found["symbols"][0]["command"] == r"\forall"
    _, model, _ = ask(address, "/api/model")
    assert is_valid(model, "Model")
    assert model["name"] == "extexify"
    assert set(detexify_keys()) <= set(model["classes"])
    _, described, _ = ask(address, "/api/openapi.json")
    assert set(described["paths"]) == {"/api/classify", "/api/symbols", "/api/model", "/classify"}
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"nonsense", 400, "is no JSON"),
        ([], 400, "must be a JSON object"),
        ({}, 400, "either strokes or link"),
        ({"strokes": EQUIV, "link": "x"}, 400, "either strokes or link"),
        ({"strokes": []}, 400, "no strokes"),
        ({"strokes": [[[1, "2"]]]}, 400, "point 1 of stroke 1"),
        ({"strokes": "x"}, 400, "must be a list of strokes"),
        ({"link": 7}, 400, "must be a text"),
        ({"link": "https://extexify.example.org/?d=!!"}, 400, "link"),
        ({"strokes": EQUIV, "top": 0}, 400, "top must be a whole number from 1 to 50"),
        ({"strokes": EQUIV, "top": True}, 400, "top must be a whole number"),
        ({"strokes": [[[1, 2]]] * (MAX_DRAWN_STROKES + 1)}, 413, "at most 1,000 strokes"),
        (b"[" + b" " * 1_000_001, 413, "over 1,000,000 bytes"),
    ],
)
def test_what_is_wrong_with_a_request_is_one_sentence(address: str, body: Any, status: int, words: str) -> None:
    found, answer, _ = ask(address, "/api/classify", body)
    assert (found, words in answer["error"]) == (status, True), answer
    assert is_valid(answer, "Error")


def test_other_methods_and_addresses_are_errors_too(address: str) -> None:
    for path, body, status in (("/api/classify", None, 405), ("/api/model", {}, 405), ("/api/nothing", None, 404)):
        found, answer, _ = ask(address, path, body)
        assert (found, is_valid(answer, "Error")) == (status, True)


def test_pages_of_named_origins_may_ask_and_no_others(address: str) -> None:
    status, _, headers = ask(address, "/api/classify", {"strokes": EQUIV}, Origin=BLOG)
    assert (status, headers["access-control-allow-origin"]) == (200, BLOG)
    status, _, headers = ask(
        address, "/api/classify", method="OPTIONS", Origin=BLOG, Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
    )  # fmt: skip
    assert (status, headers["access-control-allow-origin"]) == (200, BLOG)
    assert ask(address, "/api/classify", {"strokes": EQUIV}, Origin=EVIL)[0] == 403
    assert "access-control-allow-origin" not in ask(address, "/api/model", Origin=EVIL)[2]
    # Only the API: the same origin may do nothing else.
    assert ask(address, "/operator/cookie", {}, Origin=BLOG)[0] == 403


def test_a_demo_has_a_limit_for_each_address(tmp_path: Path) -> None:
    environment = {settings.DEMO.name: "yes", settings.API_LIMIT.name: "3"}
    with dashboard(tmp_path, **environment) as address:
        found = [ask(address, "/api/symbols?q=x", X_Forwarded_For="10.0.0.1")[0] for _ in range(3)]
        status, answer, headers = ask(address, "/api/classify", {"strokes": EQUIV}, X_Forwarded_For="10.0.0.1")
        assert ask(address, "/api/classify", {"strokes": EQUIV}, X_Forwarded_For="10.0.0.2")[0] == 200
    assert (found, status) == ([200] * 3, 429)
    assert "asked too often" in answer["error"]
    assert 0 < int(headers["retry-after"]) <= 60
