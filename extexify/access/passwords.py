"""A password that is kept as a salted hash: `scrypt:N:R:P:SALT:HASH`, the last two in URL-safe base64.

The function is scrypt (RFC 7914) from the standard library, and each hash holds its own parameters. The text has no
character that a shell, TOML or compose file would read as its own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

SHORTEST, LONGEST = 12, 1000
"""Characters of a password."""

_N, _R, _P = 2**15, 8, 3  # what OWASP's cheat sheet on storing passwords asks for with 32 MiB
_MOST_MEMORY = 1 << 28  # bytes
_SALT, _LENGTH = 16, 32  # bytes


class PasswordError(ValueError):
    """A password or hash that can't be used; the message is one sentence without either."""


def hash_password(password: str) -> str:
    """The hash to keep in place of a password. Raises `PasswordError` for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(f"a password must have {SHORTEST} to {LONGEST:,} characters, not {len(password):,}")
    salt = secrets.token_bytes(_SALT)
    return f"scrypt:{_N}:{_R}:{_P}:{_text(salt)}:{_text(_derive(password, salt, _N, _R, _P, _LENGTH))}"


def check_hash(stored: str) -> None:
    """Raise `PasswordError` unless `stored` is a hash that a password can be compared with."""
    _parts(stored)


def is_password(password: str, stored: str) -> bool:
    """Whether a hash is the password's, in a time that tells nothing about either. Raises `PasswordError`."""
    n, r, p, salt, expected = _parts(stored)
    return len(password) <= LONGEST and hmac.compare_digest(_derive(password, salt, n, r, p, len(expected)), expected)


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
