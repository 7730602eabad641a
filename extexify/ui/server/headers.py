"""Middleware that adds security headers to every answer of the server.

The Content-Security-Policy is as tight as Streamlit's pages allow: their styles are inline, components of version 2 are
modules from blob: addresses, pictures are data: addresses, and the offline page compiles WebAssembly.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extexify.core import settings
from extexify.ui.server.origins import hostname_of

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # The address of a page holds the drawing.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def policy(host: str, frames: Sequence[str], scripts: Sequence[str]) -> str:
    """The Content-Security-Policy of a page of `host` (the header).

    frames are the origins that may embed the page, scripts the sources of inline scripts. The pages' websocket is named
    in full: not every browser counts it as 'self'.
    """
    sockets = f" ws://{host} wss://{host}" if hostname_of(host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' blob: 'wasm-unsafe-eval'", *scripts)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' data: blob:{sockets}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            " ".join(("frame-ancestors 'self'", *frames)),
        )
    )


def inline_scripts() -> tuple[str, ...]:
    """The hashes, as policies name them, of the inline scripts in Streamlit's page."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text("utf-8")
    return tuple(
        f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    )


class SecurityHeaders:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._frames = settings.names_of(settings.FRAMES)
        self._scripts = inline_scripts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # A route may have a tighter policy of its own: browsers then apply both.
                headers.append("Content-Security-Policy", policy(host, self._frames, self._scripts))
            await send(message)

        await self._app(scope, receive, send_with_headers)
