"""Routes of the offline page with the model that answers, to try it in the browser.

A public demo doesn't serve it: its visitors may draw, but not download the model.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from extexify.access.permissions import is_demo
from extexify.ui.server.base_path import base_path
from extexify.workspace.paths import default_model

PAGE = "offline/"
"""Its address, relative to any page."""

_TYPES = {".onnx": "application/octet-stream", ".json": "application/json"}


def routes() -> list[Route]:
    """The routes, below the server's base path."""
    prefix = f"{base_path()}/{PAGE}"
    # Without the trailing slash the page would request its files one folder up.
    return [
        Route(prefix.rstrip("/"), lambda request: RedirectResponse(prefix)),
        Route(f"{prefix}{{name:path}}", _send),
    ]


# A plain function: Starlette runs it in a thread, not in the event loop.
def _send(request: Request) -> Response:
    # Imported here: no other page needs these modules.
    from extexify.model.description import ModelError
    from extexify.model.offline import INDEX, static_files

    if is_demo():
        return PlainTextResponse("This demo doesn't offer its model for download.", 404)
    name = request.path_params["name"] or INDEX
    if file := static_files().get(name):
        return FileResponse(file, headers={"Cache-Control": "no-cache"})
    try:
        return _send_made(name, request)
    except (ModelError, FileNotFoundError) as error:
        return PlainTextResponse(f"No answers: {error}.", 404)


def _send_made(name: str, request: Request) -> Response:
    """A file made from the model that answers; 304 if the browser has this version already."""
    model = default_model()
    status = model.stat()
    made = _made(model, (status.st_mtime_ns, status.st_size))
    if name not in made:
        return PlainTextResponse("There is no such file.", 404)
    headers = {"Cache-Control": "no-cache", "ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"'}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(made[name], media_type=_TYPES[Path(name).suffix], headers=headers)


@lru_cache(maxsize=1)
def _made(model: Path, version: tuple[int, int]) -> dict[str, bytes]:
    from extexify.model.offline import made_files

    return made_files(model)
