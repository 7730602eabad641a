"""Heavy modules load only where they are needed: torch for training, plotly and pandas for charts and tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from extexify.workspace.paths import SHIPPED_MODELS
from tests.tiny import tiny_dataset

HEAVY = ("torch", "torchvision", "plotly", "pandas", "streamlit", "matplotlib", "sympy")

SOURCE = "starter:each=5,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta"

LIBRARY = """
for module in ("", ".model.classifier", ".dataset.export", ".evaluation.evaluate", ".model.offline", ".catalog.symbols",
               ".drawing.link", ".model.library"):
    import_module(f"extexify{module}")
    report(f"import extexify{module}")
from extexify.cli.parser import main
for command in json.loads(sys.argv[1]):
    assert main(command) == 0, command
    report(" ".join(command))
"""

PAGES = """
from streamlit.testing.v1 import AppTest
from extexify.ui.draw import serving
from extexify.workspace.paths import default_model
app = AppTest.from_file("app.py", default_timeout=60).run()
for page in ("draw", "symbols", "collect", "export", "render", "train", "evaluate", "models"):
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, (page, app.exception)
    report(page)
serving.model(default_model()).result()
report("a model answers")
"""


def heavy_modules(code: str, workspace: Path, *arguments: str) -> dict[str, set[str]]:
    """Which of `HEAVY` were loaded at each `report(step)` of a program in a new process."""
    prologue = f"""
import json, sys
from importlib import import_module
loaded = {{}}
def report(step):
    loaded[step] = [name for name in {HEAVY} if name in sys.modules]
"""
    program = f"{prologue}{code}\nprint(json.dumps(loaded))"
    environment = {**os.environ, "EXTEXIFY_WORKSPACE": str(workspace)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    steps: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {step: set(names) for step, names in steps.items()}


def test_the_library_and_commands_that_train_nothing_load_nothing_heavy(tmp_path: Path) -> None:
    drawing = tmp_path / "drawing.json"
    drawing.write_text("[[[0, 0], [10, 0]]]")
    commands = [
        ["export", "--source", SOURCE],
        ["render"],
        ["classify", str(drawing)],
        ["evaluate", "--source", SOURCE],
        ["evaluate", "--split", "all"],
        ["models"],
        ["export-page", "--out", str(tmp_path / "page")],
        ["use", str(SHIPPED_MODELS / "extexify.onnx")],
    ]
    loaded = heavy_modules(LIBRARY, tmp_path, json.dumps(commands))
    assert len(loaded) == 8 + len(commands)
    assert {step: names for step, names in loaded.items() if names} == {}


def test_no_page_loads_torch(tmp_path: Path) -> None:
    tiny_dataset(tmp_path / "dataset", each=5)
    loaded = heavy_modules(PAGES, tmp_path)
    assert len(loaded) == 9
    for step, names in loaded.items():
        assert names <= {"plotly", "pandas", "streamlit"}, step
