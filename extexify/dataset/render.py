"""Render a dataset's drawings to packed images, and optionally to a tree of PNG files for ImageFolder.

An images folder has `manifest.json` and for each split `SPLIT.npy` uint8 (n, size, size), ink 255 on 0,
`SPLIT_labels.npy` int32 (n,) and `SPLIT_ids.npy` int64 (n,). With PNG files it also has
`png/train|val|test/CLASS/ID.png`, black ink on white, which torchvision's `ImageFolder` reads with the dataset's class
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from extexify.core.processes import available_cores
from extexify.core.progress import Reporter, Stage, quiet
from extexify.core.schema import SchemaError, validate
from extexify.dataset.dataset import Dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import RasterSettings, rasterize
from extexify.workspace.files import (
    ArrayWriter,
    StorageError,
    atomic_folder,
    read_array,
    read_consistently,
    read_json,
    write_json,
    writer_lock,
)

FORMAT_VERSION = 1

PNG_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
"""Folder name of each split in the ImageFolder tree."""

_BATCH = 2048  # drawings rasterized at a time: enough for all threads, 5 MB of pixels


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The schema of manifest.json."""

    raster: RasterSettings
    classes: list[str]
    dataset_hash: str


@dataclass(frozen=True)
class RenderedImages:
    """The rendered images of a dataset.

    For each split, images has uint8 (n, size, size) and labels int32 (n,); arrays are read-only memory maps.
    """

    path: Path
    raster: RasterSettings
    classes: tuple[str, ...]
    dataset_hash: str
    images: Mapping[str, NDArray[np.uint8]]
    labels: Mapping[str, NDArray[np.int32]]

    @classmethod
    def open(cls, path: Path) -> RenderedImages:
        """Open an images folder. Raises `StorageError`, which says what to do, if it is missing or damaged."""
        return read_consistently(path, cls._read)

    @classmethod
    def _read(cls, path: Path) -> RenderedImages:
        if not (path / "manifest.json").exists():
            raise StorageError(f"there are no images in {path}: make them with `python -m extexify render`")
        manifest = read_json(path / "manifest.json")
        if not isinstance(manifest, dict) or manifest.get("format_version") != FORMAT_VERSION:
            raise StorageError(f"the images in {path} have another format version: render them anew")
        try:
            valid = validate(manifest, _Manifest)
        except SchemaError as error:
            raise StorageError(f"{path / 'manifest.json'} is damaged ({error}); render the images anew") from None
        raster, classes = valid.raster, tuple(valid.classes)
        if not all(classes):
            raise StorageError(f"{path / 'manifest.json'} is damaged (its class order); render the images anew")
        images: dict[str, Any] = {}
        labels: dict[str, Any] = {}
        for split in SPLITS:
            images[split] = read_array(path / f"{split}.npy", "uint8", (raster.size, raster.size))
            labels[split] = read_array(path / f"{split}_labels.npy", "int32")
            in_range = not len(labels[split]) or 0 <= labels[split].min() <= labels[split].max() < len(classes)
            if len(images[split]) != len(labels[split]) or not in_range:
                raise StorageError(f"the arrays in {path} do not fit together; render the images anew")
        return cls(path, raster, classes, valid.dataset_hash, images, labels)


def render_dataset(
    dataset: Dataset, settings: RasterSettings, out: Path, *, png: bool = False, report: Reporter = quiet
) -> RenderedImages:
    """Rasterize every drawing of a dataset and write the images folder `out` atomically.

    Raises `StorageError` when `out` can't be written or another process is writing it.
    """
    stage = Stage(report, "render", total=len(dataset))
    with writer_lock(out, "the images folder"), atomic_folder(out) as folder:
        for split in SPLITS:
            _render_split(dataset, split, settings, folder, png, stage)
        counts = {split: int((dataset.split == number).sum()) for number, split in enumerate(SPLITS)}
        manifest: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "raster": settings.to_json(),
            "classes": list(dataset.classes),
            "counts": counts,
            "png": png,
            "dataset_hash": dataset.content_hash,
        }
        write_json(folder / "manifest.json", manifest)
        stage.finish(f"{len(dataset):,} drawings at {settings.size}×{settings.size} in {stage.seconds:.1f} s")
    return RenderedImages.open(out)


def fitting_images(raster: RasterSettings, dataset: Dataset, folder: Path) -> RenderedImages:
    """Open the images in `folder`. Raises `StorageError` unless they were rendered from this dataset with `raster`."""
    images = RenderedImages.open(folder)
    if images.dataset_hash != dataset.content_hash:
        raise StorageError(f"the images in {folder} were rendered from another dataset: render them anew")
    if images.raster != raster:
        raise StorageError(
            f"the images in {folder} were rendered with other settings ({_differences(images.raster, raster)}): "
            "render them with the recipe's preset"
        )
    return images


def class_folders(classes: tuple[str, ...]) -> list[str]:
    """A folder name for each class, whose sorted order is the class order: its number, and its key.

    Characters of keys that file names can't have are escaped as in addresses; `urllib.parse.unquote` reads them.
    """
    width = max(4, len(str(len(classes))))
    return [f"{number:0{width}d}_{quote(key, safe='').replace('.', '%2E')[:80]}" for number, key in enumerate(classes)]


def _render_split(
    dataset: Dataset, split: str, settings: RasterSettings, folder: Path, png: bool, stage: Stage
) -> None:
    indices = dataset.indices(split)
    names = class_folders(dataset.classes)
    tree = folder / "png" / PNG_FOLDERS[split]
    if png:
        for name in names:
            (tree / name).mkdir(parents=True)
    with (
        ArrayWriter(folder / f"{split}.npy", "uint8", (settings.size, settings.size)) as images_file,
        ThreadPoolExecutor(available_cores()) as pool,
    ):
        for start in range(0, len(indices), _BATCH):
            batch = indices[start : start + _BATCH]
            images = rasterize(dataset.drawings.take(batch), settings)
            images_file.append(images)
            if png:
                labels, ids = dataset.labels[batch], dataset.ids[batch]
                paths = [
                    tree / names[label] / f"{identifier}.png" for label, identifier in zip(labels, ids, strict=True)
                ]
                list(pool.map(_save_png, images, paths))
            stage.advance(len(batch))
    for name, dtype, column in (("labels", "int32", dataset.labels), ("ids", "int64", dataset.ids)):
        with ArrayWriter(folder / f"{split}_{name}.npy", dtype) as writer:
            writer.append(column[indices])


def _save_png(image: NDArray[np.uint8], path: Path) -> None:
    # Level 1 is twice as fast as the default, for line drawings of about the same size.
    Image.fromarray(255 - image).save(path, compress_level=1)


def _differences(found: RasterSettings, wanted: RasterSettings) -> str:
    values: dict[str, Any] = found.to_json()
    return ", ".join(
        f"{name} {values[name]} instead of {value}" for name, value in wanted.to_json().items() if values[name] != value
    )
