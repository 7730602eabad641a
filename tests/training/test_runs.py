"""Runs read from their folders: progress, metrics, damaged files, and whether a process is writing."""

from __future__ import annotations

import math
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.core.names import MAX_NAME, InvalidName, checked_name, free_name, usable_name
from extexify.training.recipes import recipe
from extexify.training.runs import (
    RunConfig,
    RunFiles,
    default_name,
    delete_run,
    find_run,
    list_runs,
    newest_run,
    typical_speed,
)
from extexify.workspace import paths
from extexify.workspace.files import StorageError, atomic_file, is_being_written, writer_lock
from tests.tiny import make_run, metrics_line


@pytest.fixture(autouse=True)
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))


def run(name: str, *top5: float, **more: Any) -> Path:
    """A run in the workspace."""
    return make_run(paths.runs_folder() / name, *top5, **more)


def test_without_a_workspace_there_are_no_runs() -> None:
    assert list_runs() == []
    with pytest.raises(StorageError, match="there is no run"):
        newest_run()


def test_a_run_has_its_progress_and_its_best_epoch() -> None:
    run("half", 0.4, 0.6)
    (found,) = list_runs()
    assert (found.name, found.state, found.epochs_done, found.total_epochs) == ("half", "interrupted", 2, 3)
    assert (found.seed, found.dataset_hash, found.began) == (7, "cafe", 1000.0)
    assert found.best is not None
    assert found.best.number == 2
    assert found.can_resume
    assert found.size > 0
    assert found.weights is None


def test_the_first_of_equally_good_epochs_is_the_best_as_in_training() -> None:
    run("even", 0.4, 0.6, 0.6)
    (found,) = list_runs()
    assert found.state == "finished"
    assert not found.can_resume
    assert found.best is not None
    assert found.best.number == 2


def test_without_a_validation_split_the_last_epoch_is_the_best() -> None:
    metrics = run("everything", 0.4, 0.6, 0.5) / "metrics.jsonl"
    entries = [orjson.loads(text) for text in metrics.read_bytes().splitlines()]
    metrics.write_bytes(b"".join(orjson.dumps({**entry, "validation": None}) + b"\n" for entry in entries))
    (found,) = list_runs()
    assert (found.state, found.problem) == ("finished", "")
    assert found.best is not None
    assert found.best.number == 3


def test_the_newest_run_comes_first() -> None:
    run("old", 0.1, began=1000)
    run("new", 0.1, began=3000)
    run("middle", 0.1, began=2000)
    assert [run.name for run in list_runs()] == ["new", "middle", "old"]
    assert newest_run() == "new"


def test_a_run_that_is_being_written_is_running_and_not_to_be_deleted() -> None:
    folder = run("alive", 0.1)
    with writer_lock(folder, "run"):
        assert is_being_written(folder)
        (found,) = list_runs()
        assert found.state == "running"
        with pytest.raises(StorageError, match="run alive is being written: stop it first"):
            delete_run("alive")
    assert not is_being_written(folder)
    assert find_run("alive").state == "interrupted"  # type: ignore[union-attr]


def test_checking_whether_a_run_is_written_does_not_lock_it() -> None:
    import fcntl

    folder = run("looked-at", 0.1)
    with writer_lock(folder, "run"):
        pass
    lock = folder.with_name(f".{folder.name}.lock")
    lock.touch()
    with lock.open("rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        assert not is_being_written(folder)  # two that look don't take each other for a writer


def test_a_deleted_run_is_gone_as_a_whole() -> None:
    run("gone", 0.1)
    run("kept", 0.1)
    delete_run("gone")
    assert [run.name for run in list_runs()] == ["kept"]
    assert [path.name for path in paths.runs_folder().iterdir() if not path.name.endswith(".lock")] == ["kept"]
    with pytest.raises(StorageError, match="there is no run gone"):
        delete_run("gone")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"epoch": 1}\n', "line 2 of metrics.jsonl is damaged"),
        (b"\x00\xff\n", "line 2 of metrics.jsonl is damaged"),
        (b"[]\n", "line 2 of metrics.jsonl is damaged"),
        (b'{"epoch": 1, "tra', ""),  # still being written
    ],
)
def test_a_damaged_line_is_reported_and_the_others_are_shown(text: bytes, problem: str) -> None:
    folder = run("damaged", 0.5)
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(text)
        file.write(metrics_line(2, 0.6) if problem else b"")
    (found,) = list_runs()
    assert found.problem == problem
    assert found.epochs_done == (2 if problem else 1)
    assert found.can_resume == (not problem)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"recipe": 3}', b'{"recipe": {}, "seed": "x"}', b"null"])
def test_a_run_whose_settings_are_damaged_says_so_and_hides_no_other(text: bytes) -> None:
    run("whole", 0.5)
    (run("damaged", 0.5, began=1) / "run.json").write_bytes(text)
    damaged = next(run for run in list_runs() if run.name == "damaged")
    assert damaged.state == "damaged"
    assert "run.json" in damaged.problem
    assert damaged.epochs_done == 1
    assert len(list_runs()) == 2
    delete_run("damaged")
    assert len(list_runs()) == 1


@given(st.binary(max_size=200))
def test_no_metrics_can_break_the_list(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path_factory.mktemp("ws")))
        (run("any", 0.5) / "metrics.jsonl").write_bytes(text)
        (found,) = list_runs()
        assert found.epochs_done >= 0 or found.epochs


def test_other_folders_and_files_are_no_runs() -> None:
    run("one", 0.5)
    (paths.runs_folder() / "empty").mkdir()
    (paths.runs_folder() / "note.txt").write_text("x")
    (paths.runs_folder() / ".hidden").mkdir()
    (paths.runs_folder() / "circle").symlink_to("circle")
    assert [run.name for run in list_runs()] == ["one"]


@pytest.mark.parametrize("name", ["", ".", "..", "../runs/one", "one/", "/", "\0", "no-such"])
def test_no_run_under_a_name_that_leads_elsewhere(name: str) -> None:
    run("one", 0.5)
    assert find_run(name) is None


def test_new_metrics_are_seen_at_once() -> None:
    folder = run("growing", 0.5)
    assert list_runs()[0].epochs_done == 1
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(metrics_line(2, 0.6))
    assert list_runs()[0].epochs_done == 2


def test_a_run_is_listed_while_its_files_are_being_replaced() -> None:
    folder = run("busy", 0.5)
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with atomic_file(folder / "checkpoint.safetensors") as temporary:
                temporary.write_bytes(b"x")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        listed = [[run.name for run in list_runs()] for _ in range(300)]
    finally:
        done.set()
        writer.join()
    assert listed == [["busy"]] * 300


def test_the_training_loss_of_an_earlier_version_is_its_objective() -> None:
    run("smoothed", 0.5, of="default")
    run("plain", 0.5, of="original")
    for name, loss in (("smoothed", math.nan), ("plain", 2.0)):
        (epoch,) = find_run(name).epochs  # type: ignore[union-attr]
        np.testing.assert_equal((epoch.train.loss, epoch.train.objective), (loss, 2.0))
        assert (epoch.validation.loss, epoch.validation.objective) == (2.0, None)
    metrics = find_run("smoothed").folder / "metrics.jsonl"  # type: ignore[union-attr]
    entry = orjson.loads(metrics.read_bytes())
    entry["train"]["objective"] = 2.5
    metrics.write_bytes(orjson.dumps(entry) + b"\n")
    (epoch,) = find_run("smoothed").epochs  # type: ignore[union-attr]
    assert (epoch.train.loss, epoch.train.objective) == (2.0, 2.5)


def test_the_speed_is_that_of_the_same_work() -> None:
    run("other", 0.5, 0.5, 0.5, of="default", began=9)
    run("same", 0.5, 0.5, 0.5, epochs=9)
    assert typical_speed(list_runs(), recipe("original", epochs=2, learning_rate=0.1)) == 200
    assert typical_speed(list_runs(), recipe("original", batch_size=8)) is None


@pytest.mark.parametrize("name", ["a", "default-20260101-120000", "A.b_c-9", "1", "x" * MAX_NAME])
def test_good_names_stay(name: str) -> None:
    assert checked_name(name, "run") == name
    assert usable_name(name, "run") == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "../a", "a b", "a\n", "ä", "\0", "x" * 81, "~"])
def test_bad_names_are_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(InvalidName, match="name of a run"):
        checked_name(name, "run")


@given(st.text(max_size=200))
def test_any_text_becomes_a_usable_name(text: str) -> None:
    assert checked_name(usable_name(text, "model"), "model")


@given(st.integers(1, 30))
def test_a_free_name_is_free_and_good(taken: int) -> None:
    names: set[str] = set()
    for _ in range(taken):
        name = free_name("x" * MAX_NAME, names.__contains__)
        assert name not in names
        names.add(checked_name(name, "model"))


def test_a_default_name_is_a_good_one() -> None:
    assert checked_name(default_name("original"), "run").startswith("original-")


def test_the_configuration_that_an_earlier_version_wrote_is_recognized(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    former = recipe("quick").to_json()
    former["doubt"] = former.pop("rejection_threshold")
    files.begin({"recipe": former, "seed": 0, "dataset": {"content_hash": "00ff"}})
    config = RunConfig(recipe("quick"), 0, "train", "00ff")
    files.resume(config)
    for other in (replace(config, seed=1), replace(config, train_on="train+validation")):
        with pytest.raises(StorageError, match=r"run run was begun with .*, not with "):
            files.resume(other)


def test_the_newest_run_is_the_one_that_was_begun_last_whatever_the_times_of_its_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        files = RunFiles(paths.runs_folder() / name)
        files.begin({"recipe": recipe("quick").to_json(), "seed": 0, "dataset": {"content_hash": "00ff"}})
    # As after the workspace was copied.
    os.utime(RunFiles(paths.runs_folder() / "first").config, (4e9, 4e9))
    assert newest_run() == "second"
    first, second = find_run("first"), find_run("second")
    assert first is not None
    assert second is not None
    assert time.time() - 60 < first.began < second.began <= time.time()
