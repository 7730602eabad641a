"""Pictures of one's own, in the tree of folders that torchvision's `ImageFolder` reads.

`DIR/train/CLASS/PICTURE`, `DIR/val/…` and, to evaluate the model at the end, `DIR/test/…`; or `DIR/CLASS/PICTURE`, and
the pictures are split like drawings. A class folder's name is a key, perhaps with a number in front and escaped as in
the tree that `render --png` writes (`extexify.dataset.render.class_folders`), a LaTeX command or a character.

Pictures may have any size and any ink on any plain background: what differs from the grey of the border is ink. A tree
whose pictures are fitted as the rasterizer fits drawings is taken as it is; in any other, each picture's ink is cut out
and fitted, because a drawing that is classified will be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from extexify.catalog.labels import key_of_label
from extexify.core.errors import UserError
from extexify.core.processes import available_cores
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.render import PNG_FOLDERS
from extexify.dataset.splits import DEFAULT_RATIOS, LEFT_OUT, SPLITS, assign_splits
from extexify.drawing.raster import RasterSettings
from extexify.sources.rows import MAX_KEY

MAX_PIXELS = 1 << 24
"""Pixels of the largest picture that is read."""

MIN_INK = 64
"""Difference from the background, of 255, from which on a pixel counts as ink."""

_SAMPLE = 200  # pictures that are looked at to see how a tree's are fitted
_ENLARGED = 4  # a picture's ink is enlarged by this at most: a dot stays one
_NUMBER = re.compile(r"\d{4,}_")


class ImageTreeError(UserError, ValueError):
    """A tree of pictures that can't be trained from; the message names the folder or the picture."""


@dataclass(frozen=True)
class ImageTree:
    """The pictures of a tree as images, by split.

    classes: the sorted keys. images: uint8 (n, size, size), ink 255 on 0. labels: int64 (n,), numbers of classes.
    content_hash: of all of it. There may be no split "test".
    """

    classes: tuple[str, ...]
    images: Mapping[str, NDArray[np.uint8]]
    labels: Mapping[str, NDArray[np.int64]]
    content_hash: str


def read_image_tree(path: Path, raster: RasterSettings, *, seed: int = 0, report: Reporter = quiet) -> ImageTree:
    """Read a tree as images of the raster's size, with its fit and margin.

    `seed` is that of the splits of a tree without folders for them. Raises `ImageTreeError`.
    """
    pictures = {split: _pictures(folder) for split, folder in _split_folders(path).items()}
    keys = _keys({name for found in pictures.values() for _, name in found})
    classes = tuple(sorted(set(keys.values())))
    numbers = {key: number for number, key in enumerate(classes)}
    files = {split: [file for file, _ in found] for split, found in pictures.items()}
    labels = {split: np.array([numbers[keys[name]] for _, name in found]) for split, found in pictures.items()}
    images = _images(files, raster, report)
    if len(files) == 1:
        names = [file.relative_to(path).as_posix() for file in files["train"]]
        splits = _assigned_splits(names, images["train"], labels["train"], classes, seed)
        parts = {split: splits == number for number, split in enumerate(SPLITS)}
        images, labels = (
            {split: arrays["train"][part] for split, part in parts.items()} for arrays in (images, labels)
        )
    if missing := set(range(len(classes))) - set(labels["train"].tolist()):
        raise ImageTreeError(f"{path} has no pictures of {classes[min(missing)]} to train on")
    digest = hashlib.blake2b("\n".join(classes).encode(), digest_size=16)
    for split in images:
        digest.update(images[split].tobytes())
        digest.update(labels[split].tobytes())
    return ImageTree(classes, images, labels, digest.hexdigest())


# --- folders ------------------------------------------------------------------------------------


def _split_folders(path: Path) -> dict[str, Path]:
    """The folders of the splits; of a tree without these the tree itself, as that of train."""
    if not path.is_dir():
        raise ImageTreeError(f"{path} is not a folder")
    folders = {split: path / name for split, name in PNG_FOLDERS.items() if (path / name).is_dir()}
    for split in ("train", "validation"):
        if folders and split not in folders:
            there = " and ".join(folder.name for folder in folders.values())
            raise ImageTreeError(f"{path} has {there}, but no folder {PNG_FOLDERS[split]}")
    return folders or {"train": path}


def _pictures(folder: Path) -> list[tuple[Path, str]]:
    """The pictures of a folder of class folders, as torchvision lists them, each with the name of its class folder."""
    from torchvision.datasets import ImageFolder  # it takes seconds to import

    try:
        found = ImageFolder(str(folder))
    except OSError as error:  # FileNotFoundError without class folders, or for one without pictures
        raise ImageTreeError(f"{folder} can't be read: {' '.join(str(error).split())}") from None
    return [(Path(file), found.classes[number]) for file, number in found.samples]


def _keys(names: Iterable[str]) -> dict[str, str]:
    """The key that each class folder's name stands for."""
    numbered = all(_NUMBER.match(name) for name in names)
    labels = {name: unquote(_NUMBER.sub("", name, count=1) if numbered else name) for name in names}
    keys = {name: key_of_label(label) or label for name, label in labels.items()}
    for name, key in keys.items():
        if not key.isprintable() or not 0 < len(key) <= MAX_KEY:
            raise ImageTreeError(f"the folder name {name!r} is no key")
    return keys


def _assigned_splits(
    names: Sequence[str], images: NDArray[np.uint8], labels: NDArray[np.int64], classes: Sequence[str], seed: int
) -> NDArray[np.uint8]:
    """The split of each picture, a number of `SPLITS`: equal images are in one, and every class is in each."""
    ids = np.array([_number(name.encode()) for name in names])
    groups = np.array([_number(image.tobytes()) for image in images])
    splits = assign_splits(ids, labels, classes, groups, seed=seed, ratios=DEFAULT_RATIOS)
    if (left_out := np.flatnonzero(splits == LEFT_OUT)).size:
        raise ImageTreeError(
            f"there are fewer than three different pictures of {classes[labels[left_out[0]]]}: one is needed to train "
            "on, one to validate and one to test"
        )
    return splits


def _number(content: bytes) -> int:
    """A hash of 63 bits."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") >> 1


# --- pictures -----------------------------------------------------------------------------------


def _images(
    files: Mapping[str, Sequence[Path]], raster: RasterSettings, report: Reporter
) -> dict[str, NDArray[np.uint8]]:
    """The images of the pictures of each split."""
    every = [file for of_split in files.values() for file in of_split]
    stage = Stage(report, "read pictures", total=len(every), unit="pictures")
    sample = np.linspace(0, len(every) - 1, min(_SAMPLE, len(every))).astype(int)
    fit = resize if _are_fitted([read_ink(every[place]) for place in sample], raster) else fit_ink
    images = {}
    with ThreadPoolExecutor(available_cores()) as pool:
        for split, of_split in files.items():
            images[split] = np.empty((len(of_split), raster.size, raster.size), np.uint8)
            for number, image in enumerate(pool.map(lambda file: fit(read_ink(file), raster), of_split)):
                images[split][number] = image
                stage.advance(1)
    stage.finish()
    return images


def read_ink(file: Path) -> NDArray[np.uint8]:
    """A picture's ink, uint8 (height, width): the difference of each pixel's grey from that of the border.

    Raises `ImageTreeError` for a file that is no picture, or one that is too large or blank.
    """
    try:
        with Image.open(file) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ImageTreeError(f"{file} has {picture.width} × {picture.height} pixels, more than {MAX_PIXELS:,}")
            grey = _grey(picture)
    except UserError:
        raise
    except Exception as error:  # decoders raise errors of many kinds for damaged files
        raise ImageTreeError(f"{file} is not a picture that can be read ({' '.join(str(error).split())})") from None
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(border)).astype(np.uint8)
    if ink.max() < MIN_INK:
        raise ImageTreeError(f"{file} is blank: all of it is of about the same grey")
    return ink


def _grey(picture: Image.Image) -> NDArray[np.float32]:
    """Grey values from 0 to 255; what is transparent is white."""
    if picture.mode.startswith(("I", "F")):  # 16 bits and more, which Pillow would clip
        values = np.asarray(picture, np.float32)
        return (values - values.min()) * np.float32(255 / max(values.max() - values.min(), 1))
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("L"), np.float32)


def _are_fitted(inks: Sequence[NDArray[np.uint8]], raster: RasterSettings) -> bool:
    """Whether most pictures are square, with ink as large and in the middle as the rasterizer makes it."""
    wanted = 1 - 2 * raster.margin + raster.stroke_width / raster.size
    fitted = [_is_fitted(ink, wanted) for ink in inks]
    return 2 * sum(fitted) > len(fitted)


def _is_fitted(ink: NDArray[np.uint8], wanted: float) -> bool:
    left, top, right, bottom = _box(ink)
    height, width = ink.shape
    off = max(abs(left + right - width), abs(top + bottom - height)) / 2
    return width == height and off <= 1 and abs(max(right - left, bottom - top) - wanted * width) <= 2


def _box(ink: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the ink; right and bottom are beyond it."""
    columns, rows = (np.flatnonzero((ink >= MIN_INK).any(axis)) for axis in (0, 1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def resize(ink: NDArray[np.uint8], raster: RasterSettings) -> NDArray[np.uint8]:
    """The whole picture at the raster's size; the same if it has that."""
    return np.asarray(Image.fromarray(ink).resize((raster.size, raster.size), Image.Resampling.BILINEAR))


def fit_ink(ink: NDArray[np.uint8], raster: RasterSettings) -> NDArray[np.uint8]:
    """The ink, fitted into the raster's image as the rasterizer fits a drawing, its darkest place black."""
    left, top, right, bottom = _box(ink)
    smallest = min(ink.shape) / _ENLARGED
    sides = np.array([right - left, bottom - top], float)
    longest = max(*sides, smallest)
    # A line along an axis has no width to be stretched.
    stretched = np.where(sides > longest / 8, sides, longest)
    extent = np.maximum(stretched, smallest) if raster.fit == "stretch" else np.full(2, longest)
    # What the whole image shows: its inner part, a line's width larger than the strokes, shows the ink.
    shown = extent / (1 - 2 * raster.margin + raster.stroke_width / raster.size)
    low = np.array([left + right, top + bottom]) / 2 - shown / 2
    padding = int(np.ceil(max(0.0, *-low, *(low + shown - ink.shape[::-1]))))
    padded = Image.fromarray(np.pad(ink, padding))
    box = (*(low + padding), *(low + shown + padding))
    image = np.asarray(padded.resize((raster.size, raster.size), Image.Resampling.BILINEAR, box=box), np.float32)
    return (image * (255 / max(image.max(), 1))).astype(np.uint8)
