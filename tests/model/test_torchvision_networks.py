"""Networks of torchvision on one-channel drawings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.models

from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import preset
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.model.description import ModelDescription
from extexify.model.export import convert
from extexify.model.networks import build, load_network, to_tensors
from extexify.model.torchvision_networks import TorchvisionNet
from extexify.model.weights import write_weights
from tests.tiny import SHAPES, shape

pytestmark = pytest.mark.usefixtures("one_thread")

FAMILIES = [
    ("resnet18", 40, {}), ("mobilenet_v3_small", 40, {}), ("squeezenet1_1", 40, {}), ("googlenet", 40, {}),
    ("vit_b_32", 64, {"size": 64}), ("swin_t", 40, {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pixels", "options"), FAMILIES)
def test_one_channel_gives_the_logits_of_three_equal_ones(name: str, pixels: int, options: dict[str, Any]) -> None:
    network = TorchvisionNet(6, name, **options).eval()
    arguments: dict[str, Any] = {"image_size": pixels} if options else {}
    if name == "googlenet":
        arguments = {"aux_logits": False, "init_weights": False}
    original = torchvision.models.get_model(name, num_classes=6, **arguments).eval()
    weights = network.network.state_dict()
    first = next(key for key, weight in weights.items() if weight.ndim == 4)
    original.load_state_dict({**weights, first: weights[first].expand(-1, 3, -1, -1) / 3})
    images = torch.rand(2, 1, pixels, pixels)
    with torch.inference_mode():
        logits = network(images)
        torch.testing.assert_close(logits, original(images.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mnasnet0_5", "efficientnet_b5"])
def test_batch_normalization_follows_short_trainings(name: str) -> None:
    layers = [layer for layer in TorchvisionNet(2, name).modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert {layer.momentum for layer in layers} == {0.1}


def test_a_shift_is_added_to_the_logits() -> None:
    # SqueezeNet's last layer is followed by a ReLU, which a shift of its bias would meet.
    network, images, by = (
        build("torchvision", 3, {"network": "squeezenet1_1"}).eval(),
        torch.rand(2, 1, 32, 32),
        torch.tensor([-9.0, 0.0, 5.0]),
    )
    with torch.inference_mode():
        before = network(images)
        network.shift(by)
        torch.testing.assert_close(network(images), before + by)
    assert "bias" in network.state_dict()


def test_a_batch_of_one_drawing_can_be_trained_on() -> None:
    # The last batch of an epoch may be of one drawing, and the last map of 32 pixels is one pixel.
    network = build("torchvision", 3, {"network": "resnet18"}).train()
    logits = network(torch.rand(1, 1, 32, 32))
    assert logits.shape == (1, 3)
    logits.sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "mnasnet0_5", "squeezenet1_1"])
def test_a_published_network_gives_the_logits_of_its_weights(name: str, tmp_path: Path) -> None:
    # ShuffleNet's views depend on the size of the batch, MNASNet's weights on a version that files don't have.
    description = ModelDescription(
        "net", "torchvision", {"network": name}, tuple(sorted(SHAPES)), preset("default", size=32)
    )
    write_weights(tmp_path / "weights.safetensors", description, TorchvisionNet(len(SHAPES), name).state_dict())
    convert(tmp_path / "weights.safetensors", tmp_path / "net.onnx")
    rng = np.random.default_rng(5)
    drawings = Drawings.pack([shape(key, rng) for key in SHAPES])
    _, network = load_network(tmp_path / "weights.safetensors")
    inputs = to_tensors(model_inputs(drawings, description.raster, None), network, torch.device("cpu"))
    with torch.inference_mode():
        logits = network(*inputs).numpy()
    np.testing.assert_allclose(Classifier.load(tmp_path / "net.onnx").logits(drawings), logits, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"network": "fasterrcnn_resnet50_fpn"}, "no classification network 'fasterrcnn_resnet50_fpn'"),
        ({"network": "quantized_resnet18"}, "no classification network 'quantized_resnet18'"),
        ({"network": "resnet18", "weights": "DEFAULT"}, "weights"),  # nothing is ever downloaded
        ({"network": "resnet18", "size": 64}, "image_size"),
        ({"network": "vit_b_16", "size": 40}, "vit_b_16 of 40 pixels"),
        ({"network": "maxvit_t", "size": 64}, "not divisible"),
        ({}, "network"),
    ],
)
def test_what_torchvision_has_not_is_a_value_error(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        build("torchvision", 3, options)
