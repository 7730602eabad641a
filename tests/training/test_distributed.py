"""Training in several processes: the same figures and files as in one, one writer, and no process is lost unnoticed."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from extexify.core.interruption import STOPPED
from extexify.core.progress import Progress, Stopped, quiet
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from extexify.drawing.resample import SequenceSettings
from extexify.training.augment import AugmentSettings
from extexify.training.devices import DeviceError, pick_device
from extexify.training.distributed import ALONE, LostProcess, Team, joined
from extexify.training.launch import local_gpus, torchrun_command
from extexify.training.loader import StrokeFeed, batches, shuffled_rows
from extexify.training.pipeline import Places, train_on_dataset
from extexify.training.runs import find_run
from tests.tiny import tiny_dataset
from tests.training.test_loop import QUICK, metrics
from tools.dashboard import ROOT

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = replace(QUICK, epochs=3, batch_size=32, scribbles=0.2)
"""On 167 drawings: six batches an epoch, the last one of them small."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("distributed") / "dataset", each=40)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace of the processes that follow: whatever they write, they write there."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path / "elsewhere"


def places(folder: Path) -> Places:
    return Places(folder / "dataset", folder / "images", folder / "runs", folder / "models")


def train_in(
    processes: int,
    dataset: Dataset,
    folder: Path,
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress], None] = quiet,
    while_joined: Callable[[Team], None] = lambda team: None,
) -> Path:
    """Train `SMALL` as the command does, led by this process; returns the published model."""
    follow = ["train", f"--dataset={dataset.path}", "--device=cpu"]
    with joined("cpu", processes=processes, follow=follow) as team:
        while_joined(team)
        team.agree({"recipe": SMALL.to_json(), "seed": 0, "train_on": "train", "run": "run"})
        result = train_on_dataset(
            SMALL, dataset, places(folder), "run", device="cpu", resume=resume, team=team, report=report,
            should_stop=should_stop,
        )  # fmt: skip
    return result.model


@pytest.fixture(scope="module")
def alone(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training in one process."""
    folder = tmp_path_factory.mktemp("alone")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    train_in(1, dataset, folder)
    torch.set_num_threads(threads)
    return folder


def contents(folder: Path) -> dict[str, Any]:
    """Names of all files of a training, and what the tensors in them are called, their types and shapes."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
                found[str(path.relative_to(folder))] = (
                    {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()},
                    sorted(file.metadata()),
                )
        elif path.is_file():
            found[str(path.relative_to(folder))] = None
    return found


def assert_same_within_noise(folder: Path, other: Path) -> None:
    """The same epochs and curves: losses differ by less than those of two seeds, or of two epochs."""
    mine, theirs = metrics(folder / "runs" / "run"), metrics(other / "runs" / "run")
    assert [entry["epoch"] for entry in mine] == [entry["epoch"] for entry in theirs]
    for one, two in zip(mine, theirs, strict=True):
        for split, noise in (("train", 0.02), ("validation", 0.01)):
            assert one[split]["loss"] == pytest.approx(two[split]["loss"], rel=noise)
            for figure in ("top1", "top5"):
                assert one[split][figure] == pytest.approx(two[split][figure], abs=0.25)


class TestShares:
    @given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 9), st.integers(0, 3))
    def test_every_drawing_once_an_epoch(self, count: int, size: int, processes: int, epoch: int) -> None:
        rows = shuffled_rows(count, seed=1, epoch=epoch)
        teams = [Team(rank, processes) for rank in range(processes)]
        seen = []
        for start in range(0, count, size):
            batch = rows[start : start + size]
            shares = [team.share(batch) for team in teams]
            np.testing.assert_array_equal(np.concatenate(shares), batch)
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
            seen.extend(shares)
        assert sorted(np.concatenate(seen)) == list(range(count))

    @pytest.mark.parametrize("processes", [2, 3, 20])
    def test_together_see_what_one_process_sees(self, dataset: Dataset, processes: int) -> None:
        feed = StrokeFeed(
            dataset, "train", SMALL.raster, AugmentSettings(), sequence=SequenceSettings(16), scribbled=0.3
        )
        rows = shuffled_rows(len(feed), seed=1, epoch=2)
        whole = list(batches(feed, rows, 16, epoch=2, share=ALONE.share))
        parts = [list(batches(feed, rows, 16, epoch=2, share=Team(rank, processes).share)) for rank in range(processes)]
        for number, (seen, labels) in enumerate(whole):
            mine = [part[number] for part in parts]
            known = [images.images[: len(of)] for images, of in mine]
            scribbled = [images.images[len(of) :] for images, of in mine]
            np.testing.assert_array_equal(np.concatenate(known + scribbled), seen.images)
            np.testing.assert_array_equal(np.concatenate([of for _, of in mine]), labels)


def test_two_processes_end_like_one_and_only_the_first_writes(
    dataset: Dataset, alone: Path, tmp_path: Path, elsewhere: Path
) -> None:
    folder = tmp_path / "two"
    events: list[Progress] = []
    train_in(2, dataset, folder, report=events.append)
    assert_same_within_noise(folder, alone)
    assert contents(folder) == contents(alone)
    assert not elsewhere.exists()
    counted = [event.done for event in events if event.stage == "train epoch 1/3"]
    assert counted == sorted(counted)
    assert max(counted) <= len(dataset.indices("train"))


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_stopped_training_goes_on_with_another_number_of_processes(
    dataset: Dataset, alone: Path, tmp_path: Path, elsewhere: Path, before: int, after: int
) -> None:
    asked = iter(range(1, 10_000))
    with pytest.raises(Stopped, match="in epoch 2 after batch 2 of 6"):
        train_in(before, dataset, tmp_path / "cut", should_stop=lambda: next(asked) == 8)
    train_in(after, dataset, tmp_path / "cut", resume=True)
    assert_same_within_noise(tmp_path / "cut", alone)
    assert contents(tmp_path / "cut") == contents(alone)


def test_a_lost_process_ends_the_training_with_a_sentence_and_all_that_was_done(
    dataset: Dataset, alone: Path, tmp_path: Path, elsewhere: Path
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def note(team: Team) -> None:
        assert team.followers is not None
        started.extend(team.followers.processes)

    def kill_in_second_epoch(event: Progress) -> None:
        if event.stage == "train epoch 2/3" and event.done >= 64:
            started[0].kill()
            started[0].wait()

    with pytest.raises(LostProcess) as lost:
        train_in(2, dataset, tmp_path / "cut", report=kill_in_second_epoch, while_joined=note)
    assert str(lost.value).startswith("process 1 of 2 was killed by SIGKILL (is there enough memory?); run run is kept")
    assert "`python -m extexify train --run run --resume`" in str(lost.value)
    assert len(metrics(tmp_path / "cut" / "runs" / "run")) == 1
    events: list[Progress] = []
    train_in(1, dataset, tmp_path / "cut", resume=True, report=events.append)
    assert next(event for event in events if event.stage.startswith("train epoch")).done >= 64
    assert_same_within_noise(tmp_path / "cut", alone)


GRADIENTS = """
import sys, torch
from extexify.training.distributed import joined

def gradients(team, rows):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2).to(memory_format=torch.contiguous_format)
    data = torch.arange(15.0).reshape(5, 3) / 15
    mine = data[torch.from_numpy(team.share(rows))]
    if len(mine):
        network(mine).square().sum(1).mean().backward()
    team.merge_gradients(network.parameters(), len(mine) / len(rows))
    return [parameter.grad for parameter in network.parameters()]

def talk(team):
    import numpy
    rank = float(team.rank)
    mean = [torch.tensor([rank, 1.0]), torch.tensor([[2 * rank]])]
    team.average(mean)
    return (
        [gradients(team, numpy.arange(count)) for count in (5, 2, 1)],
        [each.tolist() for each in mean],
        team.total([rank, 1]),
        team.any(team.rank == 1), team.any(False),
        team.hand_out(b"led" * 1000 if team.leads else b""), team.hand_out(b""),
        team.agree({"rank": team.rank}),
    )

if __name__ == "__main__":
    with joined("cpu") as team:
        talk(team)
"""


def test_what_processes_say_to_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script: dict[str, Any] = {"__name__": "script"}
    exec(GRADIENTS, script)
    (tmp_path / "script.py").write_text(GRADIENTS)
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    shared = {"WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(ROOT)}
    others = [
        subprocess.Popen(
            [sys.executable, tmp_path / "script.py"],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in (1, 2)
    ]
    for name, value in {**shared, "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with joined("cpu") as team:
        merged, means, total, anybody, nobody, handed_out, nothing, agreed = script["talk"](team)
    assert [process.wait(30) for process in others] == [0, 0]
    # Of five drawings the three have two, two and one; of two one has none, of one only the first has one.
    for count, found in zip((5, 2, 1), merged, strict=True):
        for gradient, of_all in zip(found, script["gradients"](ALONE, np.arange(count)), strict=True):
            torch.testing.assert_close(gradient, of_all)
    assert means == [[1.0, 1.0], [[2.0]]]
    assert (total, anybody, nobody) == ([3.0, 3.0], True, False)
    assert (handed_out, nothing, agreed) == (b"led" * 1000, b"", {"rank": 0})


@pytest.fixture
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a dataset, and the images that the recipe `original` reads."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    render_dataset(tiny_dataset(tmp_path / "dataset"), PRESETS["original"], tmp_path / "images")
    return tmp_path


def wait_until(condition: Callable[[], object], seconds: float = 180) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def children(process: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def start_command(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "extexify", "train", "--run=long", "--device=cpu", "--processes=2", *options],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_command_stops_goes_on_and_leaves_no_process_behind(own_workspace: Path) -> None:
    run = own_workspace / "runs" / "long"
    with start_command("--recipe=original", "--batch-size=64", "--epochs=5000") as command:
        wait_until((run / "metrics.jsonl").exists)
        (follower,) = children(command.pid)
        command.terminate()
        _, said = command.communicate(timeout=180)
    assert command.returncode == STOPPED
    (complaint,) = [line for line in said.splitlines() if line.startswith("extexify:")]
    assert "go on with `python -m extexify train --run long --resume`" in complaint
    assert not Path(f"/proc/{follower}").exists()

    done = len(metrics(run))
    with start_command("--resume") as command:
        wait_until(lambda: len(metrics(run)) > done)
        command.kill()
        _, said = command.communicate(timeout=180)  # returns when the follower, which holds it too, has ended
    assert "Traceback" not in said
    assert find_run("long").can_resume  # type: ignore[union-attr]


def test_under_torchrun(own_workspace: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "--",
        "extexify",
    ]
    options = ["--device=cpu", "--recipe=original", "--batch-size=32", "--epochs=1", "--run=together", "--json"]
    ended = subprocess.run([*command, "train", *options], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["model"] == str(own_workspace / "models" / "together.safetensors")
    assert find_run("together").state == "finished"  # type: ignore[union-attr]


class TestBadInput:
    @pytest.mark.parametrize("count", [0, -1, 65])
    def test_of_a_number_of_processes(self, count: int) -> None:
        with pytest.raises(ValueError, match="the number of processes must be 1 to 64"), joined("cpu", processes=count):
            pass

    def test_processes_beside_torchruns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(ValueError, match="leave --processes out"), joined("cpu", processes=2):
            pass

    def test_half_of_torchruns_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.delenv("RANK", raising=False)
        with pytest.raises(ValueError, match="its other variables are not"), joined("cpu"):
            pass

    def test_of_a_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(DeviceError, match="can't share the device 'mps'"):
            pick_device("mps", 0)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert pick_device("auto", 1) == torch.device("cuda", 1)
        with pytest.raises(DeviceError, match="this machine has 2: start 2 at most"), joined("auto", processes=3):
            pass

    def test_a_process_that_dies_before_it_comes(self) -> None:
        wrong = pytest.raises(LostProcess, match="process 1 of 2 ended with code 2")
        with wrong, joined("cpu", processes=2, follow=["nonsense"]):
            pass


def test_the_gpus_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [Path(f"/dev/nvidia{number}") for number in range(4)])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert local_gpus() == 4
    for chosen, count in {"": 0, "-1": 0, "0,2": 2, "3,-1,1": 1, "GPU-8932f937": 1, "0,1,2,3,4": 4}.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
        assert local_gpus() == count


def test_the_command_for_several_machines_is_one_that_a_shell_understands() -> None:
    command = torchrun_command(["--recipe=default", "--run=a b"], machines=3, on_gpus=True)
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:4] == ["torchrun", "--nnodes=3", "--node-rank=NUMBER", "--nproc-per-node=gpu"]
    assert words[-6:] == ["-m", "--", "extexify", "train", "--recipe=default", "--run=a b"]
