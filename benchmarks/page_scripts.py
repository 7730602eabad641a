"""How the pages' scripts grow: their seconds with 1 and 10 times the symbols, drawings, evaluations, runs and models.

    python -m benchmarks.page_scripts --source detexify.sql.gz [--times 1 10] [--rounds 5]

Makes a workspace of each size: the real rows repeated under new ids and, from the second time on, under new keys; an
evaluation with made-up answers; runs that nobody trained; the shipped model under many names. Then every page's script
is run without a browser, first as a visitor meets it and then again, as each click does; the figures are the processor
time of the run, the median over the rounds.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.dumps import rows_of, write_dump

RUNS, MODELS, EVALUATIONS = 30, 5, 5
"""How many of each there are in a workspace of size 1."""

PAGES: dict[str, dict[str, str]] = {
    "export": {},
    "render": {},
    "train": {},
    "evaluate": {},
    "evaluate, symbols": {"view": "Symbols"},
    "evaluate, calibration": {"view": "Calibration"},
    "models": {},
    "symbols": {},
}
"""Pages with what the address says."""


def main() -> None:
    """Make the workspaces, run the scripts and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="a gzipped dump")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit says that there is no server
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
    for times in options.times:
        with tempfile.TemporaryDirectory(prefix="extexify-pages-") as name, workspace_at(Path(name)) as folder:
            make(folder, options.source, times)
            for page, query in PAGES.items():
                found[page].append(seconds(page.partition(",")[0], query, options.rounds))
                print(f"{times:>3} × {page:<26} {found[page][-1][0]:.3f} {found[page][-1][1]:.3f}", flush=True)
    heads = " | ".join(f"{times} ×" for times in options.times)
    print(f"\n| page | {heads} |\n| --- |{' ---: |' * len(options.times)}")
    for page, sizes in found.items():
        cells = " | ".join(f"{1e3 * first:.0f} ms, again {1e3 * again:.0f} ms" for first, again in sizes)
        print(f"| {page} | {cells} |")


@contextmanager
def workspace_at(folder: Path) -> Iterator[Path]:
    """Let the library work in a folder."""
    before = os.environ.get("EXTEXIFY_WORKSPACE")
    os.environ["EXTEXIFY_WORKSPACE"] = str(folder / "workspace")
    try:
        yield folder / "workspace"
    finally:
        os.environ.pop("EXTEXIFY_WORKSPACE")
        if before is not None:
            os.environ["EXTEXIFY_WORKSPACE"] = before


def seconds(page: str, query: dict[str, str], rounds: int) -> tuple[float, float]:
    """Processor seconds of a page's script in a fresh visit, and again in the same visit."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    first: list[float] = []
    again: list[float] = []
    for _ in range(rounds):
        st.cache_data.clear()
        st.cache_resource.clear()
        visit = AppTest.from_file(str(Path(__file__).parent.parent / "app.py"), default_timeout=600)
        visit.run()
        for name, value in query.items():
            visit.query_params[name] = value
        visit.switch_page(f"pages/{page}.py")
        for times in (first, again):
            began = time.process_time()
            visit.run()
            times.append(time.process_time() - began)
            if visit.exception:
                raise SystemExit(f"{page}: {visit.exception[0].message}")
    return median(first), median(again)


# --- a workspace --------------------------------------------------------------------------------


def make(folder: Path, source: Path, times: int) -> None:
    """Fill a workspace."""
    folder.mkdir(parents=True)
    dump = write_dump(folder / "dump.sql", _rows(source, times))
    command = [sys.executable, "-m", "extexify"]
    for arguments in (["export", "--source", str(dump)], ["render", "--size", "16"]):
        subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _make_models(folder / "models", MODELS * times)
    _make_runs(folder / "runs", RUNS * times)
    for number in range(EVALUATIONS * times):
        _make_evaluation(folder / "evaluations" / f"{number:04}")


def _rows(source: Path, times: int) -> Iterator[bytes]:
    """The rows `times` times over, each time under new ids and other keys."""
    number = 0
    for turn in range(times):
        for row in rows_of(source):
            number += 1
            _, key, strokes = row.split(b"\t", 2)
            yield b"%d\t%b%b\t%b" % (number, key, b" %d" % turn if turn else b"", strokes)


def _make_models(folder: Path, count: int) -> None:
    from extexify.workspace import paths

    folder.mkdir()
    (shipped,) = paths.SHIPPED_MODELS.glob("*.safetensors")
    for number in range(count):
        (folder / f"model-{number:04}.safetensors").symlink_to(shipped)


def _make_runs(folder: Path, count: int) -> None:
    """Finished trainings of 20 epochs, as their folders tell them."""
    import orjson

    from extexify.training.recipes import recipe
    from extexify.workspace.files import write_json

    for number in range(count):
        asked = {"recipe": recipe("original").to_json(), "seed": number, "dataset": {"content_hash": "cafe"}}
        write_json(folder / f"run-{number:04}" / "run.json", asked)
        lines = []
        for epoch in range(1, 21):
            figures = {"loss": 3 / epoch, "top1": epoch / 40, "top5": epoch / 25}
            entry = {"epoch": epoch, "train": figures, "validation": figures, "learning_rate": 1e-3, "seconds": 9.0}
            lines.append(orjson.dumps({**entry, "drawings_per_second": 2000.0}))
        (folder / f"run-{number:04}" / "metrics.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def _make_evaluation(folder: Path) -> None:
    """The test split, with answers that chance gives: half of them right."""
    from extexify.catalog.lookalikes import MATCHES
    from extexify.dataset.dataset import Dataset
    from extexify.evaluation.metrics import STORED_ANSWERS, EvaluationRecords, MetricsCounter, RecordSink
    from extexify.evaluation.records import EvaluationContext, save_evaluation
    from extexify.workspace import paths

    dataset = Dataset.open(paths.dataset_folder())
    indices = dataset.indices("test")
    rng = np.random.default_rng(0)
    count, classes = len(indices), len(dataset.classes)
    labels = np.asarray(dataset.labels)[indices]
    top = ((labels[:, None] + rng.integers(0, 2, (count, 1)) + np.arange(STORED_ANSWERS)) % classes).astype(np.int32)
    probabilities = np.sort(rng.dirichlet(np.ones(STORED_ANSWERS), count), axis=1)[:, ::-1].astype(np.float32)
    judged = EvaluationRecords(
        drawings=dataset.drawings.take(indices),
        ids=np.asarray(dataset.ids)[indices],
        labels=labels,
        top=top,
        probabilities=probabilities,
        confidence=np.repeat(probabilities[:, :1], len(MATCHES), 1),
        correct=np.repeat((top[:, :1] == labels[:, None]).astype(np.uint8), len(MATCHES), 1),
        right=np.repeat(probabilities[:, 1:2], len(MATCHES), 1),
    )
    counter = MetricsCounter(dataset.classes)

    def evaluate(keep: RecordSink) -> Any:
        counter.add(judged)
        keep(judged)
        return counter.metrics()

    about = EvaluationContext("made up", str(folder), "cafe", 1.0, "test", (dataset.content_hash,))
    save_evaluation(folder, about, dataset.classes, evaluate)


if __name__ == "__main__":
    main()
