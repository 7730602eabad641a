"""Atomic writes leave the old or the new content; damaged files are refused."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.workspace import files
from extexify.workspace.files import (
    ArrayWriter,
    StorageError,
    atomic_file,
    atomic_folder,
    read_array,
    read_consistently,
    read_json,
    recover_folder,
    remove_folder,
    write_json,
    writer_lock,
)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def dead_process() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


class Crash(BaseException):
    """The process ends here, as far as the code under test can tell."""


def stop_after(_: object, error: type[BaseException]) -> None:
    raise error


# --- files --------------------------------------------------------------------------------------


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("first", "second"):
        with atomic_file(path) as temporary:
            temporary.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert names(path.parent) == {"file.txt"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, Crash])
def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_file(path) as temporary:
        stop_after(temporary.write_text("half"), error)
    assert path.read_text() == "old"
    assert names(tmp_path) == {"file.txt"}


def test_two_threads_may_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    barrier = threading.Barrier(2)

    def write(value: int) -> None:
        with atomic_file(path) as temporary:
            temporary.write_text(str(value))
            barrier.wait()

    threads = [threading.Thread(target=write, args=(value,)) for value in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in ("1", "2")
    assert names(tmp_path) == {"value.json"}


def test_old_temporary_files_of_dead_processes_go_with_the_next_write(tmp_path: Path) -> None:
    dead, alive, others = dead_process(), os.getpid(), os.getppid()
    old = [f".a.json.{dead}.0.tmp", f".a.json.{alive}.77.tmp", f".a.json.{others}.0.tmp", f".a.json.x.{dead}.0.tmp"]
    for name in (*old, f".a.json.{dead}.1.tmp"):
        (tmp_path / name).write_text("half")
    for name in old:
        os.utime(tmp_path / name, (0, 0))
    write_json(tmp_path / "a.json", 1)
    # What is recent may be of a living process in another container, which has process numbers of its own.
    assert names(tmp_path) == {"a.json", *old[1:], f".a.json.{dead}.1.tmp"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_sentence(tmp_path: Path, number: int) -> None:
    path = tmp_path / "file"
    with pytest.raises(StorageError, match=r"no room left for .*file: free some"), atomic_file(path):
        raise OSError(number, os.strerror(number))
    with pytest.raises(StorageError, match=r"no room left for .*folder: free some"), atomic_folder(tmp_path / "folder"):
        raise OSError(number, os.strerror(number), "some file")
    assert names(tmp_path) == set()


def test_a_full_disk_is_noticed_by_the_array_writer() -> None:
    with pytest.raises(OSError, match="No space left"), ArrayWriter(Path("/dev/full"), "float32") as writer:
        writer.append(np.zeros(1 << 20, np.float32))


def test_json_comes_back_and_other_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    value = {"ü": [1, 2.5, None, "text"]}
    write_json(path, value)
    assert read_json(path) == value
    for text in ("", "{", "[1,]", "NaN", "\x00"):
        path.write_text(text)
        with pytest.raises(StorageError, match="not valid JSON"):
            read_json(path)
    with pytest.raises(StorageError, match="does not exist"):
        read_json(tmp_path / "missing.json")


# --- folders ------------------------------------------------------------------------------------


def write_folder(path: Path, text: str) -> None:
    with atomic_folder(path) as folder:
        (folder / "manifest.json").write_text(text)
        (folder / "data.npy").write_text(text)
        (folder / "sub").mkdir()


def content(path: Path) -> str:
    """The text of a folder that `write_folder` wrote, which must be whole."""
    assert names(path) == {"manifest.json", "data.npy", "sub"}
    assert (path / "manifest.json").read_text() == (path / "data.npy").read_text()
    return (path / "data.npy").read_text()


def test_a_folder_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "data"
    for text in ("first", "second"):
        write_folder(path, text)
        assert content(path) == text
    assert names(path.parent) == {"data"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, Crash])
@pytest.mark.parametrize("before", [True, False])
def test_an_error_while_writing_leaves_the_old_folder(tmp_path: Path, error: type[BaseException], before: bool) -> None:
    path = tmp_path / "data"
    if before:
        write_folder(path, "old")
    with pytest.raises(error), atomic_folder(path) as folder:
        stop_after((folder / "manifest.json").write_text("half"), error)
    assert names(tmp_path) == ({"data"} if before else set())
    assert not before or content(path) == "old"


def interrupted(
    monkeypatch: pytest.MonkeyPatch, step: int, action: Callable[[], None], stop: Callable[[], None]
) -> bool:
    """Run `action` and call `stop` before its `step`th change of the disk; False when it has fewer."""
    calls = 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step + 1:
                stop()
            return function(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", counted(Path.mkdir))
        patch.setattr(Path, "rename", counted(Path.rename))
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(files.shutil, "rmtree", counted(files.shutil.rmtree))
        action()
    return calls > step


def test_an_interrupt_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    step = 0
    while True:
        path = tmp_path / str(step) / "data"
        path.parent.mkdir()
        write_folder(path, "old")
        try:
            interrupted(monkeypatch, step, lambda path=path: write_folder(path, "new"), stop)  # type: ignore[misc]
        except KeyboardInterrupt:
            recover_folder(path)
            assert content(path) in ("old", "new")
            write_folder(path, "next")
            assert content(path) == "next"
            assert names(path.parent) == {"data"}
            step += 1
        else:
            break
    assert step > 6


def test_a_crash_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = 0
    while True:
        path = tmp_path / str(step) / "data"
        path.parent.mkdir()
        write_folder(path, "old")
        child = os.fork()
        if child == 0:  # a real process that really ends, without a chance to tidy up
            crashed = interrupted(monkeypatch, step, lambda: write_folder(path, "new"), lambda: os._exit(9))  # noqa: B023
            os._exit(int(crashed))
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 9:
            break
        recover_folder(path)
        assert content(path) in ("old", "new")
        write_folder(path, "next")
        assert content(path) == "next"
        assert names(path.parent) <= {"data", ".data.lock"}
        step += 1
    assert step > 6


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "large disk" / "data", tmp_path / "data"
    real.parent.mkdir()
    link.symlink_to(real)
    for text in ("first", "second"):
        with writer_lock(link, "the data"):
            write_folder(link, text)
        assert content(real) == text
        assert link.is_symlink()
    assert names(tmp_path) == {"data", "large disk"}


def test_a_folder_of_another_program_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = tmp_path / "Documents"
    documents.mkdir()
    (documents / "manifest.json").write_text("{}")
    (documents / "letter.txt").write_text("Dear")
    monkeypatch.chdir(documents)
    for path in (documents, Path(), tmp_path):
        with pytest.raises(StorageError, match="holds other files, which would be lost"):
            write_folder(path, "new")
    with pytest.raises(StorageError, match="is a file"):
        write_folder(documents / "letter.txt", "new")
    assert names(documents) == {"manifest.json", "letter.txt"}
    assert names(tmp_path) == {"Documents"}


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_folder(tmp_path / "data", "new")
    assert content(tmp_path / "data") == "new"


def test_a_reader_never_sees_two_folders_mixed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    write_folder(path, "0")
    reads: list[str] = []

    def read(path: Path) -> tuple[str, str]:
        first = (path / "manifest.json").read_text()
        if len(reads) < 3:  # a writer comes in between
            reads.append(first)
            write_folder(path, str(len(reads)))
        return first, (path / "data.npy").read_text()

    assert read_consistently(path, read) == ("3", "3")
    with pytest.raises(StorageError, match="broken"):
        read_consistently(path, lambda path: (_ for _ in ()).throw(StorageError("broken")))


def test_a_reader_does_not_disturb_a_writer_between_its_renames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data"
    write_folder(path, "old")
    monkeypatch.setattr(files, "_RECOVER_WITHIN", 0.01)
    rename = Path.rename

    def renamed(self: Path, target: Path) -> Path:
        if target == path:
            recover_folder(path)  # what a reader does that comes at this moment
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", renamed)
    with writer_lock(path, "the data"):
        write_folder(path, "new")
    assert content(path) == "new"


# --- locks --------------------------------------------------------------------------------------


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with writer_lock(path, "the data"):
        with (
            pytest.raises(StorageError, match=r"the data .* is being written by another process"),
            writer_lock(path, "the data"),
        ):
            pass
        with writer_lock(tmp_path / "other", "the data"):
            pass
    with writer_lock(path, "the data"):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "data"
    code = "import sys; from pathlib import Path; from extexify.workspace.files import writer_lock\n"
    code += "with writer_lock(Path(sys.argv[1]), 'it'): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(StorageError), writer_lock(path, "it"):
            pass
        process.kill()
        process.wait()
    with writer_lock(path, "it"):
        pass


# --- arrays -------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 50), max_size=6),
    st.sampled_from([(), (2,), (3, 2)]),
    st.sampled_from(["float32", "int64", "uint8"]),
)
def test_rows_written_in_chunks_are_one_array(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], tail: tuple[int, ...], dtype: str
) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.npy"
    pieces = [np.arange(n * int(np.prod(tail))).reshape(n, *tail).astype(dtype) for n in lengths]
    with ArrayWriter(path, dtype, tail) as writer:
        for piece in pieces:
            writer.append(piece)
    expected = np.concatenate(pieces) if pieces else np.empty((0, *tail), dtype)
    read = np.load(path, allow_pickle=False)
    assert read.dtype == expected.dtype
    assert np.array_equal(read, expected)
    assert writer.offset == path.stat().st_size - expected.nbytes


def test_the_header_has_room_for_any_number_of_rows(tmp_path: Path) -> None:
    writer = ArrayWriter(tmp_path / "a.npy", "float32", (2,))
    writer.rows = 2**62
    writer.close()
    assert (tmp_path / "a.npy").stat().st_size == writer.offset


def good_array(path: Path) -> bytes:
    np.save(path, np.arange(20, dtype=np.float32).reshape(10, 2))
    return path.read_bytes()


def test_an_array_is_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    good_array(tmp_path / "a.npy")
    array = read_array(tmp_path / "a.npy", "float32", (2,))
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_other_contents_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    objects = np.array([{"a": 1}, None], object)
    for array in (np.zeros(10, np.float32), np.zeros((10, 3), np.float32), np.zeros((10, 2)), np.float32(1), objects,
                  np.zeros((10, 2), ">f4"), np.zeros((10, 2, 1), np.float32), np.zeros((10, 2), "f4,f4")):  # fmt: skip
        np.save(path, array, allow_pickle=True)
        with pytest.raises(StorageError, match="write it anew"):
            read_array(path, "float32", (2,))
    with path.open("wb") as file:
        np.savez(file, a=np.zeros((10, 2), np.float32))
    with pytest.raises(StorageError, match="not a readable array"):
        read_array(path, "float32", (2,))
    with pytest.raises(StorageError, match="does not exist"):
        read_array(tmp_path / "missing.npy", "float32")


def test_a_cut_off_array_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    whole = good_array(path)
    for end in [*range(0, len(whole), 9), len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(StorageError, match="not a readable array"):
            read_array(path, "float32", (2,))


@given(st.data())
def test_a_damaged_header_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.npy"
    damaged = bytearray(good_array(path))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    header = data.draw(st.none() | st.text("{}()[]'\"descr shape:,0123456789-\\\nTrueFals", max_size=100))
    if header is not None:
        damaged[10:128] = header.encode().ljust(117)[:117] + b"\n"
    path.write_bytes(damaged)
    try:
        array = read_array(path, "float32", (2,))
    except StorageError as error:
        assert "\n" not in str(error)  # noqa: PT017 (most damage is refused, not all)
    else:
        assert array.shape[1:] == (2,)
        assert array.sum() is not None


def test_a_folder_is_removed_even_beside_the_rest_of_one_that_was_not_removed_whole(tmp_path: Path) -> None:
    (tmp_path / ".gone.deleted" / "old").mkdir(parents=True)
    (tmp_path / "gone" / "inner").mkdir(parents=True)
    remove_folder(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        remove_folder(tmp_path / "gone")
