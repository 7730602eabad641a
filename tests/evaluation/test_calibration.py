"""The fitted temperature minimizes the loss, and a calibrated model file is otherwise unchanged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from extexify.cli import parser
from extexify.dataset.dataset import Dataset
from extexify.evaluation.calibration import (
    SHIFT_LIMIT,
    calibrate,
    calibration_rows,
    fit_temperature,
    fit_undrawn_shift,
)
from extexify.model.classifier import Classifier, softmax
from extexify.model.description import ModelError
from extexify.model.file import read_description, read_model
from extexify.workspace import paths
from tests.models import description_of, write_linear
from tests.tiny import SHAPES, tiny_dataset

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("tiny") / "dataset")


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with a much too high temperature."""
    return write_linear(tmp_path / "tiny.onnx", description_of(SHAPES, temperature=8.0))


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 4))
@settings(max_examples=15)
def test_the_temperature_that_made_the_labels_is_found(seed: int, temperature: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (4000, 5))
    probabilities = softmax(logits, temperature)
    labels = (probabilities.cumsum(1) < rng.uniform(size=(4000, 1))).sum(1).clip(max=4)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.2)

    def loss(value: float) -> float:
        return float(F.cross_entropy(torch.from_numpy(logits) / value, torch.from_numpy(labels)))

    assert all(loss(found) <= loss(found * math.exp(step)) for step in (-0.05, -0.01, 0.01, 0.05))


def test_a_model_that_is_never_wrong_gets_a_bounded_temperature() -> None:
    labels = np.arange(10) % 3
    right = np.eye(3, dtype=np.float32)[labels]
    assert fit_temperature(right, labels) == pytest.approx(0.1, rel=0.01)
    assert fit_temperature(-right, labels) == pytest.approx(10, rel=0.01)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=40), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_the_rows_to_fit_to_are_spread_over_the_classes(counts: list[int], limit: int, seed: int) -> None:
    sorted_labels = np.repeat(np.arange(len(counts)), counts)
    for labels in (sorted_labels, np.random.default_rng(seed).permutation(sorted_labels)):
        rows = calibration_rows(labels, limit)
        assert len(rows) == min(limit, len(labels))
        assert (np.diff(rows) > 0).all()
        chosen = np.bincount(labels[rows], minlength=len(counts))
        assert (chosen >= np.array(counts) * len(rows) // len(labels)).all()


def test_a_dataset_sorted_by_symbol_is_fitted_to_all_its_symbols() -> None:
    labels = np.repeat(np.arange(1000), 20)
    assert len(np.unique(labels[calibration_rows(labels, 4096)])) == 1000
    # In an order that repeats, equal steps would meet half of the symbols only.
    assert len(np.unique(np.tile(np.arange(1000), 8)[calibration_rows(np.tile(np.arange(1000), 8), 4000)])) == 1000


@settings(max_examples=30)
@given(seed=st.integers(0, 999), undrawn=st.integers(1, 8), loss=st.sampled_from([0.0, 0.02, 0.2]))
def test_the_shift_of_undrawn_classes_is_the_largest_that_loses_no_more(seed: int, undrawn: int, loss: float) -> None:
    rng = np.random.default_rng(seed)
    classes, drawings = 20, 200
    numbers = np.sort(rng.permutation(classes)[:undrawn])
    labels = rng.choice(np.setdiff1d(np.arange(classes), numbers), drawings)
    logits = rng.normal(0, 1, (drawings, classes))
    logits[np.arange(drawings), labels] += 1.5

    def known(shift: float) -> int:
        shifted = logits.copy()
        shifted[:, numbers] += shift
        return int(((shifted > shifted[np.arange(drawings), labels][:, None]).sum(1) < 5).sum())

    shift = fit_undrawn_shift(logits, labels, numbers, loss)
    alone, allowed = known(-np.inf), int(loss * drawings)
    assert alone - known(shift) <= allowed
    assert shift == SHIFT_LIMIT or alone - known(shift + 0.02) > allowed


def test_calibrating_lowers_the_loss_and_changes_nothing_else(model: Path, dataset: Dataset) -> None:
    before, content = read_model(model)
    found = calibrate(model, model, dataset)
    after, same = read_model(model)
    assert (found.temperature_before, found.temperature) == (8.0, after.temperature)
    assert found.after["exact"].nll <= found.before["exact"].nll
    assert same.graph == content.graph
    assert after.training["calibration"]["dataset"] == {"content_hash": dataset.content_hash}
    assert replace(after, temperature=8.0, rejection_threshold=before.rejection_threshold, training={}) == before
    # The measures are those of the file, on the same drawings.
    drawings = dataset.drawings.take(dataset.indices("validation"))
    (probabilities,) = Classifier.load(model).probabilities(drawings)
    right = probabilities[np.arange(len(probabilities)), dataset.labels[dataset.indices("validation")]]
    assert found.drawings == len(probabilities)
    assert found.after["exact"].nll == pytest.approx(float(-np.log(right).mean()), rel=1e-4)


def test_only_validation_drawings_of_known_symbols_are_used(dataset: Dataset, tmp_path: Path) -> None:
    fewer = write_linear(tmp_path / "fewer.onnx", description_of(list(SHAPES)[:4]))
    known = [dataset.classes.index(key) for key in list(SHAPES)[:4]]
    labels = dataset.labels[dataset.indices("validation")]
    assert calibrate(fewer, fewer, dataset).drawings == np.isin(labels, known).sum()
    unknown = write_linear(tmp_path / "unknown.onnx", description_of("xyz"))
    content = unknown.read_bytes()
    with pytest.raises(ModelError, match="has none of the symbols"):
        calibrate(unknown, unknown, dataset)
    assert unknown.read_bytes() == content


def test_a_model_outside_the_workspace_is_copied_and_no_other_model_is_replaced(
    model: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    content = model.read_bytes()
    arguments = ["calibrate", "--model", str(model), "--dataset", str(dataset.path)]
    assert parser.main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    copy = paths.models_folder() / "tiny.onnx"
    assert (report["model"], report["copied"]) == (str(copy), True)
    assert model.read_bytes() == content
    assert read_description(copy).temperature == report["temperature"]["after"] != 8.0
    assert report["nll"]["after"]["exact"] <= report["nll"]["before"]["exact"]
    assert set(report["ece"]["before"]) == {"exact", "prints", "drawn"}
    # Once more: the copy is of the same model and may be replaced; without --json it says what it did.
    assert parser.main(arguments) == 0
    assert f"{model} is unchanged" in capsys.readouterr().out
    # The workspace's own model is calibrated in place.
    assert parser.main([*arguments[:2], str(copy), *arguments[3:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["copied"] is False
    content = write_linear(copy, description_of(SHAPES), seed=5).read_bytes()
    assert parser.main(arguments) == 1
    assert "another model of that name" in capsys.readouterr().err
    assert copy.read_bytes() == content
