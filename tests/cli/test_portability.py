"""Command line and dashboard work without the modules and functions of POSIX, as on Windows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tools.dashboard import ROOT

HIDE = """
import builtins, os, signal, sys

missing = {"fcntl", "resource", "pwd", "grp", "termios"}
original = builtins.__import__

def without(name, globals=None, locals=None, fromlist=(), level=0):
    # Libraries have their own ways on Windows; here they run on the present system.
    if name in missing and (globals or {}).get("__name__", "").split(".")[0] == "extexify":
        raise ImportError(name)
    return original(name, globals, locals, fromlist, level)

builtins.__import__ = without
for module, name in (
    (os, "sched_getaffinity"), (os, "nice"), (os, "getpriority"), (os, "killpg"), (os, "getuid"),
    (signal, "SIGKILL"), (signal, "pthread_kill"),
):
    if hasattr(module, name):
        delattr(module, name)
"""

CHECK = """
import contextlib, importlib, io, json, pkgutil, time
from pathlib import Path

import extexify
from extexify.cli import parser

def run(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            code = parser.main(list(arguments))
        except SystemExit as end:
            code = end.code
    assert code == 0, (arguments, code)
    return out.getvalue()

assert "classify" in run("--help")
Path("strokes.json").write_text("[[[0, 0], [10, 10]]]")
assert len(json.loads(run("classify", "strokes.json", "--json"))) == 5
few = "starter:each=3,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta"
assert json.loads(run("export", "--source", few, "--json"))["samples"] == 6

from extexify.workspace import jobs, paths
from extexify.workspace.files import is_being_written, writer_lock

assert not is_being_written(paths.dataset_folder())
with writer_lock(paths.dataset_folder(), "the dataset"):
    assert is_being_written(paths.dataset_folder())
job = jobs.start("export", ["--source", "starter:each=2000"], title="Export", writes=["dataset"])
while job.latest() is None:
    assert job.state == "running", job.log()
    time.sleep(0.02)
jobs.stop(job)
while job.state == "running":
    time.sleep(0.02)
assert job.state == "stopped", (job.error, job.log())

import app
# Streamlit finds the canvas component only while it runs.
with_canvas = (
    "extexify.ui.draw.sketchpad", "extexify.ui.collect.view", "extexify.ui.symbols.own", "extexify.ui.symbols.gallery"
)
for module in pkgutil.walk_packages(extexify.__path__, "extexify."):
    if module.name not in ("extexify.__main__", *with_canvas):
        importlib.import_module(module.name)
print("all work")
"""


def test_nothing_needs_modules_or_functions_of_posix(tmp_path: Path) -> None:
    # As `sitecustomize`, so that the job's process lacks them, too.
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
            "EXTEXIFY_WORKSPACE": str(tmp_path / "ws"),
            "USERNAME": "me",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all work\n"), done.stderr
    (job,) = (tmp_path / "ws" / "jobs").glob("*-export-*")
    assert json.loads((job / "end.json").read_text())["code"] == 130
