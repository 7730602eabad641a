"""Salted password hashes: `scrypt:N:R:P:SALT:HASH`, salt and hash in URL-safe base64.

The function is scrypt (RFC 7914) from the standard library; each hash holds its own parameters. The text has no
character that a shell, TOML or a compose file would interpret.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from extexify.core.errors import UserError

MIN_PASSWORD, MAX_PASSWORD = 12, 1000
"""Length of a password in characters."""

_N, _R, _P = 2**15, 8, 3  # OWASP's Password Storage Cheat Sheet, its choice with 32 MiB of memory
_MOST_MEMORY = 1 << 28  # bytes
_SALT, _LENGTH = 16, 32  # bytes


class PasswordError(UserError, ValueError):
    """A password or hash that can't be used; the message holds neither."""


def hash_password(password: str) -> str:
    """Hash a password. Raises `PasswordError` if it is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PasswordError(
            f"a password must have {MIN_PASSWORD} to {MAX_PASSWORD:,} characters, not {len(password):,}"
        )
    salt = secrets.token_bytes(_SALT)
    return f"scrypt:{_N}:{_R}:{_P}:{_text(salt)}:{_text(_derive(password, salt, _N, _R, _P, _LENGTH))}"


def check_hash(stored: str) -> None:
    """Raise `PasswordError` unless `stored` is a usable hash."""
    _parts(stored)


def is_password(password: str, stored: str) -> bool:
    """Whether `stored` is the hash of `password`, compared in constant time. Raises `PasswordError`."""
    n, r, p, salt, expected = _parts(stored)
    if len(password) > MAX_PASSWORD:
        return False
    return hmac.compare_digest(_derive(password, salt, n, r, p, len(expected)), expected)


def _derive(password: str, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=2 * _MOST_MEMORY, dklen=length)


def _parts(stored: str) -> tuple[int, int, int, bytes, bytes]:
    try:
        name, *numbers, salt, expected = stored.split(":")
        n, r, p = map(int, numbers)
        parts = n, r, p, _bytes(salt), _bytes(expected)
        good = name == "scrypt" and n > 1 and n & (n - 1) == 0 and r > 0 and 0 < p <= 64 and 128 * n * r <= _MOST_MEMORY
    except ValueError:
        good = False
    if not good or len(parts[3]) < _SALT or not _LENGTH <= len(parts[4]) <= 64:
        raise PasswordError("the password's hash is damaged: make a new one with `python -m extexify hash-password`")
    return parts


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
