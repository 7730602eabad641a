"""Authentication of a public demo's operators: by its password, or by an OIDC provider (`st.login`).

After a sign-in the browser gets a cookie. Uploads and downloads need it, and with it a sign-in by password is valid in
the browser's other tabs and after a reload. Where a host lets no such cookie through (Streamlit Community Cloud), a
sign-in by password lasts as long as the visit, and no files are uploaded or downloaded.
"""

from __future__ import annotations

import sys

import streamlit as st
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from extexify.access import permissions
from extexify.access.limits import address_key
from extexify.access.passwords import check_hash
from extexify.access.sign_in import SESSION_SECONDS, OperatorSessions, is_device, new_device
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.ui.server.base_path import base_path
from extexify.workspace.paths import moderation_file

COOKIE = "extexify_operator"
"""The cookie with an operator's token; scripts cannot read it (HttpOnly)."""

DEVICE_COOKIE = "extexify_device"
"""The cookie of a browser that has signed in by password, not readable by scripts either."""

COOKIE_ROUTE = "operator/cookie"
"""The address that sets the cookies, relative to any page."""

_TOKEN = "operator-token"
_UPLOADS, _MEDIA = "/_stcore/upload_file/", "media/"
_LONGEST_TOKEN = 200
_DEVICE_SECONDS = 365 * 24 * 3600

_sessions = OperatorSessions()


def prepare() -> None:
    """Check a demo's settings at the server's start. Exits with a message when they would let anybody sign in."""
    try:
        if settings.is_on(settings.DEMO):
            _check_settings()
            permissions.fix_demo_mode()
    except UserError as error:
        sys.exit(f"extexify: error: {error}")


def _check_settings() -> None:
    for limit in (
        settings.CONNECTION_LIMIT,
        settings.VISIT_LIMIT,
        settings.ADDRESS_LIMIT,
        settings.HOUR_LIMIT,
        settings.WAITING_LIMIT,
    ):
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
    if get_script_run_ctx(suppress_warning=True) is None:
        return False
    return any(map(_is_password_session, _tokens())) or bool(operator_address())


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


def client_key() -> str:
    """The key of the visit's address, for limits. Visits on the server's own machine have one together."""
    # What uvicorn takes for the client: behind a proxy that it trusts, the address in X-Forwarded-For.
    return address_key(st.context.ip_address or "127.0.0.1")


def sign_in(password: str) -> None:
    """Sign this visit in. Raises `SignInRefused` or `PasswordError`."""
    context = get_script_run_ctx(suppress_warning=True)
    token = _sessions.sign_in(
        password,
        password_hash(),
        visit=context.session_id if context else "",
        address=client_key(),
        device=_cookie(DEVICE_COOKIE),
    )
    st.session_state[_TOKEN] = _connection(), token


def sign_out() -> None:
    """Sign out this visit, and the browser if a cookie signed it in; clears the session state."""
    at_provider = bool(provider_address())
    for token in _tokens():
        _sessions.sign_out(token)
    st.session_state.clear()
    if at_provider:
        st.logout()


def token_for_cookie() -> str:
    """The token of an operator's visit if the browser has no cookie that is as good, or else an empty string."""
    # A cookie of a provider's session signs no visit in: that of a password replaces it.
    address = operator_address()
    is_enough = _is_session if address else _is_password_session
    if is_enough(_cookie(COOKIE)):
        return ""
    token = _token_of_visit()
    if is_enough(token):
        return token
    if not address:
        return ""
    token = _sessions.admit(address)
    st.session_state[_TOKEN] = _connection(), token
    return token


def _tokens() -> list[str]:
    """This visit's tokens, valid or not: its own, and that of the browser's cookie."""
    return [_token_of_visit(), _cookie(COOKIE)]


def _cookie(name: str) -> str:
    value: object = st.context.cookies.get(name)
    return value if isinstance(value, str) else ""


def _is_session(token: str) -> bool:
    """Whether a token is of an operator's open session."""
    address = _sessions.address_of(token)
    return _is_password_session(token) or (bool(address) and bool(providers()) and is_operators(address))


def _is_password_session(token: str) -> bool:
    stored = password_hash()
    return bool(stored) and _sessions.is_signed_in(token, stored)


def _token_of_visit() -> str:
    """The visit's own token, valid for one connection only: a session id, which is in logs, can be taken over."""
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
    return [Route(f"{base_path()}/{COOKIE_ROUTE}", _set_cookies, methods=["POST"])]


async def _set_cookies(request: Request) -> Response:
    """Set the operator's cookie for a valid token, and that of the device after a sign-in by password."""
    length = request.headers.get("content-length", "")
    is_short = length.isdigit() and int(length) <= _LONGEST_TOKEN
    token = (await request.body()).decode("ascii", "replace") if is_short else ""
    if not permissions.is_demo() or not _is_session(token):
        return PlainTextResponse("Nobody is signed in by this.", 403)
    response = Response(status_code=204)
    _set_cookie(request, response, COOKIE, token, SESSION_SECONDS)
    stored = password_hash()
    if _is_password_session(token):
        device = request.cookies.get(DEVICE_COOKIE, "")
        device = device if is_device(device, stored) else new_device(stored)
        _set_cookie(request, response, DEVICE_COOKIE, device, _DEVICE_SECONDS)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, seconds: float) -> None:
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0].strip()
    response.set_cookie(
        name,
        value,
        max_age=int(seconds),
        path=request.url.path.removesuffix(COOKIE_ROUTE),
        httponly=True,
        samesite="strict",
        secure=scheme == "https",
    )


class OperatorsFiles:
    """Middleware: in a demo, uploads and media files need the operator's cookie. Streamlit checks only their address.

    Media files are what `st.download_button`, `st.image` and the like offer. Pages for visitors have none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._media = f"{base_path()}/{_MEDIA}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "OPTIONS" and self._is_file(scope["path"]):
            token = HTTPConnection(scope).cookies.get(COOKIE, "")
            if permissions.is_demo() and not _is_session(token):
                response = PlainTextResponse("Only this demo’s operators may upload and download files.", 403)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_file(self, path: str) -> bool:
        return _UPLOADS in path or path.startswith(self._media)
