"""How well a model does: top-k over a dataset's split or the drawings of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.catalog import look_alike_groups
from extexify.classifier import BATCH, Classifier
from extexify.dataset import Dataset
from extexify.progress import Reporter, Stage, quiet
from extexify.samples import check_row
from extexify.sources import Source, SourceError
from extexify.strokes import BadDrawing, Drawing, Drawings

TOPS = (1, 3, 5, 10)


@dataclass(frozen=True)
class Figures:
    """What an evaluation found.

    n drawings were judged; top[k] is the part of them (0 to 1) with the right symbol among the first k; prints_alike
    and drawn_alike are the same, counting as right also a symbol that prints or is drawn alike (see
    `extexify.catalog.look_alike_groups`). unknown_keys counts drawings whose key the model doesn't know, which are
    outside n; unusable counts a source's rows that an export would leave out too.
    """

    n: int
    top: dict[int, float]
    prints_alike: dict[int, float]
    drawn_alike: dict[int, float]
    unknown_keys: int = 0
    unusable: int = 0

    def to_json(self) -> dict[str, Any]:
        """The figures as the command line prints them."""

        def named(top: dict[int, float]) -> dict[str, float]:
            return {f"top{k}": round(value, 6) for k, value in top.items()}

        return {
            "n": self.n,
            **named(self.top),
            "prints_alike": named(self.prints_alike),
            "drawn_alike": named(self.drawn_alike),
            "unknown_keys": self.unknown_keys,
            "unusable": self.unusable,
        }


class _Ranks:
    """Counts at which rank the right class stood."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._number = {key: number for number, key in enumerate(classifier.classes)}
        classes = len(classifier.classes)
        # Three ways to be right: the very symbol, one that prints alike, one that is drawn alike.
        self._groups = [np.arange(classes), *(groups_of(classifier.classes, by) for by in ("prints", "drawn"))]
        self._counts = np.zeros((len(self._groups), classes), np.int64)
        self.unknown = 0

    def judge(self, drawings: Drawings, keys: Sequence[str]) -> None:
        """Judge drawings (N,) with their right keys (N,)."""
        labels = np.array([self._number.get(key, -1) for key in keys], np.int64)
        known = np.flatnonzero(labels >= 0)
        self.unknown += len(labels) - len(known)
        if not len(known):
            return
        labels = labels[known]
        start = 0
        for probabilities in self._classifier.probabilities(drawings.take(known)):
            right = labels[start : start + len(probabilities)]
            for counts, groups in zip(self._counts, self._groups, strict=True):
                best = best_of_group(probabilities, groups, right)
                counts += np.bincount(ranks(probabilities, best), minlength=len(counts))
            start += len(probabilities)

    def figures(self, unusable: int = 0) -> Figures:
        n = int(self._counts[0].sum())
        right = np.cumsum(self._counts, axis=1)
        top, prints_alike, drawn_alike = (
            {k: float(row[min(k, len(row)) - 1] / n) if n else 0.0 for k in TOPS} for row in right
        )
        return Figures(n, top, prints_alike, drawn_alike, self.unknown, unusable)


def groups_of(classes: Sequence[str], relation: str) -> NDArray[np.int64]:
    """The number of each class's look-alike group, (classes,); a class without look-alikes is its own group."""
    groups = np.arange(len(classes))
    number = {key: index for index, key in enumerate(classes)}
    for keys in look_alike_groups(relation):
        known = [number[key] for key in keys if key in number]
        groups[known] = min(known, default=0)
    return groups


def best_of_group(
    probabilities: NDArray[np.floating], groups: NDArray[np.integer], labels: NDArray[np.integer]
) -> NDArray[np.int64]:
    """The most probable class of each right class's group: probabilities (N, classes), labels (N,) → (N,)."""
    mates = groups[None, :] == groups[labels][:, None]
    return np.where(mates, probabilities, -1.0).argmax(1)


def ranks(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """The rank (0 is first) of the right class: probabilities (N, classes), labels (N,) → (N,).

    Among equal probabilities the lower class number stands first, as in `Classifier.classify`.
    """
    own = probabilities[np.arange(len(labels)), labels][:, None]
    before = np.arange(probabilities.shape[1]) < np.asarray(labels)[:, None]
    return ((probabilities > own) | ((probabilities == own) & before)).sum(1)


def evaluate_dataset(
    classifier: Classifier, dataset: Dataset, split: str = "test", *, report: Reporter = quiet
) -> Figures:
    """Judge a split of a dataset ("train", "validation", "test" or "all")."""
    indices = dataset.indices(split)
    stage = Stage(report, "evaluate", total=len(indices))
    counter = _Ranks(classifier)
    for start in range(0, len(indices), BATCH):
        part = indices[start : start + BATCH]
        counter.judge(dataset.drawings.take(part), [dataset.classes[label] for label in dataset.labels[part]])
        stage.advance(len(part))
    stage.finish()
    return counter.figures()


def evaluate_sources(classifier: Classifier, sources: Sequence[Source], *, report: Reporter = quiet) -> Figures:
    """Judge all usable drawings of sources, as they stream by. Raises `SourceError` when there is none."""
    counter = _Ranks(classifier)
    unusable = judged = 0
    for source in sources:
        stage = Stage(report, "evaluate", unit=source.unit)
        keys: list[str] = []
        drawings: list[Drawing] = []
        for row in source.rows():
            try:
                sample = check_row(row)
            except BadDrawing:
                unusable += 1
                continue
            keys.append(sample.key)
            drawings.append(sample.drawing)
            if len(keys) == BATCH:
                counter.judge(Drawings.pack(drawings), keys)
                judged += len(keys)
                keys, drawings = [], []
                stage.done, stage.total = source.position()
                stage.at(stage.done)
        counter.judge(Drawings.pack(drawings), keys)
        judged += len(keys)
        stage.done, stage.total = source.position()
        stage.finish()
    if not judged:
        raise SourceError(f"{', '.join(source.name for source in sources)} has no usable row to evaluate on")
    return counter.figures(unusable)
