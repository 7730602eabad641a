"""Accuracy on styles that are withheld from the training, and on hands that it doesn't have.

    python -m benchmarks.styles --dataset DIR --out DIR [--seed N …] [--epochs N] [--variants NAME …] [--choose]
                                [--fast] [--tails]
    python -m benchmarks.styles --dataset DIR --models MODEL …
    python -m benchmarks.styles --dataset DIR --ids

Recipe `quick` is trained on the dataset's symbols, once for each variant of its augmentation (`VARIANTS`). The table
has top-1 / top-5 in percent, of the very symbol and of any that people draw alike, for

- as trained: drawings of the usual split that are like those of the training;
- styles: drawings that are unlike others of their symbol, the outermost fiftieth at either end of each of `FEATURES`.
  All of these are withheld from the training. --tails adds them one by one;
- hands: drawings of symbols that one person made most of the training drawings of, by other people. The one person's
  drawings are recognized by their ids: most neighbouring ids have the same symbol.

By default those are test drawings of the usual split, the styles of half of the symbols, and all hands that aren't
trained on; with --choose validation drawings and the styles of the other half, to choose among variants.

--fast compares variants in a tenth of the time: by a network of half the channels, on small inputs to the end.
--models trains nothing, and has test drawings by style, for models that learned from all styles. --ids trains nothing,
and prints how much drawings of neighbouring ids resemble each other in these features.

Trainings are kept in --out: a second call goes on where a stopped one was, and trains only what is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import add_dataset_option, open_dataset, with_rows
from benchmarks.training import trained
from benchmarks.withheld import FAST
from extexify.catalog.lookalikes import Match, groups_of
from extexify.dataset.dataset import Dataset
from extexify.drawing.resample import SequenceSettings, resample
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.training.recipes import RECIPES, recipe
from extexify.training.stroke_style import CHANGES

_NONE = dict.fromkeys(CHANGES, 0.0)

VARIANTS: dict[str, dict[str, float]] = {
    "recipe": {},
    "none": _NONE,
    "enlarge": _NONE | {"enlarge": 0.25},
    "double": _NONE | {"double": 0.25},
    "bow": _NONE | {"bow": 0.35},
    "loop": _NONE | {"loop": 0.25},
    "smooth": _NONE | {"smooth": 0.25},
    "connect": _NONE | {"connect": 0.25},
    "lift": _NONE | {"lift": 0.25},
    "hook": _NONE | {"hook": 0.25},
    "slant": _NONE | {"shear": 0.25},
    "aspect": _NONE | {"scale": 0.2},
    "strokes apart": _NONE | {"stroke_shift": 0.04, "stroke_turn": 0.1, "stroke_scale": 0.12},
    "all": dict.fromkeys(CHANGES, 0.12),
}
"""Changes of the recipe's augmentation: as it is; without stroke styles (`extexify.training.stroke_style`); and with a
further or a stronger variation in their place, or all of them."""

FEATURES: dict[str, tuple[str, str]] = {
    "aspect": ("narrow", "wide"),
    "slant": ("leaning right", "leaning left"),
    "tilt": ("rising", "falling"),
    "strokes": ("few strokes", "many strokes"),
    "ink": ("short lines", "long lines"),
    "turning": ("plain", "curly"),
    "sharpness": ("round", "angular"),
    "marks": ("small marks", "large marks"),
}
"""Features of a drawing's style, with the names of their lower and upper ends."""

TAIL = 0.02
"""Fraction of all drawings that is withheld at either end of a feature."""

LEAST = 3
"""A symbol keeps all of its drawings if fewer than these were left to train on."""

NEIGHBOURS = 51
"""Ids in a row of which more than half must be followed by the same symbol, to be those of one hand."""

GAPS = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 100), (101, 1000))
"""Differences of ids that --ids compares."""

TOPS = (1, 5)


def style_features(drawings: Drawings) -> NDArray[np.float64]:
    """Features (N, len(FEATURES)) of the style of N drawings; what they mean depends on the symbol.

    aspect: logarithm of width / height. slant, tilt: mean angle of steep and of flat lines, radians. strokes, ink,
    turning: logarithms of the number of strokes, the length of the lines (the longer side is 2), and the sum of the
    angles by which they turn. sharpness: part of these angles that is at corners. marks: logarithm of the extent of the
    smallest stroke.
    """
    points = np.asarray(drawings.points)
    stroke_begins = np.concatenate([[0], drawings.stroke_ends[:-1]])
    sample_begins = np.concatenate([[0], drawings.sample_ends[:-1]])
    low, high = np.minimum.reduceat(points, stroke_begins), np.maximum.reduceat(points, stroke_begins)
    extents = (high - low).max(1)
    sides = np.maximum.reduceat(high, sample_begins) - np.minimum.reduceat(low, sample_begins)
    side = np.maximum(sides.max(1), 1)
    width, height = (sides / side[:, None] + 0.05).T

    sequences = resample(drawings, SequenceSettings(points=128))
    x, y, begins, ends = (sequences[:, channel].astype(np.float64) for channel in (0, 1, 4, 5))
    dx, dy = np.diff(x), np.diff(y)
    lengths = np.hypot(dx, dy) * (1 - ends[:, :-1])

    def mean_angle(along: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = lengths * (np.abs(along) > 1.5 * np.abs(across))
        angles = np.arctan2(across * np.sign(along), np.abs(along) + 1e-9)
        return (angles * weights).sum(1) / (weights.sum(1) + 0.3)  # a drawing without such lines has no angle

    apart = 3  # points before and after: below that, angles are those of the screen's pixels
    heading = np.arctan2(y[:, apart:] - y[:, :-apart], x[:, apart:] - x[:, :-apart])
    turns = np.abs((heading[:, apart:] - heading[:, :-apart] + np.pi) % (2 * np.pi) - np.pi)
    stroke = np.cumsum(begins, axis=1)
    turns *= stroke[:, 2 * apart :] == stroke[:, : -2 * apart]
    return np.stack(
        [
            np.log(width / height),
            mean_angle(dy, dx),
            mean_angle(dx, dy),
            np.log(np.diff(drawings.sample_ends, prepend=0)),
            np.log(lengths.sum(1) + 0.1),
            np.log(turns.sum(1) / apart + 0.3),
            (turns * (turns > 0.9)).sum(1) / (turns.sum(1) + 1),
            np.log(np.minimum.reduceat(extents, sample_begins) / side + 0.05),
        ],
        axis=1,
    )


def deviations(features: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """How far features (N, F) are from their means among the other drawings of the symbol, in its standard deviations,
    to which the mean one over all symbols is added as of five drawings."""
    counts = np.bincount(labels)[labels, None]

    def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.bincount(labels, column)[labels] for column in values.T], axis=1)

    centred = features - sums(features) / counts
    variance = (sums(centred**2) + 5 * (centred**2).mean(0)) / (counts + 5)
    return centred * np.sqrt(counts / np.maximum(counts - 1, 1)) / np.sqrt(variance + 1e-12)


def of_one_hand(ids: NDArray[np.int64], labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each drawing (N,) is among those that one person drew in a row."""
    order = np.argsort(ids)
    repeats = np.diff(labels[order], append=-1) == 0
    share = np.convolve(repeats, np.ones(NEIGHBOURS), mode="same") / NEIGHBOURS
    found = np.empty(len(ids), np.bool_)
    found[order] = share > 0.5
    return found


@dataclass(frozen=True)
class Task:
    """A dataset, the styles that are withheld from trainings on it, and a seed."""

    dataset: Dataset
    seed: int

    @cached_property
    def tails(self) -> dict[str, NDArray[np.bool_]]:
        """Of each end of a feature, which drawings (N,) are withheld, unless they are all that the symbol has."""
        found = deviations(style_features(self.dataset.drawings), self.dataset.labels)
        tails = {}
        for (low, high), values in zip(FEATURES.values(), found.T, strict=True):
            least, most = np.quantile(values, [TAIL, 1 - TAIL])
            tails[low], tails[high] = values < least, values > most
        return tails

    @cached_property
    def hand(self) -> NDArray[np.bool_]:
        """Which drawings (N,) are those of one person."""
        return of_one_hand(self.dataset.ids, self.dataset.labels)

    @cached_property
    def outermost(self) -> NDArray[np.bool_]:
        """Which drawings (N,) are of an outermost style, except those of one person."""
        return np.logical_or.reduce(list(self.tails.values())) & ~self.hand

    @cached_property
    def styles(self) -> NDArray[np.bool_]:
        """Which drawings (N,) are withheld."""
        return self.outermost & (self._counts(~self.hand & ~self.outermost & (self.dataset.split == 0)) >= LEAST)

    @property
    def for_training(self) -> Dataset:
        """The dataset without what is withheld."""
        return with_rows(self.dataset, np.flatnonzero(~self.styles), f"without {self.styles.sum()} styles")

    def _counts(self, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Of each drawing (N,), how many of some drawings (N,) have its symbol."""
        labels = self.dataset.labels
        return np.bincount(labels[rows], minlength=len(self.dataset.classes))[labels]

    def parts(self, *, choose: bool, tails: bool) -> dict[str, NDArray[np.int64]]:
        """The drawings that variants are compared by, to choose or to report."""
        split = self.dataset.split
        half = np.random.default_rng(0).permutation(len(self.dataset.classes)) % 2 == int(choose)  # for all seeds
        styles = self.styles & half[self.dataset.labels]
        parts = {"as trained": ~self.styles & (split == (1 if choose else 2)), "styles": styles}
        if not choose:  # too few to choose by
            parts["hands"] = self._by_others(~self.styles) & ~self.styles & (split != 0)
        if tails:
            parts |= {name: rows & styles for name, rows in self.tails.items()}
        return {name: np.flatnonzero(rows) for name, rows in parts.items()}

    def test_parts(self) -> dict[str, NDArray[np.int64]]:
        """The test drawings, by style."""
        test, every = self.dataset.split == 2, np.ones(len(self.dataset.split), np.bool_)
        parts = {
            "all": test,
            "neither of the next two": test & ~self.outermost & ~self.hand,
            "outermost styles": test & self.outermost,
            "in the one hand": test & self.hand,
            "by others, of the symbols that this hand drew most of": test & self._by_others(every),
        }
        return {name: np.flatnonzero(rows) for name, rows in parts.items()}

    def _by_others(self, learnt: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which drawings (N,) are by others, of the symbols of which the one person made most of those that are learnt
        from."""
        train = learnt & (self.dataset.split == 0)
        return (self._counts(self.hand & train) > self._counts(~self.hand & train)) & ~self.hand


def ranks(logits: NDArray[np.float32], groups: NDArray[np.int64], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """How many symbols have higher logits (n, classes) than the first of the right ones, which are those whose group
    (classes,) is that of the label (n,)."""
    right = groups[None] == groups[labels][:, None]
    return (logits > np.where(right, logits, -np.inf).max(1, keepdims=True)).sum(1)


def row(task: Task, classifier: Classifier, parts: dict[str, NDArray[np.int64]]) -> Iterator[str]:
    """The cells of a variant: top-1 / top-5 of each part, of the very symbol and of any drawn alike."""
    matches: tuple[Match, ...] = ("exact", "drawn")
    numbers = {key: number for number, key in enumerate(classifier.classes)}
    labels = np.array([numbers[key] for key in task.dataset.classes])[task.dataset.labels]
    for rows in parts.values():
        logits = classifier.logits(task.dataset.drawings.take(rows))
        shown = []
        for match in matches:
            found = ranks(logits, groups_of(classifier.classes, match), labels[rows])
            shown.append(" / ".join(f"{100 * (found < top).mean():.1f}" for top in TOPS) if len(rows) else "–")
        yield ", ".join(shown)


def print_models(task: Task, models: Sequence[Path]) -> None:
    """Print the accuracy of models on the test drawings, by style."""
    parts = task.test_parts()
    print("| model | " + " | ".join(f"{name} ({len(rows):,})" for name, rows in parts.items()) + " |")
    print("| --- |" + " --- |" * len(parts))
    for path in models:
        print(f"| {path} | {' | '.join(row(task, Classifier.load(path), parts))} |", flush=True)


def print_ids(dataset: Dataset) -> None:
    """Print correlations of features between drawings of different symbols, by the difference of their ids.

    Besides those of the style, features that tell of the device: the longer side, and the distance of the points.
    """
    drawings = dataset.drawings
    points, ends = np.asarray(drawings.points), np.asarray(drawings.stroke_ends)[drawings.sample_ends - 1]
    begins = np.concatenate([[0], ends[:-1]])
    sides = (np.maximum.reduceat(points, begins) - np.minimum.reduceat(points, begins)).max(1)
    steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    steps[np.concatenate([[0], drawings.stroke_ends[:-1]])] = 0
    spacing = np.add.reduceat(steps, begins) / (ends - begins)
    device = np.log(np.stack([sides, spacing], axis=1) + 1)
    found = deviations(np.concatenate([device, style_features(drawings)], axis=1), dataset.labels)
    found = np.clip(found, -3, 3)

    hands = of_one_hand(dataset.ids, dataset.labels)
    print(f"{hands.sum():,} of {len(hands):,} drawings are of one hand, symbol after symbol; among the others:\n")
    rows = np.flatnonzero(~hands)
    rows = rows[np.argsort(dataset.ids[rows])]
    ids, labels, found = dataset.ids[rows], dataset.labels[rows], found[rows]
    cells: dict[str, list[str]] = {name: [] for name in ("size", "spacing", *FEATURES)}
    for low, high in GAPS:
        first = np.repeat(np.arange(len(ids)), high - low + 1)
        wanted = ids[first] + np.tile(np.arange(low, high + 1), len(ids))
        second = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
        pairs = (ids[second] == wanted) & (labels[first] != labels[second])
        for column, name in enumerate(cells):
            cells[name].append(f"{np.corrcoef(found[first[pairs], column], found[second[pairs], column])[0, 1]:.3f}")
    apart = [f"{low} to {high} apart" if low < high else f"{low} apart" for low, high in GAPS]
    print(f"| feature | {' | '.join(apart)} |")
    print("| --- |" + " ---: |" * len(GAPS))
    for name, values in cells.items():
        print(f"| {name} | {' | '.join(values)} |")


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--out", type=Path, help="folder for the trainings")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the trainings (default: 0)")
    usual = recipe("quick").epochs
    parser.add_argument("--epochs", type=int, default=usual, help=f"of the trainings (default: {usual})")
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="trainings to compare (default: all)"
    )
    parser.add_argument("--fast", action="store_true", help="with a network a quarter the size")
    parser.add_argument("--choose", action="store_true", help="compare by drawings that are for choosing")
    parser.add_argument("--tails", action="store_true", help="each of the withheld styles, too")
    parser.add_argument("--models", type=Path, nargs="+", help="print the accuracy of models by style")
    parser.add_argument("--ids", action="store_true", help="print how much neighbouring ids tell")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    if options.ids:
        return print_ids(dataset)
    if options.models:
        return print_models(Task(dataset, 0), options.models)
    if options.out is None:
        parser.error("--out is needed")
    for place, seed in enumerate(options.seed):
        task = Task(dataset, seed)
        parts = task.parts(choose=options.choose, tails=options.tails)
        if place == 0:
            print("| seed | variant | " + " | ".join(f"{name} ({len(rows):,})" for name, rows in parts.items()) + " |")
            print("| ---: | --- |" + " --- |" * len(parts))
        for name in options.variants:
            augmentation = RECIPES["quick"].augment
            assert augmentation is not None
            variant = recipe(
                "quick", epochs=options.epochs, starters=0, augment=replace(augmentation, **VARIANTS[name]),
                **(FAST if options.fast else {}),
            )  # fmt: skip
            out = options.out / f"{seed}-{options.epochs}{'-fast' if options.fast else ''}"
            model = trained(variant, task.for_training, name.replace(" ", "-"), out, seed=seed)
            cells = " | ".join(row(task, Classifier.load(model), parts))
            print(f"| {seed} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
