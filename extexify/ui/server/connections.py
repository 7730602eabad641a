"""Middleware of a public demo: how many websockets a client address may have open, and how fast each may send.

A websocket is a visit, which takes memory, and can hold an incomplete message of up to `server.maxMessageSize`. A
message has the server run a page. Visits that send faster than people draw are made to wait, which leaves the processor
to others: the server receives no more of a connection until its last message has been taken. All visits that have to
wait share what one of them may send, so that many are no worse than one. How many connections an address opens one
after the other is limited, too, and the more it opens, the less each may send before it has to wait.
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

OPENING = 4.0
"""Units of a connection's first message, in addition: the whole page runs for it."""

SHARED_RATE = 8.0
"""Units a second that all visits which have used up their own may send together."""

SECONDS = 60.0
"""The time in which an address may open twice as many connections as it may have open."""


class Bucket:
    """A token bucket that may be overdrawn: units are paid for at once, and waited for afterwards."""

    def __init__(self, rate: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Fill it with `most` units; `rate` units a second are added up to as many."""
        self._rate, self._most, self._clock = rate, most, clock
        self._units, self._since = most, clock()

    def take(self, units: float) -> float:
        """Take units; returns the seconds until they are there."""
        now = self._clock()
        self._units = min(self._most, self._units + (now - self._since) * self._rate) - units
        self._since = now
        return max(0.0, -self._units / self._rate)


class Pace:
    """How long to wait before each message of a connection is taken."""

    def __init__(self, shared: Bucket, opened: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`shared` is the bucket of all visits that have to wait.

        opened: connections that the address has opened in the last `SECONDS`, as a share of its limit of open ones.
        """
        self._own = Bucket(RATE, BURST / (1 + 4 * opened), clock)
        self._own.take(OPENING)
        self._shared = shared

    def wait(self, size: int) -> float:
        """The seconds to wait for a message of `size` bytes, which is then paid for."""
        units = 1 + size / UNIT
        seconds = self._own.take(units)
        return max(seconds, self._shared.take(units)) if seconds else 0.0


class DemoLimits:
    """The middleware. A websocket beyond the limit of its address gets the status 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limit = settings.count_of(settings.CONNECTION_LIMIT)
        self._open: Counter[str] = Counter()
        self._opened = RateLimiter(SECONDS)
        self._shared = Bucket(SHARED_RATE, 0.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or not permissions.is_demo():
            await self._app(scope, receive, send)
            return
        client = address_key((scope["client"] or ("",))[0])
        if self._open[client] >= self._limit or self._opened.take(client, 2 * self._limit):
            await send({"type": "websocket.close", "code": 1013})  # try again later (IANA's registry of RFC 6455)
            return
        pace = Pace(self._shared, self._opened.count(client) / self._limit)

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
