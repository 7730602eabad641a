"""The models that answer: loaded and warmed up in the background, never while somebody waits for an answer.

Loading takes a second (the runtime has to be imported, kernels loaded or compiled), so it starts with the server,
in a thread of its own; a page asks with `model()` and shows what it has until the future is done.
"""

from __future__ import annotations

import resource
import threading
import webbrowser
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from extexify.catalog.symbols import glyph_svg
from extexify.workspace.paths import available_models, default_model

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier
    from extexify.model.file import ModelDescription

KEPT = 4
"""Models that stay in memory; the one that hasn't been asked for longest gives way."""

Version = tuple[Path, int, int]
"""A file, with its time and size: what tells a model from the one that replaced it."""

_loader = ThreadPoolExecutor(1, "model-loader")
_models: OrderedDict[Version, Future[Classifier]] = OrderedDict()
_descriptions: dict[Version, Future[ModelDescription]] = {}
_lock = threading.Lock()


def model(path: Path) -> Future[Classifier]:
    """The model in a file, being loaded from the first call on; one that was written anew is loaded anew.

    The future ends with the loader's ValueError or OSError, each with one sentence, when the file is no
    model. Raises FileNotFoundError when there is no such file.
    """
    version = _version(path)
    with _lock:
        if version not in _models:
            _models[version] = _loader.submit(_load, path)
        _models.move_to_end(version)
        while len(_models) > KEPT:
            _models.popitem(last=False)
        return _models[version]


def description(path: Path) -> ModelDescription | None:
    """What a model file says of itself; None for what is no model, and until it has been read in the background."""
    try:
        version = _version(path)
    except OSError:
        return None
    with _lock:
        if version not in _descriptions:
            _descriptions[version] = _loader.submit(_describe, path)
        reading = _descriptions[version]
    return reading.result() if reading.done() and reading.exception() is None else None


def _describe(path: Path) -> ModelDescription:
    from extexify.model.file import read_description

    return read_description(path)


def _version(path: Path) -> Version:
    status = path.stat()
    return path.resolve(), status.st_mtime_ns, status.st_size


def _load(path: Path) -> Classifier:
    # Imported here and not above: this is what takes the second.
    from extexify.drawing import link
    from extexify.model.classifier import Classifier

    classifier = Classifier.load(path)
    classifier.warm_up()
    link.warm_up()
    glyph_svg(classifier.classes[0])  # reads the catalogue's file
    return classifier


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """What happens around the server's life: the model that will answer first is loaded at its start."""
    _allow_many_visitors()
    # Without any model the page says what to do.
    with suppress(OSError):
        model(default_model())
        for path in available_models():
            description(path)
    # Streamlit imports it to find out whether what it gives to a component is a table: no visit shall wait for that.
    _loader.submit(import_module, "pandas")
    # Streamlit opens a browser by itself only for apps without a lifespan. The port is already bound here, so
    # a browser that is faster than the server just waits; and some browsers' starters block.
    if not st.get_option("server.headless"):
        threading.Thread(target=webbrowser.open, args=(_address(),), daemon=True).start()
    yield {}


def _allow_many_visitors() -> None:
    """Let the process have as many files open as it may: each visitor takes four, and some even after leaving."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # a system with another limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _address() -> str:
    """Where a browser on this machine finds the dashboard."""
    host = st.get_option("server.address")
    if not host or host in ("0.0.0.0", "::"):
        host = "localhost"
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}/{st.get_option('server.baseUrlPath').strip('/')}"
