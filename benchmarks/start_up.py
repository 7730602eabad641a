"""What starting costs: seconds, memory and imports of a new process, until it is there or has answered.

    PYTHONPATH=. python benchmarks/start_up.py [--rounds 5]

The last row is a first prediction as it was before ONNX Runtime gave the answers. Rows take turns; seconds are medians
over the rounds, memory is the most that was resident in any of them. Caches are warm: a round before the first isn't
counted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from benchmarks.measuring import of_command

HEAVY = ("torch", "plotly", "pandas", "streamlit", "onnxruntime", "numba")
"""Imports that are told; the first four are those that nobody should wait for in vain."""

_COMMAND = "import sys; from extexify.cli.parser import main; sys.argv[1:] = []; main({})"
_DRAWING = "[[[0,0],[10,0]],[[0,4],[10,4]],[[0,8],[10,8]]]"

STARTS = {
    "`import extexify`": "import extexify",
    "`python -m extexify models`": _COMMAND.format(["models"]),
    "`import streamlit`": "import streamlit",
    "first prediction: `python -m extexify classify`": "import io, sys; sys.stdin = io.TextIOWrapper(io.BytesIO("
    f"b'{_DRAWING}')); " + _COMMAND.format(["classify"]),
    "first prediction, by PyTorch": "from benchmarks.pytorch_answers import PyTorchClassifier; "
    "from extexify.drawing.strokes import parse_strokes; from extexify.workspace.paths import default_model; "
    f"PyTorchClassifier(default_model()).classify(parse_strokes('{_DRAWING}'))",
}


def main() -> None:
    """Start everything in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in STARTS}
    memory = dict.fromkeys(STARTS, 0.0)
    for number in range(1 + options.rounds):
        for name, code in STARTS.items():
            wall, _, peak = of_command([sys.executable, "-c", code])
            if number > 0:
                seconds[name].append(wall)
                memory[name] = max(memory[name], peak)
    print("| start | seconds | peak memory, MB | imports |")
    print("| --- | ---: | ---: | --- |")
    for name, code in STARTS.items():
        heavy = ", ".join(imports(code)) or "–"
        print(f"| {name} | {statistics.median(seconds[name]):.2f} | {memory[name]:.0f} | {heavy} |")


def imports(code: str) -> list[str]:
    """Which of `HEAVY` a start imports."""
    asking = f"{code}; print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", f"import sys; {asking}"], capture_output=True, check=True, text=True)
    return done.stderr.splitlines()[-1].split() if done.stderr.strip() else []


if __name__ == "__main__":
    main()
