"""In a public demo, functions that change something refuse callers who are not signed in."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
import streamlit as st
from onnx import ModelProto

from extexify.access import permissions
from extexify.access.permissions import NotPermitted
from extexify.contributions import store as contributions
from extexify.contributions.postgres_store import PostgresStore
from extexify.contributions.sqlite_store import SqliteStore
from extexify.core import settings
from extexify.dataset.export import export_dataset
from extexify.dataset.render import render_dataset
from extexify.dataset.review import ReviewList
from extexify.drawing.raster import PRESETS
from extexify.evaluation.calibration import calibrate
from extexify.evaluation.records import Evaluation, list_evaluations, save_evaluation
from extexify.model import library
from extexify.model.file import write_model
from extexify.sources.open import open_source
from extexify.sources.postgres import PostgresSource
from extexify.sources.typeset import typeset
from extexify.training import runs
from extexify.ui.common.connections import postgres_connections
from extexify.ui.evaluate.review_list import set_marked
from extexify.ui.train.outcome import use_model
from extexify.workspace import files, jobs, uploads
from extexify.workspace import paths as places
from tests.demo import ROOT, demo, operator
from tests.drawings import ListSource, sample_rows, zigzag

__all__ = ["demo"]  # a fixture of the tests below

ADDRESS = "postgresql://user:secret@127.0.0.1:1/db"


def some(**fields: object) -> Any:
    """What a forged argument may look like."""
    return SimpleNamespace(**fields)


def write(folder: Path) -> None:
    with files.atomic_folder(folder):
        pass


def lock(path: Path) -> None:
    with files.writer_lock(path, "it"):
        pass


ACTS: dict[str, Callable[[Path], object]] = {
    "start a job": lambda here: jobs.start("export", ["--source=starter"], title="x"),
    "list jobs": lambda here: jobs.list_jobs(),
    "list running jobs": lambda here: jobs.running(),
    "find a job": lambda here: jobs.find("20260101-000000-000-export-00000000"),
    "stop a job": lambda here: jobs.stop(some(state="running", folder=here, is_stopping=False)),
    "forget a job": lambda here: jobs.delete(some(state="done", folder=here)),
    "read a log": lambda here: jobs.Job.log(some(folder=here)),
    "keep an upload": lambda here: uploads.save_upload("x.sql", io.BytesIO(b"x")),
    "list uploads": lambda here: uploads.list_uploads(),
    "delete an upload": lambda here: uploads.delete_upload(here / "uploads" / "0" / "x"),
    "choose a model": lambda here: places.choose_model(here / "models" / "mine.onnx"),
    "list models": lambda here: library.list_models(),
    "rename a model": lambda here: library.rename_model(some(path=here / "m", name="m"), "other"),
    "delete a model": lambda here: library.delete_model(
        some(path=here / "models" / "mine.onnx", name="mine", shipped=False)
    ),
    "add a model": lambda here: library.add_model(io.BytesIO(b"x"), "x.onnx"),
    "print a symbol by LaTeX": lambda here: typeset("x"),
    "write a model": lambda here: write_model(here / "x.onnx", some(), ModelProto()),
    "list runs": lambda here: runs.list_runs(),
    "find a run": lambda here: runs.find_run("run"),
    "delete a run": lambda here: runs.delete_run("run"),
    "read the review list": lambda here: ReviewList(places.review_file()).entries(),
    "reject a drawing": lambda here: ReviewList(places.review_file()).reject("key", 1, zigzag(1)),
    "annotate a drawing": lambda here: ReviewList(places.review_file()).annotate(("key", 1), "note"),
    "restore a drawing": lambda here: ReviewList(places.review_file()).restore(("key", 1)),
    "list evaluations": lambda here: list_evaluations(places.evaluations_folder()),
    "open an evaluation": lambda here: Evaluation.open(here / "evaluations" / "x"),
    "save an evaluation": lambda here: save_evaluation(here / "evaluations" / "x", some(), (), some()),
    "open a dump": lambda here: open_source("/etc/passwd"),
    "open an SQLite file": lambda here: open_source(str(here / "drawings.sqlite3")),
    "open a database": lambda here: open_source(ADDRESS),
    "read a database": lambda here: PostgresSource(ADDRESS).count(),
    "write a database": lambda here: PostgresStore(ADDRESS).add("key", zigzag(1)),
    "read the addresses of databases": lambda here: postgres_connections(),
    "make a store anywhere": lambda here: SqliteStore(here / "other.sqlite3"),
    "open the contributions": lambda here: contributions.open_store(),
    "count the contributions": lambda here: contributions.count_contributions(),
    "export": lambda here: export_dataset([ListSource(sample_rows())], here / "dataset"),
    "render": lambda here: render_dataset([], PRESETS["default"], here / "images"),  # type: ignore[arg-type]
    "calibrate": lambda here: calibrate(places.default_model(), here / "out.onnx", some(), report=some()),
    # The writing functions that an undecorated new function would use.
    "write a file": lambda here: files.write_json(here / "serving.json", {}),
    "write a folder": lambda here: write(here / "new"),
    "remove a folder": lambda here: files.remove_folder(here / "models"),
    "lock a file": lambda here: lock(here / "x"),
    "write an array": lambda here: files.ArrayWriter(here / "x.npy", "uint8"),
}


@pytest.fixture
def closed(demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo's workspace with something in it, in which every process, connection and signal is a failure."""
    with operator():
        SqliteStore(places.store_file()).add("key", zigzag(1))
        ReviewList(places.review_file()).reject("key", 2, zigzag(2))
        uploads.save_upload("x.sql", io.BytesIO(b"--"))
    (demo / "models").mkdir()
    (demo / "models" / "mine.onnx").write_bytes(b"a model")
    (demo / "runs" / "run").mkdir(parents=True)
    (demo / "runs" / "run" / "run.json").write_text("{}")

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("this was to be refused before")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(psycopg2, "connect", refuse)
    monkeypatch.setattr(os, "kill", refuse)
    return demo


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("act", ACTS)
def test_a_visitor_is_refused_before_anything_happens(act: str, closed: Path) -> None:
    before = content(closed)
    with pytest.raises(NotPermitted, match="sign in first"):
        ACTS[act](closed)
    assert content(closed) == before


def test_callbacks_of_pages_change_nothing(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, state = content(closed), dict[str, object]()
    monkeypatch.setattr(st, "session_state", state)
    use_model(closed / "models" / "mine.onnx")
    set_marked("key", 3, zigzag(3), True)
    assert content(closed) == before
    # Each leaves a message for the page.
    assert sum("sign in first" in str(value) for value in state.values()) == 2


@pytest.mark.parametrize("value", ["1", "true", "YES", "on", "maybe"])
def test_any_value_that_may_mean_yes_closes_the_demo(closed: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(settings.DEMO.name, value)
    with pytest.raises(NotPermitted):
        jobs.list_jobs()


@pytest.mark.parametrize("value", ["", "0", "no", "False", "off"])
def test_values_that_mean_no_open_the_demo(closed: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(settings.DEMO.name, value)
    assert jobs.list_jobs() == []


@pytest.mark.parametrize("text", ["EXTEXIFY_DEMO = true", "EXTEXIFY_DEMO = 'yes'", "EXTEXIFY_DEMO = ", "\xff", "[x"])
def test_the_file_of_secrets_closes_too_and_so_does_a_damaged_one(
    demo: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.delenv(settings.DEMO.name)
    monkeypatch.chdir(demo)
    assert not permissions.is_demo()
    (demo / ".streamlit").mkdir()
    (demo / ".streamlit" / "secrets.toml").write_text(text, "latin-1")
    assert permissions.is_demo()


def test_a_demo_stays_closed_when_its_file_is_changed_or_removed(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "_demo_is_fixed", False)
    permissions.fix_demo_mode()
    monkeypatch.delenv(settings.DEMO.name)
    assert permissions.is_demo()


def test_threads_without_a_visit_have_no_permissions(closed: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as threads, pytest.raises(NotPermitted):
        threads.submit(jobs.list_jobs).result()


def test_commands_and_their_jobs_are_the_operators(demo: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)

    export = run("-m", "extexify", "export", "--source", "starter:each=3", "--json")
    assert export.returncode == 0, export.stderr
    with operator():
        job = jobs.start("render", ["--size=8"], title="x", writes=["images"])
        while job.state == "running":
            time.sleep(0.05)
        assert (job.state, job.error) == ("done", "")
    # Nothing that the commands import makes their process the dashboard's.
    modules = run(
        "-c", "import sys, extexify.cli.parser, extexify.training.pipeline; print(*sys.modules)"
    ).stdout.split()
    assert not [name for name in modules if name.startswith(("extexify.ui", "streamlit"))]


def test_pages_need_no_sign_in_where_there_is_no_demo(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.DEMO.name)
    assert permissions.is_operator()
    assert runs.list_runs() == []
