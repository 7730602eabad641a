"""A one-pixel-wide skeleton → strokes: the graph of its pixels, cleaned, and traversed in writing order.

A skeleton differs from pen strokes: thick line ends fork into their corners, two crossing lines meet in two
junctions with a short piece between them, and near a junction the centre line is bent. All three happen within half
a line's width, so every rule is in terms of the glyph's local half width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Path = NDArray[np.float64]  # (n, 2) points, x right, y down, pixels
Picture = NDArray[np.bool_]

# A leaf shorter than this many half widths (of the line it leaves) is a corner of the outline, no stroke.
SPUR = 1.5
# Junctions nearer to each other than this many half widths are one crossing.
CROSSING = 1.7
# A stroke continues through a crossing where the direction changes by less than this: radians.
MAX_TURN = np.radians(62)
_EIGHT = np.ones((3, 3), int)


@dataclass(eq=False)
class _Node:
    """A junction or an end: its position, and the line's half width there."""

    place: NDArray[np.float64]
    radius: float
    merged: bool = False
    """Made of several junctions: lines end at its middle."""


@dataclass(eq=False)
class _Edge:
    """A line between two nodes; a loop without a junction has the same node, of no other edge, at both ends."""

    ends: tuple[_Node, _Node]
    path: Path

    def length(self) -> float:
        return float(np.hypot(*np.diff(self.path, axis=0).T).sum())

    def other(self, node: _Node) -> _Node:
        return self.ends[1] if self.ends[0] is node else self.ends[0]

    def away_from(self, side: int) -> Path:
        """The path, starting at end 0 or 1."""
        return self.path if side == 0 else self.path[::-1]


@dataclass
class _Graph:
    edges: list[_Edge] = field(default_factory=list)

    def sides(self) -> dict[_Node, list[tuple[_Edge, int]]]:
        """The edges at each node, each with the end of it that lies there; a loop counts twice."""
        found: dict[_Node, list[tuple[_Edge, int]]] = {}
        for edge in self.edges:
            for side in (0, 1):
                found.setdefault(edge.ends[side], []).append((edge, side))
        return found


def strokes_of(skeleton: Picture, half_width: NDArray[np.float64]) -> list[Path]:
    """The strokes of a skeleton. `half_width`: each pixel's distance to the glyph's edge, in pixels.

    A stroke that closes ends on the point it starts with.
    """
    graph = _graph_of(skeleton, half_width)
    for _ in range(3):  # a pruned fork may leave another
        _prune(graph)
        _join_through(graph)
    _contract(graph)
    _prune(graph)
    _join_through(graph)
    return [path for path in _walk(graph) if len(path) > 1]


def _graph_of(skeleton: Picture, half_width: NDArray[np.float64]) -> _Graph:
    """Nodes are pixels with one neighbour, and connected clusters of pixels with three or more."""
    neighbours = ndimage.convolve(skeleton.astype(int), _EIGHT, mode="constant") - 1
    is_node = skeleton & (neighbours != 2)
    heaps, count = ndimage.label(is_node, structure=_EIGHT)
    nodes = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero(heaps == number)
        nodes.append(_Node(np.array([columns.mean(), rows.mean()]), float(half_width[rows, columns].max())))
    between, pieces = ndimage.label(skeleton & ~is_node, structure=_EIGHT)
    graph = _Graph()
    for number in range(1, pieces + 1):
        chain = _ordered(between == number)
        first, last = _heap_at(heaps, chain[0], set()), None
        if len(chain) == 1 or first:
            last = _heap_at(heaps, chain[-1], {first} if len(chain) == 1 else set())
        path = chain.astype(float)
        if not first or not last:
            if len(chain) == 1:
                continue
            ring = _Node(path[0], float(half_width[chain[0, 1], chain[0, 0]]))
            graph.edges.append(_Edge((ring, ring), np.vstack([path, path[:1]])))
            continue
        start, end = nodes[first - 1], nodes[last - 1]
        graph.edges.append(_Edge((start, end), np.vstack([start.place, path, end.place])))
    return graph


def _heap_at(heaps: NDArray[np.intp], point: NDArray[np.intp], besides: set[int]) -> int:
    """The node beside a pixel: its number, 0 for none."""
    x, y = point
    around = heaps[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
    found = [int(number) for number in np.unique(around) if number and number not in besides]
    return found[0] if found else (next(iter(besides)) if besides else 0)


def _ordered(piece: Picture) -> NDArray[np.intp]:
    """The pixels of a chain from one end to the other, or around: (n, 2), x and y."""
    rows, columns = np.nonzero(piece)
    left = {(int(x), int(y)) for x, y in zip(columns, rows, strict=True)}

    def next_to(x: int, y: int) -> list[tuple[int, int]]:
        # Sides before corners: a step along a staircase is not skipped.
        steps = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1))
        return [(x + dx, y + dy) for dx, dy in steps if (x + dx, y + dy) in left]

    start = min(left, key=lambda point: (len(next_to(*point)), point))
    chain = [start]
    left.remove(start)
    while following := next_to(*chain[-1]):
        chain.append(following[0])
        left.remove(following[0])
    return np.array(chain)


def _prune(graph: _Graph) -> None:
    """Remove the forks at line ends. Of a cluster of forks alone the longest stays."""
    sides = graph.sides()
    doomed = set()
    for node, there in sides.items():
        if len(there) < 3:
            continue
        leaves = [edge for edge, side in there if len(sides[edge.ends[1 - side]]) == 1]
        short = [edge for edge in leaves if edge.length() < SPUR * node.radius + 2]
        short.sort(key=_Edge.length)
        if len(short) == len(there):
            short = short[:-2]
        doomed.update(short)
    graph.edges = [edge for edge in graph.edges if edge not in doomed]


def _join_through(graph: _Graph) -> None:
    """Merge two edges that meet where no other edge does."""
    while True:
        for node, there in graph.sides().items():
            if len(there) == 2 and there[0][0] is not there[1][0]:
                (one, side), (two, other_side) = there
                path = np.vstack([one.away_from(side)[::-1], two.away_from(other_side)[1:]])
                graph.edges = [edge for edge in graph.edges if edge is not one and edge is not two]
                graph.edges.append(_Edge((one.other(node), two.other(node)), path))
                break
        else:
            return


def _contract(graph: _Graph) -> None:
    """Merge the junctions into which a crossing of thick lines falls apart."""
    while True:
        sides = graph.sides()
        short = [
            edge
            for edge in graph.edges
            if edge.ends[0] is not edge.ends[1]
            and min(len(sides[end]) for end in edge.ends) >= 3
            and edge.length() < CROSSING * (edge.ends[0].radius + edge.ends[1].radius) / 2 + 1
        ]
        if not short:
            return
        gone = min(short, key=_Edge.length)
        one, two = gone.ends
        node = _Node((one.place + two.place) / 2, max(one.radius, two.radius), merged=True)
        graph.edges.remove(gone)
        for edge in graph.edges:
            ends = [node if end in (one, two) else end for end in edge.ends]
            if ends[0] is not edge.ends[0]:
                edge.path = np.vstack([node.place, edge.path[1:]])
            if ends[1] is not edge.ends[1]:
                edge.path = np.vstack([edge.path[:-1], node.place])
            edge.ends = (ends[0], ends[1])


def _walk(graph: _Graph) -> Iterator[Path]:
    """Strokes: at every junction, an edge continues in the one straightest ahead."""
    follows: dict[tuple[_Edge, int], tuple[_Edge, int]] = {}
    for node, there in graph.sides().items():
        if len(there) == 2 and there[0][0] is there[1][0]:
            continue  # a loop by itself
        headings = [_heading(edge.away_from(side), node.radius) for edge, side in there]
        pairs = [
            (float(np.arccos(np.clip(-headings[a] @ headings[b], -1, 1))), a, b)
            for a in range(len(there))
            for b in range(a)
        ]
        free = set(range(len(there)))
        for turn, a, b in sorted(pairs):
            if turn < MAX_TURN and {a, b} <= free:
                free -= {a, b}
                follows[there[a]], follows[there[b]] = there[b], there[a]
    waiting = dict.fromkeys(graph.edges)
    starts = [(edge, side) for edge in graph.edges for side in (0, 1) if (edge, side) not in follows]
    for start in [*starts, *((edge, 0) for edge in graph.edges)]:  # the rest are closed loops
        if start[0] not in waiting:
            continue
        pieces = []
        step: tuple[_Edge, int] | None = start
        while step is not None and step[0] in waiting:
            edge, side = step
            del waiting[edge]
            pieces.append(_straightened(edge, side, follows))
            step = follows.get((edge, 1 - side))
        path = np.vstack(pieces)
        closes = step is not None and step == start
        yield np.vstack([path, path[:1]]) if closes else path


def _heading(path: Path, radius: float) -> NDArray[np.float64]:
    """The direction in which a path leaves a junction, looked at beyond the reach of the other lines' width."""
    away = np.hypot(*(path - path[0]).T)
    beyond = np.flatnonzero(away > 1.2 * radius + 1)
    near = int(beyond[0]) if len(beyond) else len(path) // 2
    far_ones = np.flatnonzero(away > 3 * radius + 6)
    far = int(far_ones[0]) if len(far_ones) else len(path) - 1
    if far <= near:
        near = 0
    heading = path[far] - path[near]
    size = np.hypot(*heading)
    return heading / size if size else heading


def _straightened(edge: _Edge, side: int, follows: dict[tuple[_Edge, int], tuple[_Edge, int]]) -> Path:
    """An edge without the pieces beside the junctions it runs through, which the other lines' width bends."""
    path = edge.away_from(side)
    keep = np.ones(len(path), bool)
    for end, node in ((side, edge.ends[side]), (1 - side, edge.ends[1 - side])):
        if (edge, end) in follows:
            near = np.hypot(*(path - node.place).T) < 1.1 * node.radius + 1
            keep &= ~near
    if keep.sum() < 2:
        keep[:] = False
        keep[[0, -1]] = True
    return path[keep]
