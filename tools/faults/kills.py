"""kill -9 at random moments: dataset, images and model are equal to those of uninterrupted work."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.training.runs import find_run, list_runs, read_config
from tools.faults.breakage import Background, command, fingerprint, leftovers, require, seconds_of, using
from tools.faults.samples import write_dump


def kill_exports(folder: Path, times: int, random: Random, each: int = 40) -> Counter[str]:
    """Kill exports over an earlier dataset; afterwards the dataset is one of the two, complete."""
    dump = write_dump(folder / "dump.sql", 100, each)
    return _kill_replacements(
        folder, times, random, "dataset", [("export", "--source", dump, "--seed", seed) for seed in (0, 1)]
    )


def kill_renders(folder: Path, times: int, random: Random, each: int = 10) -> Counter[str]:
    """Kill renders, with PNG files, over earlier images."""
    dump = write_dump(folder / "dump.sql", 100, each)
    require(command(folder, "export", "--source", dump).code == 0, "no dataset to render")
    return _kill_replacements(
        folder, times, random, "images", [("render", "--png", "--stroke-width", width) for width in (1, 2)]
    )


def _kill_replacements(
    folder: Path, times: int, random: Random, name: str, commands: Sequence[tuple[object, ...]]
) -> Counter[str]:
    """Let two commands replace each other's folder `name`, kill them, and compare with the uninterrupted results."""
    whole = []
    for arguments in commands:
        longest = seconds_of(folder, *arguments)
        whole.append(fingerprint(folder / name))
    require(whole[0] != whole[1], "the two commands make the same")
    outcomes: Counter[str] = Counter()
    there = 1
    for _ in range(times):
        wanted = 1 - there
        running = Background(folder, *commands[wanted])
        running.kill(after=random.uniform(0, longest))
        running.wait()
        # Readable immediately, without a repair.
        _open(folder, name)
        found = fingerprint(folder / name)
        require(found in whole, f"after a kill, {name} is neither the earlier nor the new one")
        outcomes["the new one was there already" if found == whole[wanted] else "the earlier one was intact"] += 1
        there = whole.index(found)
    again = command(folder, *commands[1 - there])
    require(again.code == 0, f"the retry failed: {again.stderr[-500:]}")
    require(fingerprint(folder / name) == whole[1 - there], f"after the retry, {name} is not the same to the bit")
    require(not leftovers(folder), f"left behind: {leftovers(folder)}")
    return outcomes


def _open(folder: Path, name: str) -> None:
    if name == "dataset":
        Dataset.open(folder / name)
    else:
        RenderedImages.open(folder / name)


def kill_trainings(
    folder: Path, times: int, random: Random, recipe: str = "original", epochs: int = 3, batch_size: int = 4
) -> Counter[str]:
    """Kill trainings and resume them until they have been killed `times` times; each model is compared with that
    of an uninterrupted training."""
    reference, interrupted = folder / "reference", folder / "interrupted"
    dump = write_dump(folder / "dump.sql", 4, 8)
    for place in (reference, interrupted):
        require(command(place, "export", "--source", dump).code == 0, "no dataset to train on")
        require(command(place, "render", "--preset", "original").code == 0, "no images to train on")
    settings = ("--recipe", recipe, "--epochs", epochs, "--batch-size", batch_size, "--device", "cpu")
    longest = seconds_of(reference, "train", *settings, "--run", "r")
    outcomes: Counter[str] = Counter()
    while outcomes.total() < times:
        killed, ended = 0, False
        while not ended:
            patience = random.uniform(0, longest) if killed < 4 and outcomes.total() < times else 300.0
            ended = _train(interrupted, settings, patience, outcomes)
            killed += not ended
        _compare_runs(reference, interrupted)
        shutil.rmtree(interrupted / "runs")
        shutil.rmtree(interrupted / "models")
    return outcomes


def _train(workspace: Path, settings: tuple[object, ...], patience: float, outcomes: Counter[str]) -> bool:
    """Begin or resume the training, and kill it after `patience` seconds; returns whether it ended by itself."""
    with using(workspace):
        run = find_run("r")
        list_runs()
    # A training that was killed before its run existed starts again with the same name.
    if run is None:
        training = Background(workspace, "train", *settings, "--run", "r")
    else:
        require(not run.problem, f"a killed run is damaged: {run.problem}")
        training = Background(workspace, "train", "--run", "r", "--resume", "--device", "cpu")
    metrics, done = workspace / "runs" / "r" / "metrics.jsonl", run.epochs_done if run else 0

    def is_further() -> bool:
        return metrics.exists() and metrics.read_bytes().count(b"\n") > done

    # Every second kill waits for one more epoch, so that on slow machines, too, some hit the work after an epoch.
    if outcomes.total() % 2:
        training.kill(after=patience / 4, begin=is_further)
    else:
        training.kill(after=patience)
    ended = training.wait()
    require(ended.code in (0, -9), f"the training can't be resumed: {ended.stderr[-500:]}")
    if ended.code:
        state = "before its first epoch" if run is None or not run.epochs_done else f"after epoch {run.epochs_done}"
        outcomes[f"killed when begun {state}"] += 1
    return ended.code == 0


def _compare_runs(reference: Path, interrupted: Path) -> None:
    """Raise `Broken` unless models are the same to the bit, and settings and metrics but for times."""
    for place in ("models", "runs/r"):
        # Every start of a training writes an event file for TensorBoard.
        expected, found = (
            {name: digest for name, digest in fingerprint(folder / place).items() if "tfevents" not in name}
            for folder in (reference, interrupted)
        )
        require(expected.keys() == found.keys(), f"{place} holds {sorted(found)} instead of {sorted(expected)}")
        changed = {name for name in expected if expected[name] != found[name]}
        changed -= {"run.json", "metrics.jsonl", "checkpoint.safetensors"}
        require(not changed, f"not the same to the bit: {sorted(changed)} in {place}")
    records = []
    for workspace in (reference, interrupted):
        with using(workspace):
            run = find_run("r")
        assert run is not None
        epochs = [(epoch.number, epoch.train, epoch.validation, epoch.learning_rate) for epoch in run.epochs]
        records.append((read_config(run.folder), epochs))
    require(records[0] == records[1], f"other settings or metrics: {records[1]} instead of {records[0]}")
    models = [path.name for path in (interrupted / "models").iterdir() if path.suffix == ".onnx"]
    require(models == ["r.onnx"], f"models: {models}")
