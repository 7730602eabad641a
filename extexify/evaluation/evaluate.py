"""How well a model does: it answers a dataset's split or the drawings of a source, and each answer is judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawings
from extexify.evaluation.metrics import (
    EvaluationRecords,
    Fold,
    Metrics,
    MetricsCounter,
    RecordSink,
    discard,
    top_classes,
)
from extexify.model.classifier import BATCH, Classifier
from extexify.sources.base import Source, SourceError
from extexify.sources.rows import checked_chunks

__all__ = ["Metrics", "evaluate_dataset", "evaluate_sources"]


class _Judge:
    """Has drawings answered, counts how right the answers are, and passes both on."""

    def __init__(self, classifier: Classifier, sink: RecordSink) -> None:
        self._classifier, self._sink = classifier, sink
        self._number = {key: number for number, key in enumerate(classifier.classes)}
        self._folds = [Fold(groups_of(classifier.classes, match)) for match in MATCHES]
        self.counter = MetricsCounter(classifier.classes)

    def judge(self, drawings: Drawings, ids: NDArray[np.int64], keys: Sequence[str]) -> None:
        """Judge a batch of drawings (n) with their ids and right keys; keys that the model doesn't know are counted."""
        labels = np.array([self._number.get(key, -1) for key in keys], np.int32)
        known = np.flatnonzero(labels >= 0)
        self.counter.unknown += len(labels) - len(known)
        if not len(known):
            return
        drawings, labels = drawings.take(known), labels[known]
        (probabilities,) = self._classifier.probabilities(drawings, batch=len(drawings))
        top = top_classes(probabilities)
        confidence, correct, right = zip(*(fold.first(probabilities, labels) for fold in self._folds), strict=True)
        judged = EvaluationRecords(
            drawings=drawings,
            ids=ids[known],
            labels=labels,
            top=top,
            probabilities=np.where(top >= 0, np.take_along_axis(probabilities, top, 1), np.float32(0)),
            confidence=np.stack(confidence, 1),
            correct=np.stack(correct, 1).astype(np.uint8),
            right=np.stack(right, 1),
        )
        self.counter.add(judged)
        self._sink(judged)


def evaluate_dataset(
    classifier: Classifier,
    dataset: Dataset,
    split: str = "test",
    *,
    sink: RecordSink = discard,
    report: Reporter = quiet,
) -> Metrics:
    """Judge a split of a dataset ("train", "validation", "test" or "all"); `sink` gets the answers as they come."""
    indices = dataset.indices(split)
    stage = Stage(report, "evaluate", total=len(indices))
    judge = _Judge(classifier, sink)
    for start in range(0, len(indices), BATCH):
        part = indices[start : start + BATCH]
        keys = [dataset.classes[label] for label in dataset.labels[part]]
        judge.judge(dataset.drawings.take(part), dataset.ids[part], keys)
        stage.advance(len(part))
    stage.finish()
    return judge.counter.metrics()


def evaluate_sources(
    classifier: Classifier, sources: Sequence[Source], *, sink: RecordSink = discard, report: Reporter = quiet
) -> Metrics:
    """Judge all usable drawings of sources, as they stream by; `sink` gets the answers as they come.

    Raises `SourceError` when there is none.
    """
    judge = _Judge(classifier, sink)
    unusable = judged = 0
    for source in sources:
        stage = Stage(report, "evaluate", unit=source.unit)
        for chunk in checked_chunks(source):
            judge.judge(chunk.drawings, chunk.ids, chunk.keys)
            judged += len(chunk.ids)
            unusable += len(chunk.invalid)
            stage.done, stage.total = source.position()
            stage.at(stage.done)
        stage.done, stage.total = source.position()
        stage.finish()
    if not judged:
        raise SourceError(f"{', '.join(source.name for source in sources)} has no usable row to evaluate on")
    return judge.counter.metrics(unusable)
