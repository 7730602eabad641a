"""Rows: answers by the library, one drawing at a time and in batches, and what starting costs.

Beside ONNX Runtime, which gives the answers, stands PyTorch, which gave them before.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import start_up
from benchmarks.answer_time import seconds
from benchmarks.measuring import Method, Row, Setting, Work, beside, in_turn, of_command
from benchmarks.pytorch_answers import PyTorchClassifier
from extexify.dataset.dataset import Dataset
from extexify.drawing.inputs import model_inputs
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import BATCH, Classifier
from extexify.workspace import paths

MOST_SECONDS = 0.004
MOST_SEEING = 0.0003  # of it, for picture and sequence
RATE = 2000.0  # drawings a second, in batches

KINDS = ("PyTorch", "ONNX Runtime")
EVERY = 100  # drawings of which one is answered by itself
MANY = 4096  # drawings in batches


def single(setting: Setting) -> Row:
    """One drawing → its five most probable symbols, on one core."""
    before, now = _both(setting, "benchmarks.answering:one_by_one")
    seeing = now.figures["seeing"]
    now = beside(before, now, asked=f"≤ {1e3 * MOST_SECONDS:.0f} ms")
    reached = now.seconds <= MOST_SECONDS and seeing <= MOST_SEEING
    methods = [replace(before, shown=_milliseconds(before)), replace(now, shown=_milliseconds(now), reached=reached)]
    note = f"median of every {EVERY}th drawing; picture and sequence take {1e3 * seeing:.3f} ms of it."
    return Row("one drawing → five symbols, one core", methods, note)


def batches(setting: Setting) -> Row:
    """Many drawings, on all cores."""
    before, now = _both(setting, "benchmarks.answering:in_batches")
    ours = beside(before, now, asked=f"≥ {RATE:,.0f} a second")
    return Row(
        "many drawings → five symbols each", [before, replace(ours, reached=ours.drawings / ours.seconds >= RATE)]
    )


def starting(setting: Setting) -> Row:
    """A new process until it is there, or has answered; a round before the first isn't counted."""
    times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in start_up.STARTS}
    for _ in range(1 + setting.rounds):
        for name, code in start_up.STARTS.items():
            times[name].append(of_command([sys.executable, "-c", code]))
    methods = []
    for name, done in times.items():
        seconds = float(np.median([wall for wall, _, _ in done[1:]]))
        heavy = ", ".join(start_up.imports(start_up.STARTS[name])) or "none"
        methods.append(
            Method(
                f"{name} (heavy imports: {heavy})", seconds, 1, max(memory for _, _, memory in done),
                shown=f"{seconds:.2f} s",
            )
        )  # fmt: skip
    return Row("start of a process", methods, "first paint in a browser: `make first-paint`.")


def _both(setting: Setting, function: str) -> list[Method]:
    (model,) = paths.SHIPPED_MODELS.glob("*.safetensors")
    return in_turn({name: (function, [str(model), str(setting.dataset), name]) for name in KINDS}, setting.rounds)


def _milliseconds(method: Method) -> str:
    return f"{1e3 * method.seconds / method.drawings:.2f} ms"


# --- in a process -------------------------------------------------------------------------------


def one_by_one(model: str, dataset: str, kind: str) -> Work:
    """Answer some drawings, each by itself; the seconds are the median's."""
    import torch

    torch.set_num_threads(1)
    classifier = _load(kind, model)
    drawings = Dataset.open(Path(dataset)).drawings
    chosen = [drawings[number] for number in range(0, len(drawings), EVERY)]
    for drawing in chosen[:10]:
        classifier.classify(drawing)
    times = [seconds(partial(classifier.classify, drawing)) for drawing in chosen]
    settings = classifier.description.raster, classifier.description.sequence
    packed = [Drawings.pack([drawing]) for drawing in chosen]
    seeing = [seconds(partial(model_inputs, one, *settings, threads=1)) for one in packed]
    return Work(float(np.median(times)), 1, {"p90": float(np.quantile(times, 0.9)), "seeing": float(np.median(seeing))})


def in_batches(model: str, dataset: str, kind: str) -> Work:
    """Answer many drawings in batches, the first of which warms up."""
    classifier = _load(kind, model)
    drawings = Dataset.open(Path(dataset)).drawings
    rng = np.random.default_rng(0)
    parts = [drawings.take(rng.integers(0, len(drawings), BATCH)) for _ in range(1 + MANY // BATCH)]
    classifier.logits(parts[0])
    took = seconds(lambda: [classifier.logits(part) for part in parts[1:]])
    return Work(took, MANY)


def _load(kind: str, model: str) -> Classifier | PyTorchClassifier:
    return Classifier.load(model) if kind == "ONNX Runtime" else PyTorchClassifier(Path(model))
