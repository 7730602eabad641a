"""Sign-in to a demo with its password: rate limits and operators' sessions, both in the server's memory.

A restart of the server ends all sessions. With several servers a browser must return to the same one, which
Streamlit's own sessions need, too.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock

from extexify.access.passwords import is_password
from extexify.core.errors import UserError

VISIT_ATTEMPTS, VISIT_SECONDS = 5, 900.0
"""Limit of wrong passwords of one visit, and the window in which they count."""

ALL_ATTEMPTS, ALL_SECONDS = 10, 60.0
"""Limit of wrong passwords of all visits together, and the window in which they count: 14,400 a day."""

SESSION_SECONDS = 12 * 3600.0
"""Length of a session."""

_VISITS, _OPERATORS = 1000, 100


class SignInRefused(UserError, ValueError):
    """Wrong password, or too many attempts."""


class OperatorSessions:
    """Signs operators in and out. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._hashing = Lock()
        self._wrong: deque[float] = deque()
        self._wrong_by_visit: OrderedDict[str, deque[float]] = OrderedDict()
        self._operators: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def sign_in(self, password: str, stored: str, visit: str) -> str:
        """Compare a password with the stored hash; returns the session's token.

        `visit` identifies the visit to the server. Raises `SignInRefused` for a wrong password or too many attempts,
        `PasswordError` for a damaged hash.
        """
        attempt = self._begin(visit)
        # One at a time: each hash takes a core and 32 MiB for a moment.
        with self._hashing:
            right = is_password(password, stored)
        if not right:
            raise SignInRefused("this is not the password")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._take_back(attempt, visit)
            self._operators[_digest(token)] = self._clock() + SESSION_SECONDS, _digest(stored)
            while len(self._operators) > _OPERATORS:
                self._operators.popitem(last=False)
        return token

    def is_signed_in(self, token: str, stored: str) -> bool:
        """Whether a token's session has not expired and was opened with the present password."""
        with self._lock:
            until, password = self._operators.get(_digest(token), (0.0, ""))
        return bool(password) and self._clock() < until and password == _digest(stored)

    def sign_out(self, token: str) -> None:
        """End a token's session."""
        with self._lock:
            self._operators.pop(_digest(token), None)

    def _begin(self, visit: str) -> float:
        """Count an attempt as wrong before it is checked: attempts at the same time count, too."""
        now = self._clock()
        with self._lock:
            own = self._wrong_by_visit.setdefault(visit, deque())
            _discard_before(self._wrong, now - ALL_SECONDS)
            _discard_before(own, now - VISIT_SECONDS)
            if len(own) >= VISIT_ATTEMPTS:
                raise SignInRefused(f"too many wrong passwords: try again in {_minutes(own[0] + VISIT_SECONDS - now)}")
            if len(self._wrong) >= ALL_ATTEMPTS:
                raise SignInRefused("too many people are trying passwords: try again in a minute")
            self._wrong.append(now)
            own.append(now)
            self._wrong_by_visit.move_to_end(visit)
            while len(self._wrong_by_visit) > _VISITS:
                self._wrong_by_visit.popitem(last=False)
        return now

    def _take_back(self, attempt: float, visit: str) -> None:
        for counted in (self._wrong, self._wrong_by_visit.get(visit, deque())):
            if attempt in counted:
                counted.remove(attempt)


def _digest(text: str) -> str:
    """Hash of a token or stored password: looking it up in a dict leaks nothing about the secret by its time."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _discard_before(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()


def _minutes(seconds: float) -> str:
    count = max(1, round(seconds / 60))
    return "a minute" if count == 1 else f"{count} minutes"
