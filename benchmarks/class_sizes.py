"""How models do on rare and on common symbols: top-1 and top-5 on the test split by training drawings of the class.

    PYTHONPATH=. python benchmarks/class_sizes.py [--dataset DIR] [MODEL …]

All models are judged on the same drawings in one run; a class's size is counted in that dataset's train split.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.data import add_dataset_option, open_dataset
from extexify import workspace
from extexify.classifier import Classifier
from extexify.figures import KEPT, ranks, top_classes

EDGES = [0, 10, 20, 30, 1_000_000]


def main() -> None:
    """Judge every model and print a table with a row for each range of class sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the one that answers")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    indices = dataset.indices("test")
    drawings = dataset.drawings.take(indices)
    sizes = dataset.class_counts[dataset.labels[indices], 0]
    found: list[np.ndarray] = []
    models = options.models or [workspace.default_model()]
    for path in models:
        classifier = Classifier.load(path)
        number = {key: label for label, key in enumerate(classifier.classes)}
        # A class that the model doesn't know has no rank: it is never among the first.
        labels = np.array([number.get(dataset.classes[label], -1) for label in dataset.labels[indices]])
        probabilities = np.concatenate(list(classifier.probabilities(drawings)))
        rank = ranks(top_classes(probabilities), np.maximum(labels, 0), np.arange(len(number)))
        found.append(np.where(labels >= 0, rank, KEPT))
    heads = [f"{path.stem} top-{k}" for path in models for k in (1, 5)]
    print(f"| training drawings of the class | test drawings | {' | '.join(heads)} |")
    print(f"| --- | ---: | {' | '.join('---:' for _ in heads)} |")
    for low, high in [*pairwise(EDGES), (EDGES[0], EDGES[-1])]:
        rows = (sizes >= low) & (sizes < high)
        name = f"{low} to {high - 1}" if high < EDGES[-1] else f"{low} or more" if low else "all"
        cells = [f"{(rank[rows] < k).mean():.1%}" for rank in found for k in (1, 5)]
        print(f"| {name} | {int(rows.sum()):,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
