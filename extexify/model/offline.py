"""A web page that classifies in the browser, offline, with a model file.

The page's files are in `web/offline`; it rasterizes and resamples like the library, and runs the model file with
onnxruntime-web. Any static file server can serve it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from extexify.catalog.comparison import detailed_summary
from extexify.catalog.document import catalogue_packages
from extexify.catalog.document_table import document_table
from extexify.catalog.lookalikes import groups_of, prints_alike
from extexify.catalog.output import labels
from extexify.model.answers import drawn_like, symbol_object
from extexify.model.file import read_model
from extexify.model.ranking import USAGE
from extexify.model.rejection import SUMMED_CLASSES
from extexify.workspace.files import StorageError, atomic_file

MODEL, SYMBOLS, DOCUMENTS, FILES = "model.onnx", "symbols.json", "documents.json", "files.json"
"""Names of the page's model, its tables of symbols for answers and for documents, and the list of files that its
service worker keeps."""

INDEX, WORKER = "index.html", "service_worker.js"
"""Names of the page's first file and of its service worker."""

_WEB = Path(__file__).parents[1] / "web"
_PAGE = _WEB / "offline"


def static_files() -> dict[str, Path]:
    """The page's files that don't depend on the model, by their paths within the page's folder."""
    own = {str(path.relative_to(_PAGE)): path for path in sorted(_PAGE.rglob("*")) if path.is_file()}
    # The list of answers is the same code as on the Draw page.
    return {**own, **{f"shared/{path.name}": path for path in sorted(_WEB.iterdir()) if path.is_file()}}


def made_files(model: Path) -> dict[str, bytes]:
    """The page's files that depend on the model: its file, the tables of symbols, and the list of files to keep.

    Raises `ModelError`.
    """
    description, _ = read_model(model)
    made = {MODEL: model.read_bytes(), **_tables(description.classes)}
    kept = sorted({*static_files(), *made} - {WORKER})
    return {**made, FILES: orjson.dumps(kept)}


@lru_cache(maxsize=2)  # with all shapes they take a second
def _tables(classes: tuple[str, ...]) -> dict[str, bytes]:
    """The files with the tables of symbols of a model with these classes."""
    known = {"formats": labels(), "packages": catalogue_packages(), "summed_classes": SUMMED_CLASSES}
    return {
        SYMBOLS: orjson.dumps({**known, **_symbols(classes)}, option=orjson.OPT_NON_STR_KEYS),
        DOCUMENTS: orjson.dumps(document_table(classes)),
    }


def _symbols(classes: Sequence[str]) -> dict[str, Any]:
    """`symbols`, by key: what a list shows of a symbol, and of a class the number of its look-alike group and `usage`,
    its weights by `USAGE` among all symbols and among look-alikes; `others`, by group: keys of symbols that are drawn
    alike and are no classes.

    Of these, one that prints like another has that one's key as `like` in place of a glyph.
    """
    known = set(classes)
    symbols: dict[str, Any] = {}
    others: dict[int, list[str]] = {}
    for key, group in zip(classes, groups_of(classes, "drawn").tolist(), strict=True):
        usage = [round(weight, 6) for weight in (USAGE.weight(key), USAGE.weight_among_alike(key))]
        symbols[key] = {**symbol_object(key), **detailed_summary(key), "group": group, "usage": usage}
        others.setdefault(group, [other for other in drawn_like(key) if other not in known])
    for key in chain(*others.values()):
        like = next((other for other in prints_alike(key) if other in symbols and symbols[other]["svg"]), None)
        symbols[key] = {**symbol_object(key), **detailed_summary(key, glyph=like is None), "like": like}
    return {"symbols": symbols, "others": {group: found for group, found in others.items() if found}}


def page_files(model: Path) -> dict[str, bytes]:
    """All files of the page with a model, by their paths within its folder. Raises `ModelError`."""
    return {**{name: path.read_bytes() for name, path in static_files().items()}, **made_files(model)}


def write_page(model: Path, folder: Path) -> None:
    """Write the page with a model into a folder that is new, empty, or has the page already.

    Raises `ModelError`, and `StorageError` for a folder with other files.
    """
    if folder.exists() and not (folder / MODEL).exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} holds other files: name a new or an empty folder")
    for name, content in page_files(model).items():
        with atomic_file(folder / name) as temporary:
            temporary.write_bytes(content)


def page_zip(model: Path) -> bytes:
    """The page with a model as the content of a ZIP file, in a folder named like the model. Raises `ModelError`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in page_files(model).items():
            # Compressing weights, pictures and compressed files takes a second and saves nothing.
            method = zipfile.ZIP_STORED if name.endswith((".gz", ".onnx", ".png")) else zipfile.ZIP_DEFLATED
            archive.writestr(f"{model.stem}/{name}", content, method)
    return packed.getvalue()
