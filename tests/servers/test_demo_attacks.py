"""Attempts to bypass a demo's sign-in on a running server, with requests that no page sends."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from extexify.access.permissions import NotPermitted
from extexify.contributions.moderation import ModerationList
from extexify.core import settings
from extexify.ui.sign_in import access
from tests.demo import HASH, PASSWORD, operator
from tests.intruder import Intruder
from tools.dashboard import dashboard
from tools.visitor import Visitor, run_apart

FORM, EXPORT = "sign-in-form", "Where the drawings come from"
CLOSED = ("export", "render", "train", "evaluate", "models", "contributions", "sign_in")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The workspace of the demo, with a model."""
    workspace = tmp_path_factory.mktemp("demo")
    (workspace / "models").mkdir()
    (workspace / "models" / "tiny.onnx").write_bytes(tiny_model.read_bytes())
    return workspace


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The address of a demo with a password, and with room for a few drawings of an address."""
    environment = {settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH, settings.ADDRESS_LIMIT.name: "3"}
    with dashboard(folder, **environment) as running:
        yield running


@contextmanager
def signed_in(address: str, page: str) -> Iterator[Intruder]:
    """An operator's visit to a page."""
    with Intruder(address) as visit:
        visit.run(page)
        assert FORM not in enter(visit, page, PASSWORD)
        yield visit


def enter(visit: Intruder, page: str, password: str) -> str:
    """Fill in the form on a page that the visit has opened; returns what the page shows then."""
    button = visit.buttons()["Sign in"]
    field = WidgetState(id=visit.field("Password"), string_value=password)
    return visit.run(page, values=[field, WidgetState(id=button, trigger_value=True)])


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


def cookies_of(address: str, token: str) -> dict[str, str]:
    """The cookies that a browser gets for an operator's token."""
    answer = ask(address, "POST", f"/{access.COOKIE_ROUTE}", token.encode())
    assert answer.status == 204
    return {name: morsel.value for name, morsel in SimpleCookie("; ".join(set_cookies(answer))).items()}


def set_cookies(answer: http.client.HTTPResponse) -> list[str]:
    return answer.headers.get_all("Set-Cookie") or []


def as_header(**cookies: str) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def test_no_address_hash_or_query_leads_past_the_sign_in(address: str, folder: Path) -> None:
    before = written(folder)
    with Intruder(address) as visit:
        visit.run()
        assert visit.listed == {"", "symbols", "collect", "sign_in"}
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
                everything = dict.fromkeys([*pressed.values(), *buttons.values(), "welcome-starter", "export-go"], True)
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
        groups = (delta.new_element.button_group for delta in tab.deltas)
        kinds = next(one for one in groups if one.label == "Where the drawings come from")
        file = WidgetState(id=kinds.id)
        file.string_array_value.data.append(":material/description: A file")
        tab.run("export", values=[file])
        fields = (delta.new_element.multiselect for delta in tab.deltas)
        chosen = next(one for one in fields if one.label == "Uploaded")
        state = WidgetState(id=chosen.id)
        state.string_array_value.data.append(chosen.options[0])
        tab.run("export", values=[file, state])
        delete = tab.buttons()["Delete"]
        boss.run("models", values={boss.buttons()["Sign out"]: True})
        # Its callback, which runs before any page does, was registered by an operator.
        text = tab.run("export", values=[file, state, WidgetState(id=delete, trigger_value=True)])
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
        cookie, device = set_cookies(answer)
        for one in (cookie, device):
            assert all(part in one for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"))
        assert "Max-Age=43200" in cookie
        with Intruder(address, cookie=device.partition(";")[0]) as known:
            assert FORM in known.run("models"), "a known device is not signed in by that"
        with Intruder(address, cookie=cookie.partition(";")[0]) as other:
            assert FORM not in other.run("models")
            visit.run("models", values={visit.buttons()["Sign out"]: True})
            assert FORM in other.run("models")
    assert ask(address, "POST", f"/{access.COOKIE_ROUTE}", token.encode()).status == 403


@pytest.mark.parametrize("prefix", ["", "/", "/x/.."])
def test_visitors_upload_nothing(address: str, prefix: str) -> None:
    with Intruder(address) as visit:
        visit.run("export")
        for method in ("PUT", "POST", "DELETE", "GET"):
            answer = ask(address, method, f"{prefix}/_stcore/upload_file/{visit.session}/1", b"x" * 1000)
            assert answer.status in (403, 404, 405), (method, answer.status)


def test_an_operators_upload_address_is_of_no_use_without_the_cookie(address: str) -> None:
    with signed_in(address, "export") as boss, Intruder(address) as visit:
        visit.run()
        cookies = cookies_of(address, token_of(boss))
        xsrf = SimpleCookie("; ".join(set_cookies(ask(address, "GET", "/_stcore/health"))))["_streamlit_xsrf"].value
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.sql"\r\n\r\n--\r\n--x--\r\n'

        def upload(session: str, method: str = "PUT", **cookies: str) -> http.client.HTTPResponse:
            headers = {
                "Content-Type": "multipart/form-data; boundary=x",
                "X-Xsrftoken": xsrf,
                "Cookie": as_header(_streamlit_xsrf=xsrf, **cookies),
            }
            return ask(address, method, f"/_stcore/upload_file/{session}/1", body, **headers)

        others: list[dict[str, str]] = [
            {}, {access.COOKIE: "x"}, {access.DEVICE_COOKIE: cookies[access.DEVICE_COOKIE]},
        ]  # fmt: skip
        for session in (boss.session, visit.session):
            for method in ("PUT", "DELETE"):
                for other in others:
                    answer = upload(session, method, **other)
                    assert answer.status == 403
                    assert "operators may upload" in answer.text  # type: ignore[attr-defined]
        for method in ("PUT", "DELETE"):
            assert upload(boss.session, method, **cookies).status == 204
        boss.run("export", values={boss.buttons()["Sign out"]: True})
        assert upload(boss.session, **cookies).status == 403


def test_an_operators_download_address_is_of_no_use_without_the_cookie(address: str) -> None:
    with signed_in(address, "models") as boss:
        cookies = cookies_of(address, token_of(boss))
        file = boss.download_address("Download")
        assert file.startswith("/media/")
        for method in ("GET", "HEAD", "POST"):
            assert ask(address, method, file).status == 403
            assert ask(address, method, file, Cookie=as_header(**{access.COOKIE: "x"})).status == 403
        answer = ask(address, "GET", file, Cookie=as_header(**cookies))
        assert answer.status == 200
        assert len(answer.text) > 1000  # type: ignore[attr-defined]
        boss.run("models", values={boss.buttons()["Sign out"]: True})
        assert ask(address, "GET", file, Cookie=as_header(**cookies)).status == 403


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


def test_guesses_from_an_address_hold_up_neither_known_browsers_nor_other_addresses(tmp_path: Path) -> None:
    environment = {settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}
    office, elsewhere = "203.0.113.1", "2001:db8::1"
    with dashboard(tmp_path, **environment) as fresh:
        with signed_in(fresh, "models") as boss:
            device = cookies_of(fresh, token_of(boss))[access.DEVICE_COOKIE]
        shown = []
        for _ in range(4):
            with Intruder(fresh, client=office) as visit:
                visit.run("models")
                for number in range(4):
                    shown.append(enter(visit, "models", f"guess {number}"))
                    visit.run("models")
        assert sum("This is not the password" in text for text in shown) == 10
        assert sum("Too many wrong passwords from your network" in text for text in shown) == 6
        opened = {}
        for name, how in {
            "an unknown browser": {"client": office},
            "a made-up device": {"client": office, "cookie": f"{access.DEVICE_COOKIE}=x{device}"},
            "a known browser": {"client": office, "cookie": f"{access.DEVICE_COOKIE}={device}"},
            "elsewhere": {"client": elsewhere},
        }.items():
            with Intruder(fresh, **how) as visit:
                visit.run("models")
                opened[name] = FORM not in enter(visit, "models", PASSWORD)
        assert opened == {
            "an unknown browser": False, "a made-up device": False, "a known browser": True, "elsewhere": True,
        }  # fmt: skip


def test_visits_from_one_address_share_its_drawings_of_an_hour(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(client: str) -> str:
        """What the Draw page says of a drawing that a visit contributes."""
        async with Visitor(address, client=client) as visitor:
            await visitor.draw([np.array([[50, 50], [300, 300]], np.float32)])
            await visitor.wait_until_idle()
            await visitor.trigger("predictions", "keep", "latex2e-OT1-_sum")
            await visitor.until(lambda: message(visitor), "message")
            return message(visitor)

    def message(visitor: Visitor) -> str:
        shown = visitor.component("contribute_panel")
        return str(shown["line"] or shown["problem"])

    network = [f"2001:db8:7:7::{number}" for number in range(5)]
    answers = [run_apart(send(client)) for client in network]
    assert ["thank you" in answer for answer in answers] == [True] * 3 + [False] * 2
    assert "your network has sent as many drawings as can be taken from it in an hour" in answers[-1]
    assert "thank you" in run_apart(send("2001:db8:7:8::1"))
    monkeypatch.setenv(settings.DEMO.name, "yes")
    waiting = ModerationList(folder / "moderation.sqlite3")
    with operator():
        assert waiting.reject([one.id for one in waiting.pending(9)]) == 4


def test_the_moderation_list_is_closed_without_a_visit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.DEMO.name, "yes")
    with pytest.raises(NotPermitted):
        ModerationList(folder / "moderation.sqlite3").pending(1)
    with operator():
        assert ModerationList(folder / "moderation.sqlite3").pending(1) == []
