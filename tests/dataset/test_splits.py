"""Splits: a pure function of seed, id and key, stable while the data grows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extexify.dataset.splits import DEFAULT_RATIOS, LEFT_OUT, TEST, TRAIN, VALIDATION, assign_splits, check_ratios

KEYS = [f"test-OT1-_k{number}" for number in range(4)]

# (label, group) of samples with rising ids: groups are equal drawings, across classes too.
samples = st.lists(st.tuples(st.integers(0, len(KEYS) - 1), st.integers(0, 25)), min_size=1, max_size=60)
seeds = st.integers(0, 5)
ratios_ = st.sampled_from([DEFAULT_RATIOS, (0.8, 0.1, 0.1), (0.34, 0.33, 0.33), (0.98, 0.01, 0.01)])


def split(
    rows: list[tuple[int, int]], seed: int = 0, ratios: tuple[float, ...] = DEFAULT_RATIOS, ids: list[int] | None = None
) -> NDArray[np.uint8]:
    """The splits of (label, group) rows, with ids 100, 107, … unless others are given."""
    labels, groups = np.array(rows, np.int64).reshape(-1, 2).T
    identifiers = np.array(ids if ids is not None else [100 + 7 * number for number in range(len(rows))], np.int64)
    return assign_splits(identifiers, labels, KEYS, groups, seed=seed, ratios=ratios)


@given(samples, seeds, ratios_)
def test_the_order_of_the_rows_does_not_matter(
    rows: list[tuple[int, int]], seed: int, ratios: tuple[float, ...]
) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    ids = [100 + 7 * number for number in range(len(rows))]
    mixed = split([rows[i] for i in order], seed, ratios, [ids[i] for i in order])
    assert np.array_equal(split(rows, seed, ratios)[order], mixed)


@given(samples, samples, seeds, ratios_)
def test_samples_with_higher_ids_move_no_other(
    rows: list[tuple[int, int]], more: list[tuple[int, int]], seed: int, ratios: tuple[float, ...]
) -> None:
    before = split(rows, seed, ratios)
    after = split(rows + more, seed, ratios)[: len(rows)]
    # A class that was too small may come in; nothing else changes.
    assert np.array_equal(after[before != LEFT_OUT], before[before != LEFT_OUT])


@given(samples, seeds, ratios_)
def test_every_class_is_in_all_three_or_left_out_whole(
    rows: list[tuple[int, int]], seed: int, ratios: tuple[float, ...]
) -> None:
    splits, labels = split(rows, seed, ratios), np.array([label for label, _ in rows])
    for label in set(labels.tolist()):
        assert set(splits[labels == label].tolist()) in ({TRAIN, VALIDATION, TEST}, {LEFT_OUT})


@given(samples, seeds)
def test_a_class_with_three_drawings_of_its_own_is_included(rows: list[tuple[int, int]], seed: int) -> None:
    splits = split(rows, seed)
    first_with: dict[int, int] = {}
    for label, group in rows:
        first_with.setdefault(group, label)
    for label in {label for label, _ in rows}:
        if sum(owner == label for owner in first_with.values()) >= 3:
            assert LEFT_OUT not in {splits[i] for i, row in enumerate(rows) if row[0] == label}


@given(samples, seeds, ratios_)
def test_equal_drawings_are_together(rows: list[tuple[int, int]], seed: int, ratios: tuple[float, ...]) -> None:
    splits = split(rows, seed, ratios)
    for group in {group for _, group in rows}:
        assert len({splits[i] for i, row in enumerate(rows) if row[1] == group} - {LEFT_OUT}) <= 1


@given(samples, seeds)
def test_the_names_of_other_classes_do_not_matter(rows: list[tuple[int, int]], seed: int) -> None:
    labels, groups = np.array(rows, np.int64).T
    ids = np.arange(len(rows), dtype=np.int64)
    more_keys = ["a", *KEYS, "z"]
    assert np.array_equal(
        assign_splits(ids, labels, KEYS, groups, seed=seed),
        assign_splits(ids, labels + 1, more_keys, groups, seed=seed),
    )


@pytest.mark.parametrize("ratios", [DEFAULT_RATIOS, (0.6, 0.2, 0.2), (0.9, 0.05, 0.05)])
@pytest.mark.parametrize("each", [20, 2000])
def test_proportions_are_near_the_ratios(ratios: tuple[float, ...], each: int) -> None:
    classes = 8000 // each
    labels = np.arange(8000) % classes
    keys = [f"k{number}" for number in range(classes)]
    splits = assign_splits(np.arange(8000), labels, keys, np.arange(8000), ratios=ratios)
    parts = np.bincount(splits, minlength=3) / 8000
    assert parts == pytest.approx(ratios, abs=0.02)


def test_another_seed_gives_another_split_of_the_same_proportions() -> None:
    rows = [(number % 4, number) for number in range(400)]
    assert not np.array_equal(split(rows, 0), split(rows, 1))


def test_the_split_of_these_samples_stays_what_it_is() -> None:
    """Datasets and models of earlier versions are compared by their test split: it must not change by accident."""
    splits = split([(number % 4, number) for number in range(60)], seed=0)
    assert "".join(map(str, splits)) == "101001022221000000100000100000010100000000010000002001000000"


def test_ids_may_be_negative_and_large() -> None:
    rows = [(0, number) for number in range(6)]
    splits = split(rows, ids=[-(2**63) + 1, -5, 0, 2**40, 2**53, 2**63 - 1])
    assert {TRAIN, VALIDATION, TEST} == set(splits.tolist())


def test_no_samples_have_no_splits() -> None:
    empty = np.empty(0, np.int64)
    assert len(assign_splits(empty, empty, [], empty)) == 0
    assert len(assign_splits(empty, empty, KEYS, empty)) == 0


@pytest.mark.parametrize(
    "ratios",
    [(), (1.0,), (0.7, 0.3), (0.7, 0.2, 0.1, 0.0), (0.7, 0.3, 0.0), (0.5, 0.6, -0.1), (0.7, 0.2, 0.2),
     (float("nan"), 0.2, 0.1), (float("inf"), 0.2, 0.1), (0.99, 0.005, 0.005), (7, 2, 1)],
)  # fmt: skip
def test_ratios_that_make_no_three_splits_are_refused(ratios: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="three numbers from"):
        check_ratios(ratios)
    with pytest.raises(ValueError, match="three numbers from"):
        split([(0, 0)], ratios=ratios)
