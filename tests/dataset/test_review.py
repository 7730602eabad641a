"""The review list: drawings marked as mislabelled are left out of exports and can be restored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.cli import parser
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.review import MAX_NOTE, NoteError, ReviewList, mark_of
from extexify.drawing.strokes import Drawing, strokes_json
from extexify.sources.base import SourceError
from extexify.workspace.files import StorageError
from tests.drawings import ListSource, copy_block, drawing, dump_text, sample_rows, write_dump, zigzag

A, B = "test-OT1-_class0", "test-OT1-_class1"


@pytest.fixture
def review(tmp_path: Path) -> ReviewList:
    return ReviewList(tmp_path / "review.jsonl")


def left_out(dataset: Dataset) -> dict[str, int]:
    return {entry["reason"]: entry["count"] for entry in dataset.manifest["left_out"]}


def export(tmp_path: Path, rows: Sequence[tuple[object, ...]], review: ReviewList) -> Dataset:
    return export_dataset([ListSource(rows)], tmp_path / "dataset", rejected=review.marks())


def test_a_marked_drawing_is_listed_until_it_is_restored(review: ReviewList) -> None:
    assert review.entries() == []
    first = review.reject(A, 1, zigzag(1), note="a beta")
    review.reject(B, 2, zigzag(2))
    assert [(entry.key, entry.id, entry.note) for entry in review.entries()] == [(A, 1, "a beta"), (B, 2, "")]
    assert review.entries()[0].mark == first.mark == mark_of(A, zigzag(1))
    assert [stroke.tolist() for stroke in review.entries()[0].drawing] == [stroke.tolist() for stroke in zigzag(1)]
    assert review.entries()[0].when == first.when
    assert review.marks() == {mark_of(A, zigzag(1)), mark_of(B, zigzag(2))}
    assert review.restore(first.mark)
    assert not review.restore(first.mark)
    assert review.marks() == {mark_of(B, zigzag(2))}


def test_marking_again_changes_the_note_and_nothing_twice(review: ReviewList) -> None:
    review.reject(A, 1, zigzag(1))
    review.reject(A, 77, zigzag(1), note="again")
    (entry,) = review.entries()
    assert (entry.id, entry.note) == (77, "again")
    with pytest.raises(ValueError, match="a note may have"):
        review.reject(A, 1, zigzag(1), note="x" * (MAX_NOTE + 1))
    review.reject(A, 78, zigzag(1))
    assert [(entry.id, entry.note) for entry in review.entries()] == [(78, "again")]


def test_a_note_is_changed_and_nothing_else(review: ReviewList) -> None:
    review.reject(A, 1, zigzag(1))
    mark = review.reject(B, 2, zigzag(2), note="before").mark
    review.reject(A, 3, zigzag(3))
    before = [json.loads(line) for line in review.path.read_bytes().splitlines()]
    for note in ("after", ""):
        assert review.annotate(mark, note)
        after = [json.loads(line) for line in review.path.read_bytes().splitlines()]
        assert after == [before[0], before[1] | {"note": note}, before[2]]
    assert not review.annotate(mark_of(A, zigzag(9)), "of none")


def test_of_two_notes_on_a_drawing_the_later_one_stays_and_other_drawings_are_unchanged(review: ReviewList) -> None:
    mark = review.reject(A, 1, zigzag(1)).mark
    review.reject(B, 2, zigzag(2), note="of another")
    for note in ("mine", "yours"):
        assert review.annotate(mark, note)
    assert [entry.note for entry in review.entries()] == ["yours", "of another"]


def test_an_invalid_note_is_refused_and_the_earlier_one_stays(review: ReviewList) -> None:
    mark = review.reject(A, 1, zigzag(1), note="mine").mark
    for note, why in (
        ("x" * (MAX_NOTE + 1), "a note may have 500 characters, not 501"),
        ("\ud83d", "half a character"),
    ):
        with pytest.raises(NoteError, match=why):
            review.annotate(mark, note)
    assert review.entries()[0].note == "mine"


@given(
    st.lists(
        st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 2), min_size=1, max_size=4), min_size=1, max_size=3
    ),
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    st.text(max_size=50),
)
def test_any_drawing_key_and_note_come_back(
    tmp_path_factory: pytest.TempPathFactory, strokes: list[list[tuple[float, float]]], key: str, note: str
) -> None:
    review = ReviewList(tmp_path_factory.mktemp("review") / "review.jsonl")
    note = note.encode("utf-8", "replace").decode()
    drawn: Drawing = drawing(*strokes)
    mark = review.reject(key, 5, drawn, note).mark
    (entry,) = review.entries()
    assert (entry.key, entry.note, entry.mark) == (key, note, mark)
    assert all(np.array_equal(a, b) for a, b in zip(entry.drawing, drawn, strict=True))


def test_the_mark_is_of_key_and_strokes_and_not_of_ids() -> None:
    one = drawing([[0, 0], [1, 1]], [[2, 2]])
    assert mark_of(A, one) == mark_of(A, drawing([[-0.0, 0], [1, 1]], [[2, 2]]))
    others = [mark_of(B, one), mark_of(A, drawing([[0, 0], [1, 1], [2, 2]])), mark_of(A, drawing([[0, 0], [1, 1]]))]
    assert mark_of(A, one) not in others


def test_exports_leave_it_out_and_take_it_again_once_restored(tmp_path: Path, review: ReviewList) -> None:
    rows = sample_rows(classes=3, each=5)
    review.reject(A, rows[0][0], zigzag(1))
    review.reject(B, 4711, zigzag(2))  # the id doesn't matter
    review.reject(A, 3, zigzag(3))  # this is a drawing of another key: it stays
    dataset = export(tmp_path, rows, review)
    assert left_out(dataset) == {"rejected": 2}
    assert dataset.manifest["left_out"][0]["meaning"] == "marked as mislabelled in the review list"
    assert sorted(dataset.ids) == list(range(3, 16))
    lines = (tmp_path / "dataset" / "left_out.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]
    for entry in review.entries():
        review.restore(entry.mark)
    assert len(export(tmp_path, rows, review)) == 15


def test_a_dot_is_rejected_by_its_place(tmp_path: Path, review: ReviewList) -> None:
    dots = [(number, A, strokes_json(drawing([[number % 4, 7]]))) for number in range(1, 13)]
    review.reject(A, 1, drawing([[1, 7]]))
    assert left_out(export(tmp_path, dots, review)) == {"rejected": 3}


def test_nothing_left_is_an_error_and_the_earlier_dataset_stays(tmp_path: Path, review: ReviewList) -> None:
    rows = sample_rows(classes=1, each=4)
    before = export(tmp_path, rows, review).content_hash
    for number in range(1, 5):
        review.reject(A, number, zigzag(number))
    with pytest.raises(SourceError, match="no usable row \\(4 × rejected\\)"):
        export(tmp_path, rows, review)
    assert Dataset.open(tmp_path / "dataset").content_hash == before


def test_the_command_line_uses_the_workspaces_list_unless_an_option_disables_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    dump = str(write_dump(tmp_path / "dump.sql", dump_text(copy_block(sample_rows()))))
    ReviewList(tmp_path / "ws" / "review.jsonl").reject(A, 1, zigzag(1))
    for options, samples in (((), 14), (("--ignore-review",), 15)):
        assert parser.main(["export", "--source", dump, "--json", *options]) == 0
        assert json.loads(capsys.readouterr().out)["samples"] == samples
    (tmp_path / "ws" / "review.jsonl").write_text("{}\n")
    for command in ("export", "pipeline"):
        assert parser.main([command, "--source", dump]) == 1
        assert "line 1 of" in capsys.readouterr().err


def test_a_damaged_line_is_named_and_never_overwritten(review: ReviewList) -> None:
    review.reject(A, 1, zigzag(1))
    good = review.path.read_bytes()
    when = "2026-01-01T00:00:00Z"
    entry: dict[str, object] = {"key": "a", "id": 1, "when": when, "note": "", "strokes": [[[0, 0]]]}
    for line, why in (
        (b'{"key": "a", "id"', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "object"),
        (b"{}", "key"),
        (json.dumps({name: value for name, value in entry.items() if name != "strokes"}).encode(), "strokes"),
        *(
            (json.dumps(entry | change).encode(), why)
            for change, why in (
                ({"strokes": [[]]}, "no stroke has a point"),
                ({"key": ""}, "key"),
                ({"id": "1"}, "id"),
                ({"when": "soon"}, "when"),
                ({"when": "2026-01-01T00:00:00"}, "time zone"),
                ({"when": "0001-01-01T00:00:00+23:59"}, "when"),
                ({"note": 7}, "note"),
            )
        ),
    ):
        review.path.write_bytes(good + line + b"\n")
        for call in (review.entries, review.marks, lambda: review.reject(B, 2, zigzag(2))):
            with pytest.raises(StorageError, match=f"line 2 of .*review.jsonl is damaged .*{why}") as caught:
                call()
            assert "\n" not in str(caught.value)
        assert review.path.read_bytes() == good + line + b"\n"
    review.path.write_bytes(good + json.dumps(entry).encode() + b"\n")
    assert [one.id for one in review.entries()] == [1, 1]


def test_a_crash_while_writing_leaves_the_list_as_it_was(review: ReviewList, monkeypatch: pytest.MonkeyPatch) -> None:
    review.reject(A, 1, zigzag(1))
    content = review.path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("extexify.workspace.files._sync", full)
    with pytest.raises(StorageError, match="no room left"):
        review.reject(B, 2, zigzag(2))
    assert review.path.read_bytes() == content


def test_several_processes_at_once_lose_no_mark(review: ReviewList) -> None:
    code = (
        "import sys; from pathlib import Path; from extexify.dataset.review import ReviewList;"
        "from tests.drawings import zigzag; review = ReviewList(Path(sys.argv[1])); first = int(sys.argv[2]);"
        "[review.reject('key', n, zigzag(n)) for n in range(first, first + 20)];"
        "[review.restore(entry.mark) for entry in review.entries() if first <= entry.id < first + 5]"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, review.path, str(first)]) for first in (0, 100, 200)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    wanted = {first + number for first in (0, 100, 200) for number in range(5, 20)}
    assert {entry.id for entry in review.entries()} == wanted
