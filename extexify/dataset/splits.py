"""Train, validation and test: a split that stays put while the data grows.

Every sample has a *natural* split, drawn by hashing (seed, id, key). Two rules stand above it:

- Equal drawings are in one split, whoever drew them under whichever key: all follow the one with the
  lowest id, the *leader*. (Single dots are exempt, see `extexify.dataset.export`.)
- Every class is in all three splits. Hashing alone can't promise that, so the first leaders of each
  class, in the order of their ids, are dealt from a small shuffled hand that holds every split.

Both look only at lower ids, and new samples get higher ids (a database counts up, the embedded store
too), so adding a sample moves no other. A class with fewer than three distinct drawings can't be in
three splits and is left out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.chunks import parts, pieces

TRAIN, VALIDATION, TEST = 0, 1, 2
SPLITS = ("train", "validation", "test")
DEFAULT_RATIOS = (0.7, 0.2, 0.1)
LEFT_OUT = 255


def assign_splits(
    ids: NDArray[np.int64],
    labels: NDArray[np.integer],
    keys: Sequence[str],
    groups: NDArray[np.integer],
    *,
    seed: int = 0,
    ratios: Sequence[float] = DEFAULT_RATIOS,
    leaders: NDArray[np.int64] | None = None,
) -> NDArray[np.uint8]:
    """The split of every sample: uint8 (N,), 0 train, 1 validation, 2 test, 255 class left out.

    ids (N,) unique; labels (N,) index `keys`; groups (N,) is equal for equal drawings. ratios are the
    parts of train, validation and test. The order of the rows doesn't matter. leaders (N,) is room to work in, which
    may be a file's; nothing else grows with N but the result.
    Raises ValueError for ratios that are not three positive numbers of sum 1.
    """
    check_ratios(ratios)
    splits = np.empty(len(ids), np.uint8)
    leaders = np.empty(len(ids), np.int64) if leaders is None else leaders
    seeds = np.array([_hash64(f"{seed}:{key}") for key in keys], np.uint64)
    for piece in pieces(len(ids)):
        splits[piece] = _natural(ids[piece], seeds[labels[piece]], ratios)
    for rows in parts(groups):
        rows = rows[np.argsort(ids[rows])]
        _, first, member = np.unique(groups[rows], return_index=True, return_inverse=True)
        leaders[rows] = rows[first[member]]

    hands = np.stack([_hand(int(value), ratios) for value in seeds]) if len(keys) else np.empty((0, 1), np.uint8)
    for rows in parts(labels):
        leads = rows[leaders[rows] == rows]
        leads = leads[np.argsort(ids[leads])]
        rank = _rank_within(labels[leads])
        dealt = rank < hands.shape[1]
        splits[leads[dealt]] = hands[labels[leads[dealt]], rank[dealt]]

    seen = np.zeros((len(keys), 3), bool)
    for piece in pieces(len(ids)):
        splits[piece] = splits[leaders[piece]]  # a leader's own leader is itself
        seen[labels[piece], splits[piece]] = True
    complete = np.asarray(seen.all(axis=1))
    for piece in pieces(len(ids)):
        splits[piece][~complete[labels[piece]]] = LEFT_OUT
    return splits


def check_ratios(ratios: Sequence[float]) -> None:
    """Raise ValueError unless `ratios` are three positive numbers of sum 1, none below 0.01."""
    if len(ratios) != 3 or not all(0.01 <= ratio < 1 for ratio in ratios) or abs(sum(ratios) - 1) > 1e-6:
        raise ValueError(f"split ratios must be three numbers from 0.01 with sum 1, not {list(ratios)}")


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _natural(ids: NDArray[np.int64], seeds: NDArray[np.uint64], ratios: Sequence[float]) -> NDArray[np.uint8]:
    """Each sample's split by its hash alone."""
    mixed = _mix(_mix(ids.astype(np.uint64)) ^ seeds)
    uniform = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.searchsorted(np.cumsum(ratios)[:2], uniform, side="right").astype(np.uint8)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): every output bit depends on every input bit."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _hand(seed: int, ratios: Sequence[float]) -> NDArray[np.uint8]:
    """The splits that a class's first leaders get: all three among the first three, and in all the ratios'
    proportions, so that small classes are split like large ones."""
    size = max(10, math.ceil(1 / min(ratios)))
    counts = [max(1, round(size * ratio)) for ratio in ratios]
    rest = [split for split in (TRAIN, VALIDATION, TEST) for _ in range(counts[split] - 1)]
    return np.array([*_shuffled([TRAIN, VALIDATION, TEST], seed), *_shuffled(rest, seed + 1)], np.uint8)


def _shuffled(values: list[int], seed: int) -> list[int]:
    """A shuffle that no release of any library changes: the order of hashed positions."""
    positions = np.arange(len(values), dtype=np.uint64) + np.uint64(seed & (2**64 - 1))
    return [values[position] for position in np.argsort(_mix(positions), kind="stable")]


def _rank_within(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """For each sample, how many of its class come before it."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(labels[order]) != 0]) if len(labels) else np.empty(0, np.int64)
    first = np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - first
    return rank
