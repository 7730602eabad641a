"""What the browser fetches for a shared drawing: pictures of it as files, and the QR code of its link.

All of it follows from the address, so nothing is kept, and nothing goes through Streamlit's reruns.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from extexify.drawing.link import LINK, MAX_QR_LINK, decode, open_link

PNG, SVG, QR = "share/drawing.png", "share/drawing.svg", "share/qr.svg"
"""Where they are, relative to the Draw page's address."""

_HEADERS = {
    # The same address always gives the same file.
    "Cache-Control": "public, max-age=86400",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[Route]:
    """The routes to serve, below the address that the server is configured for."""
    base = st.get_option("server.baseUrlPath").strip("/")
    prefix = f"/{base}/" if base else "/"
    handlers = {PNG: _answering(_png), SVG: _answering(_svg), QR: _answering(_qr)}
    return [Route(prefix + address, handler) for address, handler in handlers.items()]


def _answering(make: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """A handler that answers 400 with the sentence where there is no drawing to make a file of.

    It is a plain function, so that it runs in a thread and not in the server's event loop.
    """

    def handle(request: Request) -> Response:
        try:
            return make(request)
        except ValueError as error:
            return PlainTextResponse(f"No file: {error}.", 400)

    return handle


# What makes the files is imported when the first is asked for: the page shows without it.
def _png(request: Request) -> Response:
    from extexify.drawing.pictures import drawing_png

    drawing = decode(request.query_params.get(LINK, ""))
    return Response(drawing_png(drawing), media_type="image/png", headers=_HEADERS)


def _svg(request: Request) -> Response:
    from extexify.drawing.pictures import drawing_svg

    drawing = decode(request.query_params.get(LINK, ""))
    return Response(drawing_svg(drawing), media_type="image/svg+xml", headers=_HEADERS)


def _qr(request: Request) -> Response:
    """The code of a link to a drawing, and of nothing else: whoever scans it trusts where it came from."""
    from extexify.drawing.pictures import qr_svg

    link = request.query_params.get("link", "")[: MAX_QR_LINK + 1]
    if not link.startswith(("http://", "https://")):
        raise ValueError("a QR code needs the full address of a drawing")
    open_link(link)
    return Response(qr_svg(link), media_type="image/svg+xml", headers=_HEADERS)
