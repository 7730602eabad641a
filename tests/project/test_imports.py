"""Nobody waits for what they don't need: torch is for training, plotly and pandas are for charts and tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from extexify.workspace.paths import SHIPPED_MODELS
from tests.tiny import tiny_dataset

HEAVY = ("torch", "torchvision", "plotly", "pandas", "streamlit", "matplotlib", "sympy")

SHIPPED = str(SHIPPED_MODELS / "extexify.safetensors")
FEW = "starter:each=3,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta"


def loaded(code: str, workspace: Path) -> set[str]:
    """Which of `HEAVY` are loaded at the end of a program."""
    telling = f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    environment = {**os.environ, "EXTEXIFY_WORKSPACE": str(workspace)}
    done = subprocess.run([sys.executable, "-c", telling], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_library_itself_loads_nothing_heavy(tmp_path: Path) -> None:
    modules = [
        "",
        ".model.classifier",
        ".dataset.export",
        ".evaluation.evaluate",
        ".model.offline",
        ".catalog.symbols",
        ".drawing.link",
        ".model.library",
    ]
    assert loaded("\n".join(f"import extexify{module}" for module in modules), tmp_path) == set()


@pytest.mark.parametrize(
    "command",
    [
        ["export", "--source", FEW],
        ["render"],
        ["classify", "drawing.json"],
        ["evaluate", "--source", FEW],
        ["evaluate", "--split", "all"],
        ["models"],
        ["use", SHIPPED],
        ["export-onnx"],
    ],
    ids=lambda command: "-".join(command[:2]) if command[0] == "evaluate" else command[0],
)
def test_a_command_that_trains_nothing_loads_nothing_heavy(command: list[str], tmp_path: Path) -> None:
    tiny_dataset(tmp_path / "dataset", each=5)
    (tmp_path / "drawing.json").write_text("[[[0, 0], [10, 0]]]")
    arguments = [str(tmp_path / part) if part == "drawing.json" else part for part in command]
    assert loaded(f"from extexify.cli.parser import main\nassert main({arguments!r}) == 0", tmp_path) == set()


@pytest.mark.parametrize("page", ["draw", "symbols", "export", "render", "train", "evaluate", "models"])
def test_no_page_loads_torch(page: str, tmp_path: Path) -> None:
    tiny_dataset(tmp_path / "dataset", each=5)
    code = f"""
from streamlit.testing.v1 import AppTest
from extexify.ui.draw import serving
from extexify.workspace.paths import default_model
app = AppTest.from_file("app.py", default_timeout=60).run()
if {page!r} != "draw":
    app.switch_page("pages/{page}.py").run()
assert not app.exception, app.exception
serving.model(default_model()).result()
"""
    assert loaded(code, tmp_path) <= {"plotly", "pandas", "streamlit"}
