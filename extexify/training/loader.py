"""Batches of model inputs and labels, in an order that depends on (seed, epoch) alone."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.drawing.inputs import ModelInputs, model_inputs
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.drawing.strokes import Drawings
from extexify.training.augment import AugmentSettings, augment
from extexify.training.augment_images import augment_images, resize_images
from extexify.training.blend import REACH, SameClassNeighbours, blend
from extexify.training.image_tree import ImageTree
from extexify.training.rng import uniforms
from extexify.training.scribbles import scribbles
from extexify.training.starters import StarterDrawings, numbers_in
from extexify.training.stroke_style import double_struck

_FIRST_SCRIBBLE = 1 << 40
"""Numbers of scribbles, for the augmentation's random numbers, begin here: above those of all drawings."""


@dataclass(frozen=True)
class Shard:
    """The part of every batch that one of several processes takes: each item is in exactly one shard."""

    index: int = 0
    count: int = 1

    def of(self, items: NDArray[Any]) -> NDArray[Any]:
        """This shard of items, in their order."""
        return np.array_split(items, self.count)[self.index]

    def of_rows(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], bool]:
        """This shard of a batch's rows; the first row, and True, if there are fewer rows than shards."""
        own = self.of(rows)
        return (own, False) if len(own) else (rows[:1], True)


WHOLE = Shard()
"""The only shard of a training in one process."""


@dataclass(frozen=True)
class Batch:
    """A shard of a batch: model inputs of n drawings and s scribbles, in this order, and the labels int64 (n,).

    `size` is the number of drawings and scribbles in all shards. Where the shard is empty, a drawing that is another
    shard's stands in (`is_padding`): every process takes every step, but its loss doesn't count.
    """

    inputs: ModelInputs
    labels: NDArray[np.int64]
    size: int
    is_padding: bool = False


class Labelled(Protocol):
    """What a training records of its data: the class order and a hash of all of it."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def content_hash(self) -> str: ...


class BatchDataset(Protocol):
    """Drawings with labels int64 (N,), as batches of model inputs.

    `batch` makes a shard of the batch of the given rows, augmented for an epoch where the dataset augments; neither
    depends on which rows are in a shard. `with_inputs` is the same dataset with other settings of the inputs, if it
    isn't rendered. The last `starters` rows are starter drawings that were added for the training.
    """

    labels: NDArray[np.int64]

    @property
    def starters(self) -> int: ...

    def __len__(self) -> int: ...

    def with_inputs(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self: ...

    def batch(self, rows: NDArray[np.int64], epoch: int, shard: Shard = WHOLE) -> Batch: ...


class ImageTreeDataset:
    """Pictures of a split of a tree, at the size that is asked for; augmented if `augmentation` is given."""

    starters = 0

    def __init__(
        self,
        tree: ImageTree,
        split: str,
        raster: RasterSettings,
        augmentation: AugmentSettings | None = None,
        seed: int = 0,
    ) -> None:
        self._images, self.labels = tree.images[split], tree.labels[split]
        self._raster, self._augmentation, self._seed = raster, augmentation, seed

    def __len__(self) -> int:
        return len(self.labels)

    def with_inputs(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self:
        other = copy.copy(self)
        other._raster = raster
        return other

    def batch(self, rows: NDArray[np.int64], epoch: int, shard: Shard = WHOLE) -> Batch:
        own, is_padding = shard.of_rows(rows)
        images = self._images[own]
        if self._augmentation is not None:
            images = augment_images(images, own, self._raster, self._augmentation, seed=self._seed, epoch=epoch)
        elif images.shape[1] != self._raster.size:
            images = resize_images(images, self._raster.size)
        return Batch(ModelInputs(images), self.labels[own], len(rows), is_padding)


class ImageDataset:
    """Rendered images of a split, read from their memory map."""

    starters = 0

    def __init__(self, images: RenderedImages, split: str) -> None:
        self._images = images.images[split]
        self.labels = images.labels[split].astype(np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def with_inputs(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self:
        return self

    def batch(self, rows: NDArray[np.int64], epoch: int, shard: Shard = WHOLE) -> Batch:
        own, is_padding = shard.of_rows(rows)
        return Batch(ModelInputs(self._images[own]), self.labels[own], len(rows), is_padding)


class DrawingDataset:
    """Drawings of a split, rasterized and resampled when a batch is made; augmented if `augmentation` is given.

    Labels are numbers of `classes`, or else of the dataset's. Starter drawings follow the dataset's drawings.
    A batch of n augmented drawings has `scribble_rate` · n scribbles in addition.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        raster: RasterSettings,
        augmentation: AugmentSettings | None = None,
        seed: int = 0,
        *,
        sequence: SequenceSettings | None = None,
        scribble_rate: float = 0.0,
        classes: Sequence[str] | None = None,
        starters: StarterDrawings | None = None,
    ) -> None:
        self._dataset = dataset
        self._indices = dataset.indices(split)
        self._starters = starters
        classes = classes or dataset.classes
        own = numbers_in(dataset.classes, classes)[dataset.labels[self._indices]]
        added = starters.labels if starters else np.empty(0, np.int64)
        self.labels = np.concatenate([own, added])
        # Numbers of the drawings, for random numbers: starter drawings follow the whole dataset.
        self._numbers = np.concatenate([self._indices, len(dataset) + np.arange(len(added))])
        self._raster, self._sequence = raster, sequence
        self._augmentation = augmentation
        self._double_struck = double_struck(classes)
        self._seed = seed
        self._scribble_rate = scribble_rate
        self._shift_scale = 1.0
        self._neighbours: tuple[int, SameClassNeighbours] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def starters(self) -> int:
        return len(self.labels) - len(self._indices)

    def with_inputs(self, raster: RasterSettings, sequence: SequenceSettings | None) -> Self:
        other = copy.copy(self)
        # Shifts are in pixels: in a smaller image they are shorter.
        other._shift_scale = self._shift_scale * raster.size / self._raster.size
        other._raster, other._sequence = raster, sequence
        return other

    def batch(self, rows: NDArray[np.int64], epoch: int, shard: Shard = WHOLE) -> Batch:
        own, is_padding = shard.of_rows(rows)
        drawings = self._drawings(own, epoch)
        labels = self.labels[own]
        if self._augmentation is None:
            inputs = model_inputs(drawings, self._raster, self._sequence, threads=1)
            return Batch(inputs, labels, len(rows), is_padding)
        if self._augmentation.blend:
            drawings = self._blended(drawings, own, epoch)
        scribble_count = round(self._scribble_rate * len(rows))
        own_scribbles = shard.of(np.arange(scribble_count))
        if len(own_scribbles):
            rng = np.random.default_rng([self._seed, epoch, int(rows[0])])
            drawings = Drawings.join([drawings, scribbles(scribble_count, rng).take(own_scribbles)])
        # Equal numbers would be augmented alike.
        numbers = np.concatenate([self._numbers[own], _FIRST_SCRIBBLE + self._numbers[rows[own_scribbles]]])
        wide = np.concatenate([self._double_struck[labels], np.zeros(len(own_scribbles), np.bool_)])
        augmented = augment(drawings, numbers, self._augmentation, seed=self._seed, epoch=epoch, wide=wide)
        inputs = model_inputs(
            augmented.drawings, self._raster, self._sequence, threads=1,
            width_factors=augmented.width_factors, shifts=augmented.shifts * np.float32(self._shift_scale),
        )  # fmt: skip
        return Batch(inputs, labels, len(rows) + scribble_count, is_padding)

    def _drawings(self, rows: NDArray[np.int64], epoch: int) -> Drawings:
        """The drawings of rows, which for starter drawings depend on the epoch."""
        own = len(self._indices)
        if self._starters is None or not (rows >= own).any():
            return self._dataset.drawings.take(self._indices[rows])
        from_dataset, added = np.flatnonzero(rows < own), np.flatnonzero(rows >= own)
        joined = Drawings.join(
            [
                self._dataset.drawings.take(self._indices[rows[from_dataset]]),
                self._starters.take(rows[added] - own, epoch),
            ]
        )
        order = np.empty(len(rows), np.int64)
        order[from_dataset], order[added] = np.arange(len(from_dataset)), len(from_dataset) + np.arange(len(added))
        return joined.take(order)

    def _blended(self, drawings: Drawings, rows: NDArray[np.int64], epoch: int) -> Drawings:
        """The drawings of rows, a fraction of them blended with others of the same symbol."""
        assert self._augmentation is not None
        pick, part, coin = uniforms(self._numbers[rows], seed=self._seed, epoch=epoch, columns=3).T
        towards = self._drawings(self._neighbours_in(epoch).pick(rows, pick), epoch)
        parts = REACH[0] + (REACH[1] - REACH[0]) * part
        return blend(drawings, towards, np.where(coin < self._augmentation.blend, parts, 0.0))

    def _neighbours_in(self, epoch: int) -> SameClassNeighbours:
        """The drawings of an epoch that can be blended; only starter drawings differ from epoch to epoch."""
        if self._neighbours is None or (self._starters is not None and self._neighbours[0] != epoch):
            strokes = np.diff(self._dataset.drawings.sample_ends, prepend=0)[self._indices]
            if self._starters is not None:
                strokes = np.concatenate([strokes, self._starters.strokes(epoch)])
            self._neighbours = epoch, SameClassNeighbours(self.labels, strokes)
        return self._neighbours[1]


def shuffled_rows(count: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of an epoch: a permutation of 0 … count-1."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches(
    dataset: BatchDataset, rows: NDArray[np.int64], size: int, *, epoch: int, first: int = 0, shard: Shard = WHOLE
) -> Iterator[Batch]:
    """The shard of each batch of `size` rows (the last may be smaller), from batch number `first` on.

    A thread makes the next batch while the caller works on the last one: the kernels release the GIL, so that one
    thread does what worker processes of torch's DataLoader would, without copies of the batches between processes.
    """
    starts = range(first * size, len(rows), size)
    if not starts:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="loader") as executor:
        following = executor.submit(dataset.batch, rows[starts[0] : starts[0] + size], epoch, shard)
        for start in starts:
            batch = following.result()
            if start + size < len(rows):
                following = executor.submit(dataset.batch, rows[start + size : start + 2 * size], epoch, shard)
            yield batch
