"""The stages joined: train, evaluate and publish; and the whole pipeline from sources to a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from extexify.core.progress import Progress, Reporter, Stopped, quiet
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.render import fitting_images, render_dataset
from extexify.dataset.splits import DEFAULT_RATIOS
from extexify.evaluation.evaluate import Metrics, evaluate_dataset, evaluate_images
from extexify.evaluation.metrics import RecordSink, discard
from extexify.evaluation.records import EvaluationContext, file_digest, new_name, save_evaluation
from extexify.model.classifier import Classifier
from extexify.model.export import convert
from extexify.model.file import read_model, write_model
from extexify.model.measured import add_background
from extexify.sources.base import Source
from extexify.training.borrowed import borrowed_drawings
from extexify.training.distributed import rank
from extexify.training.image_tree import ImageTree
from extexify.training.loader import BatchDataset, DrawingDataset, ImageDataset, ImageTreeDataset
from extexify.training.loop import train
from extexify.training.recipes import Recipe, RecipeError
from extexify.training.starters import StarterDrawings, learnt, starter_counts
from extexify.workspace.paths import MODEL_SUFFIX

TRAIN_ON = ("train", "train+validation", "all")
"""Splits to train on. The best epoch is chosen by validation only if that is held out."""


@dataclass(frozen=True)
class Places:
    """The folders of a pipeline's results. Without `evaluations` the evaluation on the test split isn't kept."""

    dataset: Path
    images: Path
    runs: Path
    models: Path
    evaluations: Path | None = None


@dataclass(frozen=True)
class PipelineResult:
    """A published model file, its metrics on the test split (None if that was trained on), and seconds per stage."""

    model: Path
    test: Metrics | None
    seconds: dict[str, float]


def train_on_dataset(
    recipe: Recipe,
    dataset: Dataset | ImageTree,
    places: Places,
    run_name: str,
    *,
    seed: int = 0,
    train_on: str = "train",
    device: str = "auto",
    resume: bool = False,
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> PipelineResult:
    """Train by a recipe, evaluate the best model once on the test split, keep that evaluation, and publish the model.

    `train_on` is "train", "train+validation" (the last epoch is taken) or "all" (and nothing is left for evaluation).
    A recipe without augmentation reads the rendered images, which must have been made from this dataset with the
    recipe's raster. Pictures need a recipe of `recipes.for_pictures`; no evaluation of them is kept, and without a test
    split none is made. In a process group every process calls this; rank 0 alone evaluates and publishes, and the
    result of the others has the path of the run's model on rank 0's machine.

    Raises what `training.loop.train` and `training_data` raise.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "train"):
        train_data, validation_data = training_data(recipe, dataset, places.images, seed, train_on, report)
        best = train(
            recipe, learnt(recipe, dataset), train_data, validation_data, places.runs / run_name,
            seed=seed, train_on=train_on, device=device, resume=resume, report=report, should_stop=should_stop,
        )  # fmt: skip
    if rank() > 0:
        return PipelineResult(best, None, seconds)
    published = places.models / f"{run_name}{MODEL_SUFFIX}"
    if train_on == "all" or (isinstance(dataset, ImageTree) and "test" not in dataset.images):
        with _timed(seconds, "publish"):
            _publish(best, published, dataset, train_on, report)
        return PipelineResult(published, None, seconds)
    with TemporaryDirectory(dir=best.parent, prefix=".publish-") as folder:
        exported = Path(folder) / published.name
        with _timed(seconds, "publish"):
            _publish(best, exported, dataset, train_on, report)
        with _timed(seconds, "evaluate"):
            metrics = _evaluate_and_publish(exported, published, dataset, places, report)
    return PipelineResult(published, metrics, seconds)


def training_data(
    recipe: Recipe,
    dataset: Dataset | ImageTree,
    images_folder: Path,
    seed: int,
    train_on: str = "train",
    report: Reporter = quiet,
) -> tuple[BatchDataset, BatchDataset | None]:
    """What a recipe trains on and is validated on (None if that is trained on).

    Raises `StorageError` if the recipe needs images that don't fit, and `RecipeError` for splits that don't exist or
    that the recipe can't train on.
    """
    if train_on not in TRAIN_ON:
        raise RecipeError(f"can't train on {train_on!r}: there are {', '.join(TRAIN_ON)}")
    held_out = train_on == "train"
    if isinstance(dataset, ImageTree):
        if not held_out:
            raise RecipeError("pictures are read split by split: train on train")
        return (
            ImageTreeDataset(dataset, "train", recipe.raster, recipe.augment, seed),
            ImageTreeDataset(dataset, "validation", recipe.raster),
        )
    if recipe.augment is None:
        if not held_out:
            raise RecipeError(f"recipe {recipe.name} reads rendered images, split by split: train it on train")
        images = fitting_images(recipe.raster, dataset, images_folder)
        return ImageDataset(images, "train"), ImageDataset(images, "validation")
    classes = learnt(recipe, dataset).classes
    counts = starter_counts(recipe, dataset, train_on, classes)
    starters = None
    if counts.any():
        borrowed = borrowed_drawings(dataset, train_on, classes, seed) if recipe.borrowed else {}
        starters = StarterDrawings(
            classes, counts, borrowed, borrowed_count=recipe.borrowed, seed=seed, report=report
        )  # fmt: skip
    validation = DrawingDataset(dataset, "validation", recipe.raster, sequence=recipe.sequence, classes=classes)
    return (
        DrawingDataset(
            dataset, train_on, recipe.raster, recipe.augment, seed,
            sequence=recipe.sequence, scribble_rate=recipe.scribbles, classes=classes, starters=starters,
        ),
        validation if held_out else None,
    )  # fmt: skip


def _publish(best: Path, out: Path, dataset: Dataset | ImageTree, train_on: str, report: Reporter) -> None:
    """Make the model file of a run's best weights, with the background of the drawings that it was trained on."""
    convert(best, out)
    if isinstance(dataset, Dataset):
        add_background(out, dataset, train_on, report=report)


def _evaluate_and_publish(
    exported: Path, published: Path, dataset: Dataset | ImageTree, places: Places, report: Reporter
) -> Metrics:
    """Evaluate a model on the test split, write it with the metrics to `published`, and keep the evaluation."""
    classifier = Classifier.load(exported)

    def evaluate(sink: RecordSink) -> Metrics:
        if isinstance(dataset, ImageTree):
            metrics = evaluate_images(classifier, dataset.images["test"], dataset.labels["test"], report=report)
        else:
            metrics = evaluate_dataset(classifier, dataset, "test", sink=sink, report=report)
        description, content = read_model(exported)
        write_model(
            published, replace(description, metrics={**description.metrics, "test": metrics.to_json()}), content
        )
        return metrics

    def context() -> EvaluationContext:
        return EvaluationContext(
            model=classifier.name,
            file=str(published.resolve()),
            digest=file_digest(published),
            temperature=classifier.description.temperature,
            split="test",
            data=(dataset.content_hash,),
        )

    if places.evaluations is None or isinstance(dataset, ImageTree):
        return evaluate(discard)
    return save_evaluation(places.evaluations / new_name(), context, classifier.classes, evaluate)


def run_pipeline(
    sources: Sequence[Source],
    recipe: Recipe,
    places: Places,
    run_name: str,
    *,
    seed: int = 0,
    ratios: Sequence[float] = DEFAULT_RATIOS,
    rejected: Collection[tuple[str, int]] = frozenset(),
    train_on: str = "train",
    device: str = "auto",
    png: bool = False,
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> PipelineResult:
    """Export, split, render, train, evaluate and publish.

    `rejected` are drawings to leave out (see `export_dataset`); `should_stop` is called in every stage. Raises
    `Stopped` after a stop; the results of completed stages stay.
    """

    def watched(event: Progress) -> None:
        if should_stop():
            raise Stopped(f"stopped in the stage {event.stage}; its output was discarded")
        report(event)

    seconds: dict[str, float] = {}
    with _timed(seconds, "export and split"):
        dataset = export_dataset(sources, places.dataset, seed=seed, ratios=ratios, rejected=rejected, report=watched)
    with _timed(seconds, "render"):
        render_dataset(dataset, recipe.raster, places.images, png=png, report=watched)
    trained = train_on_dataset(
        recipe, dataset, places, run_name,
        seed=seed, train_on=train_on, device=device, report=report, should_stop=should_stop,
    )  # fmt: skip
    return replace(trained, seconds={**seconds, **trained.seconds})


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[stage] = round(time.monotonic() - began, 2)
