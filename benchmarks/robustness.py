"""Robustness: accuracy on drawings that were changed in ways that don't change the symbol.

    python -m benchmarks.robustness [--dataset DIR] [--split SPLIT] [MODEL …]

Reversed strokes, strokes in random order, half or double the points, coordinates rounded to the pixels of a small
canvas, rotation by ten degrees, a round trip through the canvas component's JSON, and the changes of
`extexify.training.stroke_style`. Every row is an evaluation of the whole split; the last column is the loss of top-5 in
percentage points.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.data import add_dataset_option, open_dataset
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawing, Drawings, Stroke
from extexify.evaluation.metrics import top_classes
from extexify.model.classifier import Classifier
from extexify.training import stroke_style
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas
from extexify.workspace import paths

CANVAS = 280.0
"""Pixels that a drawing covers on the canvas component."""

DECIMATE = 0.4
"""Fabric's brush drops a position that is nearer than this to the previous one, in pixels of the canvas."""

COARSE = 48

TOPS = (1, 3, 5, 10)


def reversed_strokes(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Every stroke reversed."""
    return [stroke[::-1] for stroke in drawing]


def shuffled(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """The strokes in random order."""
    return [drawing[number] for number in rng.permutation(len(drawing))]


def halved(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Every second point, and the last one."""
    return [np.concatenate([stroke[:-1:2], stroke[-1:]]) for stroke in drawing]


def doubled(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """A point inserted between every two."""
    return [_doubled(stroke) for stroke in drawing]


def _doubled(stroke: Stroke) -> Stroke:
    dense = np.repeat(stroke, 2, axis=0)[:-1]
    dense[1::2] = (stroke[:-1] + stroke[1:]) / 2
    return dense


def coarse(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """On a canvas of 48 pixels: coordinates rounded to whole pixels, repeated points removed."""
    rounded = [np.round(stroke) for stroke in _fitted(drawing, COARSE - 1)]
    return [stroke[np.r_[True, (np.diff(stroke, axis=0) != 0).any(1)]] for stroke in rounded]


def turned(degrees: float) -> Callable[[Drawing, np.random.Generator], Drawing]:
    """Rotated, clockwise because y points downwards."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return lambda drawing, rng: [(stroke @ matrix).astype(np.float32) for stroke in drawing]


def through_the_canvas(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Thinned out as by the canvas's brush, written as the canvas's JSON and read back."""
    drawn = [_decimated(stroke) for stroke in _fitted(drawing, CANVAS)]
    sent = json.dumps(canvas_from_drawing(drawn, color="#000000", stroke_width=4))
    return drawing_from_canvas(json.loads(sent))


def restyled(change: str) -> Callable[[Drawing, np.random.Generator], Drawing]:
    """With one of the changes of `extexify.training.stroke_style`."""
    fractions = [float(change == name) for name in stroke_style.CHANGES]

    def changed(drawing: Drawing, rng: np.random.Generator) -> Drawing:
        number = rng.integers(1 << 32, size=1)
        return stroke_style.restyle(Drawings.pack([drawing]), number, fractions, seed=0, epoch=0)[0]

    return changed


def _decimated(stroke: Stroke) -> Stroke:
    points = [stroke[0]]
    for point in stroke[1:-1]:
        if np.hypot(*(point - points[-1])) >= DECIMATE:
            points.append(point)
    return np.array([*points, stroke[-1]] if len(stroke) > 1 else points, np.float32)


def _fitted(drawing: Drawing, size: float) -> Drawing:
    """Scaled so that the longer side is `size`, with the upper left corner at 0."""
    points = np.concatenate(drawing).astype(np.float64)
    low, side = points.min(0), np.ptp(points, axis=0).max()
    return [((stroke - low) * (size / side if side > 0 else 1.0)).astype(np.float32) for stroke in drawing]


CHANGES: dict[str, Callable[[Drawing, np.random.Generator], Drawing]] = {
    "as drawn": lambda drawing, rng: drawing,
    "strokes reversed": reversed_strokes,
    "strokes shuffled": shuffled,
    "half the points": halved,
    "twice the points": doubled,
    "canvas of 48 pixels": coarse,
    "turned by 10°": turned(10),
    "turned by −10°": turned(-10),
    "through the canvas's JSON": through_the_canvas,
    "marks enlarged": restyled("enlarge"),
    "a line doubled": restyled("double"),
    "lines bowed": restyled("bow"),
    "loops at corners": restyled("loop"),
    "corners rounded": restyled("smooth"),
    "strokes connected": restyled("connect"),
    "strokes cut at corners": restyled("lift"),
    "hooks at ends": restyled("hook"),
}


def accuracies(classifier: Classifier, dataset: Dataset, split: str) -> dict[str, dict[int, float]]:
    """Top-k accuracy (0 to 1) on a split's drawings, by the name of the change."""
    indices = dataset.indices(split)
    number = {key: label for label, key in enumerate(classifier.classes)}
    labels = np.array([number.get(dataset.classes[label], -1) for label in dataset.labels[indices]])
    indices, labels = indices[labels >= 0], labels[labels >= 0]
    found: dict[str, dict[int, float]] = {}
    for name, change in CHANGES.items():
        rng = np.random.default_rng(0)
        drawings = Drawings.pack(change(drawing, rng) for drawing in dataset.drawings.take(indices))
        top = np.concatenate([top_classes(part) for part in classifier.probabilities(drawings)])
        found[name] = {k: float((top[:, :k] == labels[:, None]).any(1).mean()) for k in TOPS}
    return found


def main() -> None:
    """Print a table for every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--split", default="test", help="train, validation, test or all (default: test)")
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="default: the model in use")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    for path in options.models or [paths.default_model()]:
        found = accuracies(Classifier.load(path), dataset, options.split)
        print(f"| {path.stem} | {' | '.join(f'top-{k}' for k in TOPS)} | lost top-5 |")
        print(f"| --- | {' | '.join('---:' for _ in TOPS)} | ---: |")
        for name, top in found.items():
            cells = " | ".join(f"{100 * top[k]:.1f}" for k in TOPS)
            print(f"| {name} | {cells} | {100 * (found['as drawn'][5] - top[5]):.1f} |")


if __name__ == "__main__":
    main()
