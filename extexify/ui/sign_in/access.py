"""Who is signed in to a public demo: by its password, or by a provider (`st.login`) as one of its operators.

A browser that signed in by password gets a cookie, so that it needn't do so again in another tab or after a reload;
where a host lets no such cookie through (Streamlit Community Cloud), signing in lasts as long as the visit.
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
from extexify.access.permissions import NotPermitted
from extexify.access.sign_in import SESSION_SECONDS, OperatorSessions
from extexify.core import settings
from extexify.workspace.paths import moderation_file

COOKIE = "extexify_operator"
"""The cookie that holds an operator's token; no script of a page can read it."""

COOKIE_ROUTE = "operator/cookie"
"""Where a page has the cookie set, relative to any page's address."""

_TOKEN = "operator-token"
_UPLOADS = "/_stcore/upload_file/"
_LONGEST_TOKEN = 200

_sessions = OperatorSessions()
_visits_of_operators: set[str] = set()
"""Streamlit's ids of visits that were an operator's when they were last asked."""


def prepare() -> None:
    """To be called at the server's start: ends it, saying why, when the settings of a demo leave a door open."""
    try:
        if settings.is_on(settings.DEMO):
            _check_settings()
            permissions.fix_demo_mode()
    except ValueError as error:
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
    """The hash of the operators' password; empty without one."""
    return settings.value_of(settings.PASSWORD_HASH)


def providers() -> list[str]:
    """The names of the OIDC providers in the secrets; the one without a name is `default`."""
    section = settings.secrets().get("auth")
    if not isinstance(section, dict):
        return []
    named = [name for name, part in section.items() if isinstance(part, dict) and "client_id" in part]
    return (["default"] if "client_id" in section else []) + named


def can_sign_in() -> bool:
    """Whether there is any way to sign in."""
    return bool(password_hash() or providers())


def has_moderation() -> bool:
    """Whether there is a moderation list to look at: in a demo, and afterwards as long as its file is there."""
    return permissions.is_demo() or moderation_file().exists()


def is_signed_in() -> bool:
    """Whether the visit on whose behalf this thread runs is an operator's; without a visit nobody is."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return False
    signed_in = bool(_known_tokens() or operator_address())
    # Streamlit takes uploads outside of any visit's run.
    (_visits_of_operators.add if signed_in else _visits_of_operators.discard)(context.session_id)
    return signed_in


def operator_address() -> str:
    """The verified e-mail address by which an operator is signed in at a provider; empty for anybody else."""
    address = provider_address()
    # A provider that doesn't check addresses lets everybody claim any.
    verified = address and st.user.get("email_verified") in (True, "true")
    return address if verified and is_operators(address) else ""


def is_operators(address: str) -> bool:
    """Whether an e-mail address is among those that the settings name."""
    return address.casefold() in {name.casefold() for name in settings.names_of(settings.OPERATORS)}


def provider_address() -> str:
    """The address, of an operator or not, that a provider gave for this visit; empty without any."""
    address = st.user.get("email") if providers() and st.user.get("is_logged_in") is True else None
    return address if isinstance(address, str) else ""


def sign_in(password: str) -> None:
    """Sign this visit in. Raises `SignInRefused` or `PasswordError`, each with one sentence."""
    context = get_script_run_ctx(suppress_warning=True)
    visit = context.session_id if context else ""
    st.session_state[_TOKEN] = _connection(), _sessions.sign_in(password, password_hash(), visit)


def sign_out() -> None:
    """Sign this visit and, where a cookie signed it in, its browser out; the visit begins anew."""
    at_provider = bool(provider_address())
    for token in _known_tokens():
        _sessions.sign_out(token)
    st.session_state.clear()
    if at_provider:
        st.logout()


def token_for_cookie() -> str:
    """The token that the browser has no cookie with yet; empty when there is nothing to keep."""
    token, known = _token_of_visit(), _known_tokens()
    return token if token in known and st.context.cookies.get(COOKIE) not in known else ""


def _known_tokens() -> list[str]:
    """The tokens of this visit by which it is signed in: from the form, and from the browser's cookie."""
    stored = password_hash()
    given: list[Any] = [_token_of_visit(), st.context.cookies.get(COOKIE)] if stored else []
    return [token for token in given if isinstance(token, str) and _sessions.is_signed_in(token, stored)]


def _token_of_visit() -> str:
    """The token from the form. Whoever takes up a visit by its id, which stands in logs, has another connection."""
    match st.session_state.get(_TOKEN):
        case (str(connection), str(token)) if connection == _connection():
            return token
    return ""


def _connection() -> str:
    """What is random and new in each websocket's handshake."""
    return str(st.context.headers.get("Sec-Websocket-Key", ""))


def explain(error: Exception) -> bool:
    """Say on the page in one sentence why an action wasn't permitted; False for any other error."""
    if not isinstance(error, NotPermitted):
        return False
    st.error("Only this demo’s operators may do this. Sign in first.", icon=":material/lock:")
    return True


# --- what doesn't go through Streamlit's runs -------------------------------------------------------


def routes() -> list[Route]:
    """The routes to serve, below the address that the server is configured for."""
    base = st.get_option("server.baseUrlPath").strip("/")
    prefix = f"/{base}/" if base else "/"
    return [Route(prefix + COOKIE_ROUTE, _set_cookie, methods=["POST"])]


async def _set_cookie(request: Request) -> Response:
    """Have a browser keep a token that its visit was given."""
    length = request.headers.get("content-length", "")
    is_short = length.isdigit() and int(length) <= _LONGEST_TOKEN
    token = (await request.body()).decode("ascii", "replace") if is_short else ""
    if not permissions.is_demo() or not _sessions.is_signed_in(token, password_hash()):
        return PlainTextResponse("Nobody is signed in by this.", 403)
    response = Response(status_code=204)
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0].strip()
    path = request.url.path.removesuffix(COOKIE_ROUTE)
    response.set_cookie(
        COOKIE, token, max_age=int(SESSION_SECONDS), path=path, httponly=True, samesite="strict",
        secure=scheme == "https",
    )  # fmt: skip
    return response


class OperatorsUpload:
    """Middleware: takes files in a demo from visits of its operators only. Streamlit takes them from any visit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "OPTIONS" and _UPLOADS in scope["path"]:
            visit = scope["path"].partition(_UPLOADS)[2].partition("/")[0]
            if visit not in _visits_of_operators and permissions.is_demo():
                await PlainTextResponse("Only this demo’s operators may upload files.", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
