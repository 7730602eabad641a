"""Compiled code where it can't be kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WITHOUT_A_PLACE = """
from numba.core import caching
caching.CacheImpl._locator_classes = []  # no folder can be written
from extexify.core.compiled import njit

@njit(cache=True, nogil=True)
def double(number):
    return 2 * number

@njit(cache=True)
def quadruple(number):
    return double(double(number))

print(quadruple(3))
"""


def test_without_a_place_for_compiled_code_it_goes_on_and_says_so_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(WITHOUT_A_PLACE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.returncode) == ("12\n", 0), done.stderr
    assert re.fullmatch(r"extexify: there is no place .* NUMBA_CACHE_DIR .*\n", done.stderr)


@pytest.mark.parametrize("folder", ["extexify", "tools", "benchmarks"])
def test_all_code_is_compiled_that_way(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert "from numba import" not in path.read_text("utf-8"), path
