"""Attempts to bypass a demo's sign-in on a running server, with requests that no page sends."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from extexify.access.permissions import NotPermitted
from extexify.contributions.moderation import ModerationList
from extexify.core import settings
from extexify.ui.sign_in import access
from tests.demo import HASH, PASSWORD, operator
from tests.intruder import Intruder
from tools.dashboard import dashboard

FORM, EXPORT = "sign-in-form", "Where the drawings come from"
CLOSED = ("export", "render", "train", "evaluate", "models", "contributions", "sign_in")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The workspace of the demo, with a model."""
    workspace = tmp_path_factory.mktemp("demo")
    (workspace / "models").mkdir()
    (workspace / "models" / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    return workspace


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The address of a demo with a password."""
    with dashboard(folder, **{settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}) as running:
        yield running


@contextmanager
def signed_in(address: str, page: str) -> Iterator[Intruder]:
    """An operator's visit to a page."""
    with Intruder(address) as visit:
        visit.run(page)
        button = visit.buttons()["Sign in"]
        password = WidgetState(id=visit.field("Password"), string_value=PASSWORD)
        assert FORM not in visit.run(page, values=[password, WidgetState(id=button, trigger_value=True)])
        yield visit


def ask(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    """One request; the answer has been read."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.text = answer.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
    connection.close()
    return answer


def written(folder: Path) -> dict[str, bytes]:
    """All files of the workspace except the server's log."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "server.log"}


def token_of(visit: Intruder) -> str:
    """The token that an operator's page is given for the browser's cookie."""
    components = (delta.new_element.bidi_component for delta in visit.deltas)
    return str(
        next(json.loads(one.json)["token"] for one in components if one.component_name == "extexify_operator_cookie")
    )


def test_no_address_hash_or_query_leads_past_the_sign_in(address: str, folder: Path) -> None:
    before = written(folder)
    with Intruder(address) as visit:
        visit.run()
        assert visit.listed == {"", "symbols", "sign_in"}
        for page in CLOSED:
            for query in ("", "operator-token=x&embed=true", "run=../../etc&evaluation=x&symbol=%3Cscript%3E"):
                for text in (visit.run(page, query=query), visit.run(page_script_hash=visit.pages[page], query=query)):
                    assert FORM in text
                    assert "This page is for the operators" in text
                    assert set(visit.buttons()) == {"Sign in"}
        # The first request to a server may be for a page's own address; the entry script still runs first.
        assert FORM not in visit.run("pages/export.py")
        assert EXPORT not in visit.run("pages/export.py")
    assert written(folder) == before


def test_a_first_visit_to_a_page_of_a_fresh_server_is_closed(folder: Path, tmp_path: Path) -> None:
    environment = {settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}
    with dashboard(tmp_path, **environment) as fresh, Intruder(fresh) as visit:
        assert FORM in visit.run("export")


def test_what_an_operator_pressed_does_nothing_for_a_visitor(address: str, folder: Path) -> None:
    with signed_in(address, "export") as boss:
        pressed = boss.buttons()
        assert "Start with the starter drawings" in pressed
        pages = {page: (boss.run(page), boss.buttons(), boss.fragments()) for page in CLOSED}
        before = written(folder)
        with Intruder(address) as visit:
            for page, (_, buttons, fragments) in pages.items():
                everything = dict.fromkeys([*pressed.values(), *buttons.values(), "welcome-go", "export-go"], True)
                assert FORM in visit.run(page, values=everything)
                assert FORM in visit.run(page, values=everything)
                for fragment in fragments:
                    visit.send(page, values=everything, fragment_id=fragment)
                assert FORM in visit.run(page, values=everything)
        assert written(folder) == before
    assert not (folder / "jobs").exists()


def test_after_signing_out_a_page_that_is_still_there_does_nothing(address: str, folder: Path) -> None:
    with signed_in(address, "models") as visit:
        buttons, fragments = visit.buttons(), visit.fragments()
        visit.run("export")
        buttons |= visit.buttons()
        before = written(folder)
        text = visit.run("export", values={buttons["Sign out"]: True})
        assert FORM in text
        for page in ("models", "export"):
            assert FORM in visit.run(page, values=dict.fromkeys(buttons.values(), True))
            for fragment in fragments:
                visit.send(page, fragment_id=fragment)
        assert written(folder) == before


def test_a_page_whose_operator_signed_out_elsewhere_acts_no_more(address: str, folder: Path) -> None:
    upload = folder / "uploads" / "0123" / "x.sql"
    upload.parent.mkdir(parents=True)
    upload.write_text("--")
    with signed_in(address, "models") as boss, Intruder(address, cookie=f"{access.COOKIE}={token_of(boss)}") as tab:
        tab.run("export")
        fields = (delta.new_element.multiselect for delta in tab.deltas)
        chosen = next(one for one in fields if one.label == "Uploaded")
        state = WidgetState(id=chosen.id)
        state.string_array_value.data.append(chosen.options[0])
        tab.run("export", values=[state])
        delete = tab.buttons()["Delete"]
        boss.run("models", values={boss.buttons()["Sign out"]: True})
        # Its callback, which runs before any page does, was registered by an operator.
        text = tab.run("export", values=[state, WidgetState(id=delete, trigger_value=True)])
        assert "operators may do this. Sign in first." in text
        assert "Traceback" not in text
        assert FORM in tab.run("export")
    assert upload.exists()
    shutil.rmtree(folder / "uploads")


def test_states_of_a_session_are_no_sign_in(address: str) -> None:
    names = (access._TOKEN, access.COOKIE, "$$ID-x-operator-token", "operator-cookie", "sign-out")
    with Intruder(address) as visit:
        visit.run("models")
        for name in names:
            for value in ({"string_value": "x"}, {"json_value": '"x"'}, {"trigger_value": True}, {"bool_value": True}):
                state: Any = WidgetState(id=name, **value)
                assert FORM in visit.run("models", values=[state])


@pytest.mark.parametrize("cookie", ["", "x", "a" * 3000, pytest.param(HASH, id="hash"), "%00", "None", "True"])
def test_a_cookie_that_the_server_did_not_issue_is_no_sign_in(address: str, cookie: str) -> None:
    with Intruder(address, cookie=f"{access.COOKIE}={cookie}; _streamlit_user={cookie}") as visit:
        assert FORM in visit.run("models")
    answer = ask(address, "POST", f"/{access.COOKIE_ROUTE}", cookie.encode())
    assert answer.status == 403
    assert answer.getheader("Set-Cookie") is None


def test_an_operators_cookie_lasts_until_they_sign_out_anywhere(address: str) -> None:
    with signed_in(address, "models") as visit:
        token = token_of(visit)
        answer = ask(address, "POST", f"/{access.COOKIE_ROUTE}", token.encode(), **{"X-Forwarded-Proto": "https"})
        assert answer.status == 204
        cookie = answer.getheader("Set-Cookie") or ""
        assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/", "Max-Age=43200"))
        with Intruder(address, cookie=cookie.partition(";")[0]) as other:
            assert FORM not in other.run("models")
            visit.run("models", values={visit.buttons()["Sign out"]: True})
            assert FORM in other.run("models")
    assert ask(address, "POST", f"/{access.COOKIE_ROUTE}", token.encode()).status == 403


@pytest.mark.parametrize("prefix", ["", "/", "/x/.."])
def test_only_operators_upload(address: str, prefix: str) -> None:
    with Intruder(address) as visit, signed_in(address, "export") as boss:
        visit.run("export")
        for method in ("PUT", "POST", "DELETE", "GET"):
            answer = ask(address, method, f"{prefix}/_stcore/upload_file/{visit.session}/1", b"x" * 1000)
            assert answer.status in (403, 404, 405), (method, answer.status)
        if not prefix:
            # Streamlit's own check, of its XSRF token, comes only after ours.
            answer = ask(address, "PUT", f"/_stcore/upload_file/{boss.session}/1", b"x")
            assert "operators may upload" not in answer.text  # type: ignore[attr-defined]
            boss.run("export", values={boss.buttons()["Sign out"]: True})
            answer = ask(address, "PUT", f"/_stcore/upload_file/{boss.session}/1", b"x")
            assert "operators may upload" in answer.text  # type: ignore[attr-defined]


def test_a_session_of_an_operator_cannot_be_taken_over(address: str) -> None:
    with signed_in(address, "models") as boss, Intruder(address, session=boss.session) as thief:
        assert FORM in thief.run("models")
        assert FORM in thief.run("export")


def test_crafted_drawings_and_keys_reach_neither_store_nor_list(address: str, folder: Path) -> None:
    before = written(folder)
    with Intruder(address) as visit:
        visit.run()
        ids = [
            delta.new_element.bidi_component.id for delta in visit.deltas
            if delta.new_element.HasField("bidi_component")
        ]  # fmt: skip
        canvas = {"objects": [{"type": "Path", "path": [["M", 1, 1], ["L", 50, 50]]}] * 1_000}
        for value in (
            {"keep": "latex2e-OT1-_sum"},
            {"keep": "../../x"},
            {"decide": {"accept": True, "ids": [1]}},
            canvas,
        ):
            states = [WidgetState(id=name, json_value=json.dumps(value)) for name in ids]
            triggers = [
                WidgetState(id=f"{name}__keep", json_trigger_value=json.dumps([{"event": "keep", "value": "x"}]))
                for name in ids
            ]
            visit.run(values=states + triggers)
    assert written(folder) == before


def test_wrong_passwords_of_all_visitors_are_limited(tmp_path: Path) -> None:
    environment = {settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}
    with dashboard(tmp_path, **environment) as fresh:
        shown = []
        for _ in range(4):
            with Intruder(fresh) as visit:
                visit.run("models")
                for number in range(4):
                    field, button = visit.field("Password"), visit.buttons()["Sign in"]
                    states = [WidgetState(id=field, string_value=f"guess {number}")]
                    shown.append(visit.run("models", values=[*states, WidgetState(id=button, trigger_value=True)]))
                    visit.run("models")
    assert sum("This is not the password" in text for text in shown) == 10
    assert sum("Too many people are trying" in text for text in shown) == 6


def test_the_moderation_list_is_closed_without_a_visit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.DEMO.name, "yes")
    with pytest.raises(NotPermitted):
        ModerationList(folder / "moderation.sqlite3").pending(1)
    with operator():
        assert ModerationList(folder / "moderation.sqlite3").pending(1) == []
