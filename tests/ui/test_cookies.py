"""Which cookies reach Streamlit."""

from __future__ import annotations

import pytest
from starlette.types import Receive, Scope, Send

from extexify.ui.server.cookies import PlainCookies
from tools.visitor import run_apart


def passed(kind: str, *headers: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers that arrive of those of a request."""
    arrived: list[tuple[bytes, bytes]] = []

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.extend(scope["headers"])

    async def nothing(*_: object) -> None: ...

    run_apart(PlainCookies(streamlit)({"type": kind, "headers": list(headers)}, nothing, nothing))  # type: ignore[arg-type]
    return arrived


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_cookies_with_a_backslash_are_left_out(kind: str) -> None:
    others = (b"user-agent", b"\\"), (b"cookie", b"_streamlit_xsrf=2|ab; extexify_operator=x")
    assert passed(kind, *others) == list(others)
    escaped = b'a="' + b"\\" * 1000 + b'"; b=1;c="\\054"; d="x"'
    assert passed(kind, (b"cookie", escaped), others[0]) == [(b"cookie", b' b=1; d="x"'), others[0]]


def test_the_start_of_the_server_has_no_headers() -> None:
    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope == {"type": "lifespan"}

    async def nothing(*_: object) -> None: ...

    run_apart(PlainCookies(server)({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type]
