"""Grouping of look-alikes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from tools.catalog.grouping import Groups, groups_of_alike, joined, united

NUMBERS = st.integers(0, 9)
PAIRS = st.dictionaries(
    st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] < pair[1]), st.floats(0, 3), max_size=40
)


def likeness(pairs: dict[tuple[int, int], float]) -> csr_array:
    values = np.zeros((10, 10), np.float32)
    for (one, other), value in pairs.items():
        values[one, other] = values[other, one] = value
    return csr_array(values)


def test_a_group_is_alike_on_average() -> None:
    assert groups_of_alike(likeness({(0, 1): 2.0, (1, 2): 1.5, (0, 2): 0.9})) == [[0, 1, 2]]
    assert groups_of_alike(likeness({(0, 1): 2.0, (1, 2): 1.1, (0, 2): 0.5})) == [[0, 1]]


def test_two_that_are_nothing_alike_keep_a_group_apart() -> None:
    assert groups_of_alike(likeness({(0, 1): 2.0, (1, 2): 2.0, (0, 2): 0.3})) == [[0, 1]]


@given(PAIRS)
def test_groups_are_disjoint_and_of_two_or_more(pairs: dict[tuple[int, int], float]) -> None:
    members = [number for group in groups_of_alike(likeness(pairs)) for number in group]
    assert len(members) == len(set(members))
    assert all(len(group) > 1 for group in groups_of_alike(likeness(pairs)))


@given(PAIRS, st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_what_is_known_stays_grouped_as_it_is(pairs: dict[tuple[int, int], float], numbers: list[int]) -> None:
    known = np.arange(10) < 5
    first: Groups = [[one for one in range(5) if numbers[one] == number] for number in sorted(set(numbers))]
    groups = joined(coo_array(likeness(pairs)), [group for group in first if len(group) > 1], known)
    found = [[number for number in group if known[number]] for group in groups]
    assert sorted(group for group in found if len(group) > 1) == sorted(group for group in first if len(group) > 1)


def test_what_is_like_one_of_a_known_group_joins_it() -> None:
    known = np.arange(10) < 2
    assert joined(coo_array(likeness({(1, 2): 1.5})), [[0, 1]], known) == [[0, 1, 2]]
    assert joined(coo_array(likeness({(1, 2): 0.9})), [[0, 1]], known) == [[0, 1]]


def test_groups_with_a_member_in_common_are_one() -> None:
    assert sorted(united([[0, 1], [2, 3], [1, 2], [4, 5]])) == [[0, 1, 2, 3], [4, 5]]
