"""HTTP routes for the catalogue of symbols and for searches in it, without Streamlit's reruns.

The catalogue with its glyphs is 750 kB of JSON (190 kB compressed), which the browser caches until it changes. A search
is one short request a keystroke. The gallery's search returns positions in the catalogue, `FIND` returns symbols for
pages that don't load the catalogue.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import asdict
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from extexify.catalog.keys import Symbol
from extexify.catalog.lookalikes import drawn_alike, prints_alike
from extexify.catalog.symbols import aliases_of, glyph_svg, load_catalog, search, symbol_summary
from extexify.ui.server.base_path import base_path

MAX_QUERY = 100
"""Characters of a query that are used; no name in the catalogue is longer."""

MAX_FOUND = 24
"""Symbols that `FIND` returns at most."""

FIND = "catalog/find"
"""Address of the search that returns symbols, relative to any page."""

_SYMBOLS, _SEARCH = "catalog/symbols.json", "catalog/search"


def routes() -> list[Route]:
    """The routes, below the server's configured base path."""
    handlers = {_SYMBOLS: _send_symbols, _SEARCH: _send_search, FIND: _send_found}
    return [Route(f"{base_path()}/{address}", handler) for address, handler in handlers.items()]


def addresses() -> dict[str, str]:
    """Addresses of the catalogue and of the gallery's search, relative to any page."""
    return {"symbols": f"{_SYMBOLS}?v={_version()}", "search": _SEARCH}


def entry(symbol: Symbol) -> dict[str, Any]:
    """A symbol for the gallery, with its aliases, and its look-alikes as positions in the catalogue."""
    position = _positions()
    prints = prints_alike(symbol.key)
    aliases = aliases_of(symbol.key)
    return {
        **asdict(symbol),
        "also": [{"command": alias.alias, "package": alias.package} for alias in aliases if alias.package],
        "typed": [alias.alias for alias in aliases if not alias.package],
        "svg": glyph_svg(symbol.key),
        "prints": [position[key] for key in prints],
        "drawn": [position[key] for key in drawn_alike(symbol.key) if key not in prints],
    }


@cache
def _positions() -> dict[str, int]:
    return {key: number for number, key in enumerate(load_catalog())}


@cache
def _catalogue() -> bytes:
    return json.dumps([entry(symbol) for symbol in load_catalog().values()], separators=(",", ":")).encode()


@cache
def _compressed() -> bytes:
    return gzip.compress(_catalogue(), mtime=0)


@cache
def _version() -> str:
    return hashlib.blake2b(_catalogue(), digest_size=8).hexdigest()


# Plain functions: Starlette runs them in threads, so that they don't block the event loop.
def _send_symbols(request: Request) -> Response:
    # The address changes with the content, so that it may be cached without limit.
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(_catalogue(), media_type="application/json", headers=headers)
    return Response(_compressed(), media_type="application/json", headers={**headers, "Content-Encoding": "gzip"})


def _send_search(request: Request) -> Response:
    position = _positions()
    return JSONResponse([position[symbol.key] for symbol in search(_query(request), len(position))])


def _send_found(request: Request) -> Response:
    return JSONResponse([symbol_summary(symbol.key) for symbol in search(_query(request), MAX_FOUND)])


def _query(request: Request) -> str:
    return request.query_params.get("q", "")[:MAX_QUERY]
