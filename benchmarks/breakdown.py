"""Accuracy by class size and by LaTeX package: top-1 and top-5 on the test split.

    python -m benchmarks.breakdown [--dataset DIR] [MODEL …]

All models are evaluated on the same drawings in one run; the size of a class is the number of its drawings in the
dataset's train split.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import add_dataset_option, open_dataset
from extexify.catalog.symbols import symbol_for
from extexify.dataset.dataset import Dataset
from extexify.evaluation.metrics import STORED_ANSWERS, ranks, top_classes
from extexify.model.classifier import Classifier
from extexify.workspace import paths

EDGES = [0, 10, 20, 30, 1_000_000]


def rank_of_right(classifier: Classifier, dataset: Dataset, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rank (from 0) of each drawing's class, int64 (n,); STORED_ANSWERS for a class that the model doesn't have."""
    number = {key: label for label, key in enumerate(classifier.classes)}
    labels = np.array([number.get(dataset.classes[label], -1) for label in dataset.labels[indices]])
    probabilities = np.concatenate(list(classifier.probabilities(dataset.drawings.take(indices))))
    found = ranks(top_classes(probabilities), np.maximum(labels, 0), np.arange(len(number)))
    return np.where(labels >= 0, found, STORED_ANSWERS)


def print_table(
    head: str, rows: Sequence[tuple[str, NDArray[np.bool_]]], models: Sequence[Path], found: Sequence[NDArray[np.int64]]
) -> None:
    """Print a row for each subset of the drawings, with top-1 and top-5 of every model."""
    heads = [f"{path.stem} top-{k}" for path in models for k in (1, 5)]
    print(f"| {head} | test drawings | {' | '.join(heads)} |")
    print(f"| --- | ---: | {' | '.join('---:' for _ in heads)} |")
    for name, chosen in rows:
        cells = [f"{100 * (rank[chosen] < k).mean():.1f}" for rank in found for k in (1, 5)]
        print(f"| {name} | {int(chosen.sum()):,} | {' | '.join(cells)} |")
    print()


def main() -> None:
    """Evaluate every model and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the model in use")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    indices = dataset.indices("test")
    models = options.models or [paths.default_model()]
    found = [rank_of_right(Classifier.load(path), dataset, indices) for path in models]
    sizes = dataset.class_counts[dataset.labels[indices], 0]
    ranges = [
        (f"{low} to {high - 1}" if high < EDGES[-1] else f"{low} or more", (sizes >= low) & (sizes < high))
        for low, high in pairwise(EDGES)
    ]
    print_table("training drawings of the class", [*ranges, ("all", sizes >= 0)], models, found)
    packages = np.array([symbol_for(key).package for key in dataset.classes])[dataset.labels[indices]]
    named = [(package, packages == package) for package, _ in Counter(packages.tolist()).most_common()]
    print_table("package", named, models, found)


if __name__ == "__main__":
    main()
