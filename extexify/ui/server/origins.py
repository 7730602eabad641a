"""Middleware that answers only requests for the server's own names, and websockets only of its own pages.

A page of another site can let a visitor's browser open a websocket to any server (cross-site websocket hijacking), and
can point a name of its own at 127.0.0.1 (DNS rebinding). Browsers tell both, in the headers Origin and Host. Streamlit
checks the origin, too, but asks the network for its own outside address first, in the event loop.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from extexify.core import settings

OWN = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that are always allowed: none of them can be pointed at another machine."""

ANY = "*"

_SHOWN_NAME = 100  # characters of a refused name that the answer repeats
_READING = ("GET", "HEAD", "OPTIONS")


def hostname_of(netloc: str) -> str:
    """The host of `HOST` or `HOST:PORT`, in lower case, IPv6 addresses without brackets; empty for anything else."""
    try:
        parts = urlsplit(f"//{netloc}")
        host = (parts.hostname or "").removesuffix(".")
        parts.port  # noqa: B018  (raises ValueError unless it is a number)
        if ":" in host:
            host = str(ipaddress.IPv6Address(host))
    except ValueError:
        return ""
    return host if parts.netloc == netloc and "@" not in netloc and not netloc.isspace() else ""


def is_known_host(host: str, names: Collection[str]) -> bool:
    """Whether the server is to answer under the name in a header `Host`; names are those of the setting."""
    name = hostname_of(host)
    return bool(name) and (name in OWN or ANY in names or name in names)


def is_own_origin(origin: str, host: str, names: Collection[str]) -> bool:
    """Whether a page of `origin` is the server's own: of the host that was asked for, or of a name in the setting."""
    scheme, _, netloc = origin.lower().partition("://")
    name = hostname_of(netloc)
    return scheme in ("http", "https") and bool(name) and (netloc == host.lower() or name in names)


class KnownOrigins:
    """The middleware. A websocket that it refuses gets the status 403, a request 400 or 403 and a sentence."""

    def __init__(self, app: ASGIApp, is_public: Callable[[str], bool] = lambda path: False) -> None:
        """`is_public` tells the paths that pages of the origins in `EXTEXIFY_API_ORIGINS` may send requests to."""
        self._app = app
        self._is_public = is_public
        self._asking = frozenset(settings.names_of(settings.API_ORIGINS))
        self._names = frozenset(name.lower().strip("[]") for name in settings.names_of(settings.HOSTS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        acts = scope["type"] == "websocket" or scope["method"] not in _READING
        if not is_known_host(host, self._names):
            shown = ascii(host[:_SHOWN_NAME])[1:-1]
            answer = PlainTextResponse(
                f"This server doesn't answer under the name {shown}: add it to {settings.HOSTS.name}.", 400
            )
        elif acts and origin is not None and not self._may_act(scope, origin, host):
            answer = PlainTextResponse("This server answers its own pages only.", 403)
        else:
            if scope["type"] == "websocket" and origin is not None:
                # Behind a proxy that changes the host, Streamlit would look its own address up after all.
                own = [(b"host", urlsplit(origin).netloc.encode("latin-1"))]
                scope = {**scope, "headers": [item for item in scope["headers"] if item[0] != b"host"] + own}
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # policy violation (RFC 6455)
        else:
            await answer(scope, receive, send)

    def _may_act(self, scope: Scope, origin: str, host: str) -> bool:
        """Whether a page of `origin` may send a request that isn't for reading alone."""
        if is_own_origin(origin, host, self._names):
            return True
        return scope["type"] == "http" and self._is_public(scope["path"]) and bool({origin, ANY} & self._asking)
