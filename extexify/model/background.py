"""How a network's features of drawings are distributed: what own symbols are compared with.

Features of a symbol's drawings are taken as normal around the symbol's own mean, with one covariance for all symbols,
and the means of symbols as normal, too (probabilistic linear discriminant analysis: Ioffe, ECCV 2006; Prince & Elder,
ICCV 2007). A model file has the background of its training drawings as an entry of its metadata,
`extexify_background`: a JSON object whose arrays are base64 of little-endian numbers. A model without it answers all
the same: then starter drawings stand for those of people.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import orjson
from msgspec import Meta
from numpy.typing import NDArray
from onnx import ModelProto

from extexify.core.schema import validate

ENTRY = "extexify_background"
"""Name of the metadata entry."""

VERSION = 2
"""Version of the entries that are written. Version 1 had float16 means and no steps; later ones are ignored, as if
there were none."""

DIRECTIONS = 192
"""Directions of features that are used: those in which symbols differ most, by their drawings' spread."""

Floats = NDArray[np.float32]
Origin = Literal["drawings", "starters"]


@dataclass(frozen=True)
class Background:
    """How features of drawings are distributed, for r directions of D features.

    center (D,) and basis (D, r) take features to directions in which the drawings of one symbol have the variance 1;
    spread (r,) is the variance of the symbols' means there; means (classes, r) are those of the network's symbols. It
    was measured on drawings by people, or on starter drawings, which differ less.
    """

    center: Floats
    basis: Floats
    spread: Floats
    means: Floats
    origin: Origin

    def project(self, features: Floats) -> Floats:
        """Features (n, D) → directions (n, r)."""
        projected: Floats = np.asarray((features - self.center) @ self.basis, np.float32)
        return projected


@dataclass(frozen=True)
class FeatureStatistics:
    """Of classes with some drawings each: the drawings' numbers (classes,), their mean features (classes, D), and the
    sum of squares (D, D) of their differences from the mean of their class."""

    counts: NDArray[np.int64]
    means: Floats
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, features: Floats, labels: NDArray[np.integer], classes: int) -> FeatureStatistics:
        """Of features (n, D) with labels (n,) below `classes`; each class has at least one."""
        counts = np.bincount(labels, minlength=classes)
        sums = np.zeros((classes, features.shape[1]))
        np.add.at(sums, labels, features)
        means = sums / counts[:, None]
        squares = np.zeros((features.shape[1],) * 2)
        for start in range(0, len(features), _ROWS):
            around = features[start : start + _ROWS] - means[labels[start : start + _ROWS]]
            squares += around.T @ around
        return cls(counts, means.astype(np.float32), squares)


_ROWS = 4_096  # drawings whose squares are summed at a time


def fit_background(statistics: FeatureStatistics, others: Floats | None, origin: Origin) -> Background:
    """The background of classes with at least two drawings on average; `others` (m, D) are the means of further
    classes, which nothing else is learned from."""
    means, counts = statistics.means.astype(np.float64), statistics.counts
    root = np.linalg.cholesky(_shrunk(statistics.squares, int(counts.sum()) - len(means)))
    center = means.mean(0)
    # In coordinates in which drawings of a symbol have the unit covariance.
    squares, directions = _principal(np.linalg.solve(root, (means - center).T))
    basis = np.linalg.solve(root.T, directions)
    spread = squares / len(means) - (1 / counts).mean()
    everyone = means if others is None else np.concatenate([means, others])
    return Background(
        center.astype(np.float32),
        basis.astype(np.float32),
        np.maximum(spread, 0).astype(np.float32),
        ((everyone - center) @ basis).astype(np.float32),
        origin,
    )


def _principal(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The directions (D, r) in which columns (D, n) are largest, and the sums of their squares there (r,)."""
    width, count = columns.shape
    if width <= count:
        squares, directions = np.linalg.eigh(columns @ columns.T)
    else:
        squares, mixtures = np.linalg.eigh(columns.T @ columns)
        directions = columns @ mixtures / np.sqrt(np.maximum(squares, 1e-12))
    used = np.argsort(-squares)[:DIRECTIONS]
    used = used[squares[used] > 1e-6 * squares.max()]
    return squares[used], directions[:, used]


def _shrunk(squares: NDArray[np.float64], freedom: int) -> NDArray[np.float64]:
    """A covariance (D, D) from a sum of squares of so many degrees of freedom, drawn towards a multiple of the identity
    the more, the fewer these are (OAS: Chen, Wiesel, Eldar & Hero, IEEE Trans. Signal Processing, 2010)."""
    width = len(squares)
    sample = squares / freedom
    mean = np.trace(sample) / width
    size, round_size = float((sample**2).sum()), width * mean**2
    rest = (freedom + 1 - 2 / width) * (size - round_size)
    part = min(1.0, ((1 - 2 / width) * size + width * round_size) / rest) if rest > 0 else 1.0
    shrunk: NDArray[np.float64] = (1 - part) * sample + np.eye(width) * max(part * mean, 1e-9)
    return shrunk


# --- in the model file ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Version:
    version: int


@dataclass(frozen=True)
class _Entry:
    origin: Origin
    directions: Annotated[int, Meta(ge=1, le=DIRECTIONS)]
    center: bytes
    scale: bytes
    basis: bytes
    spread: bytes
    means: bytes
    steps: bytes = b""


def to_metadata(background: Background) -> str:
    """The text of the metadata entry. The basis is rounded to float16, each direction after a division by its largest
    number, and the means to 255 steps in each direction: with every shape of the catalogue they are the largest part.
    """
    scale = np.abs(background.basis).max(0)
    steps = np.maximum(np.abs(background.means).max(0) / 127, 1e-6).astype("<f4")
    arrays = {
        "center": background.center.astype("<f4"),
        "scale": scale.astype("<f4"),
        "basis": (background.basis / scale).astype("<f2"),
        "spread": background.spread.astype("<f4"),
        "means": np.round(background.means / steps).astype("i1"),
        "steps": steps,
    }
    texts = {name: base64.b64encode(array.tobytes()).decode() for name, array in arrays.items()}
    return json.dumps({"version": VERSION, "origin": background.origin, "directions": len(scale), **texts})


def read_background(model: ModelProto, width: int, classes: int) -> Background | None:
    """The background in a model's metadata, of `width` features and at most `classes` classes.

    None if there is none, or one of another version. Raises ValueError if it is damaged.
    """
    entries = [entry.value for entry in model.metadata_props if entry.key == ENTRY]
    if not entries:
        return None
    try:
        value = orjson.loads(entries[-1])
        version = validate(value, _Version).version
        if version not in (1, VERSION):
            return None
        entry = validate(value, _Entry)
        rows = entry.directions
        center, scale = _array(entry.center, "<f4", width), _array(entry.scale, "<f4", rows)
        basis, spread = _array(entry.basis, "<f2", width, rows), _array(entry.spread, "<f4", rows)
        if version == 1:
            means = _array(entry.means, "<f2", len(entry.means) // (2 * rows), rows)
        else:
            means = _array(entry.means, "i1", len(entry.means) // rows, rows) * _array(entry.steps, "<f4", rows)
        if (spread < 0).any() or not 0 < len(means) <= classes:
            raise ValueError("a variance is negative, or it isn't of the model's classes")
    except ValueError as error:
        raise ValueError(f"the background in it is damaged ({error})") from None
    return Background(center, basis * scale, spread, means, entry.origin)


def _array(content: bytes, kind: str, *shape: int) -> Floats:
    array = np.frombuffer(content, kind) if len(content) % np.dtype(kind).itemsize == 0 else np.empty(0)
    if array.size != np.prod(shape):
        raise ValueError(f"{array.size:,} numbers where {' × '.join(map(str, shape))} should be")
    numbers = array.astype(np.float32)
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > _LARGEST:
        raise ValueError("a number is too large")
    return numbers.reshape(shape)


_LARGEST = 1e12  # products of two such numbers and sums of these are finite
