"""The limits of the fuzz tests: a violation of each is detected."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import harness
from tests.fuzz.harness import Case, Fault, attempt, emptied, fuzz, limited_memory, own_workspace, put


@pytest.fixture
def place() -> Iterator[Path]:
    with own_workspace() as folder:
        yield folder


def test_only_documented_errors_with_one_printable_line_are_refusals(place: Path) -> None:
    def read(case: Case, folder: Path) -> None:
        raise errors[-1]

    errors: list[Exception] = [ValueError("a sentence")]
    assert attempt(read, {}, place, (ValueError,)) is False
    for error in (ValueError(""), ValueError("two\nlines"), ValueError("\x1b[2J"), ValueError("x" * 5000)):
        errors.append(error)
        with pytest.raises(Fault, match="the message of a refusal"):
            attempt(read, {}, place, (ValueError,))
    for other in (KeyError("x"), MemoryError(), Fault("wrong")):
        errors.append(other)
        with pytest.raises(type(other)):
            attempt(read, {}, place, (ValueError,))


def test_a_failure_is_shown_with_the_beginnings_of_its_files() -> None:
    def make(rng: Random) -> Case:
        return {f"file-{number}": b"x" * 100_000 for number in range(200)}

    @fuzz(make)
    def read(case: Case, folder: Path) -> None:
        raise Fault("what went wrong")

    with pytest.raises(Fault, match="what went wrong") as raised:
        read(lambda name, value: None)
    assert "file-0" in str(raised.value.__notes__)
    assert len(str(raised.value.__notes__)) < 50_000


def test_a_case_that_takes_too_long_is_ended(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "CPU_SECONDS", 0.2)

    def read(case: Case, folder: Path) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue

    with pytest.raises(Fault, match="processor time"):
        attempt(read, {}, place, (Exception,))


def test_memory_is_limited() -> None:
    with limited_memory():
        bytearray(harness.MEMORY // 4)
        with pytest.raises(MemoryError):
            bytearray(2 * harness.MEMORY)


def test_nothing_outside_the_folder_is_touched(place: Path) -> None:
    outside = place.parent / "extexify-fuzz-escape"
    acts = (
        lambda folder: outside.write_bytes(b""),
        lambda folder: (folder / ".." / outside.name).mkdir(),
        lambda folder: shutil.rmtree(outside),
        lambda folder: (folder / "file").rename(outside),
        lambda folder: os.open(outside, os.O_WRONLY | os.O_CREAT),
        lambda folder: subprocess.run(["true"], check=True),
        lambda folder: os.system("true"),
    )
    for act in acts:

        def read(case: Case, folder: Path) -> None:
            act(put(case, folder))  # noqa: B023 (called at once)

        with pytest.raises(Fault, match=r"outside|subprocess|os\.system"):
            attempt(read, {"file": b"x"}, place, (Exception,))
        assert not outside.exists()


def test_inside_the_folder_files_may_be_changed(place: Path) -> None:
    def read(case: Case, folder: Path) -> None:
        (put({"a/b": b"x", **case}, folder) / "a" / "b").rename(folder / "c")
        shutil.rmtree(folder / "a")

    assert attempt(read, {"file": b"x"}, place)
    assert list(emptied(place).iterdir()) == []
