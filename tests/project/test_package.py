"""The package: its wheel answers anywhere with what it requires, and its extras are requirements.txt together."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.test_lock import ranges

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

RUN = """
import json, sys
site, blocked, commands = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
sys.path.insert(0, site)
sys.modules.update(dict.fromkeys(blocked))  # importing one of them is an ImportError now
from extexify.cli.parser import main
for command in commands:
    code = main(command)
    print("code", code)
"""
"""Runs commands of the package in a folder, without the modules that are blocked."""


def test_the_extras_together_with_what_answering_needs_are_requirements_txt() -> None:
    whole = {str(requirement) for requirement in ranges() if not requirement.extras}
    parts = [PROJECT["dependencies"], *EXTRAS.values()]
    assert {str(Requirement(line)) for part in parts for line in part} == whole
    assert not set(PROJECT["dependencies"]) & {line for extra in EXTRAS.values() for line in extra}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which a wheel of this checkout is unpacked."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "extexify", source / "extexify", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", source / "wheel", source], check=True, capture_output=True)
    (wheel,) = (source / "wheel").glob("extexify-*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def run(installed: Path, place: Path, *commands: list[str], blocked: list[str], strokes: str = "") -> tuple[str, str]:
    """Standard output and error of commands of the package, run in a folder, with `strokes` as standard input."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("EXTEXIFY_", "PYTHONPATH"))
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, installed, json.dumps(blocked), json.dumps(commands)], cwd=place, input=strokes,
        # One drawing is faster without compiled code than with code that has to be compiled first.
        env={**environment, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def modules_of_the_extras() -> list[str]:
    """The modules that a light installation lacks."""
    extra = {canonicalize_name(Requirement(line).name) for lines in EXTRAS.values() for line in lines}
    found = [
        module
        for module, distributions in packages_distributions().items()
        if extra & {canonicalize_name(name) for name in distributions}
    ]
    assert {"torch", "streamlit", "PIL", "psycopg2"} <= set(found)
    return found


def test_the_command_answers_in_any_folder_without_the_extras(installed: Path, tmp_path: Path) -> None:
    (scripts,) = installed.glob("extexify-*.dist-info/entry_points.txt")
    assert "extexify = extexify.cli.parser:main" in scripts.read_text()
    out, err = run(
        installed, tmp_path, ["classify", "--json"], ["models"], ["symbols", "le", "--top", "1"],
        ["export-page", "--out", "page"],
        blocked=modules_of_the_extras(), strokes="[[[0,0],[10,0]], [[0,4],[10,4]], [[0,8],[10,8]]]",
    )  # fmt: skip
    assert err == ""
    answers, models, symbols, page = (part.strip() for part in out.split("code 0")[:-1])
    assert json.loads(answers)[0]["command"] == r"\equiv"
    assert models.startswith("* extexify")
    assert symbols.startswith(r"\leq ")
    assert "page: the page" in page
    assert {"index.html", "model.onnx", "symbols.json", "shared", "vendor"} <= {
        path.name for path in (tmp_path / "page").iterdir()
    }


def test_a_command_that_needs_an_extra_names_it(installed: Path, tmp_path: Path) -> None:
    out, err = run(
        installed, tmp_path, ["export", "--source", "starter:each=5,symbols=latex2e-OT1-_alpha"], ["train"],
        ["export", "--source", "postgresql://localhost/x"],
        blocked=modules_of_the_extras(),
    )  # fmt: skip
    assert out.count("code 0") == 1, err
    sentence = "extexify: error: this needs the package {}: `pip install '.[train]'` in the checkout installs it"
    assert err.splitlines()[-2:] == [sentence.format("torch"), sentence.format("psycopg2")]


def test_make_takes_pytorch_from_the_index_that_is_named_and_leaves_it_alone_afterwards(tmp_path: Path) -> None:
    def installs(*options: str) -> list[str]:
        command = ["make", "--dry-run", f"VENV={tmp_path}/venv", "run", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return re.findall(r"pip install --quiet --disable-pip-version-check (.+)", done.stdout)

    whole = "-r requirements.txt"
    assert installs() == [whole]
    torch, then = installs("TORCH_INDEX=https://example.org/cpu")
    assert then == whole
    options, _, names = torch.partition("$(")
    assert options == "--index-url https://example.org/cpu "
    named = subprocess.run(names.rstrip(")"), shell=True, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [Requirement(line).name for line in named.splitlines()] == ["torch", "torchvision"]
