"""Workspaces for page timings: repeated rows, synthetic evaluations and runs, links to the shipped model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dumps import rows_of, write_dump
from extexify.core import settings

RUNS, MODELS, EVALUATIONS = 30, 5, 5
"""Numbers of runs, models and evaluations in a workspace of size 1."""


@contextmanager
def using(folder: Path) -> Iterator[Path]:
    """Make a folder the current workspace while the block runs."""
    before = os.environ.get(settings.WORKSPACE.name)
    os.environ[settings.WORKSPACE.name] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop(settings.WORKSPACE.name)
        if before is not None:
            os.environ[settings.WORKSPACE.name] = before


def make(folder: Path, source: Path, times: int) -> None:
    """Fill the current workspace (folder) with `times` times the rows, models, runs and evaluations."""
    folder.mkdir(parents=True)
    dump = write_dump(folder / "dump.sql", _rows(source, times))
    command = [sys.executable, "-m", "extexify"]
    for arguments in (["export", "--source", str(dump)], ["render", "--size", "16"]):
        subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _make_models(folder / "models", MODELS * times)
    _make_runs(folder / "runs", RUNS * times)
    for number in range(EVALUATIONS * times):
        _make_evaluation(folder / "evaluations" / f"{number:04}")


def _rows(source: Path, times: int) -> Iterator[bytes]:
    """The rows, repeated `times` times with new ids and, after the first repetition, with new keys."""
    number = 0
    for turn in range(times):
        for row in rows_of(source):
            number += 1
            _, key, strokes = row.split(b"\t", 2)
            yield b"%d\t%b%b\t%b" % (number, key, b" %d" % turn if turn else b"", strokes)


def _make_models(folder: Path, count: int) -> None:
    from extexify.workspace import paths

    folder.mkdir()
    (shipped,) = paths.SHIPPED_MODELS.glob("*.onnx")
    for number in range(count):
        (folder / f"model-{number:04}.onnx").symlink_to(shipped)


def _make_runs(folder: Path, count: int) -> None:
    """Folders of finished trainings of 20 epochs."""
    import orjson

    from extexify.training.recipes import recipe
    from extexify.workspace.files import write_json

    for number in range(count):
        config = {"recipe": recipe("original").to_json(), "seed": number, "dataset": {"content_hash": "cafe"}}
        write_json(folder / f"run-{number:04}" / "run.json", config)
        lines = []
        for epoch in range(1, 21):
            metrics = {"loss": 3 / epoch, "top1": epoch / 40, "top5": epoch / 25}
            entry = {"epoch": epoch, "train": metrics, "validation": metrics, "learning_rate": 1e-3, "seconds": 9.0}
            lines.append(orjson.dumps({**entry, "drawings_per_second": 2000.0}))
        (folder / f"run-{number:04}" / "metrics.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def _make_evaluation(folder: Path) -> None:
    """Save an evaluation of the test split with random answers, half of them correct."""
    from extexify.catalog.lookalikes import MATCHES
    from extexify.dataset.dataset import Dataset
    from extexify.evaluation.metrics import STORED_ANSWERS, EvaluationRecords, MetricsCounter, RecordSink
    from extexify.evaluation.records import EvaluationContext, save_evaluation
    from extexify.workspace import paths

    dataset = Dataset.open(paths.dataset_folder())
    indices = dataset.indices("test")
    rng = np.random.default_rng(0)
    count, classes = len(indices), len(dataset.classes)
    labels = np.asarray(dataset.labels)[indices]
    top = ((labels[:, None] + rng.integers(0, 2, (count, 1)) + np.arange(STORED_ANSWERS)) % classes).astype(np.int32)
    probabilities = np.sort(rng.dirichlet(np.ones(STORED_ANSWERS), count), axis=1)[:, ::-1].astype(np.float32)
    records = EvaluationRecords(
        drawings=dataset.drawings.take(indices),
        ids=np.asarray(dataset.ids)[indices],
        labels=labels,
        top=top,
        probabilities=probabilities,
        confidence=np.repeat(probabilities[:, :1], len(MATCHES), 1),
        correct=np.repeat((top[:, :1] == labels[:, None]).astype(np.uint8), len(MATCHES), 1),
        right=np.repeat(probabilities[:, 1:2], len(MATCHES), 1),
    )
    counter = MetricsCounter(dataset.classes)

    def evaluate(sink: RecordSink) -> Any:
        counter.add(records.top, records.labels)
        sink(records)
        return counter.metrics()

    context = EvaluationContext("made up", str(folder), "cafe", 1.0, "test", (dataset.content_hash,))
    save_evaluation(folder, context, dataset.classes, evaluate)
