"""The model file: reading returns what was written; damaged, foreign and hostile files are refused in one sentence."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from extexify.drawing.raster import preset
from extexify.drawing.resample import SequenceSettings
from extexify.model.classifier import Classifier
from extexify.model.file import ModelDescription, ModelError, read_description, read_model, write_model
from extexify.model.networks import build, load_network

OPTIONS = {"channels": [8, 16], "blocks": [1, 1]}
DESCRIPTION = ModelDescription(
    name="tiny",
    architecture="residual",
    options=OPTIONS,
    classes=("a", "b", "é"),
    raster=preset("default", size=16),
    temperature=0.8,
    metrics={"test": {"top5": 0.5}},
    training={"recipe": {"name": "default"}},
)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build("residual", 3, OPTIONS).state_dict()


@pytest.fixture
def model(tmp_path: Path, weights: dict[str, torch.Tensor]) -> Path:
    path = tmp_path / "model.safetensors"
    write_model(path, DESCRIPTION, weights)
    return path


def refusal(path: Path) -> str:
    """The message of the error that loading a file raises; one line that names the file."""
    with pytest.raises(ModelError) as refused:
        Classifier.load(path)
    message = str(refused.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_what_is_written_is_read(model: Path, weights: dict[str, torch.Tensor]) -> None:
    description, network = load_network(model)
    assert description == read_description(model) == DESCRIPTION
    fresh = build("residual", 3, OPTIONS).eval()
    fresh.load_state_dict(weights)
    images = torch.rand(4, 1, 16, 16)
    with torch.inference_mode():
        # Kernels are stored with half precision.
        torch.testing.assert_close(network(images), fresh(images), rtol=0, atol=2e-2)


def test_weights_beyond_half_precision_keep_theirs(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    name = next(name for name, value in weights.items() if value.ndim > 1)
    weights = {**weights, name: torch.full_like(weights[name], 1e5)}
    write_model(tmp_path / "model.safetensors", DESCRIPTION, weights)
    _, read = read_model(tmp_path / "model.safetensors")
    assert (read[name] == np.float32(1e5)).all()


def test_a_model_that_reads_sequences_needs_their_settings(tmp_path: Path) -> None:
    options = {"picture": OPTIONS, "sequence": OPTIONS}
    described = replace(DESCRIPTION, architecture="fused", options=options, sequence=SequenceSettings(32))
    path, weights = tmp_path / "model.safetensors", build("fused", 3, options).state_dict()
    write_model(path, described, weights)
    assert load_network(path)[0] == read_description(path) == described
    write_model(path, replace(described, sequence=None), weights)
    assert "the settings for them are missing" in refusal(path)
    with pytest.raises(ModelError, match="the settings for them are missing"):
        load_network(path)


def test_a_rejection_threshold_is_read_from_files_of_earlier_versions(tmp_path: Path) -> None:
    """In them the threshold is called doubt, and was rounded up to 1 for models that are sure of every drawing."""
    path = tmp_path / "model.safetensors"
    many = tuple(sorted(f"k{number}" for number in range(20)))
    for classes, stored, read in ((many, 0.74, 0.74), (many, 1.0, 0.999), (many[:8], 1.0, 0.0), (many, 0.0, 0.0)):
        described = replace(DESCRIPTION, classes=classes, rejection_threshold=stored)
        assert described.to_json().get("doubt", 0.0) == stored
        write_model(path, described, {})
        assert read_description(path).rejection_threshold == read


def test_a_file_cut_short_is_refused(model: Path) -> None:
    content = model.read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        model.write_bytes(content[:length])
        assert "model.safetensors is not a model file, or is cut short" in refusal(model)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.safetensors"
    path.write_bytes(content)
    refusal(path)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    refusal(path)
    torch.save({"weights": torch.zeros(3)}, path)
    refusal(path)
    assert not (tmp_path / "ran").exists()


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nothing.safetensors")
    with pytest.raises(ModelError, match="does not exist"):
        read_description(tmp_path / "nothing.safetensors")
    save_file({"x": np.zeros(2)}, tmp_path / "other.safetensors")
    assert "not a model of Extexify" in refusal(tmp_path / "other.safetensors")


def residual(**options: Any) -> dict[str, Any]:
    return {"architecture": {"name": "residual", "options": options}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"format_version": 2}, "format version 2"),
    ({"format_version": None}, "format_version"),
    ({"classes": None}, "classes"),
    ({"classes": ["b", "a", "é"]}, "class order"),
    ({"classes": ["a", "a", "é"]}, "class order"),
    ({"classes": []}, "length >= 1 at classes"),
    ({"classes": ["a", "b"]}, "do not fit"),
    ({"classes": 3}, "Expected array, got int at classes"),
    ({"classes": ["a", "b", "c\n"]}, "printable text at classes[2]"),
    ({"classes": ["a", "b", "c" * 300]}, "length <= 255 at classes"),
    ({"architecture": {"name": "exec", "options": {}}}, "no architecture 'exec'"),
    ({"architecture": "residual"}, "Expected object, got str at architecture"),
    (residual(colour=1), "colour"),
    (residual(channels=[4, 4], blocks=[1, 1]), "do not fit"),
    (residual(channels=["x"], blocks=[1]), "do not fit"),
    ({"raster": {"size": 99999}}, "raster size"),
    ({"raster": {"fit": 1}}, "fit"),
    ({"temperature": 0}, ">= 0.01 at temperature"),
    ({"temperature": "warm"}, "Expected float, got str at temperature"),
    ({"temperature": 10**400}, "damaged"),
    ({"temperature": float("nan")}, "damaged"),
    ({"doubt": 2}, "<= 1.0 at doubt"),
    ({"metrics": []}, "metrics"),
    ({"metrics": {"test": 3}}, "Expected object, got int at metrics"),
    ({"metrics": {"test": {"top5": "<b>"}}}, "top5 of test is not from 0 to 1"),
    ({"sequence": {"points": 3}}, "8 to 1024 points"),
    ({"sequence": []}, "at sequence"),
    ({"name": 3}, "Expected str, got int at name"),
    ({"name": "a\u202eb"}, "printable text at name"),
    ({"name": "x" * 300}, "length <= 255 at name"),
    ({"training": {"run": "\ud800"}}, "damaged"),
    # Small files that describe networks of too many layers to build.
    (residual(channels=[8, 16], blocks=[1, 10**9]), "is missing"),
    (residual(channels=[8, *[16] * (10**5 - 1)], blocks=[1] * 10**5), "is missing"),
    (residual(channels=[10**6, 10**6], blocks=[1, 1]), "has the shape"),
    (residual(channels=[-1, 0], blocks=[1, 1]), "has the shape"),
    (residual(channels={"a": 1}, blocks=None), "do not fit"),
]


def test_a_wrong_description_is_named(model: Path) -> None:
    _, arrays = read_model(model)
    for changes, message in WRONG:
        value = {**DESCRIPTION.to_json(), **changes}
        value = {name: entry for name, entry in value.items() if entry is not None}
        save_file(arrays, model, metadata={"extexify": json.dumps(value)})
        assert message in refusal(model), changes


def test_weights_of_another_architecture_are_refused(model: Path) -> None:
    described, arrays = read_model(model)
    write_model(model, described, {"x": np.zeros(1)})
    assert "is missing" in refusal(model)
    for name, array in (("more", np.zeros(2)), ("stem.9.num_batches_tracked", np.int64(1))):
        write_model(model, described, {**arrays, name: np.asarray(array)})
        assert f"1 are too many, such as {name}" in refusal(model)
