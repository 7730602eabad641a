"""Evaluation of a model on a dataset's split, on the drawings of sources, or on images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawings
from extexify.evaluation.metrics import (
    Metrics,
    MetricsCounter,
    RecordSink,
    discard,
    evaluation_records,
    top_classes,
)
from extexify.evaluation.page_metrics import PageCounter
from extexify.model.classifier import BATCH, Classifier
from extexify.model.ranking import USAGE
from extexify.sources.base import Source, SourceError
from extexify.sources.detexify import fetch
from extexify.sources.rows import checked_chunks

__all__ = ["Metrics", "evaluate_dataset", "evaluate_images", "evaluate_parts", "evaluate_sources"]


class _Evaluator:
    """Classifies batches of drawings, counts metrics, and passes the records to a sink."""

    def __init__(self, classes: Sequence[str], sink: RecordSink) -> None:
        self._sink = sink
        self._numbers = {key: number for number, key in enumerate(classes)}
        self._groups = [groups_of(classes, match) for match in MATCHES]
        self.counter = MetricsCounter(classes)
        self._page = PageCounter(classes, USAGE)

    def metrics(self, unusable: int = 0) -> Metrics:
        """The metrics of all drawings so far."""
        return replace(self.counter.metrics(unusable), page=self._page.metrics())

    def add(self, classifier: Classifier, drawings: Drawings, ids: NDArray[np.int64], keys: Sequence[str]) -> None:
        """Evaluate a model of the classes on n drawings with their ids (n,) and n keys.

        Those with unknown keys are only counted.
        """
        labels = np.array([self._numbers.get(key, -1) for key in keys], np.int32)
        known = np.flatnonzero(labels >= 0)
        self.counter.unknown_keys += len(labels) - len(known)
        if not len(known):
            return
        drawings = drawings.take(known)
        (probabilities,) = classifier.probabilities(drawings, batch=len(drawings))
        records = evaluation_records(drawings, ids[known], labels[known], probabilities, self._groups)
        self.counter.add(records.top, records.labels)
        self._page.add(probabilities, records.labels)
        self._sink(records)


def evaluate_dataset(
    classifier: Classifier,
    dataset: Dataset,
    split: str = "test",
    *,
    sink: RecordSink = discard,
    report: Reporter = quiet,
) -> Metrics:
    """Metrics on a split of a dataset: "train", "validation", "test" or "all". `sink` receives the records."""
    return evaluate_parts([(classifier, dataset.indices(split))], dataset, sink=sink, report=report)


def evaluate_parts(
    parts: Iterable[tuple[Classifier, NDArray[np.int64]]],
    dataset: Dataset,
    *,
    sink: RecordSink = discard,
    report: Reporter = quiet,
) -> Metrics:
    """Metrics of several models with equal classes, each on the samples of a dataset with its indices (n,)."""
    evaluator: _Evaluator | None = None
    for classifier, indices in parts:
        evaluator = evaluator or _Evaluator(classifier.classes, sink)
        stage = Stage(report, "evaluate", total=len(indices))
        for start in range(0, len(indices), BATCH):
            part = indices[start : start + BATCH]
            keys = [dataset.classes[label] for label in dataset.labels[part]]
            evaluator.add(classifier, dataset.drawings.take(part), dataset.ids[part], keys)
            stage.advance(len(part))
        stage.finish()
    if evaluator is None:
        raise ValueError("there is no model to evaluate")
    return evaluator.metrics()


def evaluate_images(
    classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.integer], *, report: Reporter = quiet
) -> Metrics:
    """Metrics on images (n, size, size) as the model reads them, with the numbers (n,) of the model's classes.

    Raises ValueError if the model reads sequences, too.
    """
    stage, counter = Stage(report, "evaluate", total=len(images), unit="pictures"), MetricsCounter(classifier.classes)
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        counter.add(top_classes(classifier.image_probabilities(images[part])), labels[part])
        stage.advance(len(labels[part]))
    stage.finish()
    return counter.metrics()


def evaluate_sources(
    classifier: Classifier, sources: Sequence[Source], *, sink: RecordSink = discard, report: Reporter = quiet
) -> Metrics:
    """Metrics on all usable drawings of sources, which are read as a stream. `sink` receives the records.

    Raises `SourceError` if there are no usable drawings.
    """
    evaluator = _Evaluator(classifier.classes, sink)
    unusable = usable = 0
    for source in sources:
        fetch(source, report)
        stage = Stage(report, "evaluate", unit=source.unit)
        for chunk in checked_chunks(source):
            evaluator.add(classifier, chunk.drawings, chunk.ids, chunk.keys)
            usable += len(chunk.ids)
            unusable += len(chunk.invalid)
            stage.done, stage.total = source.position()
            stage.at(stage.done)
        stage.done, stage.total = source.position()
        stage.finish()
    if not usable:
        raise SourceError(f"{', '.join(source.name for source in sources)} has no usable row to evaluate on")
    return evaluator.metrics(unusable)
