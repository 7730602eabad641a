"""The stages joined: what the command line and the pages call."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from extexify.core.progress import Progress, Reporter, Stopped, quiet
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.render import fitting_images, render_dataset
from extexify.dataset.splits import DEFAULT_RATIOS
from extexify.evaluation.evaluate import Metrics, evaluate_dataset
from extexify.model.classifier import Classifier
from extexify.model.file import read_model, write_model
from extexify.model.library import publish
from extexify.sources.base import Source
from extexify.training.distributed import ALONE, Team
from extexify.training.loader import Feed, ImageFeed, StrokeFeed
from extexify.training.loop import train
from extexify.training.recipes import Recipe

TRAIN_ON = ("train", "train+validation", "all")
"""The splits that a training may learn from. Epochs are chosen by validation only where that is held out."""


@dataclass(frozen=True)
class Places:
    """Where a pipeline's results lie."""

    dataset: Path
    images: Path
    runs: Path
    models: Path


@dataclass(frozen=True)
class PipelineResult:
    """A published model file, its figures on the test split (None when that was trained on, too), and the seconds of
    each stage on the way there."""

    model: Path
    test: Metrics | None
    seconds: dict[str, float]


def train_on_dataset(
    recipe: Recipe,
    dataset: Dataset,
    places: Places,
    run_name: str,
    *,
    seed: int = 0,
    train_on: str = "train",
    device: str = "auto",
    resume: bool = False,
    team: Team = ALONE,
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> PipelineResult:
    """Train by a recipe, judge the best model on the test split once, and publish it.

    `train_on` is "train", "train+validation" (then no epoch is chosen, the last one counts) or "all" (then nothing is
    left to judge on either).
    A recipe without augmentation reads the rendered images, which must have been made of this dataset with
    the recipe's raster.
    Of a `team` that trains together, every process calls this; only the one that leads judges and publishes, and the
    result of the others is where the run's model lies on its machine.
    Raises as `training.train` does, and `StorageError` when the images don't fit.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "train"):
        train_feed, validation_feed = feeds(recipe, dataset, places.images, seed, train_on)
        best = train(
            recipe, dataset, train_feed, validation_feed, places.runs / run_name,
            seed=seed, train_on=train_on, device=device, resume=resume, team=team, report=report,
            should_stop=should_stop,
        )  # fmt: skip
    if not team.leads:
        return PipelineResult(best, None, seconds)
    with _timed(seconds, "evaluate"):
        figures = None if train_on == "all" else judge_on_test(best, dataset, report=report)
    return PipelineResult(publish(best, places.models, run_name), figures, seconds)


def feeds(
    recipe: Recipe, dataset: Dataset, images_folder: Path, seed: int, train_on: str = "train"
) -> tuple[Feed, Feed | None]:
    """What a recipe trains on and is validated on (None when that is trained on, too).

    Raises `StorageError` when it needs images that don't fit, ValueError for splits that there are not.
    """
    if train_on not in TRAIN_ON:
        raise ValueError(f"can't train on {train_on!r}: there are {', '.join(TRAIN_ON)}")
    held_out = train_on == "train"
    if recipe.augment is None:
        if not held_out:
            raise ValueError(f"recipe {recipe.name} reads rendered images, split by split: train it on train")
        images = fitting_images(recipe.raster, dataset, images_folder)
        return ImageFeed(images, "train"), ImageFeed(images, "validation")
    return (
        StrokeFeed(
            dataset, train_on, recipe.raster, recipe.augment, seed,
            sequence=recipe.sequence, scribbled=recipe.scribbles,
        ),
        StrokeFeed(dataset, "validation", recipe.raster, sequence=recipe.sequence) if held_out else None,
    )  # fmt: skip


def judge_on_test(model: Path, dataset: Dataset, *, report: Reporter = quiet) -> Metrics:
    """Judge a model file on the dataset's test split and note the figures in the file."""
    figures = evaluate_dataset(Classifier.load(model), dataset, "test", report=report)
    description, weights = read_model(model)
    noted = replace(description, metrics={**description.metrics, "test": figures.to_json()})
    write_model(model, noted, weights)
    return figures


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
    """All of it: export → render → split → train → evaluate → a published model file.

    `rejected` are drawings to leave out (see `export_dataset`); `should_stop` is asked in every stage. Raises `Stopped`
    after a stop; what was whole before is kept.
    """

    def watched(event: Progress) -> None:
        if should_stop():
            raise Stopped(f"stopped in the stage {event.stage}; nothing of it was kept")
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
