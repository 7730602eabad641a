"""Middleware of a public demo: how many websockets a client address may have open, and how fast each may send.

A websocket is a visit, which takes memory, and can hold an incomplete message of up to `server.maxMessageSize`. A
message has the server run a page. Visits that send faster than people draw are made to wait, which leaves the processor
to others: the server receives no more of a connection until its last message has been taken. How many connections an
address opens one after the other is limited, too.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extexify.access import permissions
from extexify.access.limits import RateLimiter, address_key
from extexify.core import settings

RATE, BURST = 4.0, 60.0
"""Units a second that a visit may send for long, and at once. A person draws one or two strokes a second."""

UNIT = 25_000
"""Bytes: a message counts as one unit, and one more for each of these. A drawing of three strokes has about 20,000."""


SECONDS = 60.0
"""The time in which an address may open twice as many connections as it may have open."""


class Pace:
    """A token bucket: how long to wait before each message of a connection is taken."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._units, self._since = BURST, clock()

    def wait(self, size: int) -> float:
        """The seconds to wait for a message of `size` bytes, which is then paid for."""
        now = self._clock()
        self._units = min(BURST, self._units + (now - self._since) * RATE) - 1 - size / UNIT
        self._since = now
        return max(0.0, -self._units / RATE)


class DemoLimits:
    """The middleware. A websocket beyond the limit of its address gets the status 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limit = settings.count_of(settings.CONNECTION_LIMIT)
        self._open: Counter[str] = Counter()
        self._opened = RateLimiter(SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or not permissions.is_demo():
            await self._app(scope, receive, send)
            return
        client = address_key((scope["client"] or ("",))[0])
        if self._open[client] >= self._limit or self._opened.take(client, 2 * self._limit):
            await send({"type": "websocket.close", "code": 1013})  # try again later (IANA's registry of RFC 6455)
            return
        pace = Pace()

        async def receive_paced() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                await asyncio.sleep(pace.wait(len(message.get("bytes") or message.get("text") or b"")))
            return message

        self._open[client] += 1
        try:
            await self._app(scope, receive_paced, send)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
