"""Training in several processes: the same metrics and files as in one, one writer, and no process is left behind."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from extexify.cli.parser import main
from extexify.core.errors import UserError
from extexify.core.interruption import STOPPED
from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from extexify.drawing.resample import SequenceSettings
from extexify.training import distributed
from extexify.training.augment import AugmentSettings
from extexify.training.devices import DeviceError, pick_device
from extexify.training.distributed import process_group
from extexify.training.launch import local_gpus, torchrun_command
from extexify.training.loader import DrawingDataset, Shard, batches, shuffled_rows
from extexify.training.pipeline import Places, train_on_dataset
from extexify.training.runs import find_run
from tests.tiny import tiny_dataset
from tests.training.test_loop import QUICK, metrics
from tests.training.test_tensorboard import read_events, read_metrics
from tools.dashboard import ROOT

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = replace(QUICK, epochs=3, batch_size=83, scribbles=0.2)
"""On 167 drawings: three batches per epoch, the last one of a single drawing, so that the second shard is empty."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("distributed") / "dataset", each=40)


def train_small(dataset: Dataset, folder: Path, *, resume: bool = False, stop_after: int = 0) -> None:
    """Train `SMALL` in this process, or as one of several under torchrun; stop after `stop_after` batches."""
    places = Places(folder / "dataset", folder / "images", folder / "runs", folder / "models")
    batch = iter(range(1, 10_000))
    train_on_dataset(
        SMALL, dataset, places, "run", device="cpu", resume=resume, should_stop=lambda: next(batch) == stop_after
    )


UNDER_TORCHRUN = """
import sys, torch
from pathlib import Path
from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.training.distributed import process_group, rank
from tests.training.test_distributed import train_small

torch.set_num_threads(1)
try:
    with process_group("cpu"):
        folder = Path(sys.argv[2])
        train_small(
            Dataset.open(Path(sys.argv[1])), folder if rank() == 0 else folder / "other", resume=True, stop_after=4
        )
except Stopped as stop:
    print(stop)
    sys.exit(1)
"""


def contents(folder: Path) -> dict[str, Any]:
    """The names of all files of a training but TensorBoard's, of which every start writes one; of safetensors files
    also names, dtypes and shapes of the tensors."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
                found[str(path.relative_to(folder))] = (
                    {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()},
                    sorted(file.metadata()),
                )
        elif path.is_file() and "tfevents" not in path.name:
            found[str(path.relative_to(folder))] = None
    return found


def test_a_run_continued_in_two_processes_and_then_in_one_ends_like_one_in_one_process(
    dataset: Dataset, tmp_path: Path
) -> None:
    train_small(dataset, tmp_path / "whole")
    cut = tmp_path / "cut"
    with pytest.raises(Stopped, match="epoch 1 after batch 2 of 3"):
        train_small(dataset, cut, stop_after=2)
    (tmp_path / "script.py").write_text(UNDER_TORCHRUN)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [*torchrun, tmp_path / "script.py", dataset.path, cut], cwd=ROOT, env=environment(tmp_path),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    # The first epoch has one more batch and one of validation.
    assert "stopped in epoch 2 after batch 2 of 3" in ended.stdout, ended.stderr
    assert ended.stdout.count("stopped in") == 1
    assert not (cut / "other").exists()
    train_small(dataset, cut, resume=True)

    assert contents(cut) == contents(tmp_path / "whole")
    ours, whole = metrics(cut / "runs" / "run"), metrics(tmp_path / "whole" / "runs" / "run")
    assert [entry["epoch"] for entry in ours] == [entry["epoch"] for entry in whole] == [1, 2, 3]
    assert read_events(cut / "runs" / "run") == read_metrics(cut / "runs" / "run")
    for one, other in zip(ours, whole, strict=True):
        for split in ("train", "validation"):
            assert one[split]["loss"] == pytest.approx(other[split]["loss"], rel=0.02)
            for name in ("top1", "top5"):
                assert one[split][name] == pytest.approx(other[split][name], abs=0.25)


def environment(workspace: Path) -> dict[str, str]:
    return {
        **os.environ, "EXTEXIFY_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def wait_until(condition: Callable[[], object], seconds: float = 180) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def workers_of(command: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that train, children of a command, by rank."""
    children = psutil.Process(command.pid).children()
    return sorted((child for child in children if "extexify" in child.cmdline()), key=lambda child: child.pid)


def start(workspace: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "extexify", "train", "--run=long", "--device=cpu", "--processes=2", *options],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment(workspace),
    )  # fmt: skip


def test_a_stop_and_a_lost_process_leave_a_run_to_resume_and_no_process_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    render_dataset(tiny_dataset(tmp_path / "dataset"), PRESETS["original"], tmp_path / "images")
    folder = tmp_path / "runs" / "long"

    def epochs() -> int:
        run = find_run("long")
        return run.epochs_done if run else 0

    def end(
        command: subprocess.Popen[str], act: Callable[[list[psutil.Process]], None], after: int
    ) -> tuple[int, list[str]]:
        """Act on the workers after some epochs; returns the exit code and what was reported to the user."""
        with command:
            wait_until(lambda: epochs() > after or command.poll() is not None)
            workers = workers_of(command)
            assert len(workers) == 2
            act(workers)
            _, errors = command.communicate(timeout=180)
        psutil.wait_procs(workers, timeout=180)
        assert not any(worker.is_running() for worker in workers)
        assert "Traceback" not in errors
        assert (folder / "checkpoint.safetensors").exists()
        assert find_run("long").can_resume  # type: ignore[union-attr]
        return command.returncode, [line for line in errors.splitlines() if line.startswith("extexify: ")]

    command = start(tmp_path, "--recipe=original", "--batch-size=64", "--epochs=5000")
    code, reported = end(command, lambda _: command.terminate(), after=0)
    assert code == STOPPED
    (line,) = reported
    assert "resume with `python -m extexify train --run long --resume`" in line

    command = start(tmp_path, "--resume")
    code, reported = end(command, lambda workers: workers[1].kill(), after=epochs())
    assert code == 1
    (line,) = reported
    assert line.startswith("extexify: error: process 1 of 2 was killed by SIGKILL (is there enough memory?); ")
    assert "`python -m extexify train --run long --resume`" in line


def test_processes_stop_when_torchrun_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    assert not distributed.launcher_has_ended()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert distributed.launcher_has_ended()


class TestShards:
    @given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 9), st.integers(0, 3))
    def test_every_drawing_once_an_epoch(self, count: int, size: int, processes: int, epoch: int) -> None:
        rows = shuffled_rows(count, seed=1, epoch=epoch)
        shards = [Shard(rank, processes) for rank in range(processes)]
        trained = []
        for first in range(0, count, size):
            parts = [shard.of_rows(rows[first : first + size]) for shard in shards]
            assert all(len(part) for part, _ in parts)
            own = [part for part, is_padding in parts if not is_padding]
            np.testing.assert_array_equal(np.concatenate(own), rows[first : first + size])
            trained.extend(own)
        assert sorted(np.concatenate(trained)) == list(range(count))

    def test_together_make_the_batch_of_one_process(self, dataset: Dataset) -> None:
        data = DrawingDataset(
            dataset, "train", SMALL.raster, AugmentSettings(), sequence=SequenceSettings(16), scribble_rate=0.3
        )
        rows = shuffled_rows(len(data), seed=1, epoch=2)[:40]
        whole = list(batches(data, rows, 16, epoch=2))
        for processes in (2, 3, 20):
            parts = [list(batches(data, rows, 16, epoch=2, shard=Shard(rank, processes))) for rank in range(processes)]
            for number, batch in enumerate(whole):
                own = [part[number] for part in parts if not part[number].is_padding]
                drawings = [each.inputs.images[: len(each.labels)] for each in own]
                scribbles = [each.inputs.images[len(each.labels) :] for each in own]
                np.testing.assert_array_equal(np.concatenate(drawings + scribbles), batch.inputs.images)
                np.testing.assert_array_equal(np.concatenate([each.labels for each in own]), batch.labels)
                assert {each.size for each in own} == {batch.size}


class TestBadInput:
    def test_of_a_number_of_processes(self, capsys: pytest.CaptureFixture[str]) -> None:
        for count in (0, -1, 65):
            assert main(["train", f"--processes={count}"]) == 1
            assert "--processes must be 1 to 64" in capsys.readouterr().err

    def test_processes_beside_torchruns(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert main(["train", "--processes=2"]) == 1
        assert "leave --processes out" in capsys.readouterr().err

    def test_half_of_torchruns_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.delenv("RANK", raising=False)
        with pytest.raises(UserError, match="WORLD_SIZE is set as by torchrun, but RANK"), process_group("cpu"):
            pass

    def test_of_a_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(DeviceError, match="no device 'tpu'"):
            pick_device("tpu")
        with pytest.raises(DeviceError, match="can't share the device 'mps'"):
            pick_device("mps", 0)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert pick_device("auto", 1) == torch.device("cuda", 1)
        with pytest.raises(DeviceError, match="this machine has 2: start 2 at most"):
            pick_device("auto", 2)


def test_the_gpus_of_a_machine_are_counted_as_cuda_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [Path(f"/dev/nvidia{number}") for number in range(4)])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert local_gpus() == 4
    for visible, count in {"": 0, "-1": 0, "0,2": 2, "3,-1,1": 1, "GPU-8932f937": 1, "0,1,2,3,4": 4}.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert local_gpus() == count


def test_the_command_for_several_machines_is_one_that_a_shell_understands() -> None:
    command = torchrun_command(["--recipe=default", "--run=a b"], machines=3, on_gpus=True)
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:4] == ["torchrun", "--nnodes=3", "--node-rank=NUMBER", "--nproc-per-node=gpu"]
    assert words[-6:] == ["-m", "--", "extexify", "train", "--recipe=default", "--run=a b"]
