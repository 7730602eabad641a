"""The event files of a run: TensorBoard's own reader finds in them what `metrics.jsonl` has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.training import loop
from extexify.training.tensorboard import EventWriter
from extexify.workspace.files import StorageError
from tests.tiny import make_run, tiny_dataset
from tests.training.test_loop import run_training, stopping

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("tensorboard") / "dataset")


def read_events(run: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a run: values with their steps, by tag."""
    reader = EventAccumulator(str(run), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(each.step, each.value) for each in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def read_metrics(run: Path) -> dict[str, list[tuple[int, Any]]]:
    """The same from `metrics.jsonl`. Values in event files are float32."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        entry: dict[str, Any] = json.loads(line)
        splits = {name: entry.pop(name) or {} for name in ("train", "validation")}
        epoch = entry.pop("epoch")
        numbers = {f"{split}/{name}": number for split, metrics in splits.items() for name, number in metrics.items()}
        for tag, number in {**numbers, **entry}.items():
            found.setdefault(tag, []).append((epoch, pytest.approx(number, rel=1e-6)))
    return found


def test_tensorboard_reads_the_metrics_of_every_epoch(dataset: Dataset, tmp_path: Path) -> None:
    run_training(dataset, tmp_path / "run")
    events = read_events(tmp_path / "run")
    assert events == read_metrics(tmp_path / "run")
    assert {"train/loss", "train/objective", "validation/top5", "learning_rate", "drawings_per_second"} <= set(events)
    run_training(dataset, tmp_path / "whole", train_on="train+validation")
    events = read_events(tmp_path / "whole")
    assert events == read_metrics(tmp_path / "whole")
    assert not [tag for tag in events if tag.startswith("validation")]


def test_a_resumed_run_goes_on_without_steps_that_come_twice(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, save = tmp_path / "run", loop._Trainer.save_checkpoint

    def crash(self: loop._Trainer) -> None:
        if self.state.epoch == 2:
            raise OSError(28, "No space left on device")
        save(self)

    # An epoch has six batches and two of validation: the second one is recorded before the crash.
    monkeypatch.setattr(loop._Trainer, "save_checkpoint", crash)
    with pytest.raises(OSError, match="No space"):
        run_training(dataset, run)
    monkeypatch.undo()
    with pytest.raises(Stopped, match="stopped in epoch 3"):
        run_training(dataset, run, resume=True, should_stop=stopping(10))
    run_training(dataset, run, resume=True)
    events = read_events(run)
    assert [step for step, _ in events["train/loss"]] == [1, 2, 3, 4]
    assert events == read_metrics(run)


def test_a_run_that_an_earlier_version_began_has_all_its_epochs(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", 0.2, 0.5)
    writer = EventWriter(run)
    writer.add_epoch(json.loads((run / "metrics.jsonl").read_text().splitlines()[-1]))
    writer.close()
    assert read_events(run) == read_metrics(run)


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run", 0.2)
    writer = EventWriter(run)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tensorboardX.RecordWriter.flush", fail)
    with pytest.raises(StorageError, match="the disk has no room left"):
        writer.add_epoch(json.loads((run / "metrics.jsonl").read_text()))
    writer.close()
