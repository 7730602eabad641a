"""Calibration: how far probabilities agree with accuracy, and fitting a model's temperature and rejection threshold.

The measures (reliability diagram, expected calibration error) and temperature scaling are those of Guo, Pleiss, Sun &
Weinberger, “On Calibration of Modern Neural Networks”, ICML 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.evaluation.metrics import first_answers
from extexify.model.classifier import BATCH, Classifier, softmax
from extexify.model.description import ModelError
from extexify.model.file import read_model, write_model
from extexify.model.rejection import certainty, fit_rejection_threshold
from extexify.workspace.files import writer_lock

BINS = 15
"""Bins of a reliability diagram, of equal width, as in Guo et al."""

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0

MAX_LOGITS = 25_000_000
"""Logits that `calibrate` fits to, which take 100 MB: those of 20,000 drawings with 1,122 classes."""

SHIFT_LIMIT = 20.0
"""Largest shift of logits, in either direction, that `fit_undrawn_shift` returns."""

_GOLDEN = (math.sqrt(5) - 1) / 2
_PRECISION = 1e-3  # of the temperature's logarithm


# --- measuring ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Accuracy of first answers by confidence, in B bins.

    edges: float64 (B + 1,), 0 to 1. counts: int64 (B,), answers in each bin. confidence and accuracy: float64 (B,),
    mean probability and fraction of correct answers, NaN in an empty bin. ece: expected calibration error, the mean
    distance of the two weighted by counts. nll: mean negative log-likelihood of the right answer.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    ece: float
    nll: float


class ReliabilityCounter:
    """Accumulates a reliability diagram batch by batch, in constant memory."""

    def __init__(self, bins: int = BINS) -> None:
        self._counts = np.zeros(bins, np.int64)
        self._confidence, self._correct = np.zeros(bins), np.zeros(bins)
        self._loss = 0.0

    def add(self, first: NDArray[np.floating], correct: NDArray[np.generic], right: NDArray[np.floating]) -> None:
        """Add n answers. first: probabilities of the first answers (n,); correct: whether these are right, 1 or 0 (n,);
        right: probabilities of the right answers (n,)."""
        bins = len(self._counts)
        # Each bin includes its upper edge: (0, 1/B], …, so that a probability of exactly 1 is in the last one.
        place = np.clip(np.ceil(np.asarray(first, np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
        self._counts += np.bincount(place, minlength=bins)
        self._confidence += np.bincount(place, first, bins)
        self._correct += np.bincount(place, correct, bins)
        # A probability that float32 rounds to 0 counts as its smallest normal number.
        self._loss -= float(np.log(np.maximum(right, np.finfo(np.float32).tiny, dtype=np.float64)).sum())

    def diagram(self) -> ReliabilityDiagram:
        """The diagram of all answers so far. Raises ValueError if there are none."""
        total = int(self._counts.sum())
        if not total:
            raise ValueError("no answers to compare with their probabilities")
        with np.errstate(invalid="ignore"):
            confidence, accuracy = self._confidence / self._counts, self._correct / self._counts
        ece = float(np.abs(self._confidence - self._correct).sum() / total)
        edges = np.linspace(0, 1, len(self._counts) + 1)
        return ReliabilityDiagram(edges, self._counts.copy(), confidence, accuracy, ece=ece, nll=self._loss / total)


def reliability_diagram(
    first: NDArray[np.floating], correct: NDArray[np.generic], right: NDArray[np.floating], bins: int = BINS
) -> ReliabilityDiagram:
    """The reliability diagram of n answers; arguments as for `ReliabilityCounter.add`. Raises ValueError if n is 0."""
    counter = ReliabilityCounter(bins)
    counter.add(first, correct, right)
    return counter.diagram()


# --- fitting ------------------------------------------------------------------------------------


def calibration_rows(labels: NDArray[np.integer], limit: int) -> NDArray[np.int64]:
    """Rows of a validation split to fit to: all, or `limit` spread evenly over the classes, in rising order.

    labels: (n,). Of a class with m drawings at least floor(m · limit / n) are taken, wherever they are in the split.
    """
    if len(labels) <= limit:
        return np.arange(len(labels))
    by_class = np.argsort(labels, kind="stable")
    return np.sort(by_class[np.arange(limit) * len(labels) // limit])


def fit_calibration(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> tuple[float, float]:
    """Temperature and rejection threshold of a model, from logits (n, classes) and labels (n,) of held-out drawings."""
    temperature = fit_temperature(logits, labels)
    parts = (logits[start : start + BATCH] for start in range(0, len(logits), BATCH))
    certainties = np.concatenate([certainty(softmax(part, temperature)) for part in parts])
    return temperature, fit_rejection_threshold(certainties, classes=logits.shape[1])


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature, from 0.1 to 10, that minimizes the cross-entropy of logits / temperature and labels.

    logits: (n, classes), labels: (n,). The loss is convex in 1 / temperature, so it has one minimum, which a
    golden-section search over log temperature finds. Rounded to four decimals.
    """

    def loss(log_temperature: float) -> float:
        return _cross_entropy(logits, labels, math.exp(log_temperature))

    low, high = math.log(MIN_TEMPERATURE), math.log(MAX_TEMPERATURE)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    while high - low > _PRECISION:
        if loss_left <= loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - _GOLDEN * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + _GOLDEN * (high - low)
            loss_right = loss(right)
    return round(math.exp((low + high) / 2), 4)


def fit_undrawn_shift(
    logits: NDArray[np.floating], labels: NDArray[np.integer], undrawn: NDArray[np.integer], loss: float
) -> float:
    """The largest number that may be added to the logits of the classes `undrawn`, which none of the drawings shows.

    So that they take at most the fraction `loss` of the drawings, by their logits (n, classes) and labels (n,), from
    their places among the first five. Rounded down to two decimals, within ± `SHIFT_LIMIT`.
    """
    first = 5
    right = logits[np.arange(len(labels)), labels]
    above = (np.delete(logits, undrawn, 1) > right[:, None]).sum(1)
    best = -np.sort(-logits[:, undrawn], 1)[:, :first]
    best = np.pad(best, ((0, 0), (0, first - best.shape[1])), constant_values=-np.inf)
    known = np.flatnonzero(above < first)
    # Each loses its place when so many of the others pass it that five symbols are before it.
    gaps = np.sort(right[known] - best[known, first - 1 - above[known]])
    allowed = int(loss * len(labels))
    largest = float(gaps[allowed]) if allowed < len(gaps) else SHIFT_LIMIT
    return math.floor(100 * min(max(largest, -SHIFT_LIMIT), SHIFT_LIMIT)) / 100


def _cross_entropy(logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float) -> float:
    total = 0.0
    for start in range(0, len(logits), BATCH):
        part, right = logits[start : start + BATCH], labels[start : start + BATCH]
        scaled = (part - part.max(1, keepdims=True)) / part.dtype.type(temperature)
        of_right = scaled[np.arange(len(part)), right].sum(dtype=np.float64)
        total += float(np.log(np.exp(scaled, out=scaled).sum(1)).sum(dtype=np.float64) - of_right)
    return total / len(logits)


# --- calibrating a model file -------------------------------------------------------------------


@dataclass(frozen=True)
class Calibration:
    """A calibrated model file: its temperature and reliability diagrams before and after, on the same drawings.

    before and after have a diagram for each of `MATCHES`. One temperature can't minimize the calibration error of all
    three; it minimizes the cross-entropy of the exact symbol.
    """

    model: Path
    drawings: int
    temperature_before: float
    temperature: float
    before: dict[str, ReliabilityDiagram]
    after: dict[str, ReliabilityDiagram]

    def to_json(self) -> dict[str, Any]:
        """The JSON object that the command line prints."""
        return {
            "model": str(self.model),
            "n": self.drawings,
            "temperature": {"before": self.temperature_before, "after": self.temperature},
            **{
                name: {
                    when: {match: round(getattr(diagram, name), 6) for match, diagram in diagrams.items()}
                    for when, diagrams in (("before", self.before), ("after", self.after))
                }
                for name in ("ece", "nll")
            },
        }


def calibrate(model: Path, out: Path, dataset: Dataset, *, report: Reporter = quiet) -> Calibration:
    """Fit a model's temperature and rejection threshold on a dataset's validation split, and write the model to `out`.

    `out` is written atomically: `model` itself, a new file, or an earlier copy of the same model. Raises `ModelError`
    if the model can't be read, has none of the drawings' symbols, or `out` is another model, and `StorageError` if
    `out` is being written by another process.
    """
    with writer_lock(out, "the model"):
        classifier = Classifier.load(model)
        _check_free(model, out)
        logits, labels = _validation_logits(classifier, dataset, report)
        temperature, threshold = fit_calibration(logits, labels)
        description, content = read_model(model)
        fitted_on = {"split": "validation", "n": len(labels), "dataset": {"content_hash": dataset.content_hash}}
        calibrated = replace(
            description,
            temperature=temperature,
            rejection_threshold=threshold,
            training={**description.training, "calibration": fitted_on},
        )
        write_model(out, calibrated, content)
    return Calibration(
        model=out,
        drawings=len(labels),
        temperature_before=description.temperature,
        temperature=temperature,
        before=_diagrams(classifier, logits, labels, description.temperature),
        after=_diagrams(classifier, logits, labels, temperature),
    )


def _check_free(model: Path, out: Path) -> None:
    """Raise `ModelError` if `out` is a model with another graph or other classes than `model`."""
    if not out.exists() or out.samefile(model):
        return
    (old, there), (new, content) = read_model(out), read_model(model)
    if old.classes != new.classes or there.graph != content.graph:
        raise ModelError(f"{out} is another model of that name: rename one of the two, then calibrate again")


def _validation_logits(
    classifier: Classifier, dataset: Dataset, report: Reporter
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits (n, classes) and labels (n,), in the model's class order, of validation drawings whose symbol it has."""
    numbers = {key: number for number, key in enumerate(classifier.classes)}
    relabel = np.array([numbers.get(key, -1) for key in dataset.classes], np.int64)
    indices = dataset.indices("validation")
    indices = indices[relabel[dataset.labels[indices]] >= 0]
    if not len(indices):
        raise ModelError(
            f"{classifier.name} has none of the symbols in {dataset.path}: calibrate it on another dataset"
        )
    indices = indices[calibration_rows(dataset.labels[indices], max(MAX_LOGITS // len(classifier.classes), 1))]
    stage = Stage(report, "calibrate", total=len(indices))
    logits = np.empty((len(indices), len(classifier.classes)), np.float32)
    for start in range(0, len(indices), BATCH):
        part = indices[start : start + BATCH]
        logits[start : start + len(part)] = classifier.logits(dataset.drawings.take(part))
        stage.advance(len(part))
    stage.finish()
    return logits, relabel[dataset.labels[indices]]


def _diagrams(
    classifier: Classifier, logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> dict[str, ReliabilityDiagram]:
    groups = [groups_of(classifier.classes, match) for match in MATCHES]
    counters = {match: ReliabilityCounter() for match in MATCHES}
    for start in range(0, len(labels), BATCH):
        probabilities = softmax(logits[start : start + BATCH], temperature)
        for of_match, counter in zip(groups, counters.values(), strict=True):
            counter.add(*first_answers(probabilities, labels[start : start + BATCH], of_match))
    return {match: counter.diagram() for match, counter in counters.items()}
