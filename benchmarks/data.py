"""The dataset of a benchmark: command-line option, opening, and symbols that are left out."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.dataset.dataset import Dataset
from extexify.workspace import paths
from extexify.workspace.files import StorageError


def add_dataset_option(parser: argparse.ArgumentParser) -> None:
    """Add `--dataset DIR`; the workspace's own is the default."""
    parser.add_argument("--dataset", type=Path, default=paths.dataset_folder(), help="of real drawings")


def open_dataset(path: Path) -> Dataset:
    """Open a dataset, or exit with a one-line error that says what to do."""
    try:
        return Dataset.open(path)
    except StorageError as error:
        raise SystemExit(str(error)) from None


def withheld_symbols(dataset: Dataset, count: int, seed: int) -> list[str]:
    """Symbols chosen at random, in random order."""
    return [dataset.classes[index] for index in np.random.default_rng(seed).permutation(len(dataset.classes))[:count]]


def with_rows(dataset: Dataset, rows: NDArray[np.integer], name: str) -> Dataset:
    """A dataset of some of the drawings (n,), with the same classes; `name` says of which, for its content hash."""
    return replace(
        dataset,
        drawings=dataset.drawings.take(rows),
        labels=dataset.labels[rows],
        ids=dataset.ids[rows],
        split=dataset.split[rows],
        manifest={**dataset.manifest, "content_hash": f"{dataset.content_hash} {name}"},
    )


def without(dataset: Dataset, keys: Collection[str]) -> Dataset:
    """A dataset without the drawings of some symbols."""
    classes = tuple(key for key in dataset.classes if key not in keys)
    numbers = {key: number for number, key in enumerate(classes)}
    labels = np.array([numbers.get(key, -1) for key in dataset.classes], np.int32)[dataset.labels]
    kept = np.flatnonzero(labels >= 0)
    return replace(
        with_rows(dataset, kept, f"without {len(keys)}"),
        labels=labels[kept],
        classes=classes,
    )
