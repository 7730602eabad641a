"""Middleware that limits the websockets a client address may have open at a time.

Each one is a visit, which takes memory, and can hold a message of up to `server.maxMessageSize` that isn't whole yet.
"""

from __future__ import annotations

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from extexify.access.limits import address_key
from extexify.core import settings


class ConnectionLimit:
    """The middleware. A websocket beyond the limit gets the status 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limit = settings.count_of(settings.CONNECTION_LIMIT)
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        client = address_key((scope["client"] or ("",))[0])
        if self._open[client] >= self._limit:
            await send({"type": "websocket.close", "code": 1013})  # try again later (IANA's registry of RFC 6455)
            return
        self._open[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
