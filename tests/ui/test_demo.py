"""The pages of a public demo: what they show to visitors and to operators, by navigation and by address."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message
from streamlit.testing.v1 import AppTest

from extexify.access.sign_in import VISIT_ATTEMPTS
from extexify.core import settings
from extexify.ui.sign_in import access
from tests.demo import HASH, ROOT, again, demo, past_the_navigation, sign_in, visit
from tools.visitor import run_apart

__all__ = ["demo"]  # a fixture of the tests below

OPEN = ("draw", "symbols", "collect")
CLOSED = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.stem not in OPEN)

PURPOSE = "This page is for the operators of this demo."
OIDC = """
[auth]
redirect_uri = "https://demo.example/oauth2callback"
cookie_secret = "x"
client_id = "id"
client_secret = "secret"
server_metadata_url = "https://provider.example/.well-known/openid-configuration"
"""


@pytest.fixture
def oidc(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider in place of the password, with one operator."""
    monkeypatch.delenv(settings.PASSWORD_HASH.name)
    monkeypatch.setenv(settings.OPERATORS.name, "Ada@example.org, bo@example.org")
    monkeypatch.chdir(demo)
    (demo / ".streamlit").mkdir()
    (demo / ".streamlit" / "secrets.toml").write_text(OIDC)


def is_closed(app: AppTest) -> bool:
    """Whether a page shows nothing of its own but its title. Fails when it shows that and more."""
    assert not app.exception
    closed = PURPOSE in [text.value for text in app.markdown]
    if closed:
        assert not {button.label for button in app.button} - {"Sign in", "Sign in with your account", "Sign out"}
        for kind in ("selectbox", "multiselect", "expander", "file_uploader", "button_group", "plotly_chart"):
            assert not app.get(kind), kind
        assert not app.sidebar.children
    return closed


def test_every_other_page_asks_for_a_sign_in(demo: Path) -> None:
    for page in CLOSED:
        # As the navigation leads there, and without the dashboard's entry before it.
        for app in (visit(page), past_the_navigation(page)):
            assert is_closed(app)
            assert [field.label for field in app.text_input] == ["Password"]


def test_drawing_and_symbols_and_requests_for_drawings_are_open(demo: Path) -> None:
    for page in OPEN:
        app = visit(page)
        assert not is_closed(app)
        assert not app.text_input
        assert not app.sidebar.button


def test_an_operator_signs_in_where_they_are_and_out_again(demo: Path) -> None:
    app = visit("export")
    assert is_closed(sign_in(app, "a wrong password"))
    assert [error.value for error in app.error] == ["This is not the password."]
    assert not is_closed(sign_in(app))
    assert "Start with the starter drawings" in [button.label for button in app.button]
    assert app.sidebar.caption[0].value == "Signed in as operator"
    for page in CLOSED:
        assert not is_closed(again(app.switch_page(f"pages/{page}.py")))
    app.sidebar.button(key="sign-out").click()
    assert is_closed(again(app))
    assert is_closed(again(app.switch_page("pages/models.py")))


def test_a_visit_has_so_many_attempts_on_the_page_too(demo: Path) -> None:
    app = visit("models")
    for _ in range(VISIT_ATTEMPTS):
        sign_in(app, "a wrong password")
    assert is_closed(sign_in(app))
    assert "Too many wrong passwords" in app.error[0].value


def test_without_any_way_to_sign_in_a_sentence_says_how_to_open_the_pages(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(settings.PASSWORD_HASH.name)
    app = visit("train")
    assert is_closed(app)
    assert not app.text_input
    assert settings.PASSWORD_HASH.name in app.info[0].value


def test_no_address_opens_a_page(demo: Path) -> None:
    addresses: dict[str, dict[str, str]] = {
        "train": {"run": "x"},
        "evaluate": {"evaluation": "x", "symbol": "x"},
        "export": {"operator-token": "x"},
    }
    for page, parameters in addresses.items():
        app = visit(page)
        for name, value in parameters.items():
            app.query_params[name] = value
        assert is_closed(again(app))


def test_no_state_of_a_session_opens_a_page(demo: Path) -> None:
    app = visit("export")
    for token in ("", "x", HASH, "True", True, ["x"], {"a": 1}):
        for name in (access._TOKEN, access.COOKIE, "welcome-starter", "export-go"):
            app.session_state[name] = token
        assert is_closed(again(app))


def test_another_password_signs_everybody_out(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = sign_in(visit("render"))
    assert not is_closed(app)
    monkeypatch.setenv(settings.PASSWORD_HASH.name, HASH.replace(":8:3:", ":8:4:"))
    assert is_closed(again(app))


def test_without_a_demo_nothing_of_it_shows(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.DEMO.name, "no")
    app = visit("export")
    assert not is_closed(app)
    assert not app.sidebar.button
    assert not {"sign_in", "contributions"} & {str(page.get("url_pathname")) for page in app._registered_pages.values()}


# --- providers --------------------------------------------------------------------------------------


def ask(method: str, path: str, body: str = "", cookie: str = "") -> tuple[int, list[str]]:
    """The status and the cookies of a server with the routes of the sign-in and a media file."""
    routes = [*access.routes(), Route("/media/{name}", lambda request: PlainTextResponse("a file"))]
    app = Starlette(routes=routes, middleware=[Middleware(access.OperatorsFiles)])
    headers = [(b"content-length", str(len(body)).encode()), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers, "scheme": "http"}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    run_apart(app(scope, receive, send))
    return sent[0]["status"], [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


USERS: list[tuple[dict[str, object], bool]] = [
    ({"is_logged_in": True, "email": "ada@EXAMPLE.org", "email_verified": True}, True),
    ({"is_logged_in": True, "email": "bo@example.org", "email_verified": "true"}, True),
    ({"is_logged_in": True, "email": "ada@example.org", "email_verified": False}, False),
    ({"is_logged_in": True, "email": "ada@example.org"}, False),
    ({"is_logged_in": True, "email": "eve@example.org", "email_verified": True}, False),
    ({"is_logged_in": True, "email": "", "email_verified": True}, False),
    ({"is_logged_in": True, "email": ["ada@example.org"], "email_verified": True}, False),
    ({"is_logged_in": False, "email": "ada@example.org", "email_verified": True}, False),
    ({"is_logged_in": "True", "email": "ada@example.org", "email_verified": True}, False),
    ({"email": "ada@example.org", "email_verified": True}, False),
    ({}, False),
]
"""What a provider says of a user, and whether that is an operator."""


def test_a_provider_opens_to_verified_addresses_of_operators(oidc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for user, opens in USERS:
        monkeypatch.setattr(access.st, "user", user)
        app = visit("export")
        assert is_closed(app) is not opens, user
        if not opens:
            assert "Sign in with your account" in [button.label for button in app.button]


def test_an_account_of_an_operator_gets_a_cookie_for_files_until_its_address_is_removed(
    oidc: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = {"is_logged_in": True, "email": "ada@example.org", "email_verified": True}
    monkeypatch.setattr(access.st, "user", user)
    _, token = visit("models").session_state[access._TOKEN]
    status, cookies = ask("POST", f"/{access.COOKIE_ROUTE}", token)
    assert status == 204
    assert [cookie.partition("=")[0] for cookie in cookies] == [access.COOKIE]
    cookie = cookies[0].partition(";")[0]
    assert ask("GET", "/media/x")[0] == 403
    assert ask("GET", "/media/x", cookie=cookie)[0] == 200

    # The cookie opens files, not pages: those depend on the account alone.
    monkeypatch.setattr(type(access.st.context), "cookies", {access.COOKIE: token})
    assert not is_closed(visit("models"))
    monkeypatch.setattr(access.st, "user", {})
    assert is_closed(visit("models"))

    monkeypatch.setenv(settings.OPERATORS.name, "bo@example.org")
    assert ask("GET", "/media/x", cookie=cookie)[0] == 403
    assert ask("POST", f"/{access.COOKIE_ROUTE}", token)[0] == 403
    monkeypatch.setenv(settings.DEMO.name, "no")
    assert ask("GET", "/media/x")[0] == 200


def test_an_account_that_signs_out_takes_its_cookie_along(oidc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    user = {"is_logged_in": True, "email": "ada@example.org", "email_verified": True}
    monkeypatch.setattr(access.st, "user", user)
    monkeypatch.setattr(access.st, "logout", lambda: None)
    app = visit("models")
    _, token = app.session_state[access._TOKEN]
    assert access._is_session(token)
    app.sidebar.button(key="sign-out").click()
    again(app)
    assert not access._is_session(token)


def test_other_accounts_get_a_message_and_can_sign_out(oidc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    user = {"is_logged_in": True, "email": "<b>eve</b>@example.org", "email_verified": True}
    monkeypatch.setattr(access.st, "user", user)
    app = visit("sign_in")
    assert "is not among this demo’s operators" in app.warning[0].value
    assert "\\<b\\>eve" in app.warning[0].value
    assert "Sign out" in [button.label for button in app.button]


def test_an_operator_with_an_unverified_address_gets_a_message(oidc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access.st, "user", {"is_logged_in": True, "email": "ada@example.org"})
    assert "doesn’t say that it has verified ada" in visit("sign_in").warning[0].value


def test_an_address_is_ignored_without_a_provider(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.OPERATORS.name, "ada@example.org")
    user = {"is_logged_in": True, "email": "ada@example.org", "email_verified": True}
    monkeypatch.setattr(access.st, "user", user)
    assert is_closed(visit("export"))


def test_providers_of_the_secrets_have_their_names(oidc: None, demo: Path) -> None:
    assert access.providers() == ["default"]
    (demo / ".streamlit" / "secrets.toml").write_text('[auth]\nredirect_uri="x"\n[auth.google]\nclient_id="x"')
    assert access.providers() == ["google"]


# --- the start of the server ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (settings.OPERATORS.name, "", "a demo with [auth] lets in anybody who has an account there: set EXTEXIFY_OP"),
        (settings.PASSWORD_HASH.name, "secret", "the password's hash is damaged"),
        (settings.HOUR_LIMIT.name, "many", "EXTEXIFY_HOUR_LIMIT must be a whole number from 0, not 'many'"),
        (settings.DEMO.name, "perhaps", "EXTEXIFY_DEMO must be yes or no, not 'perhaps'"),
    ],
)
def test_a_demo_with_a_door_left_open_does_not_start(
    oidc: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setattr("streamlit.auth_util.is_authlib_installed", lambda: True)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        access.prepare()
    assert str(ended.value.code).startswith(f"extexify: error: {sentence}")


def test_a_provider_needs_its_package(oidc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.auth_util.is_authlib_installed", lambda: False)
    with pytest.raises(SystemExit, match="pip install"):
        access.prepare()


def test_damaged_secrets_stop_the_start(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.DEMO.name)
    monkeypatch.chdir(demo)
    (demo / ".streamlit").mkdir()
    (demo / ".streamlit" / "secrets.toml").write_text("EXTEXIFY_DEMO = ")
    with pytest.raises(SystemExit, match="can't be read"):
        access.prepare()
