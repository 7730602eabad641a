"""The files of a training run, which only the process that leads it writes.

run.json                   what was asked: recipe, seed, splits, dataset
metrics.jsonl              a line an epoch
checkpoint.safetensors     to go on from
model.safetensors          the best epoch so far, a model file
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from extexify.core.schema import Maybe, check_form
from extexify.training.recipes import Recipe
from extexify.workspace.files import StorageError, atomic_file, explained, read_json, write_json


class RunFiles:
    """Where a run's files are, and how those that are text are written."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.asked, self.metrics = run / "run.json", run / "metrics.jsonl"
        self.checkpoint, self.model = run / "checkpoint.safetensors", run / "model.safetensors"

    def begin(self, asked: dict[str, Any]) -> None:
        """Make the run folder and note what was asked."""
        self.run.mkdir(parents=True, exist_ok=True)
        write_json(self.asked, asked)

    def check(self, asked: dict[str, Any]) -> None:
        """Raise `StorageError` unless the same was asked when the run was begun."""
        if read_json(self.asked) != orjson.loads(orjson.dumps(asked)):
            raise StorageError(f"run {self.run.name} was begun with other settings or another dataset: start a new run")

    def add_metrics(self, entry: dict[str, Any]) -> None:
        """Append an epoch's line."""
        with explained(self.metrics), self.metrics.open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")

    def forget_metrics_after(self, epoch: int) -> None:
        """Drop the lines of epochs after the checkpoint's (the process died between writing the two)."""
        lines = self.metrics.read_bytes().splitlines(keepends=True) if self.metrics.exists() else []
        kept = [line for line in lines if line.endswith(b"\n") and orjson.loads(line)["epoch"] <= epoch]
        with atomic_file(self.metrics) as temporary:
            temporary.write_bytes(b"".join(kept))


def recipe_of_run(run: Path) -> tuple[Recipe, int]:
    """The recipe and the seed that a run was begun with. Raises `StorageError` when there is no such run."""
    path = RunFiles(run).asked
    if not path.exists():
        raise StorageError(f"there is no run {run.name} in {run.parent} to go on with")
    asked: Any = read_json(path)
    try:
        check_form(asked, {"recipe": {}, "seed": int, "train_on": Maybe(str)})
        return Recipe.from_json(asked["recipe"]), asked["seed"]
    except ValueError as error:
        raise StorageError(f"{path} is damaged ({error}): start a new run") from None


def splits_of_run(run: Path) -> str:
    """The splits that a run is trained on, as `Dataset.indices` reads them."""
    asked: Any = read_json(RunFiles(run).asked)
    return str(asked.get("train_on", "train"))
