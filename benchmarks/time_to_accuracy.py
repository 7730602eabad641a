"""Row: seconds until the best validation top-5 of recipe `original` is exceeded.

Time is measured from the start of the command to the end of the epoch's validation. The other training is stopped as
soon as it has exceeded that accuracy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measuring import Method, Row, Setting, beside
from benchmarks.train_epoch import render

OURS = ("--recipe", "quick", "--epochs", "2")
WANTED = 2.0


def measure(setting: Setting) -> Row:
    """Train `original` to the end, then our recipe until it is better."""
    render(setting)
    epochs = ["--epochs", "2"] if setting.quick else []
    began = list(_epochs(setting, "original", ["--recipe", "original", "--images", str(setting.images), *epochs]))
    best = max(top5 for _, top5 in began)
    number, seconds = next((place, at) for place, (at, top5) in enumerate(began, 1) if top5 == best)
    replaced = Method(f"`original`, best in epoch {number} of {len(began)}", seconds, 1)
    reached: list[tuple[float, float]] = []
    for epoch in _epochs(setting, "ours", list(OURS)):
        reached.append(epoch)
        if epoch[1] > best:
            break
    passed, top5 = reached[-1]
    name = f"`{' '.join(OURS)}`, after epoch {len(reached)}"
    ours = beside(
        replaced, Method(name, passed, 1), target=f"≥ {WANTED:.0f} ×", at_least=WANTED if top5 > best else float("inf"),
        shown=f"{passed:,.0f} s to {top5:.1%}",
    )  # fmt: skip
    shown = Method(replaced.name, seconds, 1, shown=f"{seconds:,.0f} s to {best:.1%}")
    return Row("time to the best validation top-5 of `original`", [shown, ours])


def _epochs(setting: Setting, name: str, options: list[str]) -> Iterator[tuple[float, float]]:
    """Train; yields seconds since the start and top-5 of each epoch. Closing the generator stops the training."""
    events = setting.folder / f"{name}.jsonl"
    command = [sys.executable, "-m", "extexify", "train", "--dataset", str(setting.dataset), *options]
    command += ["--run", f"accuracy-{name}", "--events", str(events)]
    began = time.time()
    process = subprocess.Popen(
        command, env={**os.environ, "EXTEXIFY_WORKSPACE": str(setting.folder / "workspace")}, stdout=subprocess.DEVNULL
    )
    try:
        reported = 0
        while True:
            ended = process.poll() is not None
            found = [entry for entry in _entries(events) if "epoch" in entry["metrics"]]
            for entry in found[reported:]:
                yield entry["time"] - began, entry["metrics"]["validation"]["top5"]
            reported = len(found)
            if ended:
                break
            time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


def _entries(events: Path) -> list[dict[str, Any]]:
    text = events.read_bytes() if events.exists() else b""
    return [orjson.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
