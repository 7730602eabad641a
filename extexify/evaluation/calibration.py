"""Making a model's probabilities honest: its temperature, and from where on it doubts, fitted anew on validation and
stored in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.evaluation.metrics import Fold
from extexify.evaluation.reliability import ReliabilityDiagram, reliability_diagram
from extexify.model.classifier import BATCH, Classifier
from extexify.model.file import ModelError, read_model, write_model
from extexify.model.rejection import fit_rejection_threshold
from extexify.model.temperature import fit_temperature
from extexify.workspace.files import writer_lock

MAX_DRAWINGS = 20_000
"""Drawings that one number is fitted to, spread evenly over the split; their logits take 90 MB."""


@dataclass(frozen=True)
class Calibration:
    """A calibrated model file, and how honest its probabilities were before and are now, on the same drawings, for each
    of the `MATCHES`. They can't all be honest to the last percent with one number: it is chosen to
    make the right symbols most likely."""

    model: Path
    drawings: int
    temperature_before: float
    temperature: float
    before: dict[str, ReliabilityDiagram]
    after: dict[str, ReliabilityDiagram]

    def to_json(self) -> dict[str, Any]:
        """The figures as the command line prints them."""
        return {
            "model": str(self.model),
            "n": self.drawings,
            "temperature": {"before": self.temperature_before, "after": self.temperature},
            **{
                name: {
                    when: {match: round(getattr(found, name), 6) for match, found in by_match.items()}
                    for when, by_match in (("before", self.before), ("after", self.after))
                }
                for name in ("ece", "nll")
            },
        }


def calibrate(model: Path, out: Path, dataset: Dataset, *, report: Reporter = quiet) -> Calibration:
    """Fit a model's temperature on a dataset's validation split and write it to the model file `out`, atomically.

    `out` is the model itself or a place for a copy; another model that is there already is never replaced.
    Raises `ModelError` when the model can't be read, knows none of the drawings' symbols, or such a one is in the
    way, and `StorageError` when the file is being written already.
    """
    with writer_lock(out, "the model"):
        classifier = Classifier.load(model)
        _check_free(model, out)
        logits, labels = _validation_logits(classifier, dataset, report)
        before = classifier.description.temperature
        temperature = fit_temperature(logits, labels)
        description, weights = read_model(model)
        made_by = {"split": "validation", "n": len(labels), "dataset": {"content_hash": dataset.content_hash}}
        calibrated = replace(
            description,
            temperature=temperature,
            rejection_threshold=_doubt(logits, temperature),
            training={**description.training, "calibration": made_by},
        )
        write_model(out, calibrated, weights)
    return Calibration(
        model=out,
        drawings=len(labels),
        temperature_before=before,
        temperature=temperature,
        before=_reliability(classifier.classes, logits, labels, before),
        after=_reliability(classifier.classes, logits, labels, temperature),
    )


def _doubt(logits: Tensor, temperature: float) -> float:
    return fit_rejection_threshold(torch.softmax(logits / temperature, 1).numpy())


def _check_free(model: Path, out: Path) -> None:
    """Raise `ModelError` if writing `out` would lose a model: one with other weights or classes than `model`."""
    if not out.exists() or out.samefile(model):
        return
    (here, weights), (there, others) = read_model(model), read_model(out)
    same = here.classes == there.classes and weights.keys() == others.keys()
    if not same or not all(torch.equal(weights[name], others[name]) for name in weights):
        raise ModelError(f"{out} is another model of that name: rename one of the two, then calibrate again")


def _validation_logits(classifier: Classifier, dataset: Dataset, report: Reporter) -> tuple[Tensor, Tensor]:
    """Logits (n, classes) and labels (n,) of validation drawings that the model knows, at most `MAX_DRAWINGS`."""
    number = {key: index for index, key in enumerate(classifier.classes)}
    relabel = np.array([number.get(key, -1) for key in dataset.classes], np.int64)
    indices = dataset.indices("validation")
    indices = indices[relabel[dataset.labels[indices]] >= 0]
    if not len(indices):
        raise ModelError(
            f"{classifier.name} knows none of the symbols in {dataset.path}: calibrate it on another dataset"
        )
    if len(indices) > MAX_DRAWINGS:
        indices = indices[np.linspace(0, len(indices) - 1, MAX_DRAWINGS).astype(np.int64)]
    stage = Stage(report, "calibrate", total=len(indices))
    logits = torch.empty((len(indices), len(classifier.classes)))
    for start in range(0, len(indices), BATCH):
        part = indices[start : start + BATCH]
        logits[start : start + len(part)] = torch.from_numpy(classifier.logits(dataset.drawings.take(part)))
        stage.advance(len(part))
    stage.finish()
    return logits, torch.from_numpy(relabel[dataset.labels[indices]])


def _reliability(
    classes: Sequence[str], logits: Tensor, labels: Tensor, temperature: float
) -> dict[str, ReliabilityDiagram]:
    probabilities = torch.softmax(logits / temperature, 1).numpy()
    return {
        match: reliability_diagram(*Fold(groups_of(classes, match)).first(probabilities, labels.numpy()))
        for match in MATCHES
    }
