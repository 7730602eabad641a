"""A model to take along: as an ONNX file, and with a page that answers in a browser, without a network or a server.

The page's files lie in `web/offline`; it rasterizes and resamples as the library does, and runs the ONNX file with
onnxruntime-web. Any server of plain files can serve it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from extexify.catalog.lookalikes import groups_of
from extexify.catalog.symbols import symbol_summary
from extexify.model.answers import commonness
from extexify.model.file import ModelDescription, ModelError, read_arrays
from extexify.model.onnx import to_onnx
from extexify.model.rejection import SUMMED_CLASSES
from extexify.workspace.files import StorageError, atomic_file

MODEL, SYMBOLS, INDEX = "model.onnx", "symbols.json", "index.html"
"""The page's model, what answers need to know of its symbols, and its first file."""

_WEB = Path(__file__).parents[1] / "web"
_PAGE = _WEB / "offline"


def onnx_bytes(model: Path) -> tuple[ModelDescription, bytes]:
    """A model file's description, and the model as an ONNX file with that description in its metadata.

    Raises `ModelError`, one sentence, unless it is a whole one.
    """
    description, weights = read_arrays(model)
    try:
        return description, to_onnx(description, weights).SerializeToString()
    except ValueError as error:
        raise ModelError(f"the weights in {model} do not fit its architecture ({error})") from None


def write_onnx(model: Path, out: Path) -> ModelDescription:
    """Write a model as an ONNX file, atomically. Raises `ModelError`."""
    description, content = onnx_bytes(model)
    with atomic_file(out) as temporary:
        temporary.write_bytes(content)
    return description


def static_files() -> dict[str, Path]:
    """The page's files that are the same for every model, by their names within the page's folder."""
    own = {str(path.relative_to(_PAGE)): path for path in sorted(_PAGE.rglob("*")) if path.is_file()}
    # The list of answers looks and works as on the Draw page.
    return {**own, **{f"shared/{path.name}": path for path in sorted(_WEB.iterdir()) if path.is_file()}}


def made_files(model: Path) -> dict[str, bytes]:
    """The page's files that are made of a model: itself, and what answers need to know of its symbols.

    Raises `ModelError`.
    """
    description, content = onnx_bytes(model)
    known = {"summed_classes": SUMMED_CLASSES, "symbols": _symbols(description.classes)}
    return {MODEL: content, SYMBOLS: json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()}


def _symbols(classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Each symbol as lists show it, and what folds it into a result: the number of its look-alike group among the
    classes, and its commonness."""
    groups = groups_of(classes, "drawn").tolist()
    return {
        key: {**symbol_summary(key), "group": group, "commonness": commonness(key)}
        for key, group in zip(classes, groups, strict=True)
    }


def page_files(model: Path) -> dict[str, bytes]:
    """All of the page with a model, by names within its folder. Raises `ModelError`."""
    return {**{name: path.read_bytes() for name, path in static_files().items()}, **made_files(model)}


def write_page(model: Path, folder: Path) -> None:
    """Write the page with a model into a folder that is new or empty, or holds the page already.

    Raises `ModelError`, and `StorageError` for a folder that holds something else.
    """
    if folder.exists() and not (folder / MODEL).exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} holds other files: name a new or an empty folder")
    for name, content in page_files(model).items():
        with atomic_file(folder / name) as temporary:
            temporary.write_bytes(content)


def page_zip(model: Path) -> bytes:
    """The page with a model as a ZIP file, in a folder named like the model. Raises `ModelError`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in page_files(model).items():
            # What is compressed already, or doesn't get smaller, isn't compressed again: a second of work saved.
            method = zipfile.ZIP_STORED if name.endswith((".gz", ".onnx", ".png")) else zipfile.ZIP_DEFLATED
            archive.writestr(f"{model.stem}/{name}", content, method)
    return packed.getvalue()
