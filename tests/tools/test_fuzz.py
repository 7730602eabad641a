"""Hostile input, a little of it for everything that reads what it didn't write; and the program that tries a million.

`make fuzz` tries more than these few.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.fuzz import running, target
from tools.fuzz.__main__ import main
from tools.fuzz.all_targets import all_targets
from tools.fuzz.guided import Bytes, case_of_bytes
from tools.fuzz.running import Tally, case_of, own_workspace, run_case, supervise, work
from tools.fuzz.target import Case, Fault, Target

TARGETS = all_targets()

QUICK = [name for name in TARGETS if name != "pages"]


@pytest.fixture
def place() -> Iterator[Path]:
    with own_workspace() as folder:
        yield folder


# --- everything that reads ----------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_whatever_comes_is_read_or_refused_in_a_sentence(name: str) -> None:
    with own_workspace() as folder:
        running.warm_up(TARGETS[name], folder)

        # Hypothesis in place of a seed: what it finds, it makes smaller.
        @settings(max_examples=20, suppress_health_check=list(HealthCheck))
        @given(st.randoms(use_true_random=False))
        def is_read_or_refused(rng: Random) -> None:
            TARGETS[name].run(TARGETS[name].make(rng), target.emptied(folder))

        is_read_or_refused()


def test_pages_show_whatever_lies_in_the_workspace(place: Path) -> None:
    for number in range(4):
        assert run_case(TARGETS["pages"], case_of(TARGETS["pages"], 1, number), place)[1] == ""


def test_the_shares_are_of_a_million() -> None:
    assert sum(one.share for one in TARGETS.values()) == 1_000_000


# --- the program itself: a target with a fault is found out -------------------------------------


def broken(read: object, refusals: tuple[type[Exception], ...] = (ValueError,)) -> Target:
    return Target("broken", 1, lambda rng: {"file": rng.randbytes(3)}, read, refusals)  # type: ignore[arg-type]


def outcome(one: Target, folder: Path) -> str:
    return run_case(one, {"file": b"x"}, folder)[1]


def raising(error: BaseException) -> object:
    def read(case: Case, folder: Path) -> None:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a sentence"), ""),
        (KeyError("x"), "KeyError: 'x' (test_fuzz.py:"),
        (MemoryError(), "MemoryError"),
        (Fault("wrong"), "Fault: wrong"),
        (ValueError(""), "Fault: the message of a refusal is empty"),
        (ValueError("two\nlines"), "Fault: the message of a refusal has a line break"),
        (ValueError("\x1b[2J"), "Fault: the message of a refusal has a line break or something unprintable"),
        (ValueError("x" * 5000), "Fault: the message of a refusal has 5,000 characters"),
    ],
)
def test_only_documented_errors_of_one_sentence_are_refusals(error: Exception, said: str, place: Path) -> None:
    assert outcome(broken(raising(error)), place).startswith(said)
    assert bool(said) == bool(outcome(broken(raising(error)), place))


def test_a_case_that_takes_too_long_is_ended(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SECONDS", 0.2)

    def read(case: Case, folder: Path) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue

    assert outcome(broken(read), place).startswith("TooSlow")


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: (folder.parent / "extexify-fuzz-escape").write_bytes(b""),
        lambda folder: (folder / ".." / "extexify-fuzz-escape").mkdir(),
        lambda folder: shutil.rmtree(folder.parent / "extexify-fuzz-escape"),
        lambda folder: (folder / "file").rename(folder.parent / "extexify-fuzz-escape"),
        lambda folder: os.open(folder.parent / "extexify-fuzz-escape", os.O_WRONLY | os.O_CREAT),
        lambda folder: subprocess.run(["true"], check=True),
        lambda folder: os.system("true"),
    ],
    ids=["write", "mkdir", "rmtree", "rename", "open", "run", "system"],
)  # fmt: skip
def test_nothing_outside_the_folder_is_touched(act: object, place: Path) -> None:
    def read(case: Case, folder: Path) -> None:
        target.put(case, folder)
        act(folder)  # type: ignore[operator]

    assert outcome(broken(read, (Exception,)), place).startswith("Escape")
    assert not (place.parent / "extexify-fuzz-escape").exists()


def test_inside_the_folder_anything_goes(place: Path) -> None:
    def read(case: Case, folder: Path) -> None:
        target.put({"a/b": b"x", **case}, folder)
        (folder / "a" / "b").rename(folder / "c")
        shutil.rmtree(folder / "a")

    assert outcome(broken(read), place) == ""
    assert list(target.emptied(place).iterdir()) == []


def test_failures_are_counted_and_kept(tmp_path: Path) -> None:
    def read(case: Case, folder: Path) -> None:
        if case["file"][0] < 64:
            raise KeyError(case["file"])
        if case["file"][0] < 128:
            raise ValueError("no")

    tally = work(broken(read), 0, 0, 100, 60, tmp_path)
    assert tally.cases == 100
    assert 5 < tally.refused < 60
    (failure,) = tally.failures  # the same fault with other values is no news
    kept = Path(failure.split(": ")[0])
    assert (kept / "case" / "file").read_bytes()[0] < 64
    assert "KeyError" in (kept / "error.txt").read_text()


def test_a_process_that_dies_is_a_failure_of_its_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import json, os, sys; order = json.loads(sys.argv[-1]);"
        "open(order['watch'], 'wb').write((7).to_bytes(8, 'little')); os.kill(os.getpid(), 9)"
    )
    started = subprocess.Popen

    def start(command: list[str], **more: object) -> subprocess.Popen[bytes]:
        return started([sys.executable, "-c", program, command[-1]], **more)  # type: ignore[call-overload]

    monkeypatch.setattr(running.subprocess, "Popen", start)
    tally = supervise(TARGETS["strokes"], 0, 5, 100, 60, tmp_path)
    assert tally.cases == 3
    assert "the process ended with code -9" in tally.failures[0]
    kept = Path(tally.failures[0].split(": ")[0])
    assert (kept / "case" / "strokes.json").read_bytes() == case_of(TARGETS["strokes"], 0, 7)["strokes.json"]


def test_a_million_can_be_run_in_pieces(tmp_path: Path) -> None:
    for cases, ran in ((60, 60), (100, 100)):
        assert main(["addresses", "--out", str(tmp_path), "--cases", str(cases)]) == 0
        tally = Tally(**json.loads((tmp_path / "tally.json").read_bytes())["addresses"])
        assert (tally.cases, tally.failures) == (ran, [])
        assert 0 < tally.refused < ran


def test_tallies_add_up() -> None:
    tally = Tally("x", cases=2, seconds=1, peak=5, failures=["a"])
    tally.add(Tally("x", cases=3, refused=1, seconds=2, peak=4, failures=["a", "b"]))
    assert tally == Tally("x", cases=5, refused=1, seconds=3, peak=5, failures=["a", "b"])


# --- coverage-guided ----------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_any_bytes_stand_for_a_case(content: bytes) -> None:
    case = case_of_bytes(TARGETS["strokes"], b"\0" + content)
    assert case == {"strokes.json": content}
    assert set(case_of_bytes(TARGETS["strokes"], b"\1" + content)) == {"strokes.json"}
    assert case_of_bytes(TARGETS["pages"], content)["page"]


@given(st.binary(max_size=20), st.integers(1, 100))
def test_bytes_are_a_source_of_chance(content: bytes, most: int) -> None:
    rng = Bytes(content)
    assert 0 <= rng.random() < 1
    assert 0 <= rng.randrange(most) < most
    assert Bytes(content).getrandbits(8) == (content or b"\0")[0]
