"""Opening a dataset; missing, incomplete and damaged ones are refused in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.dataset.dataset import ARRAYS, Dataset
from extexify.dataset.export import export_dataset
from extexify.workspace.files import StorageError
from tests.drawings import ListSource, sample_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset of 15 drawings of 3 classes."""
    return export_dataset([ListSource(sample_rows())], tmp_path / "data").path


def refusal(folder: Path) -> str:
    with pytest.raises(StorageError) as caught:
        Dataset.open(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


def test_a_dataset_opens_as_maps_that_cannot_be_written(folder: Path) -> None:
    dataset = Dataset.open(folder)
    assert len(dataset) == 15
    for array in (dataset.drawings.points, dataset.drawings.stroke_ends, dataset.labels, dataset.ids, dataset.split):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


def test_splits_are_picked_by_name(folder: Path) -> None:
    dataset = Dataset.open(folder)
    parts = [dataset.indices(name) for name in ("train", "validation", "test")]
    assert sorted(np.concatenate(parts).tolist()) == dataset.indices("all").tolist() == list(range(15))
    assert dataset.indices("test+train").tolist() == sorted([*parts[0].tolist(), *parts[2].tolist()])
    assert dataset.class_counts.sum(0).tolist() == [len(part) for part in parts]
    for name in ("", "val", "train+", "Train"):
        with pytest.raises(ValueError, match="no split"):
            dataset.indices(name)


def test_a_folder_without_a_dataset_says_how_to_make_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        assert "python -m extexify export" in refusal(folder)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_missing_or_damaged_array_is_refused(folder: Path, name: str) -> None:
    path = folder / f"{name}.npy"
    whole, array = path.read_bytes(), np.load(path)
    for damaged in (b"", whole[:50], whole[:-1], b"\x00" * len(whole), b"PK" + whole[2:], whole + whole):
        path.write_bytes(damaged)
        if damaged == whole + whole:
            Dataset.open(folder)  # what follows the array is not part of it
        else:
            assert name in refusal(folder)
    for other in (
        array.astype(">f4"), array.astype(object), array[:-1], array[:0], np.concatenate([array, array[-1:]]),
        array[None], array.astype(np.float64), array.reshape(-1)[0],
    ):  # fmt: skip
        np.save(path, other, allow_pickle=True)
        refusal(folder)
    path.unlink()
    assert "does not exist" in refusal(folder)


def test_nothing_is_unpickled(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return (Path.touch, (tmp_path / "sprung",))

    for name in ARRAYS:
        np.save(folder / f"{name}.npy", np.array([Trap()] * 15, object), allow_pickle=True)
        refusal(folder)
    assert not (tmp_path / "sprung").exists()


def test_indices_that_point_outside_are_refused(folder: Path) -> None:
    cases: list[tuple[str, Callable[[Any], Any]]] = [
        ("stroke_ends", lambda ends: ends[::-1]),
        ("stroke_ends", lambda ends: ends - 1),
        ("stroke_ends", lambda ends: ends + 1),
        ("stroke_ends", lambda ends: np.where(ends == ends[0], 0, ends)),
        ("sample_ends", lambda ends: np.where(ends == ends[1], ends[0], ends)),
        ("sample_ends", lambda ends: np.where(ends == ends[0], -5, ends)),
        ("sample_ends", lambda ends: np.where(ends == ends[3], 10**12, ends)),
        ("sample_ends", lambda ends: np.where(ends == ends[-1], 2**62, ends)),
        ("labels", lambda labels: labels + 1),
        ("labels", lambda labels: labels - 1),
        ("labels", lambda labels: labels * 2**30),
        ("split", lambda split: split + 1),
        ("split", lambda split: split * 0 + 255),
    ]
    for name, change in cases:
        path = folder / f"{name}.npy"
        array = np.load(path)
        np.save(path, change(array).astype(array.dtype))
        assert "do not fit together" in refusal(folder)
        np.save(path, array)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset to copy."""
    return export_dataset([ListSource(sample_rows(each=3))], tmp_path_factory.mktemp("any") / "data").path


@given(st.data())
def test_ends_and_labels_of_any_values_are_refused_or_stay_inside(exported: Path, data: st.DataObject) -> None:
    folder = exported.with_name("damaged")
    shutil.copytree(exported, folder, dirs_exist_ok=True)
    name = data.draw(st.sampled_from(["stroke_ends", "sample_ends", "labels", "split"]))
    array = np.load(folder / f"{name}.npy")
    limits = np.iinfo(array.dtype)
    values = st.integers(-3, 30).filter(lambda value: value >= limits.min) | st.integers(limits.min, limits.max)
    for _ in range(data.draw(st.integers(1, 3))):
        array[data.draw(st.integers(0, len(array) - 1))] = data.draw(values)
    np.save(folder / f"{name}.npy", array)
    try:
        dataset = Dataset.open(folder)
    except StorageError:
        return
    assert sum(len(stroke) for drawing in dataset.drawings for stroke in drawing) == len(dataset.drawings.points)
    assert {dataset.classes[label] for label in dataset.labels}
    assert dataset.class_counts.sum() == len(dataset)


def changed(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: {name: value for name, value in {**manifest, **changes}.items() if value is not ...}


def test_a_damaged_manifest_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    whole = json.loads(path.read_text())
    cases: list[tuple[Callable[[Any], Any], str]] = [
        (lambda _: [], "not the manifest of a dataset"),
        (lambda _: None, "not the manifest of a dataset"),
        (lambda _: {}, "not the manifest of a dataset"),
        (changed(format_version=2), "format version 2, this program reads 1"),
        (changed(format_version="1"), "format version '1'"),
        (changed(format_version=None), "format version None"),
        (changed(classes=...), "field classes"),
        (changed(classes={"a": 1}), "at classes"),
        (changed(classes=[]), "class order"),
        (changed(classes=["b", "a", "c"]), "class order"),
        (changed(classes=["a", "a", "b"]), "class order"),
        (changed(classes=["", "a", "b"]), "class order"),
        (changed(classes=["a", "b", 3]), "at classes[2]"),
        (changed(classes=["a", "b", "c\u202e"]), "printable text at classes[2]"),
        (changed(classes=["a", "b"]), "do not fit together"),
        (changed(content_hash=7), "at content_hash"),
        (changed(counts=...), "field counts"),
        (changed(counts={}), "field samples at counts"),
        (changed(left_out={}), "at left_out"),
        (changed(left_out=[{"count": 1}]), "field reason at left_out[0]"),
        (changed(splits={"seed": 0, "ratios": [0.7, None]}), "at splits.ratios[1]"),
    ]
    for change, says in cases:
        path.write_text(json.dumps(change(dict(whole))))
        assert says in refusal(folder)
    path.write_text(json.dumps(whole | {"a key of a later version": 1}))
    assert len(Dataset.open(folder)) == 15


def test_a_cut_off_manifest_is_refused_wherever_it_ends(folder: Path) -> None:
    path = folder / "manifest.json"
    whole = path.read_bytes()
    for end in range(0, len(whole) - 2, 37):
        path.write_bytes(whole[:end])
        assert "not valid JSON" in refusal(folder)
    path.unlink()
    assert "there is no dataset" in refusal(folder)
