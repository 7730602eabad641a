"""Export: a complete dataset with a report of what was left out; an error leaves the earlier dataset."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from extexify.contributions.sqlite_store import SqliteStore
from extexify.core.progress import Progress, Reporter, Stopped
from extexify.dataset import export, finalize
from extexify.dataset.dataset import ARRAYS, Dataset
from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import parse_strokes, strokes_json
from extexify.sources.base import SourceError
from extexify.sources.open import open_source
from extexify.workspace.files import ArrayWriter, StorageError, writer_lock
from tests.drawings import ListSource, copy_block, dump_text, sample_rows, write_dump, zigzag

ROOT = Path(__file__).parents[2]


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a folder with a hash of its bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def listed(dataset: Dataset) -> list[dict[str, Any]]:
    """The rows left out, as the list beside the arrays has them."""
    return [json.loads(line) for line in (dataset.path / "left_out.jsonl").read_text().splitlines()]


def left_out(dataset: Dataset) -> dict[str, tuple[int, list[Any]]]:
    """Count and first ids of every reason in the report, which must agree with the list of all rows."""
    reasons = Counter(entry["reason"] for entry in listed(dataset))
    report = {entry["reason"]: (entry["count"], entry["first_ids"]) for entry in dataset.manifest["left_out"]}
    assert {reason: count for reason, (count, _) in report.items()} == reasons
    return report


def by_id(dataset: Dataset) -> dict[int, tuple[str, bytes]]:
    """Key and strokes of every sample."""
    return {
        int(identifier): (dataset.classes[label], strokes_json(one))
        for identifier, label, one in zip(dataset.ids, dataset.labels, dataset.drawings, strict=True)
    }


# --- the dataset --------------------------------------------------------------------------------


def test_all_samples_come_out_as_they_went_in(tmp_path: Path) -> None:
    rows = sample_rows(classes=3, each=6)
    dataset = export_dataset([ListSource(rows)], tmp_path / "data")
    assert by_id(dataset) == {identifier: (key.decode(), strokes) for identifier, key, strokes in rows}
    assert dataset.classes == ("test-OT1-_class0", "test-OT1-_class1", "test-OT1-_class2")
    assert dataset.manifest["class_counts"] == [6, 6, 6]
    counts = dataset.manifest["counts"]
    assert (counts["samples"], counts["classes"], counts["duplicates"]) == (18, 3, 0)
    assert counts["train"] + counts["validation"] + counts["test"] == 18
    assert dataset.manifest["sources"] == [{"source": "a list", "rows": 18, "usable": 18}]
    assert (dataset.class_counts > 0).all()
    assert left_out(dataset) == {}


def test_the_arrays_on_disk_are_those_of_the_contract(tmp_path: Path) -> None:
    export_dataset([ListSource(sample_rows())], tmp_path / "data")
    shapes = {}
    for name, (dtype, tail) in ARRAYS.items():
        array = np.load(tmp_path / "data" / f"{name}.npy", allow_pickle=False)
        assert array.dtype == np.dtype(dtype)
        assert array.shape[1:] == tail
        shapes[name] = len(array)
    assert ARRAYS["points"] == ("float32", (2,))
    assert {name: dtype for name, (dtype, _) in ARRAYS.items() if name != "points"} == {
        "stroke_ends": "int64", "sample_ends": "int64", "labels": "int32", "ids": "int64", "split": "uint8",
    }  # fmt: skip
    assert shapes["sample_ends"] == shapes["labels"] == shapes["ids"] == shapes["split"] == 15


def test_the_class_order_is_the_sorted_keys_in_any_order_of_rows(tmp_path: Path) -> None:
    keys = ["b-OT1-_b", "a-T1-_ä", "B-OT1-_b", "a-OT1-_a", "a-OT1-_a b"]
    rows = [(number, keys[number % 5], strokes_json(zigzag(number))) for number in range(1, 26)]
    forth = export_dataset([ListSource(rows)], tmp_path / "forth")
    back = export_dataset([ListSource(rows[::-1])], tmp_path / "back")
    assert forth.classes == back.classes == tuple(sorted(keys))
    assert dict(zip(forth.ids.tolist(), forth.split.tolist(), strict=True)) == dict(
        zip(back.ids.tolist(), back.split.tolist(), strict=True)
    )
    assert by_id(forth) == by_id(back)


def test_equal_input_gives_an_equal_dataset(tmp_path: Path) -> None:
    hashes = {
        export_dataset([ListSource(sample_rows(), "x")], tmp_path / str(seed) / name, seed=seed).content_hash
        for seed in (0, 1)
        for name in ("one", "two")
    }
    assert len(hashes) == 2
    assert fingerprint(tmp_path / "0" / "one") == fingerprint(tmp_path / "0" / "two")
    more = export_dataset([ListSource(sample_rows(each=6))], tmp_path / "more")
    assert more.content_hash not in hashes


def test_ratios_are_respected_and_recorded(tmp_path: Path) -> None:
    rows = sample_rows(classes=2, each=100)
    dataset = export_dataset([ListSource(rows)], tmp_path / "data", ratios=(0.5, 0.3, 0.2), seed=3)
    parts = [dataset.manifest["counts"][name] / 200 for name in ("train", "validation", "test")]
    assert parts == pytest.approx((0.5, 0.3, 0.2), abs=0.1)
    assert dataset.manifest["splits"] == {"seed": 3, "ratios": [0.5, 0.3, 0.2]}
    with pytest.raises(ValueError, match="split ratios"):
        export_dataset([ListSource(rows)], tmp_path / "bad", ratios=(0.5, 0.5, 0.5))
    assert not (tmp_path / "bad").exists()


def test_the_same_drawings_come_from_every_kind_of_source(tmp_path: Path) -> None:
    rows = sample_rows()
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    new = [(store.add(key.decode(), parse_strokes(strokes)), key, strokes) for _, key, strokes in rows]
    plain = write_dump(tmp_path / "d.sql", dump_text(copy_block(new)))
    packed = write_dump(tmp_path / "d.sql.gz", dump_text(copy_block(new, "public.samples")))
    exports = [
        export_dataset([open_source(str(path))], tmp_path / path.suffix[1:]) for path in (store.path, plain, packed)
    ]
    assert len({one.content_hash for one in exports}) == 1


def test_a_dataset_is_the_same_however_many_points_are_copied_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sample_rows(classes=9, each=12)
    rows += [rows[3], rows[50], (rows[7][0], *rows[9][1:]), (5000, rows[20][1], rows[11][2]), (5001, *rows[60][1:])]
    rows += [(6000, b"rare", rows[0][2]), (-3, b"dots", b"[[[1,1]]]"), (-2, b"dots", b"[[[1,1]]]")]
    rows += [(-1, b"dots", b"[[[2,2]]]"), (7000, b"rare", b"[[[5,5],[6,7]]]")]
    sources = [ListSource(rows, "first"), ListSource([*rows[5:9], (8000, b"rare", b"[[[1,9]]]")], "second")]
    whole = export_dataset(sources, tmp_path / "whole")
    assert set(left_out(whole)) == {"repeated", "class too small"}
    assert whole.manifest["counts"]["renumbered"] == 1
    for points in (1, 40):
        monkeypatch.setattr(finalize, "_COPY_POINTS", points)
        export_dataset(sources, tmp_path / str(points))
        assert fingerprint(tmp_path / str(points)) == fingerprint(tmp_path / "whole")


# --- rows left out ------------------------------------------------------------------------------


def test_every_bad_row_is_counted_by_its_reason_and_listed(tmp_path: Path) -> None:
    good, bad = sample_rows(), b"[[[1,2]]]"
    rows: list[tuple[Any, ...]] = [
        *good,
        (100, None, bad), (101, b"", bad), (102, b"  ", bad),
        (103, b"\xff", bad), (104, b"a\tb", bad), (105, b"k" * 256, bad), (106, "‮x", bad),
        (None, b"k", bad), (b"12a", b"k", bad), (b"7.5", b"k", bad), (b"9" * 20, b"k", bad), (b"\x1b[31m", b"k", bad),
        (110, b"k", None), (111, b"k", b"[]"),
        (112, b"k", b"{}"), (113, b"k", b"[[[1,2]"),
        (114, b"k", b"[[]]"), (115, b"k", b"[[[1]]]"), (116, b"k", b"[[[1,NaN]]]"), (117, b"k", b"[[[1,-2e6]]]"),
        *[(120 + number, b"k", b"[" * 9_000_000) for number in range(2)],
        (b"130", b"k", None, True), (None, None, None, True), *[(200 + number, b"k", None) for number in range(9)],
    ]  # fmt: skip
    dataset = export_dataset([ListSource(rows, "mixed")], tmp_path / "data")
    assert left_out(dataset) == {
        "no key": (3, [100, 101, 102]),
        "bad key": (4, [103, 104, 105, 106]),
        "no id": (5, [None, "12a", "7.5", "9" * 20, r"\x1b[31m"]),
        "no strokes": (11, [110, 111, 200, 201, 202]),
        "not JSON": (2, [112, 113]),
        "empty stroke": (1, [114]),
        "short point": (1, [115]),
        "not finite": (1, [116]),
        "out of range": (1, [117]),
        "too many points": (4, [120, 121, 130, None]),
    }
    assert set(left_out(dataset)) <= set(export.LEFT_OUT_REASONS)
    assert [entry["count"] for entry in dataset.manifest["left_out"]] == [11, 5, 4, 4, 3, 2, 1, 1, 1, 1]
    assert by_id(dataset).keys() == {row[0] for row in good}
    assert listed(dataset)[0] == {
        "reason": "no key", "id": 100, "source": "mixed", "row": 16, "detail": "the key is NULL or empty",
    }  # fmt: skip
    assert dataset.manifest["sources"] == [{"source": "mixed", "rows": len(rows), "usable": 15}]


def test_progress_is_reported(tmp_path: Path) -> None:
    events: list[Progress] = []
    rows = [*sample_rows(), (7, b"other", b"[[[1,2]]]"), (900, b"k", None), (None, b"k", b"[]")]
    export_dataset([ListSource(rows, "mine")], tmp_path / "data", report=events.append)
    messages = "\n".join(event.message for event in events if event.message)
    assert "mine: 18 rows read" in messages
    assert "left out 1: strokes are NULL or an empty list (first ids: 900)" in messages
    assert "(first ids: NULL)" in messages
    assert "15 drawings of 3 symbols" in messages
    assert {event.unit for event in events if event.stage == "export"} == {"rows"}


def test_repeated_rows_are_exported_once_also_across_sources(tmp_path: Path) -> None:
    rows = sample_rows()
    spaced = (1, rows[0][1], rows[0][2].replace(b",", b" , "))  # the same drawing, written otherwise
    dataset = export_dataset([ListSource([*rows, spaced, rows[3]]), ListSource(rows[:5], "b")], tmp_path / "data")
    assert left_out(dataset) == {"repeated": (7, [1, 4, 1, 2, 3])}
    assert by_id(dataset) == {identifier: (key.decode(), strokes) for identifier, key, strokes in rows}
    assert dataset.manifest["renumbered"] == []
    assert Counter(entry["source"] for entry in listed(dataset)) == {"a list": 2, "b": 5}


def test_the_same_id_with_other_content_is_renumbered_and_recorded(tmp_path: Path) -> None:
    rows = sample_rows()
    other_drawing = (1, rows[0][1], strokes_json(zigzag(500)))
    other_key = (2, rows[0][1], rows[1][2])
    events: list[Progress] = []
    first = export_dataset(
        [ListSource(rows), ListSource([other_drawing, other_key], "b")], tmp_path / "one", report=events.append
    )
    renumbered = first.manifest["renumbered"]
    assert [(entry["id"], entry["key"], entry["source"]) for entry in renumbered] == [
        (1, "test-OT1-_class0", "b"), (2, "test-OT1-_class0", "b"),
    ]  # fmt: skip
    assert any("2 ids came with other content too" in event.message for event in events)
    samples = by_id(first)
    assert len(samples) == 17
    assert samples[1] == (rows[0][1].decode(), rows[0][2])
    assert samples[renumbered[0]["new_id"]] == (rows[0][1].decode(), other_drawing[2])
    assert all(2**52 <= entry["new_id"] < 2**53 for entry in renumbered)
    assert [json.loads(line) for line in (first.path / "renumbered.jsonl").read_text().splitlines()] == renumbered
    # The new ids depend on the content alone, so the next export, in another order, gives them again.
    again = export_dataset([ListSource(rows[::-1]), ListSource([other_key, other_drawing], "c")], tmp_path / "two")
    assert {entry["new_id"] for entry in again.manifest["renumbered"]} == {entry["new_id"] for entry in renumbered}
    assert by_id(again) == samples


def test_a_table_whose_ids_are_all_the_same_fills_neither_manifest_nor_memory(tmp_path: Path) -> None:
    rows = [(1, key, strokes) for _, key, strokes in sample_rows(classes=4, each=50)]
    dataset = export_dataset([ListSource(rows)], tmp_path / "data")
    assert dataset.manifest["counts"]["renumbered"] == 199
    assert len(dataset.manifest["renumbered"]) == 100
    assert len((dataset.path / "renumbered.jsonl").read_text().splitlines()) == 199
    assert len(set(dataset.ids.tolist())) == 200


def test_new_ids_that_clash_are_changed_again(tmp_path: Path) -> None:
    rows = sample_rows()
    twice = (1, rows[0][1], strokes_json(zigzag(500)))
    first = export_dataset([ListSource([*rows, twice])], tmp_path / "one")
    taken = first.manifest["renumbered"][0]["new_id"]
    again = export_dataset([ListSource([(taken, *rows[0][1:]), *rows, twice])], tmp_path / "two")
    assert len(set(again.ids.tolist())) == 17
    assert taken in again.ids
    assert taken != again.manifest["renumbered"][0]["new_id"]


def test_a_class_with_fewer_than_three_distinct_drawings_is_left_out_and_reported(tmp_path: Path) -> None:
    rows = [
        *sample_rows(),
        (100, b"two", strokes_json(zigzag(600))), (101, b"two", strokes_json(zigzag(601))),
        *[(200 + number, b"a-copy", strokes_json(zigzag(602))) for number in range(9)],
        *[(300 + number, b"three", strokes_json(zigzag(603 + number))) for number in range(3)],
    ]  # fmt: skip
    dataset = export_dataset([ListSource(rows)], tmp_path / "data")
    assert dataset.classes == ("test-OT1-_class0", "test-OT1-_class1", "test-OT1-_class2", "three")
    assert dataset.manifest["left_out_classes"] == ["a-copy", "two"]
    assert left_out(dataset) == {"class too small": (11, [100, 101, 200, 201, 202])}
    assert by_id(dataset) == {i: (key.decode(), strokes) for i, key, strokes in rows if key not in (b"two", b"a-copy")}
    assert sorted(dataset.split[dataset.labels == 3].tolist()) == [0, 1, 2]


def test_equal_drawings_are_in_one_split_and_counted(tmp_path: Path) -> None:
    copies = [(100 + number, b"test-OT1-_class%d" % (number % 3), strokes_json(zigzag(1))) for number in range(12)]
    dataset = export_dataset([ListSource([*sample_rows(), *copies])], tmp_path / "data")
    split_of = dict(zip(dataset.ids.tolist(), dataset.split.tolist(), strict=True))
    assert len({split_of[identifier] for identifier in (1, *(row[0] for row in copies))}) == 1
    assert dataset.manifest["counts"]["duplicates"] == 12


def test_drawings_that_differ_only_in_how_they_are_written_are_equal(tmp_path: Path) -> None:
    forms = [b"[[[0,1],[2,3]]]", b"[[[-0.0,1.0,77],[2,3e0,78]]]", b" [[[0.0,1],[2.0,3]]]"]
    # The same points in other strokes are another drawing.
    others = [b"[[[0,1]],[[2,3]]]", b"[[[0,1],[2,3],[2,3]]]"]
    rows = [(100 + i, b"test-OT1-_class0", form) for i, form in enumerate([*forms, *others])]
    dataset = export_dataset([ListSource([*sample_rows(), *rows])], tmp_path / "data")
    assert dataset.manifest["counts"]["duplicates"] == 2


def test_a_class_of_single_dots_is_exported(tmp_path: Path) -> None:
    dots = [(100 + number, b"dot", b"[[[5,5]]]") for number in range(6)]
    dataset = export_dataset([ListSource([*sample_rows(), *dots])], tmp_path / "data")
    assert set(dataset.split[dataset.labels == dataset.classes.index("dot")].tolist()) == {0, 1, 2}


# --- failures -----------------------------------------------------------------------------------


def stops_in(stage: str) -> Reporter:
    """A reporter that stops the work in a stage, as a stop button does."""

    def report(event: Progress) -> None:
        if event.stage == stage and event.message:
            raise Stopped("enough")

    return report


def test_no_failure_touches_the_earlier_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "data"
    export_dataset([ListSource(sample_rows())], out)
    before = fingerprint(out)
    good = ListSource(sample_rows(each=9))

    def fails(error: type[BaseException], match: str, *sources: ListSource, **options: Any) -> None:
        with pytest.raises(error, match=match) as caught:
            export_dataset(sources, out, **options)
        assert "\n" not in str(caught.value)
        assert fingerprint(out) == before
        assert {path.name for path in tmp_path.iterdir()} <= {"data", ".data.lock"}

    fails(SourceError, "name at least one")
    fails(SourceError, "nothing has no usable row: its table is empty", ListSource([], "nothing"))
    fails(SourceError, "a list has no usable row", ListSource([]), good)
    fails(SourceError, "b has no usable row", good, ListSource([(1, b"k", None)], "b"))
    fails(SourceError, r"no usable row \(2 × no key, 1 × no strokes\)",
          ListSource([(1, None, b""), (2, b"", b""), (3, b"k", None)]))  # fmt: skip
    fails(SourceError, "no class has three distinct drawings", ListSource(sample_rows(classes=7, each=2)))
    with monkeypatch.context() as patch:
        patch.setattr(export, "MAX_CLASSES", 4)
        fails(SourceError, "more than 4 different keys", ListSource(sample_rows(classes=5)))
    fails(SourceError, "broke off", ListSource(sample_rows(), fails=True))
    fails(SourceError, "broke off", good, ListSource(sample_rows(), fails=True))
    for stage in ("export", "split"):
        fails(Stopped, "enough", good, report=stops_in(stage))
    for error in (KeyboardInterrupt, SystemExit, MemoryError):

        def halt(*_: object, error: type[BaseException] = error, **__: object) -> None:
            raise error("halt")

        monkeypatch.setattr(finalize, "assign_splits", halt)
        fails(error, "halt", good)


def test_a_full_disk_is_one_sentence_and_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "data"
    export_dataset([ListSource(sample_rows())], out)
    before = fingerprint(out)
    opened = ArrayWriter.__init__
    for name in ("points", "stroke_ends", "sample_ends", "labels", "ids", "split"):

        def open_on_full_disk(self: ArrayWriter, path: Path, *kind: Any, full: str = f"{name}.npy") -> None:
            opened(self, Path("/dev/full") if path.name == full else path, *kind)

        monkeypatch.setattr(ArrayWriter, "__init__", open_on_full_disk)
        with pytest.raises(StorageError, match="the disk has no room left"):
            export_dataset([ListSource(sample_rows(each=100))], out)
        assert fingerprint(out) == before
        assert {path.name for path in tmp_path.iterdir()} <= {"data", ".data.lock"}


def test_a_second_exporter_is_refused_while_the_first_writes(tmp_path: Path) -> None:
    out = tmp_path / "data"
    with writer_lock(out, "the dataset"), pytest.raises(StorageError, match="is being written by another process"):
        export_dataset([ListSource(sample_rows())], out)
    assert len(export_dataset([ListSource(sample_rows())], out)) == 15


def test_a_folder_with_other_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StorageError, match="holds other files"):
        export_dataset([ListSource(sample_rows())], tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_killed_exporter_leaves_the_earlier_dataset_and_the_next_tidies_up(tmp_path: Path) -> None:
    out = tmp_path / "data"
    export_dataset([ListSource(sample_rows())], out)
    before = fingerprint(out)
    # An export that reports when it is half done, and then waits.
    code = (
        "import sys, time; from pathlib import Path; from extexify.dataset.export import export_dataset\n"
        "from tests.drawings import ListSource, sample_rows\n"
        "def rows():\n"
        "    yield from sample_rows(each=500); print('middle', flush=True); time.sleep(600)\n"
        "export_dataset([ListSource(rows())], Path(sys.argv[1]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"middle\n"
        assert fingerprint(out) == before
        with pytest.raises(StorageError, match="is being written by another process"):
            export_dataset([ListSource(sample_rows())], out)
        process.kill()
        process.wait()
    assert fingerprint(out) == before
    export_dataset([ListSource(sample_rows(each=7))], out)
    assert {path.name for path in tmp_path.iterdir()} <= {"data", ".data.lock"}


# --- memory -------------------------------------------------------------------------------------

# On Linux a child's ru_maxrss begins with what its parent had when it forked, so the kernel's own mark is read;
# on macOS there is none, and ru_maxrss counts bytes.
_EXPORT = """
import re, resource, sys
from pathlib import Path
from extexify.dataset.export import export_dataset
from extexify.sources.open import open_source
export_dataset([open_source(sys.argv[1])], Path(sys.argv[2]))
status = Path("/proc/self/status")
if status.exists():
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) // 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20)
"""


def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        """Megabytes that the export of a dump of so many rows (2.5 kB each) takes, some of them bad."""
        path = tmp_path / f"{rows}.sql"
        head, _, tail = dump_text(copy_block([(0, b"k", b"")])).partition(b"0\tk\t\n")
        line = b",".join(b"[%d,%d,1400002580%03d]" % (i % 300, i % 200, i) for i in range(120))
        with path.open("wb") as file:
            file.write(head)
            for number in range(rows):
                strokes = b"[[[%d,%d],%b]]" % (number, number, line) if number % 50 else b"[]"
                file.write(b"%d\tkey%d\t%b\n" % (number, number % 500, strokes))
            file.write(tail)
        command = [sys.executable, "-c", _EXPORT, str(path), str(tmp_path / "data")]
        return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)

    small, large = peak(2_000), peak(22_000)
    assert large < 500
    # 20,000 rows more are 50 MB of dump and 19 MB of points; in memory are 28 bytes of each, and as much again.
    assert large - small < 12
