"""The dataset of a benchmark: command-line option and opening."""

from __future__ import annotations

import argparse
from pathlib import Path

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
