"""HTTP routes of the API: `POST /api/classify`, `GET /api/symbols`, `GET /api/model` and `GET /api/openapi.json`.

Answers are those of the Draw page. In a demo a client address may ask `EXTEXIFY_API_LIMIT` times a minute. Pages of the
origins in `EXTEXIFY_API_ORIGINS` may ask, too (CORS). Errors are JSON: `{"error": "a sentence"}`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extexify.access import permissions
from extexify.access.limits import RateLimiter, address_key
from extexify.catalog.symbols import search
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.core.processes import available_cores
from extexify.drawing.link import open_link
from extexify.drawing.strokes import MAX_DRAWN_POINTS, MAX_DRAWN_STROKES, Drawing, drawing_from_lists
from extexify.model.answers import symbol_object
from extexify.model.ranking import PRIORS
from extexify.ui.api.openapi import MODEL_FIELDS, description
from extexify.ui.draw import serving
from extexify.ui.server.base_path import base_path
from extexify.workspace.paths import default_model

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier

PREFIX = "/api/"
"""Prefix of the API's addresses, below the base path."""

OLD = "/classify"
"""Address of the blog post's server, whose clients are answered, too."""

MAX_BODY = 1_000_000
"""Bytes of a request, as many as the canvas may send."""

MAX_TOP, MAX_SYMBOLS = 50, 200
"""Maximum number of answers, and of symbols, that a request may ask for."""

_DEFAULT_TOP, _DEFAULT_SYMBOLS = 5, 50
_MINUTE = 60.0

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All, because Streamlit answers those that a route leaves out, with a page."""

Handler = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    """A request that isn't answered: status, a sentence, and seconds to wait."""

    def __init__(self, status: int, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.wait = status, wait


def routes() -> list[Route]:
    """The routes, below the server's configured base path."""
    origins = settings.names_of(settings.API_ORIGINS)
    cors = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["Content-Type"],
        expose_headers=["Retry-After"], max_age=86_400,
    )  # fmt: skip
    requests = RateLimiter(_MINUTE)

    def route(path: str, method: str, handler: Handler) -> Route:
        return Route(f"{base_path()}{path}", _guarded(handler, method, requests), methods=_METHODS, middleware=[cors])

    return [
        route(f"{PREFIX}classify", "POST", _classify),
        route(f"{PREFIX}symbols", "GET", _symbols),
        route(f"{PREFIX}model", "GET", _model),
        route(f"{PREFIX}openapi.json", "GET", _openapi),
        route(f"{PREFIX}{{rest:path}}", "GET", _unknown),
        route(OLD, "POST", _classify_old),
    ]


def is_public(path: str) -> bool:
    """Whether an address is one of the API, whose answers depend on the request alone: no session, no cookie."""
    path = path.removeprefix(base_path())
    return path == OLD or path.startswith(PREFIX)


def _guarded(handler: Handler, method: str, requests: RateLimiter) -> Handler:
    """A handler of one method that keeps to the limit of a demo, and answers errors as JSON."""

    async def handle(request: Request) -> Response:
        try:
            if request.method not in (method, "HEAD" if method == "GET" else method):
                raise _Refused(405, f"this address answers {method} requests only")
            if permissions.is_demo():
                address = address_key(request.client.host if request.client else "")
                if wait := requests.take(address, settings.count_of(settings.API_LIMIT)):
                    raise _Refused(429, "this address has asked too often: wait, then ask again", wait)
            return await handler(request)
        except _Refused as refusal:
            headers = {"Retry-After": str(math.ceil(refusal.wait))} if refusal.wait else {}
            return _json({"error": str(refusal)}, refusal.status, headers)
        except UserError as error:
            return _json({"error": str(error)}, 400)

    return handle


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")


@cache
def _answering() -> CapacityLimiter:
    """Lets one request a core be answered at a time. More threads would slow each other down: they share the
    interpreter."""
    return CapacityLimiter(available_cores())


# --- requests ---


async def _body(request: Request) -> dict[str, Any]:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise _Refused(413, f"the request has over {MAX_BODY:,} bytes: send fewer points")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _Refused(400, f"the request is no JSON ({error})") from None
    if not isinstance(value, dict):
        raise _Refused(400, "the request must be a JSON object")
    return value


def _number(value: Any, name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most` of a request."""
    if value is None:
        return default
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if type(number) is not int or not 1 <= number <= most:
        raise _Refused(400, f"{name} must be a whole number from 1 to {most}")
    return number


def _checked(drawing: Drawing) -> Drawing:
    """A drawing no larger than the canvas takes."""
    points = sum(map(len, drawing))
    if len(drawing) > MAX_DRAWN_STROKES or points > MAX_DRAWN_POINTS:
        raise _Refused(413, f"a drawing has at most {MAX_DRAWN_STROKES:,} strokes and {MAX_DRAWN_POINTS:,} points")
    return drawing


def _drawing(strokes: Any) -> Drawing:
    return _checked(drawing_from_lists(strokes))


def _classifier() -> Classifier:
    """The model that answers on the Draw page."""
    try:
        return serving.model(default_model()).result()
    except (OSError, ValueError):  # whose messages have paths of the server
        raise _Refused(503, "this server has no model that can answer") from None


# --- answers ---


async def _classify(request: Request) -> Response:
    asked = await _body(request)
    if ("strokes" in asked) == ("link" in asked):
        raise _Refused(400, "the request needs either strokes or link")
    top = _number(asked.get("top"), "top", _DEFAULT_TOP, MAX_TOP)
    prior = asked.get("prior", "usage")
    if not isinstance(prior, str) or prior not in PRIORS:
        raise _Refused(400, f"prior must be {' or '.join(PRIORS)}")

    def answer() -> Response:
        link = asked.get("link")
        if link is not None and not isinstance(link, str):
            raise _Refused(400, "link must be a text")
        drawing = _checked(open_link(link)) if link is not None else _drawing(asked["strokes"])
        classifier = _classifier()
        answers = classifier.answers(drawing, top, PRIORS[prior])
        results = [result.to_json() for result in answers.results]
        return _json({"answers": results, "sure": answers.is_sure, "model": classifier.name})

    return await to_thread.run_sync(answer, limiter=_answering())


async def _classify_old(request: Request) -> Response:
    asked = await _body(request)

    def answer() -> Response:
        answers = _classifier().answers(_drawing(asked.get("data")), _DEFAULT_TOP)
        return _json({"top5": [result.head.command for result in answers.results]})

    return await to_thread.run_sync(answer, limiter=_answering())


async def _symbols(request: Request) -> Response:
    query = request.query_params.get("q", "")[:100]
    limit = _number(request.query_params.get("limit"), "limit", _DEFAULT_SYMBOLS, MAX_SYMBOLS)
    found = await run_in_threadpool(search, query, limit)
    return _json({"symbols": [symbol_object(symbol.key) for symbol in found]})


async def _model(request: Request) -> Response:
    described = (await run_in_threadpool(_classifier)).description.to_json()
    return _json({name: described.get(name) for name in MODEL_FIELDS})


async def _unknown(request: Request) -> Response:
    raise _Refused(404, f"there is no such address: see {base_path()}{PREFIX}openapi.json")


async def _openapi(request: Request) -> Response:
    return _json(_description())


@cache
def _description() -> dict[str, Any]:
    return description(base_path())
