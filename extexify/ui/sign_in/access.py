"""Authentication of a public demo's operators: by its password, or by an OIDC provider (`st.login`).

After a sign-in by password the browser gets a cookie, which is valid in its other tabs and after a reload. Where a host
lets no such cookie through (Streamlit Community Cloud), a sign-in lasts as long as the visit.
"""

from __future__ import annotations

import sys
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from extexify.access import permissions
from extexify.access.passwords import check_hash
from extexify.access.sign_in import SESSION_SECONDS, OperatorSessions
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.workspace.paths import moderation_file

COOKIE = "extexify_operator"
"""The cookie with an operator's token; scripts cannot read it (HttpOnly)."""

COOKIE_ROUTE = "operator/cookie"
"""The address that sets the cookie, relative to any page."""

_TOKEN = "operator-token"
_UPLOADS = "/_stcore/upload_file/"
_LONGEST_TOKEN = 200

_sessions = OperatorSessions()
_visits_of_operators: set[str] = set()
"""Session ids of visits that were an operator's at their last run."""


def prepare() -> None:
    """Check a demo's settings at the server's start. Exits with a message when they would let anybody sign in."""
    try:
        if settings.is_on(settings.DEMO):
            _check_settings()
            permissions.fix_demo_mode()
    except UserError as error:
        sys.exit(f"extexify: error: {error}")


def _check_settings() -> None:
    for limit in (settings.VISIT_LIMIT, settings.HOUR_LIMIT, settings.WAITING_LIMIT):
        settings.count_of(limit)
    if stored := password_hash():
        check_hash(stored)
    if providers():
        if not settings.names_of(settings.OPERATORS):
            raise settings.SettingError(
                "a demo with [auth] lets in anybody who has an account there: set "
                f"{settings.OPERATORS.name} to the e-mail addresses of its operators"
            )
        from streamlit.auth_util import is_authlib_installed

        if not is_authlib_installed():
            raise settings.SettingError("[auth] needs a package that isn't there: pip install 'streamlit[auth]'")


def password_hash() -> str:
    """The hash of the operators' password, or an empty string."""
    return settings.value_of(settings.PASSWORD_HASH)


def providers() -> list[str]:
    """Names of the OIDC providers in the secrets; the one without a name is `default`."""
    section = settings.secrets().get("auth")
    if not isinstance(section, dict):
        return []
    named = [name for name, part in section.items() if isinstance(part, dict) and "client_id" in part]
    return (["default"] if "client_id" in section else []) + named


def can_sign_in() -> bool:
    """Whether a password or a provider is configured."""
    return bool(password_hash() or providers())


def has_moderation() -> bool:
    """Whether there is a moderation list: in a demo, and as long as its file exists."""
    return permissions.is_demo() or moderation_file().exists()


def is_signed_in() -> bool:
    """Whether this thread runs for an operator's visit; False in threads without a visit."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return False
    signed_in = bool(_known_tokens() or operator_address())
    # For uploads, which Streamlit receives outside of a visit's runs.
    (_visits_of_operators.add if signed_in else _visits_of_operators.discard)(context.session_id)
    return signed_in


def operator_address() -> str:
    """The verified e-mail address of an operator who is signed in at a provider, or an empty string."""
    address = provider_address()
    # A provider that doesn't verify addresses accepts anybody's.
    verified = address and st.user.get("email_verified") in (True, "true")
    return address if verified and is_operators(address) else ""


def is_operators(address: str) -> bool:
    """Whether an e-mail address is in the setting of operators."""
    return address.casefold() in {name.casefold() for name in settings.names_of(settings.OPERATORS)}


def provider_address() -> str:
    """The address, an operator's or not, that a provider gave for this visit, or an empty string."""
    address = st.user.get("email") if providers() and st.user.get("is_logged_in") is True else None
    return address if isinstance(address, str) else ""


def sign_in(password: str) -> None:
    """Sign this visit in. Raises `SignInRefused` or `PasswordError`."""
    context = get_script_run_ctx(suppress_warning=True)
    visit = context.session_id if context else ""
    st.session_state[_TOKEN] = _connection(), _sessions.sign_in(password, password_hash(), visit)


def sign_out() -> None:
    """Sign out this visit, and the browser if a cookie signed it in; clears the session state."""
    at_provider = bool(provider_address())
    for token in _known_tokens():
        _sessions.sign_out(token)
    st.session_state.clear()
    if at_provider:
        st.logout()


def token_for_cookie() -> str:
    """The visit's token if the browser has no cookie for it yet, or else an empty string."""
    token, known = _token_of_visit(), _known_tokens()
    return token if token in known and st.context.cookies.get(COOKIE) not in known else ""


def _known_tokens() -> list[str]:
    """This visit's valid tokens: from the form, and from the browser's cookie."""
    stored = password_hash()
    given: list[Any] = [_token_of_visit(), st.context.cookies.get(COOKIE)] if stored else []
    return [token for token in given if isinstance(token, str) and _sessions.is_signed_in(token, stored)]


def _token_of_visit() -> str:
    """The token from the form, valid for one connection only: a session id, which is in logs, can be taken over."""
    match st.session_state.get(_TOKEN):
        case (str(connection), str(token)) if connection == _connection():
            return token
    return ""


def _connection() -> str:
    """The random key of the websocket's handshake."""
    return str(st.context.headers.get("Sec-Websocket-Key", ""))


# --- outside of Streamlit's runs -------------------------------------------------------


def routes() -> list[Route]:
    """The routes, below the server's configured base path."""
    base = st.get_option("server.baseUrlPath").strip("/")
    prefix = f"/{base}/" if base else "/"
    return [Route(prefix + COOKIE_ROUTE, _set_cookie, methods=["POST"])]


async def _set_cookie(request: Request) -> Response:
    """Set the cookie for a valid token."""
    length = request.headers.get("content-length", "")
    is_short = length.isdigit() and int(length) <= _LONGEST_TOKEN
    token = (await request.body()).decode("ascii", "replace") if is_short else ""
    if not permissions.is_demo() or not _sessions.is_signed_in(token, password_hash()):
        return PlainTextResponse("Nobody is signed in by this.", 403)
    response = Response(status_code=204)
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0].strip()
    path = request.url.path.removesuffix(COOKIE_ROUTE)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_SECONDS),
        path=path,
        httponly=True,
        samesite="strict",
        secure=scheme == "https",
    )
    return response


class OperatorsUpload:
    """Middleware: only visits of operators may upload to a demo. Streamlit alone accepts uploads from any visit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "OPTIONS" and _UPLOADS in scope["path"]:
            visit = scope["path"].partition(_UPLOADS)[2].partition("/")[0]
            if visit not in _visits_of_operators and permissions.is_demo():
                await PlainTextResponse("Only this demo’s operators may upload files.", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
