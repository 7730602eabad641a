"""Loads the models that answer on the Draw page, in a background thread.

Loading takes about a second (import of the runtime, loading or compiling kernels), so that it begins with the server.
A page gets a future from `model()`, and shows itself without the model until that is done.
"""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from extexify.catalog import own
from extexify.catalog.symbols import glyph_svg, symbols_by_rank
from extexify.ui.server import memory
from extexify.ui.server.base_path import base_path
from extexify.workspace.files import StorageError
from extexify.workspace.paths import available_models, default_model

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier
    from extexify.model.description import ModelDescription

MAX_MODELS = 4
"""Models in memory; the least recently used one is dropped."""

MAX_DESCRIPTIONS = 200
"""Descriptions in memory, of a few kB to 100 kB each; the least recently used one is dropped."""

Version = tuple[Path, int, int]
"""Path, modification time and size of a file: a file that is replaced is another version."""

K = TypeVar("K")
T = TypeVar("T")

_loader = ThreadPoolExecutor(1, "model-loader")
_models: OrderedDict[Version, Future[Classifier]] = OrderedDict()
_extended: OrderedDict[tuple[Version, own.Version], Future[Classifier]] = OrderedDict()
_descriptions: OrderedDict[Version, Future[ModelDescription]] = OrderedDict()
_lock = threading.Lock()


def model(path: Path) -> Future[Classifier]:
    """The model in a file, loaded in the background from the first call on, and again when the file has changed.

    It answers with the workspace's own symbols, too. The future's exception is a `ModelError` for a file that is no
    model. Raises FileNotFoundError without such a file.
    """
    version = _version(path)
    symbols = own.version()
    with _lock:
        if version not in _models:
            _models[version] = _loader.submit(_load, path)
        loaded = _use(_models, version, MAX_MODELS)
        if symbols is None:
            return loaded
        if (version, symbols) not in _extended:
            _extended[version, symbols] = _loader.submit(_extend, loaded)
        return _use(_extended, (version, symbols), MAX_MODELS)


def description(path: Path) -> ModelDescription | None:
    """The description in a model file; None for other files, and until it has been read in the background."""
    try:
        version = _version(path)
    except OSError:
        return None
    with _lock:
        if version not in _descriptions:
            _descriptions[version] = _loader.submit(_describe, path)
        reading = _use(_descriptions, version, MAX_DESCRIPTIONS)
    return reading.result() if reading.done() and reading.exception() is None else None


def _use(cache: OrderedDict[K, Future[T]], version: K, most: int) -> Future[T]:
    """An entry of a cache, as the most recently used one of at most so many."""
    cache.move_to_end(version)
    while len(cache) > most:
        cache.popitem(last=False)
    return cache[version]


def _describe(path: Path) -> ModelDescription:
    from extexify.model.file import read_description

    return read_description(path)


def _version(path: Path) -> Version:
    status = path.stat()
    return path.resolve(), status.st_mtime_ns, status.st_size


def _load(path: Path) -> Classifier:
    # Imported late: this is what takes the second.
    from extexify.drawing import link
    from extexify.model.classifier import Classifier

    classifier = Classifier.load(path)
    classifier.warm_up()
    link.warm_up()
    glyph_svg(classifier.classes[0])  # loads the glyphs' file
    symbols_by_rank()  # makes the index, by which look-alikes are sorted and the Symbols page searches
    return classifier


def _extend(loaded: Future[Classifier]) -> Classifier:
    """A loaded model with the own symbols; without them if they can't be read, which the Symbols page says."""
    from extexify.model.own import with_own_symbols

    classifier = loaded.result()
    try:
        return with_own_symbols(classifier)
    except StorageError:
        return classifier


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """At the server's start, load the default model and the descriptions of all."""
    _allow_many_visitors()
    # The page itself says what to do when there is no model.
    with suppress(OSError):
        model(default_model())
        for path in available_models():
            description(path)
    # Streamlit imports pandas to check whether a component's data are tables: no visit needs to wait for that.
    _loader.submit(import_module, "pandas")
    # Streamlit opens a browser only for apps without a lifespan. The port is bound by now, so that a fast browser
    # waits for the server. In a thread, because starting some browsers blocks.
    if not st.get_option("server.headless"):
        threading.Thread(target=webbrowser.open, args=(_address(),), daemon=True).start()
    collecting = asyncio.create_task(memory.collect_regularly())
    # Once all is loaded, objects in memory are there to stay.
    _loader.submit(memory.exclude_present_objects)
    yield {}
    collecting.cancel()


def _allow_many_visitors() -> None:
    """Let the process have as many files open as it may: each visitor takes four, and some even after leaving."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # a system with another limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _address() -> str:
    """The dashboard's address for a browser on this machine."""
    host = st.get_option("server.address")
    if not host or host in ("0.0.0.0", "::"):
        host = "localhost"
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}{base_path()}/"
