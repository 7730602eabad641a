"""What training reads: batches of images and labels, in an order that a seed fixes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.drawing.inputs import ModelInputs, model_inputs
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.drawing.strokes import Drawings
from extexify.training.augment import AugmentSettings, augment
from extexify.training.blend import REACH, Kin, blend, chances
from extexify.training.scribbles import scribbles

_MADE = 1 << 40
"""Numbers of drawings that are in no dataset begin here."""

Batch = tuple[ModelInputs, NDArray[np.int64]]
"""Model inputs of B drawings and their labels (B,). The inputs may be longer: scribbles without a label come last."""

Share = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Of what is in a batch, the part that this process takes; together, those that train take everything once."""


def everything(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """The share of a process that trains alone."""
    return items


class Feed(Protocol):
    """Samples to train on or to judge by. labels: int64 (N,). `batch` draws a share of the batch of the given rows,
    varied for an epoch where the feed augments; how a row is drawn doesn't depend on the share. `seen_as` is the same
    feed with other settings of what is seen, where it isn't rendered yet."""

    labels: NDArray[np.int64]

    def __len__(self) -> int: ...

    def seen_as(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self: ...

    def batch(self, rows: NDArray[np.int64], epoch: int, share: Share = everything) -> Batch: ...


class ImageFeed:
    """Rendered images, read from their memory map."""

    def __init__(self, images: RenderedImages, split: str) -> None:
        self._images = images.images[split]
        self.labels = images.labels[split].astype(np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def seen_as(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self:
        return self

    def batch(self, rows: NDArray[np.int64], epoch: int, share: Share = everything) -> Batch:
        mine = share(rows)
        return ModelInputs(self._images[mine]), self.labels[mine]


class StrokeFeed:
    """Drawings of a dataset, rasterized and resampled as they are asked for, and varied if `variation` is given.

    The part `scribbled` of a varied batch's size comes to it in scribbles.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        raster: RasterSettings,
        variation: AugmentSettings | None = None,
        seed: int = 0,
        *,
        sequence: SequenceSettings | None = None,
        scribbled: float = 0.0,
    ) -> None:
        self._dataset = dataset
        self._indices = dataset.indices(split)
        self.labels = dataset.labels[self._indices].astype(np.int64)
        self._scribbled = scribbled
        self._raster, self._sequence = raster, sequence
        self._variation = variation
        self._seed = seed
        self._shift_scale = 1.0
        self._kin: Kin | None = None
        if variation is not None and variation.blend:
            strokes = np.diff(dataset.drawings.sample_ends, prepend=0)
            self._kin = Kin(self.labels, strokes[self._indices])

    def __len__(self) -> int:
        return len(self.labels)

    def seen_as(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self:
        # Pictures move by pixels: by fewer of them where they are smaller.
        other = copy.copy(self)
        other._shift_scale = self._shift_scale * raster.size / self._raster.size
        other._raster, other._sequence = raster, sequence
        return other

    def batch(self, rows: NDArray[np.int64], epoch: int, share: Share = everything) -> Batch:
        mine = share(rows)
        indices = self._indices[mine]
        drawings = self._dataset.drawings.take(indices)
        labels = self.labels[mine]
        if self._variation is None:
            return model_inputs(drawings, self._raster, self._sequence, threads=1), labels
        if self._kin is not None:
            drawings = self._blended(drawings, mine, epoch)
        count = round(self._scribbled * len(rows))
        made = share(np.arange(count))
        if len(made):
            rng = np.random.default_rng([self._seed, epoch, int(rows[0])])
            drawings = Drawings.join([drawings, scribbles(count, rng).take(made)])
        # No two drawings of an epoch may have one number, or they would be varied alike.
        numbers = np.concatenate([indices, _MADE + self._indices[rows[made]]])
        varied = augment(drawings, numbers, self._variation, seed=self._seed, epoch=epoch)
        inputs = model_inputs(
            varied.drawings, self._raster, self._sequence, threads=1,
            width_factors=varied.width_factors, shifts=varied.shifts * np.float32(self._shift_scale),
        )  # fmt: skip
        return inputs, labels

    def _blended(self, drawings: Drawings, rows: NDArray[np.int64], epoch: int) -> Drawings:
        """Some of the drawings moved towards others of the same symbol."""
        assert self._kin is not None
        assert self._variation is not None
        chance = chances(self._indices[rows], seed=self._seed, epoch=epoch, each=3)
        towards = self._dataset.drawings.take(self._indices[self._kin.of(rows, chance[:, 0])])
        parts = REACH[0] + (REACH[1] - REACH[0]) * chance[:, 1]
        return blend(drawings, towards, np.where(chance[:, 2] < self._variation.blend, parts, 0.0))


def shuffled_rows(count: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of an epoch: a permutation of 0 … count-1."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches(
    feed: Feed, rows: NDArray[np.int64], size: int, *, epoch: int, first: int = 0, share: Share = everything
) -> Iterator[Batch]:
    """Batches of `size` rows (the last one may be smaller), from batch number `first` on; of each, the share.

    The next batch is drawn in a thread while the caller works on the last one.
    """
    starts = range(first * size, len(rows), size)
    if not starts:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="feed") as ahead:
        coming = ahead.submit(feed.batch, rows[starts[0] : starts[0] + size], epoch, share)
        for start in starts:
            batch = coming.result()
            if start + size < len(rows):
                coming = ahead.submit(feed.batch, rows[start + size : start + 2 * size], epoch, share)
            yield batch
