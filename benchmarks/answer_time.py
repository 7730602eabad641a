"""How long an answer takes: one drawing → its five most probable symbols, rasterizer included, on one core.

    PYTHONPATH=. python benchmarks/answer_time.py [--dataset DIR] [MODEL …]

Every hundredth drawing of the dataset is answered by itself, after a few to warm up. The models take turns, so that
what else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.data import add_dataset_option, open_dataset
from extexify import workspace
from extexify.classifier import Classifier

EVERY = 100


def main() -> None:
    """Print a table with a row for every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the one that answers")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    torch.set_num_threads(1)
    models = options.models or [workspace.default_model()]
    classifiers = [Classifier.load(path) for path in models]
    for classifier in classifiers:
        for _ in range(10):
            classifier.warm_up()
    seconds = np.array(
        [
            [_seconds(classifier, dataset.drawings[number]) for classifier in classifiers]
            for number in range(0, len(dataset), EVERY)
        ]
    )
    print("| model | file, MB | median, ms | 90th percentile, ms |")
    print("| --- | ---: | ---: | ---: |")
    for path, times in zip(models, seconds.T, strict=True):
        size = path.stat().st_size / 1e6
        print(f"| {path.stem} | {size:.1f} | {1e3 * np.median(times):.1f} | {1e3 * np.quantile(times, 0.9):.1f} |")


def _seconds(classifier: Classifier, drawing: list[np.ndarray]) -> float:
    began = time.perf_counter()
    classifier.classify(drawing, 5)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
