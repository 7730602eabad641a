"""Run the fault scenarios many times and print their outcomes: `make faults`, or

    python -m tools.faults [--times N] [--only WORD …] [--seed N]

A row of the table is a fault in a stage, with the counts of its outcomes. A row that begins with BROKEN describes what
must never happen (see `scenarios.Run`); the program then ends with code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import torch

from tools.faults.breakage import Broken
from tools.faults.scenarios import SCENARIOS


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="about how many times each fault happens (default: 20)")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="only those with one of these in their names"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments (default: 0)")
    options = parser.parse_args()
    chosen = [
        scenario for scenario in SCENARIOS
        if not options.only or any(word in f"{scenario.fault} {scenario.stage}" for word in options.only)
    ]  # fmt: skip
    torch.set_num_threads(1)  # as in the other processes, so that models are equal bit by bit
    print("| fault | stage | outcome | seconds |\n| --- | --- | --- | ---: |", flush=True)
    broken = 0
    for scenario in chosen:
        began = time.monotonic()
        with _folder() as folder:
            try:
                outcomes = scenario.run(folder, max(round(options.times * scenario.part), 2), Random(options.seed))
                result = "; ".join(f"{count} × {outcome}" for outcome, count in sorted(outcomes.items()))
            except Broken as error:
                broken += 1
                result = f"BROKEN: {error}"
        print(f"| {scenario.fault} | {scenario.stage} | {result} | {time.monotonic() - began:.0f} |", flush=True)
    return 1 if broken else 0


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="extexify-faults-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
