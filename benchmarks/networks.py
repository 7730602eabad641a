"""Networks side by side: accuracy, size and time, each trained once on the same dataset for the same epochs.

    python -m benchmarks.networks --dataset DIR --out DIR [--epochs 24] [--networks NAME …]

A name is a recipe's or that of a classification network of torchvision. Each is trained by the command line, in a
workspace below `--out`, where its report is kept: a second call trains only what is missing. The test split is
evaluated once, after training, with the best epoch of the validation split. The time of one drawing is the median on
one core, by ONNX Runtime from the published file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.answers import in_batches, one_by_one
from benchmarks.data import add_dataset_option, open_dataset
from extexify.model.file import read_description
from extexify.training.recipes import RECIPES, Recipe, network_recipe

NETWORKS = ("default", "quick", "original", "resnet", "mobilenet")

HEAD = (
    "trained as", "pixels", "weights, M", "operations a drawing, M", "file, MB", "test top-1", "top-5", "training, min",
    "one drawing, ms", "drawings a second",
)  # fmt: skip


@dataclass(frozen=True)
class Places:
    """The dataset, and the folder for a workspace and the reports of the trainings."""

    dataset: Path
    out: Path

    @property
    def workspace(self) -> Path:
        """The workspace of the trainings."""
        return self.out / "workspace"


def recipe_of(name: str) -> Recipe:
    """The recipe of that name, or else that of a network of torchvision. Raises `NetworkError`."""
    return RECIPES[name] if name in RECIPES else network_recipe(name)


def train(name: str, epochs: int, places: Places) -> dict[str, Any]:
    """Train a network, unless that is done, or resume its stopped training; returns the command's report."""
    result = places.out / f"{name}-{epochs}.json"
    if not result.exists():
        run, images = f"{name}-{epochs}", places.out / "images"
        dataset = ["--dataset", str(places.dataset)]
        if recipe_of(name).augment is None:  # `original`, which reads rendered images
            _run(places, ["render", *dataset, "--out", str(images), "--preset", name])
        if (places.workspace / "runs" / run / "checkpoint.safetensors").exists():
            how = ["--resume"]
        else:
            how = ["--recipe" if name in RECIPES else "--network", name, "--epochs", str(epochs)]
        result.write_bytes(_run(places, ["train", *dataset, "--images", str(images), "--run", run, "--json", *how]))
    report: dict[str, Any] = orjson.loads(result.read_bytes())
    return report


def _run(places: Places, arguments: Sequence[str]) -> bytes:
    """Run a command in the workspace of the measurements; returns what it prints."""
    environment = {**os.environ, "EXTEXIFY_WORKSPACE": str(places.workspace)}
    command = [sys.executable, "-m", "extexify", *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout


def row(name: str, report: dict[str, Any], places: Places) -> list[str]:
    """A row of the table."""
    model = Path(report["model"])
    recipe = recipe_of(name)
    classes = len(read_description(model).classes)
    one = one_by_one(str(model), str(places.dataset), "ONNX Runtime")
    many = in_batches(str(model), str(places.dataset), "ONNX Runtime")
    return [
        f"`{name}`",
        f"{recipe.raster.size}",
        f"{recipe.cost.weights_for(classes) / 1e6:.1f}",
        f"{recipe.cost.operations_for(classes) / 1e6:,.0f}",
        f"{model.stat().st_size / 1e6:.1f}",
        f"{100 * report['test']['top1']:.1f}",
        f"{100 * report['test']['top5']:.1f}",
        f"{report['seconds']['train'] / 60:.0f}",
        f"{1e3 * one.seconds:.2f}",
        f"{many.drawings / many.seconds:,.0f}",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings and their results")
    parser.add_argument("--epochs", type=int, default=24, help="of every training (default: 24)")
    parser.add_argument(
        "--networks", nargs="+", default=NETWORKS, metavar="NAME", help=f"default: {' '.join(NETWORKS)}"
    )
    options = parser.parse_args(arguments)
    open_dataset(options.dataset)
    places = Places(options.dataset.resolve(), options.out.resolve())
    places.out.mkdir(parents=True, exist_ok=True)
    reports = {name: train(name, options.epochs, places) for name in options.networks}
    print(f"| {' | '.join(HEAD)} |\n| --- |{' ---: |' * (len(HEAD) - 1)}")
    for name, report in reports.items():
        print(f"| {' | '.join(row(name, report, places))} |", flush=True)


if __name__ == "__main__":
    main()
