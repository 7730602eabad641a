"""Row: an epoch of training the `original` network, compared with the blog post's loop over ImageFolder and DataLoader.

Both read the same images in batches of the same size; the time is the median of the epochs, without validation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks import original_method
from benchmarks.measuring import Method, Row, Setting, Work, beside, in_turn
from extexify.dataset.dataset import Dataset

BATCH = 512
EPOCHS = 3
WANTED = 2.0


def measure(setting: Setting) -> Row:
    """Train both for some epochs, and ours a second time with another seed to show the variation of the losses."""
    render(setting)
    epochs = 1 if setting.quick else EPOCHS
    classes = len(Dataset.open(setting.dataset).classes)
    places = [str(setting.dataset), str(setting.images), str(setting.folder)]
    replaced, ours, again = in_turn(
        {
            "the post's: ImageFolder, DataLoader with workers": (
                "benchmarks.train_epoch:original", [str(setting.images / "png"), classes, epochs],
            ),
            "`train --recipe original`": (
                "benchmarks.train_epoch:ours", [*places, epochs, 0],
            ),
            "another seed": (
                "benchmarks.train_epoch:ours", [*places, epochs, 1],
            ),
        },
        1,
    )  # fmt: skip
    curves = [_losses(method) for method in (replaced, ours, again)]
    shown = [", ".join(f"{loss:.3f}" for loss in curve) for curve in curves]
    note = (
        f"training loss of epochs 1 to {epochs}: {shown[0]} by the post's loop, {shown[1]} and, with another seed, "
        f"{shown[2]} by ours. Batches of {BATCH}."
    )
    first = beside(replaced, ours, target=f"≥ {WANTED:.0f} ×, same losses", at_least=WANTED)
    return Row("an epoch of training the `original` network", [replaced, first], note)


def _losses(method: Method) -> list[float]:
    return [epoch["train"]["loss"] for epoch in method.metrics["epochs"]]


def render(setting: Setting) -> None:
    """Render the images that both methods read, unless they exist."""
    if (setting.images / "manifest.json").exists():
        return
    command = [sys.executable, "-m", "extexify", "render", "--preset", "original", "--png"]
    subprocess.run([*command, "--dataset", setting.dataset, "--out", setting.images], check=True)


def original(images: str, classes: int, epochs: int) -> Work:
    """Train with the post's loop."""
    seconds, metrics = [], []
    batches, _ = original_method.loaders(Path(images), BATCH)
    for trained, _, epoch in original_method.training(Path(images), classes, epochs, BATCH):
        seconds.append(trained)
        metrics.append(epoch)
    return Work(median(seconds), len(batches.dataset), {"epochs": metrics, "seconds": seconds})


def ours(dataset: str, images: str, folder: str, epochs: int, seed: int) -> Work:
    """Train the same network by `train --recipe original`."""
    workspace = Path(folder) / "workspace"
    name = f"epoch-{seed}-{os.getpid()}"
    command = [sys.executable, "-m", "extexify", "train", "--recipe", "original", "--batch-size", str(BATCH)]
    command += ["--epochs", str(epochs), "--seed", str(seed), "--dataset", dataset, "--images", images, "--run", name]
    subprocess.run(command, check=True, env={**os.environ, "EXTEXIFY_WORKSPACE": str(workspace)}, stdout=sys.stderr)
    lines = (workspace / "runs" / name / "metrics.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    seconds = [entry["seconds"] for entry in entries]
    return Work(median(seconds), len(Dataset.open(Path(dataset)).indices("train")), {"epochs": entries})
