"""Row `start`: seconds, peak memory and heavy imports of a new process, from start to exit.

The last method is a first prediction by PyTorch, which ONNX Runtime replaced.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.measuring import Method, Row, Setting, of_command

HEAVY = ("torch", "plotly", "pandas", "streamlit", "onnxruntime", "numba")
"""Imports that are listed; a command that only classifies must need none of the first four."""

_COMMAND = "import sys; from extexify.cli.parser import main; sys.argv[1:] = []; main({})"
_DRAWING = "[[[0,0],[10,0]],[[0,4],[10,4]],[[0,8],[10,8]]]"

STARTS = {
    "`import extexify`": "import extexify",
    "`python -m extexify models`": _COMMAND.format(["models"]),
    "`import streamlit`": "import streamlit",
    "first prediction: `python -m extexify classify`": "import io, sys; sys.stdin = io.TextIOWrapper(io.BytesIO("
    f"b'{_DRAWING}')); " + _COMMAND.format(["classify"]),
    "first prediction, by PyTorch": "from benchmarks.answers import PyTorchClassifier; "
    "from extexify.drawing.strokes import parse_strokes; from extexify.workspace.paths import default_model; "
    f"PyTorchClassifier(default_model()).classify(parse_strokes('{_DRAWING}'))",
}


def starting(setting: Setting) -> Row:
    """Start the processes in turn, after a warm-up round."""
    rounds = [
        {name: of_command([sys.executable, "-c", code]) for name, code in STARTS.items()}
        for _ in range(1 + setting.rounds)
    ]
    methods = []
    for name in STARTS:
        done = [times[name] for times in rounds[1:]]
        seconds = statistics.median(wall for wall, _, _ in done)
        heavy = ", ".join(imports(STARTS[name])) or "none"
        memory = max(memory for _, _, memory in done)
        methods.append(Method(f"{name} (heavy imports: {heavy})", seconds, 1, memory, shown=f"{seconds:.2f} s"))
    return Row("start of a process", methods, "first paint in a browser: `make first-paint`.")


def imports(code: str) -> list[str]:
    """The modules of HEAVY that a process imports."""
    report = f"{code}; print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", f"import sys; {report}"], capture_output=True, check=True, text=True)
    return done.stderr.splitlines()[-1].split() if done.stderr.strip() else []
