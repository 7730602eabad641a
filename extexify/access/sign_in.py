"""Signing in to a demo with its password: limited attempts, and who is signed in, both in the server's memory.

A restart of the server signs everybody out. With several servers each knows its own operators, so a browser has to
come back to the same one, as Streamlit's own sessions need it anyway.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock

from extexify.access.passwords import is_password

VISIT_ATTEMPTS, VISIT_SECONDS = 5, 900.0
"""Wrong passwords that one visit may give, and the time in which they count."""

ALL_ATTEMPTS, ALL_SECONDS = 10, 60.0
"""Wrong passwords that all visits together may give, and the time in which they count: 14,400 a day."""

LASTS = 12 * 3600.0
"""Seconds until an operator has to sign in again."""

_VISITS, _OPERATORS = 1000, 100


class Refused(ValueError):
    """Nobody was signed in; the message is one sentence."""


class Doorkeeper:
    """Lets operators in. All methods may be called from several threads at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._one_at_a_time = Lock()
        self._wrong: deque[float] = deque()
        self._wrong_of: OrderedDict[str, deque[float]] = OrderedDict()
        self._operators: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def admit(self, password: str, stored: str, visit: str) -> str:
        """Compare a password with the stored hash; returns a token that shows from now on who is asking.

        `visit` is what the server calls the visit. Raises `Refused` for a wrong password or too many attempts,
        `PasswordError` for a damaged hash.
        """
        attempt = self._begin(visit)
        # One at a time: each takes a core and 32 MiB for a moment.
        with self._one_at_a_time:
            right = is_password(password, stored)
        if not right:
            raise Refused("this is not the password")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._take_back(attempt, visit)
            self._operators[_digest(token)] = self._clock() + LASTS, _digest(stored)
            while len(self._operators) > _OPERATORS:
                self._operators.popitem(last=False)
        return token

    def knows(self, token: str, stored: str) -> bool:
        """Whether a token is an operator's who signed in with the password that still counts, not too long ago."""
        with self._lock:
            until, password = self._operators.get(_digest(token), (0.0, ""))
        return bool(password) and self._clock() < until and password == _digest(stored)

    def dismiss(self, token: str) -> None:
        """Sign out whoever has this token."""
        with self._lock:
            self._operators.pop(_digest(token), None)

    def _begin(self, visit: str) -> float:
        """Count an attempt as wrong before it is looked at, or else many at once would count as one."""
        now = self._clock()
        with self._lock:
            mine = self._wrong_of.setdefault(visit, deque())
            _forget(self._wrong, now - ALL_SECONDS)
            _forget(mine, now - VISIT_SECONDS)
            if len(mine) >= VISIT_ATTEMPTS:
                raise Refused(f"too many wrong passwords: try again in {_minutes(mine[0] + VISIT_SECONDS - now)}")
            if len(self._wrong) >= ALL_ATTEMPTS:
                raise Refused("too many people are trying passwords: try again in a minute")
            self._wrong.append(now)
            mine.append(now)
            self._wrong_of.move_to_end(visit)
            while len(self._wrong_of) > _VISITS:
                self._wrong_of.popitem(last=False)
        return now

    def _take_back(self, attempt: float, visit: str) -> None:
        for counted in (self._wrong, self._wrong_of.get(visit, deque())):
            if attempt in counted:
                counted.remove(attempt)


def _digest(text: str) -> str:
    """What is kept of a secret: looking this up takes a time that tells nothing about the secret."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _forget(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()


def _minutes(seconds: float) -> str:
    count = max(1, round(seconds / 60))
    return "a minute" if count == 1 else f"{count} minutes"
