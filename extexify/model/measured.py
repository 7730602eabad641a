"""The background of a model's training drawings: measured when the model is published, and stored in its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, StringStringEntryProto

from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawings
from extexify.model.background import ENTRY, Background, FeatureStatistics, Floats, fit_background, to_metadata
from extexify.model.classifier import Classifier
from extexify.model.file import read_model, write_model
from extexify.sources.starter import starter_drawings, symbols_with_skeletons

MOST = 20
"""Drawings of a symbol that are measured."""

FEWEST = 50
"""Symbols with drawings by people that a background is measured on at least."""

STARTERS = 8
"""Starter drawings that stand for a symbol without drawings by people."""

_CHUNK = 2_048  # drawings whose features are computed at a time


def add_background(file: Path, dataset: Dataset, split: str = "train", *, report: Reporter = quiet) -> bool:
    """Store the background of drawings in a model file, written anew; false if the dataset is too small for one.

    Raises `ModelError` unless the file is a whole model.
    """
    description, model = read_model(file)
    background = measured_background(Classifier(description, model), dataset, split, report=report)
    if background is None:
        return False
    write_model(file, description, with_background(model, background))
    return True


def with_background(model: ModelProto, background: Background) -> ModelProto:
    """A model with a background in its metadata, in place of the one that it has."""
    other = ModelProto()
    other.CopyFrom(model)
    kept = [entry for entry in model.metadata_props if entry.key != ENTRY]
    del other.metadata_props[:]
    other.metadata_props.extend([*kept, StringStringEntryProto(key=ENTRY, value=to_metadata(background))])
    return other


def measured_background(
    classifier: Classifier, dataset: Dataset, split: str, *, report: Reporter = quiet
) -> Background | None:
    """The background of the drawings by people of a split; None if too few symbols have any."""
    chosen, labels = _drawings_by_people(classifier, dataset, split)
    symbols, labels = np.unique(labels, return_inverse=True)
    if len(symbols) < FEWEST or len(labels) < 2 * len(symbols):
        return None
    stage = Stage(report, "measure features", total=len(chosen), unit="drawings")
    parts = []
    for start in range(0, len(chosen), _CHUNK):
        part = chosen[start : start + _CHUNK]
        parts.append(classifier.features(dataset.drawings.take(part)))
        stage.advance(len(part))
    stage.finish()
    statistics = FeatureStatistics.of(np.concatenate(parts), labels, len(symbols))
    return fit_background(
        statistics, _of_starters(classifier, {classifier.classes[index] for index in symbols}), "drawings"
    )


def _drawings_by_people(
    classifier: Classifier, dataset: Dataset, split: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Some drawings by people of each of the classifier's symbols: indices in the dataset (n,), sorted, and classes
    (n,)."""
    numbers = {key: number for number, key in enumerate(classifier.classes)}
    classes = np.array([numbers.get(key, -1) for key in dataset.classes])
    indices = np.random.default_rng(0).permutation(dataset.indices(split))
    labels = classes[dataset.labels[indices]]
    used = (labels >= 0) & ~dataset.are_synthetic(indices)
    indices, labels = indices[used], labels[used]
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    chosen = np.sort(order[rank < MOST])
    chosen = chosen[np.argsort(indices[chosen])]
    return indices[chosen], labels[chosen]


def _of_starters(classifier: Classifier, without: set[str]) -> Floats | None:
    """Mean features of starter drawings (m, D) of the classifier's symbols that aren't in `without`; None if there are
    no such symbols."""
    drawn = symbols_with_skeletons()
    keys = [key for key in classifier.classes if key in drawn and key not in without]
    if not keys:
        return None
    found = []
    for start in range(0, len(keys), _CHUNK // STARTERS):
        part = keys[start : start + _CHUNK // STARTERS]
        drawings = Drawings.pack([drawing for key in part for drawing in starter_drawings(key, STARTERS)])
        found.append(classifier.features(drawings).reshape(len(part), STARTERS, -1).mean(1))
    return np.concatenate(found)
