"""How long answers take: ONNX Runtime, which gives them, beside PyTorch, which gave them before.

    PYTHONPATH=. python benchmarks/answer_time.py [--dataset DIR] [MODEL …]

One drawing → its five most probable symbols, on one core, for every hundredth drawing of the dataset; and batches of
256 drawings on all cores, for 4,096 drawings. Both with all that belongs to it: fitting, picture and sequence. Methods
and models take turns, so that what else the machine does meets all of them. The wall is told as well: how much of what
the machine reaches in a matrix multiplication of 32 bits a number the networks reach.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.data import add_dataset_option, open_dataset
from benchmarks.pytorch_answers import PyTorchClassifier
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import available_threads
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import BATCH, Classifier
from extexify.workspace import paths

EVERY = 100
MANY = 4096
ROUNDS = 5
SIDE = 2048


def main() -> None:
    """Print a table with two rows for every model, then the wall."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the one that answers")
    options = parser.parse_args()
    drawings = open_dataset(options.dataset).drawings
    singles = [drawings[number] for number in range(0, len(drawings), EVERY)]
    rng = np.random.default_rng(0)
    batches = [drawings.take(part) for part in np.split(rng.integers(0, len(drawings), MANY), MANY // BATCH)]
    methods: dict[tuple[Path, str], Classifier | PyTorchClassifier] = {}
    for path in options.models or [paths.default_model()]:
        methods[path, "PyTorch"] = PyTorchClassifier(path)
        methods[path, "ONNX Runtime"] = Classifier.load(path)
    one = single_times(methods, singles)
    rates = batch_rates(methods, batches)
    print("| model | by | one drawing, ms | 90th percentile, ms | ratio | drawings a second | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for (path, method), times in one.items():
        median, before = np.median(times), np.median(one[path, "PyTorch"])
        rate, rate_before = rates[path, method], rates[path, "PyTorch"]
        print(
            f"| {path.stem} | {method} | {1e3 * median:.2f} | {1e3 * np.quantile(times, 0.9):.2f} "
            f"| {before / median:.1f} × | {rate:,.0f} | {rate / rate_before:.1f} × |"
        )
    for path, method in methods:
        if method == "ONNX Runtime":
            tell_the_wall(path, singles, rates[path, method])


def single_times(
    methods: dict[tuple[Path, str], Classifier | PyTorchClassifier], singles: list[list[np.ndarray]]
) -> dict[tuple[Path, str], list[float]]:
    """Seconds of each drawing by itself, on one core."""
    torch.set_num_threads(1)
    for classifier in methods.values():
        for drawing in singles[:10]:
            classifier.classify(drawing)
    times: dict[tuple[Path, str], list[float]] = {name: [] for name in methods}
    for drawing in singles:
        for name, classifier in methods.items():
            times[name].append(seconds(lambda: classifier.classify(drawing)))  # noqa: B023 (called at once)
    return times


def batch_rates(
    methods: dict[tuple[Path, str], Classifier | PyTorchClassifier], batches: list[Drawings]
) -> dict[tuple[Path, str], float]:
    """Drawings a second in batches, on all cores; the median of the rounds."""
    torch.set_num_threads(available_threads())

    def answer_all(classifier: Classifier | PyTorchClassifier) -> None:
        for batch in batches:
            classifier.logits(batch)

    times: dict[tuple[Path, str], list[float]] = {name: [] for name in methods}
    for number in range(1 + ROUNDS):
        for name, classifier in methods.items():
            took = seconds(lambda: answer_all(classifier))  # noqa: B023 (called at once)
            if number > 0:  # the first round warms up
                times[name].append(took)
    return {name: MANY / statistics.median(took) for name, took in times.items()}


def tell_the_wall(path: Path, singles: list[list[np.ndarray]], rate: float) -> None:
    """Print what seeing takes, and the arithmetic of the network beside what the machine can do."""
    classifier = PyTorchClassifier(path)
    raster, sequence = classifier.description.raster, classifier.description.sequence
    packed = [Drawings.pack([drawing]) for drawing in singles]
    times = [seconds(lambda: model_inputs(drawing, raster, sequence, threads=1)) for drawing in packed]  # noqa: B023
    with FlopCounterMode(display=False) as counter:
        classifier.logits(packed[0])
    work = counter.get_total_flops()
    print(
        f"\n{path.stem}: picture and sequence take {1e3 * np.median(times):.3f} ms of a drawing. The network's "
        f"{work / 1e6:.0f} million operations make {rate * work / 1e9:.0f} GFLOP/s in batches; a matrix multiplication "
        f"on {torch.get_num_threads()} cores reaches {multiplications(torch.float32) / 1e9:.0f}."
    )


def multiplications(precision: torch.dtype) -> float:
    """Additions and multiplications a second of the product of two square matrices, at best."""
    matrix = torch.rand(SIDE, SIDE).to(precision)
    return 2 * SIDE**3 / min(seconds(lambda: torch.mm(matrix, matrix)) for _ in range(ROUNDS))


def seconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
