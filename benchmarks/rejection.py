"""Rejection of drawings that are no symbols: the fractions of scribbles and of real drawings that a model rejects.

    python -m benchmarks.rejection [--dataset DIR] [--split SPLIT] [--count N] [MODEL …]

The first kinds of scribbles are those seen in training, generated from another seed. The last two kinds are not in the
training: three real drawings of other symbols on top of each other, and side by side. The last row is the split's real
drawings, where every rejection is an error. `separated` is the probability that a real drawing has a higher certainty
than a scribble (the area under the ROC curve).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import add_dataset_option, open_dataset
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.classifier import Classifier
from extexify.model.rejection import certainty
from extexify.training.scribbles import KINDS, SIDE
from extexify.workspace import paths

SEED = 20_000


def threes(
    dataset: Dataset, indices: NDArray[np.int64], count: int, rng: np.random.Generator, apart: float
) -> Drawings:
    """Three drawings, each fitted to the same square, one `apart` squares right of the other, and moved a little."""
    chosen = rng.choice(indices, (count, 3))
    return Drawings.pack(
        [
            [
                stroke
                for place, index in enumerate(three)
                for stroke in _placed(dataset.drawings[index], place * apart, rng)
            ]
            for three in chosen.tolist()
        ]
    )


def _placed(drawing: Drawing, right: float, rng: np.random.Generator) -> Drawing:
    points = np.concatenate(drawing)
    low, side = points.min(0), max(float(np.ptp(points, axis=0).max()), 1.0)
    move = rng.uniform(-0.2, 0.2, 2) + np.array([right, 0])
    return [(((stroke - low) / side + move) * SIDE).astype(np.float32) for stroke in drawing]


def measure(classifier: Classifier, drawings: Drawings) -> NDArray[np.float64]:
    """The certainty of each drawing, (n,)."""
    return np.concatenate([certainty(part) for part in classifier.probabilities(drawings)])


def main() -> None:
    """Print a table for every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--split", default="test", help="default: test")
    parser.add_argument("--count", type=int, default=1000, help="scribbles of each kind (default 1000)")
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the model in use")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    indices = dataset.indices(options.split)
    rng = np.random.default_rng(SEED)
    made = {kind.__name__.strip("_"): Drawings.pack([kind(rng) for _ in range(options.count)]) for kind in KINDS}
    for name, apart in (("three on one another", 0.0), ("three side by side", 1.2)):
        made[f"{name} (not trained on)"] = threes(dataset, indices, options.count, rng, apart)
    for path in options.models or [paths.default_model()]:
        classifier = Classifier.load(path)
        real = measure(classifier, dataset.drawings.take(indices))
        threshold = classifier.description.rejection_threshold
        print(f"\n{path.stem}: rejects drawings of a certainty below {threshold}\n")
        print("| drawings | count | rejected | separated |\n| --- | ---: | ---: | ---: |")
        for name, drawings in made.items():
            found = measure(classifier, drawings)
            above = np.searchsorted(np.sort(found), real, side="left") / len(found)
            print(f"| {name} | {len(found):,} | {(found < threshold).mean():.1%} | {above.mean():.3f} |")
        print(f"| real ones of {options.split} | {len(real):,} | {(real < threshold).mean():.1%} | |")


if __name__ == "__main__":
    main()
