"""Hostile texts, numbers, JSON values and bytes, made with a `random.Random` (in the tests one of hypothesis's)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

TEXTS = (
    "", " ", "a", "alpha", "latex2e-OT1-_alpha", "amssymb-OT1-_mathfrak{C}", "train", "é", "数", "𝔸", "\u0301",
    "\ufeff",
    # HTML and scripts
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "</style><script>alert(1)</script>",
    '"><svg onload=a()>', "'-alert(1)-'", "&lt;b&gt;", "javascript:alert(1)", "<!--", "]]>",
    # Markdown and LaTeX
    "**b** _i_ `c`", "[x](javascript:alert(1))", "![x](http://example.org/x.png)", ":red[x]", ":material/delete:",
    "www.example.org", "http://example.org", "a@example.org", "# x", "- x", "1. x", "a\n===", "$x^2$", "a -> b",
    r"x-OT1-_input{/etc/passwd}", r"\immediate\write18{ls}", r"x}\input{y}%-OT1-_a", "^^5cinput", "%", "\\",
    # paths
    "..", ".", "/", "../../etc/passwd", "..\\..\\x", "/etc/passwd", "/dev/zero", "~", "~nobody/x", "C:\\x", "CON",
    "a/b", ".hidden", "-rf", "a\0b", "x" * 300, "x/" * 3000, "name.onnx", "%2e%2e%2f", "\\\\host\\share",
    # SQL, format strings, shells
    "'; DROP TABLE samples; --", '" OR 1=1 --', "\\N", "\\.", "%s%n%d", "{0.__class__}", "${HOME}", "$(ls)", "`ls`",
    "|ls",
    # what terminals and readers obey
    "\x1b[2J\x1b]0;x\x07", "\u202eevil", "\u2066a\u2069", "\u200b", "\r\n", "\t", "\x00", "\x7f", "\x85", "\u2028",
    # no text at all
    "\ud800", "\udcff", "a\udfff",
    # numbers as texts
    "nan", "inf", "-1", "1e400", "9" * 5000, "0x10", "１", "true", "null",
)  # fmt: skip

WHOLE = (
    0, 1, 2, 3, 7, 48, 255, 256, 1000, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 10**30,
    10**400, -1, -2, -(2**31), -(2**63), -(10**400), 10**4000,
)  # fmt: skip

BROKEN = (
    0.0, -0.0, 0.5, 1.5, -1.5, 1e-9, 5e-324, 1e6, 1000000.5, 1e9, 1e18, 1e38, 3.5e38, 1e300, 1e308, math.inf, -math.inf,
    math.nan,
)  # fmt: skip

T = TypeVar("T")


def text(rng: Random) -> str:
    """A text: one of `TEXTS`, several of them, a long one, or any characters."""
    kind = rng.random()
    if kind < 0.75:
        return rng.choice(TEXTS)
    if kind < 0.85:
        return "".join(rng.choice(TEXTS) for _ in range(rng.randrange(4)))
    if kind < 0.9:
        return rng.choice(TEXTS)[:20] * rng.randrange(500)
    return "".join(chr(rng.randrange(rng.choice((128, 0x300, 0x3000, 0x110000)))) for _ in range(rng.randrange(20)))


def text_bytes(rng: Random) -> bytes:
    """A text as UTF-8; unpaired surrogates are the bytes that they would be."""
    return text(rng).encode("utf-8", "surrogatepass")


def number(rng: Random) -> float:
    """A number: small, huge, out of a float's range, infinite or NaN."""
    kind = rng.random()
    if kind < 0.8:
        return rng.choice(WHOLE if kind < 0.4 else BROKEN)
    return rng.randrange(-1000, 1000) if kind < 0.9 else rng.uniform(-1e7, 1e7)


def value(rng: Random, depth: int = 2) -> Any:
    """Any JSON value, with NaN and infinities."""
    kind = rng.randrange(8 if depth else 5)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind <= 4:
        return number(rng) if kind <= 2 else text(rng)
    if kind <= 6:
        return [value(rng, depth - 1) for _ in range(rng.randrange(5))]
    return {text(rng): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def changed(rng: Random, whole: Any) -> Any:
    """A JSON value like `whole` in which one thing, at any depth, is changed, left out, added or renamed."""
    kind = rng.random()
    if isinstance(whole, dict) and whole and rng.random() < 0.9:
        name = rng.choice(tuple(whole))
        if kind < 0.08:
            return {key: entry for key, entry in whole.items() if key != name}
        return {**whole, text(rng): value(rng, 1)} if kind < 0.12 else {**whole, name: changed(rng, whole[name])}
    if isinstance(whole, list) and whole and rng.random() < 0.9:
        at = rng.randrange(len(whole))
        if kind < 0.08:
            return whole[:at] + whole[at + 1 :]
        if kind < 0.14:
            return [*whole[:at], value(rng, 1), *whole[at:]]
        return (
            whole * rng.choice((0, 2, 50)) if kind < 0.17 else [*whole[:at], changed(rng, whole[at]), *whole[at + 1 :]]
        )
    if isinstance(whole, int | float) and kind < 0.6:
        return number(rng)
    return text(rng) if isinstance(whole, str) and kind < 0.7 else value(rng)


def times(rng: Random, change: Callable[[Random, T], T], whole: T, most: int = 3) -> T:
    """A value changed not at all or up to `most` times."""
    for _ in range(rng.randrange(most + 1)):
        whole = change(rng, whole)
    return whole


def json_bytes(rng: Random, whole: Any) -> bytes:
    """A value as JSON, at times with duplicate keys, deep nesting, long numbers or damage."""
    written = json.dumps(whole, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass")
    kind = rng.random()
    if kind < 0.03:
        return re.sub(rb'\{"(\w+)":', rb'{"\1": [], "\1": 1, "\1":', written, count=rng.randrange(3) + 1)
    if kind < 0.05:
        depth = rng.choice((10, 900, 2000, 50_000))
        return rng.choice((b"[", b'{"a":')) * depth + written + rng.choice((b"]", b"}", b"")) * depth
    if kind < 0.06:
        return written.replace(b"1", b"1" * rng.choice((100, 5000)), 1)
    return damaged(rng, written) if kind < 0.2 else written


def changed_json(rng: Random, whole: Any, most: int = 3) -> bytes:
    """A value changed up to `most` times, as JSON."""
    return json_bytes(rng, times(rng, changed, whole, most))


_TOKENS = (
    b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\x80", b"\n", b"\r", b"\t", b"\\", b'"',
    b"{", b"[", b"]", b"}", b",", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"\\ud800", b"\\u0000", b"\x1f\x8b\x08",
    b"PK\x03\x04",
    (2**63 - 1).to_bytes(8, "little"), (2**64 - 1).to_bytes(8, "little"), (2**31 - 1).to_bytes(4, "little"), bytes(16),
)  # fmt: skip


def damaged(rng: Random, content: bytes, tokens: Sequence[bytes] = _TOKENS) -> bytes:
    """Bytes with one to four defects: bits or bytes changed, tokens inserted, parts removed, repeated or cut off."""
    data = bytearray(content)
    for _ in range(1 + rng.randrange(4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 2:
            data[at:at] = rng.choice(tokens)
        elif kind == 3:
            token = rng.choice(tokens)
            data[at : at + len(token)] = token
        elif kind == 4:
            del data[at : at + 1 + rng.randrange(20)]
        elif kind == 5:
            data[at:at] = data[at : at + rng.randrange(200)] * (1 + rng.randrange(3))
        elif rng.random() < 0.3:
            del data[at:]
    return bytes(data)
