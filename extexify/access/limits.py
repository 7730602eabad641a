"""Rate limits: events by key in a sliding window, and the key of a client's address. In the server's memory."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Network, ip_address
from threading import Lock

_IPV6_NETWORK = 64  # bits of an IPv6 address that a provider assigns; its customer chooses the others
_UNKNOWN = "unknown"


class RateLimiter:
    """Counts the events of each key in a sliding window. Thread-safe."""

    def __init__(self, seconds: float, *, keys: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        """`seconds` is the length of the window. Of more than `keys` keys the one without events for longest goes."""
        self._seconds = seconds
        self._keys = keys
        self._clock = clock
        self._lock = Lock()
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str, limit: int) -> float:
        """Count an event unless the key has `limit` of them in the window.

        Returns 0 if it was counted, otherwise the seconds until one can be.
        """
        with self._lock:
            now = self._clock()
            self._discard_expired(now - self._seconds)
            events = self._events.get(key, deque())
            while events and events[0] <= now - self._seconds:
                events.popleft()
            if len(events) >= limit:
                return events[-limit] + self._seconds - now if limit > 0 else self._seconds
            events.append(now)
            self._events[key] = events
            self._events.move_to_end(key)
            if len(self._events) > self._keys:
                self._events.popitem(last=False)
            return 0.0

    def count(self, key: str) -> int:
        """The events of a key that are counted, of which some may be older than the window."""
        with self._lock:
            return len(self._events.get(key, ()))

    def give_back(self, key: str) -> None:
        """Discard the last counted event of a key."""
        with self._lock:
            if events := self._events.get(key):
                events.pop()
            if not events:
                self._events.pop(key, None)

    def _discard_expired(self, before: float) -> None:
        """Discard keys without events since `before`: the first ones, because a key moves to the end with an event."""
        while self._events and next(iter(self._events.values()))[-1] <= before:
            self._events.popitem(last=False)


def address_key(address: str) -> str:
    """The key of a client's address: an IPv4 address as it is, of an IPv6 address its /64 network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN
    if not isinstance(parsed, IPv4Address):
        if parsed.ipv4_mapped is None:
            return str(IPv6Network((int(parsed), _IPV6_NETWORK), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def wait_text(seconds: float) -> str:
    """A time to wait, in minutes."""
    count = max(1, round(seconds / 60))
    return "a minute" if count == 1 else f"{count} minutes"
