"""A tiny source of six easy symbols for tests of the stages after export, and run folders made without training."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator
from pathlib import Path

import numpy as np
import orjson

from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import Drawing, strokes_json
from extexify.sources.base import Row
from extexify.training.recipes import recipe
from extexify.workspace.files import write_json

ROUND = np.stack([np.cos(np.linspace(0, 6.3, 25)), np.sin(np.linspace(0, 6.3, 25))], 1)

SHAPES: dict[str, list[list[tuple[float, float]]]] = {
    "latex2e-OT1-_circ": [[tuple(point) for point in ROUND.tolist()]],
    "latex2e-OT1-_times": [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],
    "latex2e-OT1-_equiv": [[(0, 0), (1, 0)], [(0, 0.4), (1, 0.4)], [(0, 0.8), (1, 0.8)]],
    "latex2e-OT1-_triangle": [[(0, 1), (0.5, 0), (1, 1), (0, 1)]],
    "latex2e-OT1-_vdots": [[(0, 0)], [(0, 0.5)], [(0, 1)]],
    "latex2e-OT1-|": [[(0, 0), (0, 1)]],
}


class TinySource:
    """`each` drawings of every shape, with ids from 1, each a little different from the others."""

    name = "tiny"
    unit = "rows"

    def __init__(self, each: int = 20, seed: int = 0, keys: list[str] | None = None) -> None:
        self._each, self._seed, self._keys = each, seed, keys or list(SHAPES)

    def rows(self) -> Generator[Row]:
        rng = np.random.default_rng(self._seed)
        numbers = itertools.count(1)
        for _ in range(self._each):
            for key in self._keys:
                yield Row(next(numbers), key, strokes_json(shape(key, rng)))

    def position(self) -> tuple[int, int | None]:
        return 0, None


def shape(key: str, rng: np.random.Generator) -> Drawing:
    """A drawing of a symbol, about 100 pixels large, with noise of a pixel."""
    return [
        (np.array(points) * 100 + rng.normal(0, 1, (len(points), 2)) + rng.uniform(0, 50, 2)).astype(np.float32)
        if len(SHAPES[key]) == 1
        else (np.array(points) * 100 + rng.normal(0, 1, (len(points), 2))).astype(np.float32)
        for points in SHAPES[key]
    ]


def tiny_dataset(folder: Path, each: int = 20) -> Dataset:
    """The tiny source, exported to `folder`."""
    return export_dataset([TinySource(each)], folder)


def metrics_line(epoch: int, top5: float) -> bytes:
    """An epoch's line of a run's metrics."""
    metrics = {"loss": 2.0, "top1": top5 / 2, "top5": top5}
    entry = {
        "epoch": epoch, "train": metrics, "validation": metrics, "learning_rate": 0.001, "seconds": 2.0,
        "drawings_per_second": 100.0 * epoch,
    }  # fmt: skip
    return orjson.dumps(entry) + b"\n"


def make_run(folder: Path, *top5: float, epochs: int = 3, began: float = 1000.0, of: str = "original") -> Path:
    """A run folder with an epoch for each validation top-5, of `epochs` that the recipe has."""
    config = {"recipe": recipe(of, epochs=epochs).to_json(), "seed": 7, "dataset": {"content_hash": "cafe"}}
    write_json(folder / "run.json", config)
    os.utime(folder / "run.json", (began, began))
    lines = (metrics_line(number, value) for number, value in enumerate(top5, 1))
    (folder / "metrics.jsonl").write_bytes(b"".join(lines))
    return folder
