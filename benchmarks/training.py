"""Trainings of a benchmark, which are kept: a second call trains only what is missing."""

from __future__ import annotations

from pathlib import Path

from extexify.core.progress import TerminalProgress
from extexify.dataset.dataset import Dataset
from extexify.training.pipeline import Places, train_on_dataset
from extexify.training.recipes import Recipe


def trained(recipe: Recipe, dataset: Dataset, name: str, out: Path, *, seed: int = 0) -> Path:
    """The model file of a training on the CPU, kept in the folder `out`: trained, or resumed, unless it is there."""
    places = Places(dataset.path, out / "images", out / "runs", out / "models")
    model = places.models / f"{name}.onnx"
    if not model.exists():
        train_on_dataset(
            recipe, dataset, places, name,
            seed=seed, device="cpu", resume=(places.runs / name / "run.json").exists(), report=TerminalProgress(),
        )  # fmt: skip
    return model
