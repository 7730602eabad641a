"""HTTP routes for the catalogue of symbols and for searches in it, without Streamlit's reruns.

The catalogue, its glyphs in parts of `PART` symbols, and the user's own symbols are JSON that the browser caches until
it changes; it fetches the glyphs of what is near. A search is one short request a keystroke. The gallery's search
returns positions in the catalogue followed by the own symbols, `FIND` returns symbols for pages that don't load the
catalogue.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from extexify import __version__
from extexify.catalog import own
from extexify.catalog.keys import Symbol
from extexify.catalog.lookalikes import Relation, look_alike_groups
from extexify.catalog.output import OutputFormat, formatted, forms
from extexify.catalog.own import OwnSymbol
from extexify.catalog.symbols import aliases_of, catalogue_digest, glyph_svg, load_catalog, search, symbol_summary
from extexify.core.errors import UserError
from extexify.ui.server.base_path import base_path

MAX_QUERY = 100
"""Characters of a query that are used; no name in the catalogue is longer."""

MAX_FOUND = 24
"""Symbols that `FIND` returns at most."""

PART = 256
"""Symbols whose glyphs are sent together, in the order of the catalogue."""

MAX_SOME = 100
"""Glyphs that can be asked for by their positions in one request: results of a search lie all over the catalogue."""

FIND = "catalog/find"
"""Address of the search that returns symbols, relative to any page."""

_FIELDS = [field.name for field in fields(Symbol)]

_SYMBOLS, _GLYPHS, _OWN, _SEARCH = "catalog/symbols.json", "catalog/glyphs", "catalog/own.json", "catalog/search"
_FORMS = "catalog/forms"


def routes() -> list[Route]:
    """The routes, below the server's configured base path."""
    handlers = {
        _SYMBOLS: _send_symbols,
        f"{_GLYPHS}/{{part:int}}.json": _send_glyphs,
        f"{_GLYPHS}/some.json": _send_some_glyphs,
        f"{_FORMS}/{{name}}.json": _send_forms,
        _OWN: _send_own,
        _SEARCH: _send_search,
        FIND: _send_found,
    }
    return [Route(f"{base_path()}/{address}", handler) for address, handler in handlers.items()]


def addresses() -> dict[str, str]:
    """Addresses of the catalogue, its glyphs ("%": the part, or "some" for the positions `at`), its forms in other
    formats ("%": the format), the own symbols ("" without any) and the gallery's search, relative to any page."""
    # The form of the answers changes with the program.
    version = f"v={__version__}-{catalogue_digest()}"
    mine = hashlib.blake2b(repr(own.version()).encode(), digest_size=8).hexdigest()
    return {
        "symbols": f"{_SYMBOLS}?{version}",
        "glyphs": f"{_GLYPHS}/%.json?{version}",
        "forms": f"{_FORMS}/%.json?{version}",
        "own": f"{_OWN}?v={mine}" if own_symbols() else "",
        "search": _SEARCH,
    }


def own_symbols() -> Mapping[str, OwnSymbol]:
    """The user's own symbols by key; none if they can't be read, which the form for them says."""
    try:
        return own.own_symbols()
    except UserError:
        return {}


def entry(symbol: Symbol) -> dict[str, Any]:
    """A symbol for the gallery, without its glyph, with its aliases and the numbers of its look-alike groups.

    What a symbol doesn't have is left out.
    """
    aliases = aliases_of(symbol.key)
    parts = {
        **{name: getattr(symbol, name) for name in _FIELDS},
        "also": [{"command": alias.alias, "package": alias.package} for alias in aliases if alias.package],
        "foundBy": [alias.alias for alias in aliases if not alias.package],
        "prints": _group_numbers("prints").get(symbol.key),
        "drawn": _group_numbers("drawn").get(symbol.key),
    }
    return {name: part for name, part in parts.items() if part not in (None, "", [])}


def complete_entry(symbol: Symbol) -> dict[str, Any]:
    """The same with its forms in all formats, for symbols outside the catalogue."""
    return {**entry(symbol), "forms": forms(symbol)}


@cache
def _group_numbers(relation: Relation) -> dict[str, int]:
    return {key: number for number, group in enumerate(look_alike_groups(relation)) for key in group}


@cache
def _positions() -> dict[str, int]:
    return {key: number for number, key in enumerate(load_catalog())}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _catalogue() -> bytes:
    return _json([entry(symbol) for symbol in load_catalog().values()])


@cache
def _glyphs(part: int) -> bytes:
    return _json([glyph_svg(key) for key in islice(load_catalog(), part * PART, (part + 1) * PART)])


@cache
def _forms(output: OutputFormat) -> bytes:
    return _json([formatted(symbol, output) for symbol in load_catalog().values()])


@lru_cache(maxsize=256)
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


# Plain functions: Starlette runs them in threads, so that they don't block the event loop.
def _send_symbols(request: Request) -> Response:
    return _lasting(request, _catalogue())


def _send_glyphs(request: Request) -> Response:
    part = request.path_params["part"]
    if part * PART >= len(load_catalog()):
        parts = -(-len(load_catalog()) // PART)
        return PlainTextResponse(f"The catalogue has no such part: parts are 0 to {parts - 1}.", 404)
    return _lasting(request, _glyphs(part))


def _send_forms(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in list(OutputFormat):
        return PlainTextResponse(f"There is no such format: they are {', '.join(OutputFormat)}.", 404)
    return _lasting(request, _forms(OutputFormat(name)))


def _send_own(request: Request) -> Response:
    return _lasting(request, _own(own.version()))


@lru_cache(maxsize=1)
def _own(version: own.Version | None) -> bytes:
    return _json([{**complete_entry(symbol.symbol), "svg": symbol.svg(None)} for symbol in own_symbols().values()])


def _send_some_glyphs(request: Request) -> Response:
    keys = list(load_catalog())
    asked = request.query_params.get("at", "").split(",")
    positions = [int(number) for number in asked if number.isascii() and number.isdigit() and len(number) < 8]
    if len(positions) != len(asked) or len(asked) > MAX_SOME or max(positions) >= len(keys):
        return PlainTextResponse(f"`at` must be 1 to {MAX_SOME} positions in the catalogue, separated by commas.", 400)
    return _lasting(request, _json([glyph_svg(keys[position]) for position in positions]))


def _lasting(request: Request, content: bytes) -> Response:
    """JSON whose address changes with the content, so that it may be cached without limit."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(content, media_type="application/json", headers=headers)
    return Response(
        _compressed(content), media_type="application/json", headers={**headers, "Content-Encoding": "gzip"}
    )


def _send_search(request: Request) -> Response:
    listed = _positions()
    own_positions = {key: len(listed) + number for number, key in enumerate(own_symbols())}
    found = search(_query(request), len(listed) + len(own_positions))
    positions = (own_positions.get(symbol.key, listed.get(symbol.key)) for symbol in found)
    return JSONResponse([position for position in positions if position is not None])


def _send_found(request: Request) -> Response:
    return JSONResponse([symbol_summary(symbol.key) for symbol in search(_query(request), MAX_FOUND)])


def _query(request: Request) -> str:
    return request.query_params.get("q", "")[:MAX_QUERY]
