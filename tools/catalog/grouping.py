"""Grouping of what is alike, by average linkage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

# A group is joined while its members are on average this alike, and no two of them less than WEAKEST of that.
ALIKE, WEAKEST = 1.0, 0.4

TOGETHER = 10.0
"""Likeness of what is known to be alike."""

NEVER = -1.0
"""Likeness of what is known to be different."""

Groups = list[list[int]]
"""Numbers of the members, each group of two or more."""


def joined(likeness: coo_array, first: Groups, known: NDArray[np.bool_], *, weakest: float = WEAKEST) -> Groups:
    """Groups in which the groups `first` stay together, and those of what is known apart from each other.

    The others join them, or each other. likeness (N, N), symmetric: 1 or more for what is alike. What is like one
    member of a group of `first` is like all of it.
    """
    stands_for = np.arange(likeness.shape[0])
    for group in first:
        stands_for[group] = group[0]
    is_known = np.zeros(len(known), bool)
    is_known[stands_for[known]] = True
    rows, columns = stands_for[likeness.coords[0]], stands_for[likeness.coords[1]]
    free = (rows != columns) & ~(is_known[rows] & is_known[columns])
    order = np.argsort(likeness.data[free], kind="stable")
    pairs = np.stack([rows[free][order], columns[free][order]])
    # The largest of each pair: of equal places in a dictionary the last one stays.
    largest = dict(zip(zip(*pairs.tolist(), strict=True), likeness.data[free][order].tolist(), strict=True))
    apart = np.flatnonzero(is_known)
    largest.update({(one, other): NEVER for one in apart.tolist() for other in apart.tolist() if one != other})
    places = np.array(list(largest), int).reshape(-1, 2)
    units = coo_array((np.array(list(largest.values()), np.float32), (places[:, 0], places[:, 1])), likeness.shape)
    members = {group[0]: group for group in first}
    groups = [
        [one for unit in group for one in members.get(unit, [unit])]
        for group in groups_of_alike(units.tocsr(), weakest=weakest)
    ]
    grouped = {one for group in groups for one in group}
    groups += [group for group in first if group[0] not in grouped and len(group) > 1]
    return sorted(sorted(group) for group in groups)


def groups_of_alike(likeness: csr_array, start: Groups | None = None, *, weakest: float = WEAKEST) -> Groups:
    """Groups, beginning with ``start``, the most alike pair merged first, while it is alike on average.

    likeness (N, N), symmetric. Such a pair has two members that are alike: what these connect is merged by itself.
    """
    start = start or []
    links = (likeness >= ALIKE).tolil()
    for group in start:
        links[group[0], group] = True
    _, parts = connected_components(links.tocsr(), directed=False)
    order = np.argsort(parts, kind="stable")
    groups = []
    for part in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1):
        if len(part) > 1:
            place = {number: index for index, number in enumerate(part.tolist())}
            begun = [[place[number] for number in group] for group in start if group[0] in place]
            groups += [part[group].tolist() for group in _merged(likeness[part][:, part].toarray(), begun, weakest)]
    return sorted(sorted(group) for group in groups)


def _merged(scores: NDArray[np.floating], start: Groups, least: float) -> Groups:
    likeness = scores.astype(np.float64)
    np.fill_diagonal(likeness, 0)
    grouped = {member for group in start for member in group}
    groups = start + [[number] for number in range(len(likeness)) if number not in grouped]
    mean = np.array([[_mean(likeness, a, b) if a is not b else 0 for b in groups] for a in groups])
    weakest = np.array([[likeness[np.ix_(a, b)].min() for b in groups] for a in groups])
    while True:
        candidates = np.where(weakest >= least, mean, 0)
        first, second = np.unravel_index(np.argmax(candidates), candidates.shape)
        if candidates[first, second] < ALIKE:
            return [group for group in groups if len(group) > 1]
        sizes = len(groups[first]), len(groups[second])
        joined = (mean[first] * sizes[0] + mean[second] * sizes[1]) / sum(sizes)
        mean[first] = mean[:, first] = joined
        weakest[first] = weakest[:, first] = np.minimum(weakest[first], weakest[second])
        mean[first, first] = mean[second] = mean[:, second] = 0
        groups[first] = groups[first] + groups[second]
        groups[second] = []


def united(groups: Groups) -> Groups:
    """Groups with a member in common made one."""
    united: list[set[int]] = []
    for group in groups:
        touching = [other for other in united if not other.isdisjoint(group)]
        united = [other for other in united if other.isdisjoint(group)] + [set(group).union(*touching)]
    return [sorted(group) for group in united]


def _mean(likeness: NDArray[np.float64], a: list[int], b: list[int]) -> float:
    return float(likeness[np.ix_(a, b)].mean())
