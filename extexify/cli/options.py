"""What several commands share: what their common options name, progress, and how results are printed."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from extexify.core import interruption
from extexify.core.progress import EventLog, Progress, Reporter, TerminalProgress
from extexify.workspace import paths
from extexify.workspace.files import explained

if TYPE_CHECKING:
    from extexify.sources.base import Source
    from extexify.training.pipeline import Places


def sources_of(options: argparse.Namespace) -> list[Source]:
    """The sources that --source names."""
    from extexify.sources.base import Table
    from extexify.sources.open import open_source

    table = Table.named(options.table or "", options.columns or "")
    return [open_source(address, table) for address in options.source]


def rejected(options: argparse.Namespace) -> frozenset[tuple[str, int]]:
    """The drawings that were marked as mislabelled: an export leaves them out."""
    from extexify.dataset.review import ReviewList

    return frozenset() if options.ignore_review else ReviewList(paths.review_file()).marks()


def workspace_places() -> Places:
    """The folders of the workspace."""
    from extexify.training.pipeline import Places

    return Places(
        dataset=paths.dataset_folder(),
        images=paths.images_folder(),
        runs=paths.runs_folder(),
        models=paths.models_folder(),
        evaluations=paths.evaluations_folder(),
    )


def reporter(options: argparse.Namespace) -> Reporter:
    """Shows progress on the terminal, and writes it where --events says; ends the command after a request to stop."""
    listeners: list[Reporter] = [TerminalProgress()]
    if options.events is not None:
        with explained(options.events):
            listeners.insert(0, EventLog(options.events))

    def report(event: Progress) -> None:
        interruption.check()
        for listener in listeners:
            listener(event)

    return report


def top_k(top: dict[int, float]) -> str:
    """Top-k accuracy as text."""
    return ", ".join(f"top-{k} {value:.1%}" for k, value in top.items())


def print_result(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    """Print a result, as JSON with --json."""
    print(json.dumps(report, ensure_ascii=False) if options.json else text)
