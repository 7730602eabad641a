"""Cross-validation: every drawing of a dataset is classified by a network that didn't learn from it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.core.progress import Reporter, quiet
from extexify.dataset.dataset import Dataset
from extexify.dataset.splits import FOLDS, TEST, TRAIN, fold_numbers
from extexify.evaluation.evaluate import evaluate_parts
from extexify.evaluation.metrics import Metrics
from extexify.evaluation.records import CROSS_VALIDATION, EvaluationContext, save_evaluation
from extexify.model.classifier import Classifier
from extexify.model.export import convert
from extexify.training.loop import train
from extexify.training.pipeline import training_data
from extexify.training.recipes import Recipe
from extexify.training.starters import learnt
from extexify.workspace.files import writer_lock
from extexify.workspace.paths import MODEL_SUFFIX


def cross_validate(
    recipe: Recipe,
    dataset: Dataset,
    images: Path,
    scratch: Path,
    out: Path,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    device: str = "auto",
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> Metrics:
    """Train one network for each fold on the other folds, evaluate it on that fold, and store the evaluation of all
    drawings in the folder `out`; returns its metrics.

    The networks know the dataset's symbols alone. Trainings are kept in the folder `scratch` until all are done: a
    second call with the same arguments goes on where a stopped one was, one with others removes them. `images` are
    rendered images, for a recipe that reads them.

    Raises `StorageError` while another process cross-validates there, and what `fold_numbers`, `training.loop.train`,
    `training_data` and `save_evaluation` raise.
    """
    recipe = replace(recipe, starters=0)
    numbers = fold_numbers(dataset.labels, folds, seed)
    name = _digest(recipe, dataset, folds, seed)

    def trained() -> Iterator[tuple[Classifier, NDArray[np.int64]]]:
        for fold in range(folds):
            model = scratch / name / f"fold-{fold + 1}-of-{folds}{MODEL_SUFFIX}"
            if not model.exists():
                part = replace(dataset, split=np.where(numbers == fold, TEST, TRAIN).astype(np.uint8))
                data, _ = training_data(recipe, part, images, seed, "train+validation", report)
                run = scratch / name / model.stem
                best = train(
                    recipe, learnt(recipe, part), data, None, run,
                    seed=seed, train_on="train+validation", device=device, resume=run.exists(),
                    report=report, should_stop=should_stop,
                )  # fmt: skip
                convert(best, model)
            yield Classifier.load(model), np.flatnonzero(numbers == fold)

    context = EvaluationContext(
        model=f"{recipe.name}, {folds} folds", file="", digest="", temperature=recipe.temperature,
        split=CROSS_VALIDATION, data=(dataset.content_hash,),
    )  # fmt: skip
    with writer_lock(scratch, "the cross-validation"):
        for other in scratch.glob("*"):
            if other.name != name:
                shutil.rmtree(other, ignore_errors=True)
        metrics = save_evaluation(
            out, context, dataset.classes, lambda sink: evaluate_parts(trained(), dataset, sink=sink, report=report)
        )
        shutil.rmtree(scratch, ignore_errors=True)
    return metrics


def _digest(recipe: Recipe, dataset: Dataset, folds: int, seed: int) -> str:
    """A name for trainings of the same arguments."""
    text = json.dumps([recipe.to_json(), dataset.content_hash, folds, seed])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
