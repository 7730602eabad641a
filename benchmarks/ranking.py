"""Accuracy of the Draw page for rankings of different strength: how much usage counts beside the drawing.

    python -m benchmarks.ranking [--dataset DIR] [--split validation] [--usage P …] [--condition F …] [MODEL]

Each row is a ranking (`extexify.model.ranking`): the power of a symbol's count, and the factor of a condition among
look-alikes. Columns are the metrics of `extexify.evaluation.page_metrics`,
in percent. To choose by, MODEL must not have learned from the split.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.data import add_dataset_option, open_dataset
from extexify.evaluation.page_metrics import PageCounter, PageShares
from extexify.model.classifier import BATCH, Classifier
from extexify.model.ranking import USAGE, Ranking
from extexify.workspace import paths


def main() -> None:
    """Classify the drawings once, and print a row for each ranking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument("--usage", type=float, nargs="+", default=[0, 0.25, USAGE.usage, 0.5, 0.75, 1])
    parser.add_argument("--condition", type=float, nargs="+", default=[1, USAGE.condition, 0.85, 0.7])
    parser.add_argument("model", type=Path, nargs="?", default=paths.default_model(), metavar="MODEL")
    options = parser.parse_args()
    dataset, classifier = open_dataset(options.dataset), Classifier.load(options.model)
    numbers = {key: number for number, key in enumerate(classifier.classes)}
    rankings = [Ranking(*settings) for settings in product(options.usage, options.condition)]
    counters = [PageCounter(classifier.classes, ranking) for ranking in rankings]
    indices = dataset.indices(options.split)
    labels = np.array([numbers.get(dataset.classes[label], -1) for label in dataset.labels[indices]])
    indices, labels = indices[labels >= 0], labels[labels >= 0]
    for start in range(0, len(indices), BATCH):
        part = slice(start, start + BATCH)
        (probabilities,) = classifier.probabilities(dataset.drawings.take(indices[part]))
        for counter in counters:
            counter.add(probabilities, labels[part])
    print(f"{len(indices):,} drawings of the {options.split} split, {classifier.name}\n")
    print("| usage | condition | uniform: first head / five heads / in first / in five | weighted |")
    print("| ---: | ---: | --- | --- |")
    for ranking, counter in zip(rankings, counters, strict=True):
        found = counter.metrics()
        settings = " | ".join(f"{number:g}" for number in astuple(ranking))
        print(f"| {settings} | {_shown(found.uniform)} | {_shown(found.weighted)} |")


def _shown(shares: PageShares) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in astuple(shares))


if __name__ == "__main__":
    main()
