"""Sign-in to a demo: limits on password attempts, operators' sessions, and cookies of known devices.

Sessions and attempts are in the server's memory. A restart of the server ends all sessions. With several servers a
browser must return to the same one, which Streamlit's own sessions need, too.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from extexify.access.limits import RateLimiter, wait_text
from extexify.access.passwords import is_password
from extexify.core.errors import UserError

VISIT_ATTEMPTS, ADDRESS_ATTEMPTS, ATTEMPT_SECONDS = 5, 10, 900.0
"""Limits of wrong passwords of one visit (or known device) and of one address, and the window in which they count."""

ALL_ATTEMPTS, ALL_SECONDS = 60, 60.0
"""Limit of wrong passwords of all unknown devices together, and its window: it bounds the time for hashing."""

SESSION_SECONDS = 12 * 3600.0
"""Length of a session."""

_SESSIONS = 1000
_EVERYBODY = "everybody"


class SignInRefused(UserError, ValueError):
    """Wrong password, or too many attempts."""


@dataclass(frozen=True, slots=True)
class _Session:
    """A session: when it ends, and the digest of the password or the e-mail address that opened it."""

    until: float
    password: str = ""
    address: str = ""


class OperatorSessions:
    """Signs operators in and out. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._hashing, self._hashing_for_devices = Lock(), Lock()
        self._by_visit = RateLimiter(ATTEMPT_SECONDS, clock=clock)
        self._by_address = RateLimiter(ATTEMPT_SECONDS, clock=clock)
        self._by_device = RateLimiter(ATTEMPT_SECONDS, clock=clock)
        self._together = RateLimiter(ALL_SECONDS, clock=clock)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def sign_in(self, password: str, stored: str, *, visit: str, address: str, device: str = "") -> str:
        """Compare a password with the stored hash; returns the session's token.

        `visit` identifies the visit to the server, `address` is the key of the client's address, `device` the
        browser's cookie of a known device, if it has one. Raises `SignInRefused` for a wrong password or too many
        attempts, `PasswordError` for a damaged hash.
        """
        is_known = is_device(device, stored)
        if is_known:
            limits = [(self._by_device, device, VISIT_ATTEMPTS, "too many wrong passwords")]
        else:
            limits = [
                (self._by_visit, visit, VISIT_ATTEMPTS, "too many wrong passwords"),
                (self._by_address, address, ADDRESS_ATTEMPTS, "too many wrong passwords from your network"),
                (self._together, _EVERYBODY, ALL_ATTEMPTS, "too many people are trying passwords"),
            ]
        # Counted as wrong before it is checked: attempts at the same time count, too.
        taken: list[tuple[RateLimiter, str]] = []
        for limiter, key, limit, reason in limits:
            if wait := limiter.take(key, limit):
                _give_back(taken)
                raise SignInRefused(f"{reason}: try again in {wait_text(wait)}")
            taken.append((limiter, key))
        # One at a time, because each takes a core and 32 MiB for a moment; known devices don't wait for the others.
        with self._hashing_for_devices if is_known else self._hashing:
            right = is_password(password, stored)
        if not right:
            raise SignInRefused("this is not the password")
        _give_back(taken)
        return self._open(password=_digest(stored))

    def admit(self, address: str) -> str:
        """Open a session for an operator whose e-mail address a provider has verified; returns its token."""
        return self._open(address=address)

    def is_signed_in(self, token: str, stored: str) -> bool:
        """Whether a token's session has not expired and was opened with the present password."""
        session = self._find(token)
        return session is not None and bool(session.password) and session.password == _digest(stored)

    def address_of(self, token: str) -> str:
        """The address of a token's session, or an empty string if it has expired or was opened with a password."""
        session = self._find(token)
        return session.address if session is not None else ""

    def sign_out(self, token: str) -> None:
        """End a token's session."""
        with self._lock:
            self._sessions.pop(_digest(token), None)

    def _open(self, *, password: str = "", address: str = "") -> str:
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_digest(token)] = _Session(self._clock() + SESSION_SECONDS, password, address)
            if len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
        return token

    def _find(self, token: str) -> _Session | None:
        with self._lock:
            session = self._sessions.get(_digest(token))
        return session if session is not None and self._clock() < session.until else None


def new_device(stored: str) -> str:
    """The cookie of a device that has signed in: a random id and its HMAC, keyed by the password's hash.

    Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies". It is valid as long as the password, needs
    no storage, and permits nothing but attempts that other people's wrong passwords don't hold up.
    """
    identifier = secrets.token_urlsafe(16)
    return f"{identifier}.{_signature(identifier, stored)}"


def is_device(cookie: str, stored: str) -> bool:
    """Whether a cookie is one of `new_device` for the present password."""
    identifier, _, signature = cookie.partition(".")
    expected = _signature(identifier, stored)
    return bool(stored) and hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())


def _signature(identifier: str, stored: str) -> str:
    message = f"extexify device {identifier}".encode("utf-8", "replace")
    return hmac.new(stored.encode("utf-8", "replace"), message, hashlib.sha256).hexdigest()


def _give_back(taken: list[tuple[RateLimiter, str]]) -> None:
    for limiter, key in taken:
        limiter.give_back(key)


def _digest(text: str) -> str:
    """Hash of a token or stored password: looking it up in a dict leaks nothing about the secret by its time."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
