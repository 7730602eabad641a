"""Drawings of symbols that are another one mirrored or turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from extexify.dataset.dataset import Dataset
from extexify.training import borrowed
from extexify.training.borrowed import TRANSFORMS, borrowed_drawings, lenders
from tests.tiny import tiny_dataset

LEFT_TO_RIGHT, UPSIDE_DOWN = 0, 1


def test_a_symbol_borrows_from_those_that_it_is_mirrored_or_turned() -> None:
    drawn = ["latex2e-OT1-_preceq", "latex2e-OT1-_uparrow", "latex2e-OT1-_pm", "latex2e-OT1-_alpha"]
    found = lenders(["latex2e-OT1-_succeq", "latex2e-OT1-_mp", "latex2e-OT1-_leftarrow", "latex2e-OT1-_beta"], drawn)
    assert found["latex2e-OT1-_succeq"] == [("latex2e-OT1-_preceq", LEFT_TO_RIGHT)]
    assert ("latex2e-OT1-_pm", UPSIDE_DOWN) in found["latex2e-OT1-_mp"]
    assert {lender for lender, _ in found["latex2e-OT1-_leftarrow"]} == {"latex2e-OT1-_uparrow"}
    assert "latex2e-OT1-_beta" not in found


@pytest.mark.parametrize("key", ["latex2e-OT1-_times", "latex2e-OT1-_circ", "latex2e-OT1-_leftrightarrow"])
def test_symbols_that_are_alike_as_they_are_lend_each_other_nothing(key: str) -> None:
    assert lenders([key], [key]) == {}


def test_symbols_without_centre_lines_neither_lend_nor_borrow() -> None:
    assert lenders(["no such key"], ["latex2e-OT1-_uparrow"]) == {}
    assert lenders(["latex2e-OT1-_leftarrow"], ["no such key"]) == {}


def test_transforms_are_all_that_keep_a_square() -> None:
    assert len({str(matrix.tolist()) for matrix in (*TRANSFORMS, np.eye(2, dtype=np.float32))}) == 8
    for one in TRANSFORMS:
        np.testing.assert_array_equal(one @ one.T, np.eye(2))


def test_drawings_are_the_lenders_transformed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset: Dataset = tiny_dataset(tmp_path / "dataset")
    lender, new = dataset.classes[0], "a new symbol"
    monkeypatch.setattr(borrowed, "lenders", lambda keys, drawn: {new: [(lender, UPSIDE_DOWN)]} if new in keys else {})
    classes = [*dataset.classes, new]
    made = borrowed_drawings(dataset, "train", classes, seed=3)
    rows = [row for row in dataset.indices("train").tolist() if dataset.labels[row] == 0]
    assert list(made) == [len(dataset.classes)]
    (drawings,) = made.values()
    assert len(drawings) == min(len(rows), borrowed.MOST)

    def text(drawing: list[np.ndarray]) -> str:
        return str([stroke.tolist() for stroke in drawing])

    mirrored = {text([stroke * np.array([1, -1], np.float32) for stroke in dataset.drawings[row]]) for row in rows}
    assert {text(drawing) for drawing in drawings} <= mirrored
