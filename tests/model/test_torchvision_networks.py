"""Networks of torchvision on one-channel drawings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision.models

from extexify.model.networks import build
from extexify.model.torchvision_networks import TorchvisionNet

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
