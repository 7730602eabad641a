"""Everything that writes into a workspace, for disks without room and folders that can't be written."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from extexify.contributions.sqlite_store import SqliteStore
from extexify.dataset.review import ReviewList
from extexify.model.description import ModelError
from extexify.model.library import add_model, find_model, rename_model
from extexify.training.runs import find_run
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError
from extexify.workspace.jobs import JobError
from extexify.workspace.uploads import save_upload
from tools.faults.breakage import Ended, command, require, using
from tools.faults.samples import KEY, made_up, write_dump

Act = Callable[[Path, int], str]
"""Writes something in a workspace, given the number of the repetition; returns the error message, or ""."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Something that writes into a workspace.

    needs: approximate bytes. makes: path prefixes of its output, with # for the number of the repetition; those with a
    # are removed afterwards. ready: called before, while there is enough space.
    """

    name: str
    act: Act
    needs: int
    makes: Sequence[str] = ()
    ready: Callable[[Path, int], object] = lambda folder, number: None


def prepare(folder: Path) -> None:
    """Make a workspace with data of every kind."""
    shutil.copytree(Path(_prepared().name), folder)


@cache
def _prepared() -> TemporaryDirectory[str]:
    """The workspace that is copied, made once in a process and removed with it."""
    temporary = TemporaryDirectory(prefix="extexify-prepared-")
    folder = Path(temporary.name)
    dump = write_dump(folder / "dump.sql", 4, 8)
    for arguments in (
        ("export", "--source", dump),
        ("render", "--preset", "original"),
        ("train", *_TRAINING, "--run", "first"),
        ("evaluate", "--out", folder / "evaluations" / "first"),
        ("use", "first"),
    ):
        ended = command(folder, *arguments)
        require(ended.code == 0, f"{arguments[0]} failed: {ended.stderr[-500:]}")
    with using(folder):
        save_upload("first.sql", io.BytesIO(b"first"))
        SqliteStore(paths.store_file()).add(KEY, made_up(0, 0))
        ReviewList(paths.review_file()).reject(KEY, 1, made_up(0, 1))
    return temporary


# --- the stages ---------------------------------------------------------------------------------

_TRAINING = ("--recipe", "original", "--epochs", 1, "--batch-size", 8, "--device", "cpu")


def _error_of(ended: Ended) -> str:
    return ended.error if ended.code else ""


def _refusal(folder: Path, act: Callable[[], object]) -> str:
    """The library's error message, or ""."""
    try:
        with using(folder):
            act()
    except (StorageError, ModelError, JobError) as error:
        return str(error)
    return ""


def _export(folder: Path, number: int) -> str:
    return _error_of(command(folder, "export", "--source", folder / "dump.sql", "--out", folder / f"new-data{number}"))


def _export_over(folder: Path, number: int) -> str:
    # With the same seed the result is equal, so the folder must not change, whether it fails or not.
    return _error_of(command(folder, "export", "--source", folder / "dump.sql"))


def _render(folder: Path, number: int) -> str:
    return _error_of(command(folder, "render", "--preset", "original"))


def _render_png(folder: Path, number: int) -> str:
    return _error_of(command(folder, "render", "--png", "--out", folder / f"new-images{number}"))


def _train(folder: Path, number: int) -> str:
    with using(folder):
        begun = find_run(f"r{number}") is not None
    again = ("--resume", "--device", "cpu") if begun else _TRAINING
    return _error_of(command(folder, "train", "--run", f"r{number}", *again))


def _evaluate(folder: Path, number: int) -> str:
    return _error_of(command(folder, "evaluate", "--out", folder / "evaluations" / f"e{number}"))


def _calibrate(folder: Path, number: int) -> str:
    return _error_of(command(folder, "calibrate", "--model", folder / "models" / f"c{number}.onnx"))


def _upload(folder: Path, number: int) -> str:
    content = Random(number).randbytes(300_000)
    return _refusal(folder, lambda: save_upload(f"dump{number}.sql", io.BytesIO(content)))


def _contribute(folder: Path, number: int) -> str:
    return _refusal(folder, lambda: SqliteStore(paths.store_file()).add(KEY, made_up(1, number)))


def _mark(folder: Path, number: int) -> str:
    return _refusal(folder, lambda: ReviewList(paths.review_file()).reject(KEY, number, made_up(2, number)))


def _choose(folder: Path, number: int) -> str:
    return _refusal(folder, lambda: paths.choose_model(folder / "models" / "first.onnx"))


def _add_model(folder: Path, number: int) -> str:
    content = (folder / "models" / "first.onnx").read_bytes()
    return _refusal(folder, lambda: add_model(io.BytesIO(content), f"m{number}.onnx"))


def _rename_model(folder: Path, number: int) -> str:
    return _refusal(folder, lambda: rename_model(find_model(f"old{number}"), f"new{number}"))


def _copy(folder: Path, number: int, prefix: str) -> None:
    """Make a copy of the first model."""
    shutil.copyfile(folder / "models" / "first.onnx", folder / "models" / f"{prefix}{number}.onnx")


def _job(folder: Path, number: int) -> str:
    """Run a job as the dashboard does: either it can't be started, or it runs and reports its end."""
    out = folder / f"new-job{number}"
    try:
        with using(folder):
            job = jobs.start("export", ["--source", str(folder / "dump.sql"), "--out", str(out)], title="Export")
            give_up = time.monotonic() + 120
            while job.state == "running":
                require(time.monotonic() < give_up, "the job hangs")
                time.sleep(0.05)
            require(job.state in ("done", "failed"), f"the job is {job.state}")
            require("killed" not in job.error, "a job that failed on a full disk is reported as killed")
            require(job.state == "failed" or out.exists(), "a job without output is reported as done")
            return job.error
    except JobError as error:
        return str(error)


_NAMES = ("models/old#.onnx", "models/new#.onnx")

STAGES = (
    Stage("export", _export, 30_000, ("new-data#",)),
    Stage("export over an earlier one", _export_over, 30_000),
    Stage("render", _render, 50_000),
    Stage("render with PNG files", _render_png, 200_000, ("new-images#",)),
    Stage("train", _train, 24 << 20, ("runs/r#", "models/r#.onnx")),
    Stage("evaluate", _evaluate, 12_000, ("evaluations/e#",)),
    Stage("calibrate", _calibrate, 2_400_000, ("models/c#.onnx",), partial(_copy, prefix="c")),
    Stage("upload", _upload, 300_000, ("uploads/",)),
    Stage("contribution", _contribute, 40_000),
    Stage("review list", _mark, 8_000, ("review.jsonl",)),
    Stage("choice of the model", _choose, 4_096, ("serving.json",)),
    Stage("model that is added", _add_model, 4_600_000, ("models/m#.onnx",)),
    Stage("model that is renamed", _rename_model, 2_400_000, _NAMES, partial(_copy, prefix="old")),
    Stage("job", _job, 60_000, ("new-job#",)),
)
"""Everything that writes into a workspace."""
