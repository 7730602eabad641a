"""Exported networks: ONNX Runtime gives the logits of PyTorch; old models are converted, and hostile ones refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file, save_file

from extexify.cli import parser
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.model.description import ModelDescription, ModelError
from extexify.model.export import convert, export_network
from extexify.model.file import check_model, read_description
from extexify.model.network import Network
from extexify.model.networks import build, load_network, to_tensors
from extexify.model.weights import read_weights, write_weights
from extexify.workspace import paths
from tests.tiny import SHAPES, shape

pytestmark = pytest.mark.usefixtures("one_thread")

KEYS = tuple(sorted(SHAPES))
RESIDUAL = {"channels": [8, 8, 12], "blocks": [1, 2, 1], "dropout": 0.2}
OPTIONS: dict[str, dict[str, Any]] = {
    "original": {"channels": [4, 6, 8], "dark_on_light": True},
    "residual": RESIDUAL,
    "sequence": RESIDUAL,
    "fused": {
        "picture": {"channels": [8, 192], "blocks": [1, 1]},
        "sequence": {"channels": [16, 16], "blocks": [2, 1]},
    },
}
"""The fused network's picture has a convolution large enough to be exported in groups."""


def model_of(architecture: str, size: int = 21, points: int = 19) -> tuple[ModelDescription, Network]:
    """A network with random weights and statistics."""
    torch.manual_seed(1)
    network = build(architecture, len(KEYS), OPTIONS[architecture])
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    description = ModelDescription(
        "tiny", architecture, OPTIONS[architecture], KEYS, RasterSettings(size=size),
        sequence=SequenceSettings(points) if "sequences" in network.reads else None,
    )  # fmt: skip
    return description, network.eval()


def drawings(count: int = 12) -> Drawings:
    rng = np.random.default_rng(0)
    return Drawings.pack([shape(KEYS[number % len(KEYS)], rng) for number in range(count)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights of a fused network."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    description, network = model_of("fused")
    write_weights(path, description, network.state_dict())
    return path


@pytest.mark.parametrize("architecture", OPTIONS)
def test_the_logits_are_those_of_the_network(architecture: str) -> None:
    description, network = model_of(architecture)
    inputs = model_inputs(drawings(), description.raster, description.sequence)
    with torch.inference_mode():
        expected = network(*to_tensors(inputs, network, torch.device("cpu"))).numpy()
    model = export_network(network, description)
    onnx.checker.check_model(model, full_check=True)
    check_model(model, description)
    # Weights are stored with half precision.
    classifier = Classifier(description, model)
    np.testing.assert_allclose(classifier.logits(drawings()), expected, atol=2e-2, rtol=2e-2)
    alone = [classifier.logits(drawings().take(np.array([number]))) for number in range(12)]
    np.testing.assert_allclose(classifier.logits(drawings()), np.concatenate(alone), atol=1e-5)


def test_a_file_says_nothing_of_where_it_was_made(weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    convert(weights, out)
    content = out.read_bytes()
    for word in (b"/home", b".py", str(Path(torch.__file__).parent).encode(), str(Path.cwd()).encode(), b"torch"):
        assert word not in content


def test_a_file_of_weights_becomes_a_model_with_its_description(weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "model.onnx"
    assert convert(weights, out) == read_description(out) == read_weights(weights)[0]
    description, network = load_network(weights)
    inputs = model_inputs(drawings(), description.raster, description.sequence)
    with torch.inference_mode():
        expected = network(*to_tensors(inputs, network, torch.device("cpu"))).numpy()
    # Both have the stored weights.
    np.testing.assert_allclose(Classifier.load(out).logits(drawings()), expected, atol=1e-4, rtol=1e-4)
    assert out.stat().st_size < 1.3 * weights.stat().st_size


def test_weights_beyond_half_precision_keep_theirs(tmp_path: Path) -> None:
    description, network = model_of("original")
    with torch.no_grad():
        network.classify.weight.fill_(1e5)  # type: ignore[operator, union-attr]
    path = tmp_path / "model.safetensors"
    write_weights(path, description, network.state_dict())
    assert (read_weights(path)[1]["classify.weight"] == 1e5).all()
    exported = Classifier(description, export_network(network, description))
    assert np.isfinite(exported.logits(drawings())).all()


def test_the_command_converts_the_workspaces_old_models_and_the_choice_follows(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    (tmp_path / "models").mkdir()
    old, new = tmp_path / "models" / "mine.safetensors", tmp_path / "models" / "mine.onnx"
    old.write_bytes(weights.read_bytes())
    (tmp_path / "serving.json").write_text('{"model": "workspace/mine.safetensors"}')
    assert paths.old_models() == [old]
    assert paths.default_model().parent == paths.SHIPPED_MODELS
    assert parser.main(["convert", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"models": [str(new)]}
    assert paths.old_models() == []
    assert paths.default_model() == new
    assert Classifier.load(new).classes == KEYS
    assert old.read_bytes() == weights.read_bytes()
    assert parser.main(["convert", str(old)]) == 1
    assert f"{new} exists already" in capsys.readouterr().err
    # The weights of a run become a model of its name.
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "model.safetensors").write_bytes(weights.read_bytes())
    assert parser.main(["convert", str(tmp_path / "runs" / "first" / "model.safetensors")]) == 0
    assert (tmp_path / "models" / "first.onnx").exists()
    assert parser.main(["convert"]) == 0
    assert "there are no models of earlier versions" in capsys.readouterr().out


Arrays = dict[str, np.ndarray[Any, Any]]

NAME = "picture.stem.0.weight"

WRONG_WEIGHTS: dict[str, Callable[[Arrays], Arrays]] = {
    "missing": lambda arrays: {name: array for name, array in arrays.items() if name != NAME},
    "of another shape": lambda arrays: {**arrays, NAME: arrays[NAME][:1]},
    "too many": lambda arrays: {**arrays, "more": arrays[NAME]},
}

BOMB = {"channels": [8, 16], "blocks": [1, 10**9]}
WRONG_ARCHITECTURES: list[dict[str, Any]] = [
    {"name": "exec", "options": {}},
    {"name": "residual", "options": {"colour": 1}},
    {"name": "residual", "options": BOMB},
    {"name": "residual", "options": {"channels": [8, *[16] * (10**5 - 1)], "blocks": [1] * 10**5}},
    {"name": "original", "options": {"channels": [8] * 10**5}},
    {"name": "residual", "options": {"channels": [10**6, 10**6], "blocks": [1, 1]}},
    {"name": "residual", "options": {"channels": [-1, 0], "blocks": [1, 1]}},
    {"name": "residual", "options": {"channels": ["x"], "blocks": [1]}},
    {"name": "residual", "options": {"channels": {"a": 1}, "blocks": None}},
    {"name": "fused", "options": {"picture": 3, "sequence": []}},
]


def refusal(path: Path) -> str:
    out = path.with_suffix(".onnx")
    with pytest.raises(ModelError) as refused:
        convert(path, out)
    message = str(refused.value)
    assert path.name in message
    assert "\n" not in message
    assert len(message) < 600
    assert not out.exists()
    return message


@pytest.mark.parametrize("what", WRONG_WEIGHTS)
def test_weights_that_do_not_fit_are_refused(what: str, weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    description = read_weights(weights)[0]
    metadata = {"extexify": json.dumps(description.to_json())}
    save_file(WRONG_WEIGHTS[what](load_file(weights)), path, metadata=metadata)
    assert "do not fit its architecture" in refusal(path)


@pytest.mark.parametrize("architecture", WRONG_ARCHITECTURES)
def test_descriptions_of_networks_that_cannot_be_built_are_refused(
    architecture: dict[str, Any], weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.safetensors"
    description = {**read_weights(weights)[0].to_json(), "architecture": architecture}
    save_file(load_file(weights), path, metadata={"extexify": json.dumps(description)})
    assert "do not fit its architecture" in refusal(path)


def test_files_without_weights_or_description_are_refused(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    assert "does not exist" in refusal(path)
    for length in (0, 7, 100, weights.stat().st_size - 1):
        path.write_bytes(weights.read_bytes()[:length])
        assert "has no weights, or is cut short" in refusal(path)
    save_file({"x": np.zeros(2)}, path)
    assert "not of a model of Extexify" in refusal(path)
    description, network = model_of("fused")
    write_weights(path, replace(description, sequence=None), network.state_dict())
    assert "the settings for them are missing" in refusal(path)
