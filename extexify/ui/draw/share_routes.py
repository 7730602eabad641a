"""HTTP routes for a shared drawing: pictures of it as files, the QR code of its link, and the Draw page by its name.

Everything is computed from the address; nothing is stored, and Streamlit's reruns are not involved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from extexify.drawing.link import LINK_PARAMETER, MAX_QR_LINK, BadLink, decode, open_link
from extexify.ui.server.base_path import base_path

PNG, SVG, QR = "share/drawing.png", "share/drawing.svg", "share/qr.svg"
"""Addresses of the routes, relative to the Draw page."""

DRAW = "draw"
"""The Draw page's name as an address; the page itself is at the base path, where Streamlit puts the first page."""

_HEADERS = {
    # The same address always gives the same file.
    "Cache-Control": "public, max-age=86400",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[Route]:
    """The routes, below the server's configured base path."""
    handlers = {PNG: _handler(_png), SVG: _handler(_svg), QR: _handler(_qr), DRAW: _to_draw}
    return [Route(f"{base_path()}/{address}", handler) for address, handler in handlers.items()]


def _handler(make: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """A handler that answers 400 with a sentence for a bad link.

    Starlette runs it in a thread because it is a plain function, so that it doesn't block the event loop.
    """

    def handle(request: Request) -> Response:
        try:
            return make(request)
        except BadLink as error:
            return PlainTextResponse(f"No file: {error}.", 400)

    return handle


def _to_draw(request: Request) -> Response:
    """Redirect to the Draw page, with the drawing and model of the address."""
    query = request.scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{base_path()}/{'?' if query else ''}{query}")


# The modules that make the files are imported with the first request: pages don't wait for them.
def _png(request: Request) -> Response:
    from extexify.drawing.pictures import drawing_png

    drawing = decode(request.query_params.get(LINK_PARAMETER, ""))
    return Response(drawing_png(drawing), media_type="image/png", headers=_HEADERS)


def _svg(request: Request) -> Response:
    from extexify.drawing.pictures import drawing_svg

    drawing = decode(request.query_params.get(LINK_PARAMETER, ""))
    return Response(drawing_svg(drawing), media_type="image/svg+xml", headers=_HEADERS)


def _qr(request: Request) -> Response:
    """The QR code of a link to a drawing on this server, and of no other address: people who scan it trust this one."""
    from extexify.drawing.pictures import qr_svg

    link = request.query_params.get("link", "")[: MAX_QR_LINK + 1]
    if not link.startswith(("http://", "https://")):
        raise BadLink("a QR code needs the full address of a drawing")
    if len(link) > MAX_QR_LINK:
        raise BadLink(f"the link is too long for a readable QR code: {MAX_QR_LINK} characters fit")
    if not _is_own(link, request.headers.get("host", "")):
        raise BadLink("QR codes are made only for links to this server")
    open_link(link)
    return Response(qr_svg(link), media_type="image/svg+xml", headers=_HEADERS)


def _is_own(link: str, host: str) -> bool:
    """Whether a link leads to this server: to the request's Host header, and below the base path.

    The scheme may differ from the request's, because a proxy may end TLS. Browsers send addresses as printable ASCII;
    programs that scan a code may read other characters, and backslashes, differently from this function.
    """
    if not re.fullmatch(r"[!-~]+", link) or "\\" in link:
        return False
    try:
        address = urlsplit(link)
    except ValueError:
        return False
    if not host or address.netloc.lower() != host.lower():
        return False
    return f"{address.path}/".startswith(f"{base_path()}/") and ".." not in unquote(address.path).split("/")
