"""What training reads: batches of images and labels, in an order that a seed fixes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extexify.augment import AugmentSettings, augment
from extexify.dataset import Dataset
from extexify.images import RenderedImages
from extexify.raster import RasterSettings
from extexify.seeing import Seen, see
from extexify.sequences import SequenceSettings

Batch = tuple[Seen, NDArray[np.int64]]
"""What is seen of B drawings, with their labels (B,)."""


class Feed(Protocol):
    """Samples of one split. `batch` draws the given rows, varied for an epoch where the feed augments."""

    def __len__(self) -> int: ...

    def batch(self, rows: NDArray[np.int64], epoch: int) -> Batch: ...


class ImageFeed:
    """Rendered images, read from their memory map."""

    def __init__(self, images: RenderedImages, split: str) -> None:
        self._images = images.images[split]
        self._labels = images.labels[split]

    def __len__(self) -> int:
        return len(self._labels)

    def batch(self, rows: NDArray[np.int64], epoch: int) -> Batch:
        return Seen(self._images[rows]), self._labels[rows].astype(np.int64)


class StrokeFeed:
    """Drawings of a dataset, rasterized and resampled as they are asked for, and varied if `variation` is given."""

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        raster: RasterSettings,
        variation: AugmentSettings | None = None,
        seed: int = 0,
        *,
        sequence: SequenceSettings | None = None,
    ) -> None:
        self._dataset = dataset
        self._indices = dataset.indices(split)
        self._raster, self._sequence = raster, sequence
        self._variation = variation
        self._seed = seed

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, rows: NDArray[np.int64], epoch: int) -> Batch:
        indices = self._indices[rows]
        drawings = self._dataset.drawings.take(indices)
        labels = self._dataset.labels[indices].astype(np.int64)
        if self._variation is None:
            return see(drawings, self._raster, self._sequence, threads=1), labels
        varied = augment(drawings, indices, self._variation, seed=self._seed, epoch=epoch)
        seen = see(
            varied.drawings, self._raster, self._sequence, threads=1,
            width_factors=varied.width_factors, shifts=varied.shifts,
        )  # fmt: skip
        return seen, labels


def shuffled_rows(count: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of an epoch: a permutation of 0 … count-1."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches(feed: Feed, rows: NDArray[np.int64], size: int, *, epoch: int, first: int = 0) -> Iterator[Batch]:
    """Batches of `size` rows (the last one may be smaller), from batch number `first` on.

    The next batch is drawn in a thread while the caller works on the last one.
    """
    starts = range(first * size, len(rows), size)
    if not starts:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="feed") as ahead:
        coming = ahead.submit(feed.batch, rows[starts[0] : starts[0] + size], epoch)
        for start in starts:
            batch = coming.result()
            if start + size < len(rows):
                coming = ahead.submit(feed.batch, rows[start + size : start + 2 * size], epoch)
            yield batch
