"""Accuracy on symbols whose real drawings are withheld from the training.

    python -m benchmarks.withheld --dataset DIR --out DIR [--seed N …] [--withheld 222] [--epochs N]
                                  [--variants NAME …] [--choose] [--fast]

For each seed, symbols are chosen at random and all of their real drawings are withheld from trainings of recipe
`quick`, one for each variant of it (`VARIANTS`). Candidates are the dataset's other symbols and all other shapes of the
catalogue, so those of the withheld symbols, too. Withheld symbols are judged by all of their real drawings, a
look-alike that prints the same counting as right; the others by their test drawings, the very symbol being right. Each
row has another shift of the logits of symbols without real drawings, fitted to validation drawings as a training does
(`undrawn_loss` of the recipe). With --choose the others are evaluated on validation drawings instead of test drawings:
to choose among variants, with other seeds than those of a reported result.

--fast compares variants in a tenth of the time: by a network of half the channels, on small inputs to the end.

Trainings are kept in --out: a second call goes on where a stopped one was, and trains only what is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import add_dataset_option, open_dataset, withheld_symbols, without
from benchmarks.training import trained
from extexify.catalog.lookalikes import prints_alike
from extexify.dataset.dataset import Dataset
from extexify.evaluation.calibration import fit_undrawn_shift
from extexify.model.classifier import Classifier
from extexify.training.recipes import recipe

VARIANTS: dict[str, dict[str, Any]] = {
    "recipe": {},
    "nothing borrowed": {"borrowed": 0},
    "fewer starters": {"drawn_starters": 3},
    "dataset alone": {"starters": 0},
}
"""Changes of the recipe: as it is; without other symbols' drawings; with as many starter drawings of symbols that
people drew as of the others; and a model of the dataset's symbols."""

FAST: dict[str, Any] = {
    "options": {
        "picture": {"channels": [16, 48, 96, 176], "blocks": [1, 1, 1, 1], "dropout": 0.1},
        "sequence": {"channels": [32, 64, 128, 176], "blocks": [1, 2, 2, 2], "dropout": 0.1},
    },
    "small": 1.0,
}
"""Changes of the recipe with --fast."""

LOSSES = (0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01)
"""Fractions of the others' validation drawings that symbols without real drawings may take from the first five."""

TOPS = (1, 5, 10)

FEW = 10
"""Symbols with fewer real drawings to train on have a column of their own."""


@dataclass(frozen=True)
class Task:
    """What a training knows, and what it is judged by: the dataset, the symbols withheld from it, and a seed."""

    dataset: Dataset
    withheld: Sequence[str]
    seed: int

    @property
    def is_withheld(self) -> NDArray[np.bool_]:
        """Whether the symbol of each drawing (N,) is withheld."""
        return np.isin(np.array(self.dataset.classes), self.withheld)[self.dataset.labels]


def ranks(
    logits: NDArray[np.float32], classes: Sequence[str], keys: Sequence[str], *, alike: bool
) -> NDArray[np.int64]:
    """How many symbols have higher logits (n, classes) than the right one, for drawings of n keys.

    With `alike` the right ones are all that print like the key. A key without a class has rank `classes`.
    """
    numbers = {key: number for number, key in enumerate(classes)}
    names, inverse = np.unique(np.array(keys), return_inverse=True)
    found = np.full(len(keys), len(classes))
    for place, key in enumerate(names.tolist()):
        right = [numbers[name] for name in (key, *(prints_alike(key) if alike else ())) if name in numbers]
        rows = np.flatnonzero(inverse == place)
        if right:
            found[rows] = (logits[rows] > logits[rows][:, right].max(1, keepdims=True)).sum(1)
    return found


def shown(found: NDArray[np.int64]) -> str:
    """Top-1, -5 and -10 in percent."""
    return " / ".join(f"{100 * (found < top).mean():.1f}" for top in TOPS)


def rows(task: Task, classifier: Classifier, name: str, split: int) -> list[list[str]]:
    """The rows of a variant's table: one for each of `LOSSES`, or one for a model of drawn symbols alone."""
    names = np.array(task.dataset.classes)[task.dataset.labels]
    new, others, fitting = (
        np.flatnonzero(rows)
        for rows in (
            task.is_withheld,
            ~task.is_withheld & (task.dataset.split == split),
            ~task.is_withheld & (task.dataset.split == 1),
        )
    )
    undrawn = np.array(classifier.description.undrawn, np.int64)
    of_new, of_others, of_fitting = (
        classifier.logits(task.dataset.drawings.take(part)) for part in (new, others, fitting)
    )
    numbers = {key: number for number, key in enumerate(classifier.classes)}
    labels = np.array([numbers[name] for name in names[fitting].tolist()])
    trained = np.bincount(task.dataset.labels[task.dataset.split == 0], minlength=len(task.dataset.classes))
    few = trained[task.dataset.labels[others]] < FEW
    table = []
    for loss in LOSSES if len(undrawn) else (0.0,):
        by = np.zeros(len(classifier.classes), np.float32)
        if len(undrawn):
            by[undrawn] = fit_undrawn_shift(of_fitting, labels, undrawn, loss)
        exact = ranks(of_others + by, classifier.classes, names[others].tolist(), alike=False)
        alike = ranks(of_others + by, classifier.classes, names[others].tolist(), alike=True)
        withheld = "–"
        if len(undrawn):
            withheld = shown(ranks(of_new + by, classifier.classes, names[new].tolist(), alike=True))
        table.append(
            [
                f"{task.seed}",
                name,
                f"{loss:.2%}" if len(undrawn) else "–",
                withheld,
                shown(exact),
                shown(alike),
                shown(exact[few]),
            ]
        )
    return table


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings")
    parser.add_argument(
        "--seed", type=int, nargs="+", default=[0], help="of the choice of symbols and the training (default: 0)"
    )
    parser.add_argument("--withheld", type=int, default=222, help="symbols that are withheld (default: 222)")
    usual = recipe("quick").epochs
    parser.add_argument("--epochs", type=int, default=usual, help=f"of the trainings (default: {usual})")
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="trainings to compare (default: all)"
    )
    parser.add_argument("--fast", action="store_true", help="with a network a quarter the size")
    parser.add_argument("--choose", action="store_true", help="judge the others by validation, not by test drawings")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    print("| seed | variant | taken | withheld | others | … that print alike | … with few drawings |")
    print("| ---: | --- | ---: | --- | --- | --- | --- |")
    for seed in options.seed:
        task = Task(dataset, withheld_symbols(dataset, options.withheld, seed), seed)
        for name in options.variants:
            variant = recipe("quick", epochs=options.epochs, **VARIANTS[name], **(FAST if options.fast else {}))
            out = options.out / f"{options.withheld}-{seed}-{options.epochs}{'-fast' if options.fast else ''}"
            kept = without(task.dataset, task.withheld)
            model = trained(variant, kept, name.replace(" ", "-"), out, seed=seed)
            for row in rows(task, Classifier.load(model), name, 1 if options.choose else 2):
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
