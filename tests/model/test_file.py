"""The model file: what is written comes back; anything else is refused in one sentence, and nothing in it runs."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from extexify.drawing.raster import preset
from extexify.drawing.resample import SequenceSettings
from extexify.model.file import ModelDescription, ModelError, load_network, read_description, read_model, write_model
from extexify.model.networks import build

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


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    write_model(path, DESCRIPTION, build("residual", 3, OPTIONS).state_dict())
    return path


def rewritten(path: Path, **changes: Any) -> Path:
    """The same file with other entries in its description; None removes one."""
    _, weights = read_model(path)
    value = {**DESCRIPTION.to_json(), **changes}
    value = {name: entry for name, entry in value.items() if entry is not None}
    save_file(weights, path, metadata={"extexify": json.dumps(value)})
    return path


def test_what_is_written_comes_back(model: Path) -> None:
    description, network = load_network(model)
    assert description == read_description(model) == DESCRIPTION
    torch.manual_seed(0)
    fresh = build("residual", 3, OPTIONS).eval()
    images = torch.rand(4, 1, 16, 16)
    with torch.inference_mode():
        # Kernels are stored with half precision.
        torch.testing.assert_close(network(images), fresh(images), rtol=0, atol=2e-2)


def test_a_model_that_reads_sequences_says_how_they_are_made(tmp_path: Path) -> None:
    options = {"picture": OPTIONS, "sequence": OPTIONS}
    described = replace(DESCRIPTION, architecture="fused", options=options, sequence=SequenceSettings(32))
    path, weights = tmp_path / "model.safetensors", build("fused", 3, options).state_dict()
    write_model(path, described, weights)
    assert load_network(path)[0] == read_description(path) == described
    write_model(path, replace(described, sequence=None), weights)
    with pytest.raises(ModelError, match="the settings for them are missing"):
        load_network(path)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, 0.5, 0.999])
def test_a_file_cut_short_is_refused(model: Path, kept: float) -> None:
    content = model.read_bytes()
    model.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ModelError, match=r"model\.safetensors is not a model file, or is cut short"):
        load_network(model)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_network(path)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError):
        load_network(path)
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(ModelError):
        load_network(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        load_network(tmp_path / "nothing.safetensors")
    with pytest.raises(ModelError, match="does not exist"):
        read_description(tmp_path / "nothing.safetensors")


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="not a model of Extexify"):
        load_network(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"format_version": None}, "format_version"),
        ({"classes": None}, "classes"),
        ({"classes": ["b", "a", "é"]}, "class order"),
        ({"classes": ["a", "a", "é"]}, "class order"),
        ({"classes": []}, "class order"),
        ({"classes": ["a", "b"]}, "do not fit"),
        ({"classes": 3}, "damaged"),
        ({"architecture": {"name": "exec", "options": {}}}, "no architecture 'exec'"),
        ({"architecture": {"name": "residual", "options": {"colour": 1}}}, "colour"),
        ({"architecture": {"name": "residual", "options": {"channels": [4, 4], "blocks": [1, 1]}}}, "do not fit"),
        ({"architecture": {"name": "residual", "options": {"channels": ["x"], "blocks": [1]}}}, "do not fit"),
        ({"architecture": "residual"}, "damaged"),
        ({"raster": {"size": 99999}}, "raster size"),
        ({"raster": {"fit": 1}}, "fit"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": "warm"}, "damaged"),
        ({"metrics": []}, "metrics"),
        ({"sequence": {"points": 3}}, "8 to 1024 points"),
        ({"sequence": []}, "sequence settings"),
        ({"name": 3}, "name is no printable text"),
        ({"name": "a\u202eb"}, "name is no printable text"),
        ({"name": "x" * 300}, "its name has over 255 characters"),
        ({"classes": ["a", "b", "c\n"]}, "entry 3 of classes is no printable text"),
        ({"classes": ["a", "b", "c" * 300]}, "class order"),
        ({"temperature": 10**400}, "damaged"),
        ({"temperature": float("nan")}, "damaged"),
        ({"metrics": {"test": 3}}, "metrics.test is no object"),
        ({"training": {"run": "\ud800"}}, "damaged"),
        # A few bytes that ask for more layers than anybody has time to make.
        ({"architecture": {"name": "residual", "options": {"channels": [8, 16], "blocks": [10**9, 1]}}}, "layers"),
        ({"architecture": {"name": "residual", "options": {"channels": [8] * 10**5, "blocks": [1] * 10**5}}}, "layers"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_a_wrong_description_is_named(model: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        load_network(rewritten(model, **changes))
    assert "\n" not in str(caught.value)
    assert model.name in str(caught.value)
