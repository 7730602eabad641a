"""Middleware that leaves out cookies with a backslash, which neither the dashboard nor Streamlit sets.

Python before 3.11.10 and 3.12.6 takes quadratic time for their escapes (CVE-2024-7592): 6 s for a header of 60 kB, in
which the event loop is blocked.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class PlainCookies:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"cookie" and b"\\" in value for name, value in scope.get("headers", ())):
            headers = [(name, plain(value) if name == b"cookie" else value) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


def plain(header: bytes) -> bytes:
    """A header `Cookie` without the cookies that have a backslash."""
    return b";".join(cookie for cookie in header.split(b";") if b"\\" not in cookie)
