"""Torchvision's classification networks, untrained, for one-channel drawings."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
import torchvision.models
from torch import Tensor, nn

from extexify.model.network import Network


class TorchvisionNet(Network):
    """A network of torchvision, by its name there, whose first convolution reads one channel.

    It begins as torchvision's does on three equal channels. size: pixels a side, for a network that is built for
    one size (vision transformers, MaxViT); None for all others. Raises ValueError for anything but a classification
    network, or a size that it can't be built for.
    """

    bias: Tensor

    def __init__(self, classes: int, network: str, size: int | None = None) -> None:
        super().__init__()
        if network not in torchvision.models.list_models(module=torchvision.models):
            raise ValueError(f"torchvision has no classification network {network!r}")
        # RegNet's constructor computes with tensors, which those of another default device may have no values for.
        place = torch.device("cpu") if network.startswith("regnet_") else nullcontext()
        try:
            with place:
                self.network = torchvision.models.get_model(
                    network, weights=None, num_classes=classes, **_options(network, size)
                )
        except AssertionError as error:
            raise ValueError(f"{network} of {size} pixels: {error}") from None
        _read_one_channel(self.network)
        _pool_by_means(self.network)
        _follow_statistics(self.network)
        if isinstance(self.network, torchvision.models.MNASNet):
            self.network.__class__ = _MNASNet
        # Not the bias of the last layer: MaxViT has none, and SqueezeNet's is followed by a ReLU.
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, images: Tensor) -> Tensor:
        if self.training and len(images) == 1:
            # Batch normalization refuses to train on a single number a channel, as of one drawing at the last layers.
            return self.network(images.expand(2, -1, -1, -1))[:1] + self.bias
        return self.network(images) + self.bias

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        self.bias += by


def takes_one_size(network: str) -> bool:
    """Whether a network is built for images of one size."""
    return network.startswith(("vit_", "maxvit_"))


def _options(network: str, size: int | None) -> dict[str, Any]:
    """Arguments of torchvision's function that makes a network."""
    if network in ("googlenet", "inception_v3"):
        # Without the auxiliary heads, whose logits training would return beside the others.
        return {"aux_logits": False, "init_weights": True}
    if size is None:
        return {}
    return {"input_size": (size, size)} if network.startswith("maxvit_") else {"image_size": size}


def _read_one_channel(network: nn.Module) -> None:
    """Let the first convolution read one channel in place of three: its kernels are the sums of those of the three."""
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    first.in_channels = 1
    first.weight = nn.Parameter(first.weight.detach().sum(1, keepdim=True))


class _Mean(nn.Module):
    """The mean over a map, (B, C, H, W) → (B, C, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


def _pool_by_means(network: nn.Module) -> None:
    """Replace pooling to one pixel by a mean, which is exported as one operator whatever the layout of its input is."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(module, name, _Mean())


def _follow_statistics(network: nn.Module) -> None:
    """Let batch normalization follow the last ten steps or so, PyTorch's default: some networks follow the last hundred
    or thousand, whose statistics aren't those of the averaged weights (validation top-5 of `mobilenet` was 1 %)."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.1


class _MNASNet(torchvision.models.MNASNet):
    """MNASNet that doesn't refuse weights because their file has no version."""

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, local_metadata: dict[str, Any], *rest: Any
    ) -> None:
        super()._load_from_state_dict(state_dict, prefix, {**local_metadata, "version": self._version}, *rest)
