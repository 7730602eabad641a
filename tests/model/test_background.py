"""The background of features in a model file: measured, stored, read again, and refused when damaged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, StringStringEntryProto

from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.model.background import ENTRY, Background, FeatureStatistics, fit_background, read_background, to_metadata
from extexify.model.classifier import Classifier
from extexify.model.description import ModelError
from extexify.model.file import read_description, read_model, write_model
from extexify.model.measured import add_background, measured_background, with_background
from extexify.model.own import background_of
from extexify.sources.open import open_source
from extexify.sources.starter import StarterSource, symbols_with_skeletons
from tests.drawings import copy_block, dump_text, write_dump
from tests.models import description_of, write_linear


def some_background(width: int = 12, classes: int = 6, seed: int = 0) -> Background:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), 5)
    features = 1000 * (rng.normal(0, 3, (classes, width))[labels] + rng.normal(0, 1, (len(labels), width)))
    return fit_background(FeatureStatistics.of(features.astype(np.float32), labels, classes), None, "drawings")


def entry(text: str) -> ModelProto:
    return ModelProto(metadata_props=[StringStringEntryProto(key=ENTRY, value=text)])


def test_statistics_are_those_of_the_classes() -> None:
    rng = np.random.default_rng(1)
    features, labels = rng.normal(0, 1, (40, 3)).astype(np.float32), np.arange(40) % 4
    found = FeatureStatistics.of(features, labels, 4)
    squares = np.zeros((3, 3))
    for number in range(4):
        own = features[labels == number]
        np.testing.assert_allclose(found.means[number], own.mean(0), atol=1e-6)
        squares += (own - own.mean(0)).T @ (own - own.mean(0))
    np.testing.assert_allclose(found.squares, squares, atol=1e-4)
    assert found.counts.tolist() == [10] * 4


def test_drawings_of_a_symbol_have_the_variance_1_in_the_directions() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(300), 20)
    mixture = 3 * np.linalg.qr(rng.normal(0, 1, (5, 5)))[0]
    features = ((rng.normal(0, 4, (300, 5))[labels] + rng.normal(0, 1, (6_000, 5))) @ mixture).astype(np.float32)
    background = fit_background(FeatureStatistics.of(features, labels, 300), features[:2], "drawings")
    projected = background.project(features).reshape(300, 20, -1)
    np.testing.assert_allclose(projected.var(1, ddof=1).mean(0), 1, atol=0.1)
    np.testing.assert_allclose(background.spread, 16, rtol=0.25)
    assert background.means.shape == (302, 5)


def test_a_background_is_read_as_it_was_written() -> None:
    written = some_background()
    read = read_background(entry(to_metadata(written)), 12, 6)
    assert read is not None
    assert read.origin == "drawings"
    np.testing.assert_allclose(read.basis, written.basis, atol=1e-3 * np.abs(written.basis).max())
    assert (np.abs(read.means - written.means) <= 0.51 * np.abs(written.means).max(0) / 127).all()
    np.testing.assert_array_equal(read.center, written.center)
    np.testing.assert_array_equal(read.spread, written.spread)
    assert read_background(ModelProto(), 12, 6) is None


def test_version_1_is_read() -> None:
    written = some_background()
    value = json.loads(to_metadata(written))
    del value["steps"]
    value.update(version=1, means=numbers(*written.means.ravel(), kind="<f2"))
    read = read_background(entry(json.dumps(value)), 12, 6)
    assert read is not None
    np.testing.assert_allclose(read.means, written.means, rtol=2e-3, atol=1e-3)


def test_a_later_version_is_as_none() -> None:
    text = to_metadata(some_background()).replace('"version": 2', '"version": 3')
    assert read_background(entry(text), 12, 6) is None


def numbers(*values: float, kind: str = "<f4") -> str:
    return base64.b64encode(np.array(values, kind).tobytes()).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("center"),
        lambda value: value.update(center=value["center"][:-8]),
        lambda value: value.update(center=numbers(*[float("nan")] * 12)),
        lambda value: value.update(center=numbers(*[1e30] * 12)),
        lambda value: value.update(spread=numbers(*[-1] * value["directions"])),
        lambda value: value.update(means=value["means"][:-1] + "*"),
        lambda value: value.update(steps=value["steps"][:-8]),
        lambda value: value.pop("steps"),
        lambda value: value.update(means=""),
        lambda value: value.update(means=value["means"] * 2),
        lambda value: value.update(basis=value["basis"][:-4]),
        lambda value: value.update(directions=0),
        lambda value: value.update(directions=10**6),
        lambda value: value.update(origin="elsewhere"),
        lambda value: value.update(version="1"),
    ],
)
def test_damage_is_refused_in_one_sentence(change: Callable[[dict[str, Any]], object], tmp_path: Path) -> None:
    value = json.loads(to_metadata(some_background(12, 5)))
    change(value)
    with pytest.raises(ValueError, match="background"):
        read_background(entry(json.dumps(value)), 12, 6)
    path = write_linear(tmp_path / "model.onnx", description_of(["a", "b"]))
    description, model = read_model(path)
    model.metadata_props.append(StringStringEntryProto(key=ENTRY, value=json.dumps(value)))
    write_model(path, description, model)
    with pytest.raises(ModelError, match=r"model\.onnx .* damaged"):
        Classifier.load(path)


def keys_of(count: int) -> list[str]:
    return sorted(symbols_with_skeletons())[:count]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Drawings of 60 symbols, from a dump, as people's would be."""
    folder = tmp_path_factory.mktemp("people")
    rows = [
        (number, str(row.key).encode(), row.strokes) for number, row in enumerate(StarterSource(keys_of(60), 12).rows())
    ]
    path = write_dump(folder / "people.sql", dump_text(copy_block(rows)))
    return export_dataset([open_source(str(path))], folder / "dataset")


def test_the_background_of_drawings_is_stored_beside_the_same_network(dataset: Dataset, tmp_path: Path) -> None:
    path = write_linear(tmp_path / "model.onnx", description_of(keys_of(80)))
    before = Classifier.load(path)
    assert add_background(path, dataset)
    after = Classifier.load(path)
    assert read_description(path) == before.description
    np.testing.assert_array_equal(after.logits(dataset.drawings), before.logits(dataset.drawings))
    assert after.background is not None
    assert after.background.origin == "drawings"
    assert len(after.background.means) == 80  # by starter drawings where people have drawn nothing
    assert background_of(after) is after.background
    # A second time it is replaced, and the same.
    content = path.read_bytes()
    assert add_background(path, dataset)
    assert path.read_bytes() == content


def test_too_few_drawings_make_no_background(dataset: Dataset, tmp_path: Path) -> None:
    path = write_linear(tmp_path / "model.onnx", description_of(keys_of(20)))
    content = path.read_bytes()
    assert not add_background(path, dataset)
    assert path.read_bytes() == content
    assert measured_background(Classifier.load(path), dataset, "test") is None


def test_another_description_keeps_the_background(tmp_path: Path) -> None:
    path = write_linear(tmp_path / "model.onnx", description_of(["a", "b"]))
    description, model = read_model(path)
    width = 24 * 24
    write_model(path, description, with_background(model, some_background(width, 2)))
    assert read_background(read_model(path)[1], width, 2) is not None
