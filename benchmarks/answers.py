"""Rows `answer` and `batch`: classification by ONNX Runtime, which the library uses, and by PyTorch.

    python -m benchmarks.answers [--dataset DIR] [MODEL …]

The program prints the same measurements for any models, with the network's throughput in GFLOP/s and, as its upper
limit, that of a float32 matrix multiplication; and for how many drawings each gives the same five answers as the first.
All timings include fitting, rasterizing and resampling. PyTorch's networks have random weights, which take as long.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.data import add_dataset_option, open_dataset
from benchmarks.measuring import Method, Row, Setting, Work, beside, in_turn
from extexify.drawing.inputs import model_inputs
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.file import read_description
from extexify.model.networks import build, to_tensors
from extexify.workspace import paths

if TYPE_CHECKING:
    from extexify.model.classifier import Classifier

MAX_SECONDS = 0.004
MAX_INPUT_SECONDS = 0.0003
"""Maximum seconds for rasterizing and resampling one drawing."""

MIN_RATE = 2000.0
"""Minimum drawings a second in batches."""

KINDS = ("PyTorch", "ONNX Runtime")
EVERY = 100
"""Only every 100th drawing is classified by itself."""

MANY, BATCH = 4096, 256
"""Drawings classified in batches, and the batch size."""

COMPARED = 1000
"""Drawings for which the models' first five answers are compared."""

MATRIX_SIDE = 2048


class PyTorchClassifier:
    """A network of a model's architecture in PyTorch, its batch normalization fused into the convolutions."""

    def __init__(self, path: Path) -> None:
        self.description = read_description(path)
        classes = len(self.description.classes)
        self._network = build(self.description.architecture, classes, self.description.options).eval()
        for module in list(self._network.modules()):
            for (name, before), (after_name, after) in pairwise(list(module.named_children())):
                if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                    setattr(module, name, fuse_conv_bn_eval(before, after))
                    setattr(module, after_name, nn.Identity())

    def classify(self, drawing: Drawing, top: int = 5) -> list[str]:
        """The keys of the most probable symbols, most probable first."""
        logits = self.logits(Drawings.pack([drawing]), threads=1)[0]
        return [self.description.classes[index] for index in np.argsort(-logits, kind="stable")[:top]]

    @torch.inference_mode()
    def logits(self, drawings: Drawings, *, threads: int | None = None) -> NDArray[np.float32]:
        """The logits of drawings (n): float32 (n, classes)."""
        inputs = model_inputs(drawings, self.description.raster, self.description.sequence, threads=threads)
        logits: NDArray[np.float32] = self._network(*to_tensors(inputs, self._network, torch.device("cpu"))).numpy()
        return logits


# --- rows of the table --------------------------------------------------------------------------


def single(setting: Setting) -> Row:
    """One drawing → its five most probable symbols, on one core."""
    (model,) = paths.SHIPPED_MODELS.glob("*.onnx")
    methods = _both(model, setting.dataset, "one_by_one", setting.rounds)
    before, now = (replace(method, shown=f"{1e3 * method.seconds:.2f} ms") for method in methods)
    inputs = now.metrics["inputs"]
    reached = now.seconds <= MAX_SECONDS and inputs <= MAX_INPUT_SECONDS
    now = beside(before, now, target=f"≤ {1e3 * MAX_SECONDS:.0f} ms", reached=reached)
    note = f"median of every {EVERY}th drawing; picture and sequence take {1e3 * inputs:.3f} ms of it."
    return Row("one drawing → five symbols, one core", [before, now], note)


def batches(setting: Setting) -> Row:
    """Many drawings, on all cores."""
    (model,) = paths.SHIPPED_MODELS.glob("*.onnx")
    before, now = _both(model, setting.dataset, "in_batches", setting.rounds)
    now = beside(before, now, target=f"≥ {MIN_RATE:,.0f} a second", reached=now.drawings / now.seconds >= MIN_RATE)
    return Row("many drawings → five symbols each", [before, now])


def _both(model: Path, dataset: Path, function: str, rounds: int) -> list[Method]:
    return [
        replace(method, name=kind)
        for method, kind in zip(_compared([model], dataset, function, rounds), KINDS, strict=True)
    ]


def _compared(models: list[Path], dataset: Path, function: str, rounds: int) -> list[Method]:
    """Every model by each of `KINDS`, in turn."""
    calls = {
        f"{model} {kind}": (f"benchmarks.answers:{function}", [str(model), str(dataset), kind])
        for model, kind in product(models, KINDS)
    }
    return in_turn(calls, rounds)


# --- in a process of its own --------------------------------------------------------------------


def one_by_one(model: str, dataset: str, kind: str) -> Work:
    """Classify every EVERY-th drawing by itself on one thread; returns the median seconds."""
    torch.set_num_threads(1)
    classifier = _load(kind, model)
    drawings = open_dataset(Path(dataset)).drawings
    chosen = [drawings[number] for number in range(0, len(drawings), EVERY)]
    for drawing in chosen[:10]:
        classifier.classify(drawing)
    times = [_seconds(partial(classifier.classify, drawing)) for drawing in chosen]
    settings = classifier.description.raster, classifier.description.sequence
    packed = [Drawings.pack([drawing]) for drawing in chosen]
    inputs = [_seconds(partial(model_inputs, one, *settings, threads=1)) for one in packed]
    return Work(float(np.median(times)), 1, {"p90": float(np.quantile(times, 0.9)), "inputs": float(np.median(inputs))})


def in_batches(model: str, dataset: str, kind: str) -> Work:
    """Classify MANY drawings in batches, after a warm-up batch."""
    classifier = _load(kind, model)
    drawings = open_dataset(Path(dataset)).drawings
    rng = np.random.default_rng(0)
    parts = [drawings.take(rng.integers(0, len(drawings), BATCH)) for _ in range(1 + MANY // BATCH)]
    classifier.logits(parts[0])
    return Work(_seconds(lambda: [classifier.logits(part) for part in parts[1:]]), MANY)


def _load(kind: str, model: str) -> Classifier | PyTorchClassifier:
    if kind == "PyTorch":
        return PyTorchClassifier(Path(model))
    from extexify.model.classifier import Classifier  # imports ONNX Runtime, which PyTorch's process doesn't need

    return Classifier.load(model)


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# --- the program --------------------------------------------------------------------------------


def matrix_flops(dtype: torch.dtype, rounds: int = 5) -> float:
    """Additions and multiplications a second of the product of two square matrices, the best of the rounds."""
    matrix = torch.rand(MATRIX_SIDE, MATRIX_SIDE).to(dtype)
    return 2 * MATRIX_SIDE**3 / min(_seconds(lambda: torch.mm(matrix, matrix)) for _ in range(rounds))


def _compare(models: list[Path], dataset: Path) -> None:
    """Print for how many drawings each model gives the same first five symbols as the first one, in the same order."""
    drawings = open_dataset(dataset).drawings
    some = drawings.take(np.random.default_rng(0).permutation(len(drawings))[:COMPARED])
    first: NDArray[np.int64] | None = None
    for model in models:
        found = np.argsort(-_load("ONNX Runtime", str(model)).logits(some), 1, kind="stable")[:, :5]
        first = found if first is None else first
        print(f"{model.stem}: the same five as {models[0].stem} for {(found == first).all(1).sum():,} of {len(some):,}")


def main() -> None:
    """Print a table with two rows for every model."""
    from torch.utils.flop_counter import FlopCounterMode

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the model in use")
    options = parser.parse_args()
    models = options.models or [paths.default_model()]
    drawing = open_dataset(options.dataset).drawings.take(np.zeros(1, np.int64))
    print("| model | by | one drawing, ms | 90 %, ms | inputs, ms | drawings a second | GFLOP/s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    ones, manys = (_compared(models, options.dataset, function, 5) for function in ("one_by_one", "in_batches"))
    for (model, kind), one, many in zip(product(models, KINDS), ones, manys, strict=True):
        with FlopCounterMode(display=False) as counter:
            PyTorchClassifier(model).logits(drawing)
        rate = many.drawings / many.seconds
        print(
            f"| {model.stem} | {kind} | {1e3 * one.seconds:.2f} | {1e3 * one.metrics['p90']:.2f} "
            f"| {1e3 * one.metrics['inputs']:.3f} | {rate:,.0f} | {rate * counter.get_total_flops() / 1e9:.0f} |"
        )
    _compare(models, options.dataset)
    reached = matrix_flops(torch.float32) / 1e9
    print(f"\nA float32 matrix multiplication on {torch.get_num_threads()} cores reaches {reached:.0f} GFLOP/s.")


if __name__ == "__main__":
    main()
