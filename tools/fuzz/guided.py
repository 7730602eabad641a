"""Coverage-guided fuzzing with atheris (libFuzzer for Python): what reaches new code is kept and varied on.

libFuzzer's bytes are used in two ways: as the file itself that a target reads (`Target.main`), and as the source of
chance from which a target makes its case, so that what is found in the structure can be varied, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from tools.fuzz.running import Tally, case_of, keep_failure, limits, own_workspace, peak_memory, run_case, warm_up
from tools.fuzz.target import Case, Target

_COMPILED = ("raster", "sequences", "simplifying", "scanner", "augment")
"""Modules that numba compiles, which needs their code as it was written."""

_SEEDS = 50
"""Cases that a corpus begins with."""


class Bytes(Random):
    """A source of chance that is a row of bytes; when they are used up, all is zero."""

    def __init__(self, content: bytes) -> None:
        super().__init__(0)
        self._content, self._at = content, 0

    def getrandbits(self, k: int, /) -> int:
        size = -(-k // 8)
        piece = self._content[self._at : self._at + size]
        self._at += size
        return int.from_bytes(piece.ljust(size, b"\0"), "little") >> (8 * size - k)

    def random(self) -> float:
        return self.getrandbits(16) / 65536


def case_of_bytes(target: Target, content: bytes) -> Case:
    """The case that libFuzzer's bytes stand for."""
    if not target.main or (content and content[0] % 2):
        return target.make(Bytes(content[1:]))
    return {**case_of(target, 0, 0), target.main: content[1:]}


def run(target: Target, cases: int, seconds: float, out: Path, seed: int) -> Tally:
    """Run a target for so many cases or seconds, in a process of its own; its corpus is kept in `out`."""
    corpus = out.resolve() / "corpus" / target.name.replace(" ", "-")
    corpus.mkdir(parents=True, exist_ok=True)
    for number in range(_SEEDS if target.main else 0):
        (corpus / f"seed-{number}").write_bytes(b"\0" + case_of(target, 0, number).get(target.main, b""))
    order = {"target": target.name, "cases": cases, "seconds": seconds, "out": str(out.resolve())}
    command = [
        sys.executable, "-m", "tools.fuzz.guided", json.dumps(order), str(corpus), f"-seed={seed + 1}",
        "-rss_limit_mb=0", "-timeout=60", "-max_len=4096", "-len_control=20", "-verbosity=0",
        f"-artifact_prefix={corpus.parent}/",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, check=False)
    lines = ended.stdout.splitlines()
    if not lines:
        said = ended.stderr.decode("utf-8", "replace").strip()[-600:]
        return Tally(target.name, "guided", failures=[f"the fuzzer ended with code {ended.returncode}: {said}"])
    return Tally(**json.loads(lines[-1]))


def _main(order: dict[str, Any], flags: list[str]) -> None:
    """In a process of its own: run cases, and print what came of them."""
    import atheris

    with atheris.instrument_imports(include=["extexify"], exclude=[f"extexify.{name}" for name in _COMPILED]):
        from tools.fuzz.all_targets import find_target

        target = find_target(order["target"])
        with own_workspace() as folder:
            warm_up(target, folder)  # what is imported late is instrumented, too
    tally, began = Tally(target.name, "guided"), time.monotonic()

    def run_bytes(content: bytes) -> None:
        case = case_of_bytes(target, content)
        was_read, what = run_case(target, case, folder)
        if tally.count(was_read, what):
            tally.failures.append(f"{keep_failure(Path(order['out']), target, case, what)}: {what}")
        tally.seconds, tally.peak = time.monotonic() - began, peak_memory() - before
        if tally.cases >= order["cases"] or tally.seconds > order["seconds"]:
            # libFuzzer never gives back control.
            os.write(1, json.dumps(asdict(tally)).encode() + b"\n")
            os._exit(0)

    before = peak_memory()
    with own_workspace() as folder, limits():
        atheris.Setup([sys.argv[0], *flags], run_bytes)
        atheris.Fuzz()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]), sys.argv[2:])
