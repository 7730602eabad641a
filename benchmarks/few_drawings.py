"""Symbols of one's own from a few drawings: accuracy on symbols that the model was never trained for.

    python -m benchmarks.few_drawings --dataset DIR --out DIR [--withheld 222] [--epochs 6] [--seed 0]

Symbols chosen at random are left out of a training of recipe `quick`, without starter drawings, altogether, and then
added as own symbols, all at once: from 1, 3, 5 and 10 of their drawings, or from 16 starter drawings of their glyphs.
Their other drawings are classified among all symbols. `others` are test drawings of the symbols that the model was
trained for, and what they lose to the own symbols. The constants of `extexify.model.own_classes` were chosen with seed
0 on the first half of the symbols that are left out and on validation drawings of the others; `second half` is the
accuracy on the symbols that nothing was chosen on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import add_dataset_option, open_dataset, withheld_symbols, without
from benchmarks.training import trained
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.model.measured import add_background
from extexify.model.own import GLYPH_DRAWINGS, background_of
from extexify.model.own_classes import OwnClasses
from extexify.sources.starter import starter_drawings
from extexify.training.recipes import recipe

NUMBERS = (1, 3, 5, 10)
"""Drawings that a symbol is added from."""

TOPS = (1, 5, 10)

TIMED = (0, 1, 10, 100)
"""Own symbols with which one answer is timed, on `TIMED_DRAWINGS` drawings."""

TIMED_DRAWINGS = 200

Floats = NDArray[np.float32]


def train_without(dataset: Dataset, keys: Collection[str], out: Path, *, epochs: int) -> Path:
    """The model file of a training without some symbols; unless it is there already it is trained, or resumed."""
    known = without(dataset, keys)
    model = trained(recipe("quick", epochs=epochs, starters=0), known, "few", out)
    if Classifier.load(model).background is None:  # a model of an earlier version
        add_background(model, known)
    return model


@dataclass(frozen=True)
class Seen:
    """Drawings as the network sees them: logits (n, classes), features (n, D), and labels (n,) by key."""

    logits: Floats
    features: Floats
    labels: NDArray[np.str_]

    @classmethod
    def of(cls, classifier: Classifier, drawings: Drawings, labels: Sequence[str]) -> Seen:
        return cls(classifier.logits(drawings), classifier.features(drawings), np.array(labels))

    def part(self, indices: NDArray[np.int64]) -> Seen:
        return Seen(self.logits[indices], self.features[indices], self.labels[indices])

    def ranks(self, classes: Sequence[str], own: OwnClasses | None) -> NDArray[np.int64]:
        """How many symbols have higher logits than the right one, for each drawing."""
        keys = [*classes, *(own.keys if own else ())]
        logits = np.concatenate([self.logits, own.logits(self.logits, self.features)], 1) if own else self.logits
        numbers = {key: number for number, key in enumerate(keys)}
        right = np.array([numbers[label] for label in self.labels.tolist()])
        return (logits > logits[np.arange(len(right)), right][:, None]).sum(1)


def shown(ranks: NDArray[np.int64]) -> str:
    """Top-1, -5 and -10 in percent."""
    return " / ".join(f"{100 * (ranks < top).mean():.1f}" for top in TOPS)


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--withheld", type=int, default=222, help="symbols that are left out (default: 222)")
    parser.add_argument("--epochs", type=int, default=6, help="of the training (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of symbols and drawings (default: 0)")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    keys = withheld_symbols(dataset, options.withheld, options.seed)
    model = train_without(dataset, keys, options.out / f"{options.withheld}-{options.seed}", epochs=options.epochs)
    classifier = Classifier.load(model)
    names = np.array(dataset.classes)[dataset.labels]
    is_withheld = np.isin(names, keys)

    def seen(indices: NDArray[np.int64]) -> Seen:
        return Seen.of(classifier, dataset.drawings.take(indices), names[indices].tolist())

    others = seen(np.flatnonzero(~is_withheld & (dataset.split == 2)))
    new = seen(np.flatnonzero(is_withheld))
    alone = others.ranks(classifier.classes, None)
    print(f"others without own symbols: {shown(alone)}\n")
    print("| added from | own symbols: top-1 / -5 / -10 | second half | others | others lose of top-5 |")
    print("| --- | --- | --- | --- | ---: |")
    for count in (*NUMBERS, 0):
        own, queries = _added(classifier, new, keys, count, options.seed)
        asked = new.part(queries)
        ranks, kept = asked.ranks(classifier.classes, own), others.ranks(classifier.classes, own)
        second = ranks[np.isin(asked.labels, keys[len(keys) // 2 :])]
        lost = 100 * ((alone < 5).mean() - (kept < 5).mean())
        what = f"{count} drawing{'s' if count > 1 else ''}" if count else f"{GLYPH_DRAWINGS} starter drawings"
        print(f"| {what} | {shown(ranks)} | {shown(second)} | {shown(kept)} | {lost:.2f} |", flush=True)
    _print_times(classifier, new, keys, dataset.drawings.take(np.flatnonzero(dataset.split == 2)[:TIMED_DRAWINGS]))


def _print_times(classifier: Classifier, new: Seen, keys: Sequence[str], drawings: Drawings) -> None:
    """The median time of one answer, with some own symbols of five drawings each and without."""
    examples = {key: (new.features[np.flatnonzero(new.labels == key)[:5]], 5.0) for key in keys}
    print("\n| own symbols | one answer |\n| ---: | ---: |")
    for count in TIMED:
        extended = classifier
        if count:
            chosen = {key: examples[key] for key in keys[:count]}
            own = OwnClasses(background_of(classifier), chosen, classifier.description.temperature)
            extended = classifier.with_classes(own)
        seconds = []
        for number in range(len(drawings)):
            drawing = drawings[number]
            began = time.perf_counter()
            extended.answers(drawing, 5)
            seconds.append(time.perf_counter() - began)
        print(f"| {count} | {1000 * np.median(seconds):.2f} ms |", flush=True)


def _added(
    classifier: Classifier, new: Seen, keys: Sequence[str], count: int, seed: int
) -> tuple[OwnClasses, NDArray[np.int64]]:
    """Own classes of `count` drawings each, of starter drawings for 0; and the drawings that are left, as indices."""
    rng = np.random.default_rng(seed)
    examples, queries = {}, []
    for key in keys:
        own = rng.permutation(np.flatnonzero(new.labels == key))
        taken = min(count, len(own) - 1)
        queries.append(own[taken:])
        if count:
            examples[key] = new.features[own[:taken]], float(taken)
        else:
            examples[key] = classifier.features(Drawings.pack(starter_drawings(key, GLYPH_DRAWINGS))), 0.0
    own_classes = OwnClasses(background_of(classifier), examples, classifier.description.temperature)
    return own_classes, np.concatenate(queries)


if __name__ == "__main__":
    main()
