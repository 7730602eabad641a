"""Train, validation and test splits that stay stable while the data grows.

Each sample has a *natural* split, a hash of (seed, id, key). Two rules take precedence:

- Equal drawings, under any key, are in one split: that of the one with the lowest id, the *leader*. (Drawings of a
  single dot are exempt, see `extexify.dataset.export`.)
- Every class is in all three splits. Hashing alone can't guarantee that, so the first leaders of each class, in the
  order of their ids, get their splits from a short shuffled list that contains every split.

Both rules depend on lower ids only, and new samples get higher ids (from a database's sequence or the embedded store),
so adding a sample moves no other. A class with fewer than three distinct drawings can't be in three splits and is left
out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extexify.core.errors import UserError

TRAIN, VALIDATION, TEST = 0, 1, 2
SPLITS = ("train", "validation", "test")
DEFAULT_RATIOS = (0.7, 0.2, 0.1)
LEFT_OUT = 255

FOLDS, MAX_FOLDS = 4, 20
"""Parts of a dataset in a cross-validation: the usual number, and the most."""


def assign_splits(
    ids: NDArray[np.int64],
    labels: NDArray[np.integer],
    keys: Sequence[str],
    groups: NDArray[np.integer],
    *,
    seed: int = 0,
    ratios: Sequence[float] = DEFAULT_RATIOS,
) -> NDArray[np.uint8]:
    """The split of every sample: uint8 (N,), 0 train, 1 validation, 2 test, 255 class left out.

    ids (N,) are unique; labels (N,) index `keys`; groups (N,) are equal for equal drawings; ratios are the fractions of
    train, validation and test. The order of the rows doesn't matter.
    Raises `SplitError` as `check_ratios` does.
    """
    check_ratios(ratios)
    seeds = np.array([_hash64(f"{seed}:{key}") for key in keys], np.uint64)
    splits = _natural(ids, seeds[labels], ratios)
    order = np.argsort(ids)
    _, first, member = np.unique(groups[order], return_index=True, return_inverse=True)
    leaders = np.empty(len(ids), np.int64)
    leaders[order] = order[first[member]]

    leads = order[leaders[order] == order]  # in the order of their ids
    dealt = (
        np.stack([_dealt_splits(int(value), ratios) for value in seeds]) if len(keys) else np.empty((0, 1), np.uint8)
    )
    rank = _rank_within(labels[leads])
    first_ones = rank < dealt.shape[1]
    splits[leads[first_ones]] = dealt[labels[leads[first_ones]], rank[first_ones]]

    splits = splits[leaders]
    present = np.zeros((len(keys), 3), bool)
    present[labels, splits] = True
    complete = np.asarray(present.all(axis=1))
    splits[~complete[labels]] = LEFT_OUT
    return splits


def fold_numbers(labels: NDArray[np.integer], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """The fold of each of N samples in a cross-validation, int64 (N,), from 0: at random, each class in equal parts.

    Raises `SplitError` unless there are 2 to `MAX_FOLDS` folds.
    """
    if not 2 <= folds <= MAX_FOLDS:
        raise SplitError(f"cross-validation takes 2 to {MAX_FOLDS} folds, not {folds}")
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    numbers = np.empty(len(labels), np.int64)
    numbers[by_class] = np.arange(len(labels)) % folds
    return numbers


class SplitError(UserError, ValueError):
    """Split ratios or the name of a split are invalid."""


def check_ratios(ratios: Sequence[float]) -> None:
    """Raise `SplitError` unless `ratios` are three numbers from 0.01 whose sum is 1."""
    if len(ratios) != 3 or not all(0.01 <= ratio < 1 for ratio in ratios) or abs(sum(ratios) - 1) > 1e-6:
        raise SplitError(f"split ratios must be three numbers from 0.01 with sum 1, not {list(ratios)}")


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _natural(ids: NDArray[np.int64], seeds: NDArray[np.uint64], ratios: Sequence[float]) -> NDArray[np.uint8]:
    """Each sample's split by its hash: uint8 (N,)."""
    mixed = _mix(_mix(ids.astype(np.uint64)) ^ seeds)
    uniform = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.searchsorted(np.cumsum(ratios)[:2], uniform, side="right").astype(np.uint8)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), a hash of 64 bits in which every output bit
    depends on every input bit."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _dealt_splits(seed: int, ratios: Sequence[float]) -> NDArray[np.uint8]:
    """The splits of a class's first leaders: each split once among the first three, and over the whole list in the
    proportions of `ratios`, so that small classes are split like large ones."""
    size = max(10, math.ceil(1 / min(ratios)))
    counts = [max(1, round(size * ratio)) for ratio in ratios]
    rest = [split for split in (TRAIN, VALIDATION, TEST) for _ in range(counts[split] - 1)]
    return np.array([*_shuffled([TRAIN, VALIDATION, TEST], seed), *_shuffled(rest, seed + 1)], np.uint8)


def _shuffled(values: list[int], seed: int) -> list[int]:
    """A shuffle that doesn't depend on any library's version: the order of hashed positions."""
    positions = np.arange(len(values), dtype=np.uint64) + np.uint64(seed & (2**64 - 1))
    return [values[position] for position in np.argsort(_mix(positions), kind="stable")]


def _rank_within(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """For each sample, the number of samples of its class before it."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(labels[order]) != 0]) if len(labels) else np.empty(0, np.int64)
    first = np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - first
    return rank
