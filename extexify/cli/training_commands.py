"""The commands that train: on a dataset, or all of the pipeline."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from extexify.cli.options import print_result, rejected, reporter, sources_of, top_k, workspace_places
from extexify.core import interruption
from extexify.core.errors import UserError
from extexify.core.names import checked_name
from extexify.core.progress import Progress, Reporter, Stopped, quiet
from extexify.workspace import paths

SHOWN_SUGGESTIONS = 10
"""Suggestions of mislabelled drawings that are printed, the most certain ones."""

# Each command imports what it needs when it runs: `--help` doesn't wait for torch.
if TYPE_CHECKING:
    from collections.abc import Callable

    from extexify.dataset.dataset import Dataset
    from extexify.training.image_tree import ImageTree
    from extexify.training.pipeline import PipelineResult
    from extexify.training.recipes import Recipe


def train(options: argparse.Namespace) -> None:
    """A dataset → a model, or continuing a run. Under torchrun every process runs this, with the settings of rank 0."""
    from dataclasses import replace

    from extexify.training.distributed import broadcast_json, process_group, rank
    from extexify.training.launch import is_rank_0
    from extexify.training.pipeline import train_on_dataset
    from extexify.training.recipes import Recipe

    if options.processes != 1:
        _train_in_processes(options)
        return
    places = replace(workspace_places(), images=options.images or paths.images_folder())
    settings = _training_settings(options) if is_rank_0() else None
    drawings = _drawings(options)
    with interruption.stop_on_signals() as should_stop, process_group(options.device):
        settings = broadcast_json(settings)
        recipe, seed = Recipe.from_json(settings["recipe"]), settings["seed"]
        report = reporter(options) if rank() == 0 else quiet
        data = drawings if drawings is not None else _pictures(options, recipe, seed, report, should_stop)
        result = train_on_dataset(
            recipe, data, places, settings["run"], seed=seed, train_on=settings["train_on"], device=options.device,
            resume=settings["resume"], report=report, should_stop=should_stop,
        )  # fmt: skip
        if rank() == 0:
            _finish_training(options, result)


def _drawings(options: argparse.Namespace) -> Dataset | None:
    """The dataset to train on; None if that is a tree of pictures."""
    from extexify.dataset.dataset import Dataset

    if options.images_tree is None:
        return Dataset.open(options.dataset or paths.dataset_folder())
    if options.dataset or options.images:
        raise UserError("--images-tree is trained on in place of a dataset: leave --dataset and --images out")
    return None


def _pictures(
    options: argparse.Namespace, recipe: Recipe, seed: int, report: Reporter, should_stop: Callable[[], bool]
) -> ImageTree:
    from extexify.training.image_tree import read_image_tree

    def watched(event: Progress) -> None:
        if should_stop():
            raise Stopped("stopped while pictures were read")
        report(event)

    return read_image_tree(options.images_tree, recipe.raster, seed=seed, report=watched)


def _train_in_processes(options: argparse.Namespace) -> None:
    """Check what can be checked before anything is started, and train in several processes of this machine."""
    from extexify.training.devices import pick_device
    from extexify.training.launch import MAX_PROCESSES, LaunchError, run_processes

    if not 1 <= options.processes <= MAX_PROCESSES:
        raise LaunchError(f"--processes must be 1 to {MAX_PROCESSES}, not {options.processes}")
    if "WORLD_SIZE" in os.environ:
        raise LaunchError("torchrun has started the processes of this training already: leave --processes out")
    _drawings(options)
    for number in range(options.processes):
        pick_device(options.device, number)
    run = _training_settings(options)["run"]
    # Of an option that is given twice the last one counts.
    run_processes(options.processes, [*options.command_line, f"--run={run}", "--processes=1"], run)


def pipeline(options: argparse.Namespace) -> None:
    """Export, render, split, train and evaluate."""
    from extexify.training.pipeline import run_pipeline

    recipe = _recipe(options)
    name = _new_run(recipe, options.run)
    with interruption.stop_on_signals() as should_stop:
        result = run_pipeline(
            sources_of(options), recipe, workspace_places(), name, seed=options.seed,
            ratios=options.ratios, rejected=rejected(options), train_on=options.train_on, device=options.device,
            png=options.png, report=reporter(options), should_stop=should_stop,
        )  # fmt: skip
    stages = ", ".join(f"{stage} {seconds:,.1f} s" for stage, seconds in result.seconds.items())
    _finish_training(options, result, stages)


def cross_validate(options: argparse.Namespace) -> None:
    """Cross-validation of a recipe on a dataset, and suggestions of mislabelled drawings."""
    from extexify.catalog.symbols import symbol_for
    from extexify.dataset.dataset import Dataset
    from extexify.evaluation.label_errors import label_errors
    from extexify.evaluation.records import Evaluation, new_name
    from extexify.training.cross_validation import cross_validate
    from extexify.training.recipes import recipe

    out = options.out or paths.evaluations_folder() / new_name()
    dataset = Dataset.open(options.dataset or paths.dataset_folder())
    chosen = recipe(options.recipe, epochs=options.epochs)
    with interruption.stop_on_signals() as should_stop:
        metrics = cross_validate(
            chosen, dataset, paths.images_folder(), paths.cross_validation_folder(), out, folds=options.folds,
            seed=options.seed, device=options.device, report=reporter(options), should_stop=should_stop,
        )  # fmt: skip
    evaluation = Evaluation.open(out)
    suggestions = [
        {
            "id": int(evaluation.records.ids[error.row]),
            "key": evaluation.label(error.row),
            "suggested": evaluation.classes[error.suggested],
            "probability": round(error.probability, 6),
            "label_probability": round(error.label_probability, 6),
        }
        for error in label_errors(evaluation)
    ]
    text = f"{out}: {top_k(metrics.top)} of {metrics.n:,} drawings, {len(suggestions):,} of which look mislabelled"
    for one in suggestions[:SHOWN_SUGGESTIONS]:
        label, looks = symbol_for(str(one["key"])).command, symbol_for(str(one["suggested"])).command
        text += f"\n{one['id']:>8}  labelled {label:<24}  looks like {looks}  ({one['probability']:.0%})"
    if suggestions:
        text += "\nthe Evaluate page shows them all, to be marked as mislabelled or kept"
    print_result(options, {"evaluation": str(out), **metrics.to_json(), "suggestions": suggestions}, text)


def _recipe(options: argparse.Namespace) -> Recipe:
    from extexify.training.recipes import for_pictures, network_recipe, recipe

    changes = _recipe_changes(options)
    if options.network and options.recipe:
        raise UserError("--network trains by a recipe for that network: leave --recipe out")
    if options.network is not None:
        found = network_recipe(options.network, **changes)
    else:
        found = recipe(options.recipe or ("resnet" if options.images_tree else "default"), **changes)
    return for_pictures(found) if options.images_tree else found


def _resumed_recipe(options: argparse.Namespace, begun: Recipe) -> Recipe:
    """The recipe of a run with what the options say."""
    from dataclasses import replace

    if {options.recipe, options.network} - {None, begun.name}:
        return _recipe(options)
    given = {name: value for name, value in _recipe_changes(options).items() if value is not None}
    if given.get("starters") == begun.starters:
        del given["starters"], given["least_symbols"]
    return replace(begun, **given)


def _recipe_changes(options: argparse.Namespace) -> dict[str, Any]:
    """What the options say about a recipe's settings; None: nothing."""
    changes: dict[str, Any] = {name: getattr(options, name) for name in ("epochs", "batch_size", "learning_rate")}
    if options.starters is not None:
        if options.images_tree and options.starters:
            raise UserError("starter drawings are no pictures: leave --starters out")
        # Whoever asks for them gets them beside a dataset of a few symbols, too.
        changes |= {"starters": options.starters, "least_symbols": 0}
    return changes


def _training_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Recipe, seed, splits and name of the run to begin or resume, as JSON."""
    from dataclasses import replace

    from extexify.training.runs import RunFiles, newest_run, read_config

    if options.resume:
        name = checked_name(options.run, "run") if options.run else newest_run()
        folder = paths.runs_folder() / name
        config = read_config(folder)
        recipe = _resumed_recipe(options, config.recipe)
        seed = config.seed if options.seed is None else options.seed
        train_on = options.train_on or config.train_on
        RunFiles(folder).check(replace(config, recipe=recipe, seed=seed, train_on=train_on))
    else:
        recipe, seed, train_on = _recipe(options), options.seed or 0, options.train_on or "train"
        name = _new_run(recipe, options.run)
    settings = {"recipe": recipe.to_json(), "seed": seed, "train_on": train_on}
    return {**settings, "run": name, "resume": options.resume}


def _finish_training(options: argparse.Namespace, result: PipelineResult, *more: str) -> None:
    """Make the new model answer if --use was given, and print its metrics."""
    test = f"test {top_k(result.test.top)}" if result.test else "nothing is left to evaluate it on"
    text = "\n".join([f"{result.model}: {test}", *more])
    if options.use:
        paths.choose_model(result.model)
        text += f"\n{result.model.stem} answers from now on"
    report = {
        "model": str(result.model),
        "test": result.test.to_json() if result.test else None,
        "seconds": result.seconds,
    }
    print_result(options, report, text)


def _new_run(recipe: Recipe, name: str | None) -> str:
    """The name of a new run, checked before anything else is done."""
    from extexify.model.library import check_new_run
    from extexify.training.runs import default_name

    name = name or default_name(recipe.name)
    check_new_run(name)
    return name
