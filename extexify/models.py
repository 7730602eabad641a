"""Network architectures, by name. Each maps images float32 (B, C, size, size) in 0…1 to logits (B, classes)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OriginalNet(nn.Module):
    """The blog post's network: five 3×3 convolutions, each ReLU then batch norm, average pool, linear.

    It reads three equal channels, as torchvision's ImageFolder gives for a grey PNG.
    """

    in_channels = 3

    def __init__(self, classes: int, channels: tuple[int, ...] = (64, 64, 128, 256, 512)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = self.in_channels
        for number, width in enumerate(channels):
            layers += [nn.Conv2d(before, width, 3, stride=1 if number == 0 else 2, padding=1), nn.ReLU()]
            layers += [nn.BatchNorm2d(width)]
            before = width
        self.features = nn.Sequential(*layers)
        self.classify = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.features(images).mean((2, 3)))


class SqueezeExcite(nn.Module):
    """Weighs the channels by what the whole picture holds (Hu, Shen & Sun, CVPR 2018)."""

    def __init__(self, width: int, ratio: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(width, max(width // ratio, 1))
        self.excite = nn.Linear(max(width // ratio, 1), width)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        return x * weights[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a short cut (He et al., CVPR 2016), squeeze-and-excitation before the sum."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.weigh = SqueezeExcite(width)
        self.short_cut: nn.Module = nn.Identity()
        if stride != 1 or before != width:
            # Averaging before the 1×1 convolution sees every pixel; a stride of its own would skip three of four.
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride != 1 else nn.Identity()
            self.short_cut = nn.Sequential(pool, nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))
        # Starting as the short cut alone keeps the first steps of a high learning rate tame.
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.weigh(self.norm2(self.conv2(y)))
        return F.relu(y + self.short_cut(x))


class ResidualNet(nn.Module):
    """A small residual network for one-channel line drawings.

    A 4×4 convolution of stride 2 halves the image, each later stage halves it again; the last map is
    averaged and classified. channels and blocks give each stage's width and depth.
    """

    in_channels = 1

    def __init__(
        self,
        classes: int,
        channels: tuple[int, ...] = (64, 128, 256, 512),
        blocks: tuple[int, ...] = (1, 1, 1, 1),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(self.in_channels, channels[0], 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels[0]),
            nn.ReLU(),
        )  # fmt: skip
        layers: list[nn.Module] = []
        before = channels[0]
        for stage, (width, depth) in enumerate(zip(channels, blocks, strict=True)):
            for block in range(depth):
                layers.append(ResidualBlock(before, width, stride=2 if stage > 0 and block == 0 else 1))
                before = width
        self.features = nn.Sequential(*layers)
        self.drop = nn.Dropout(dropout)
        self.classify = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.drop(self.features(self.stem(images)).mean((2, 3))))


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"original": OriginalNet, "residual": ResidualNet}
"""What a model file may name."""


def build(name: str, classes: int, options: dict[str, Any] | None = None) -> nn.Module:
    """A network with fresh weights. Raises ValueError for an unknown name or option."""
    if name not in ARCHITECTURES:
        raise ValueError(f"no architecture {name!r}: there are {', '.join(sorted(ARCHITECTURES))}")
    try:
        network = ARCHITECTURES[name](classes, **(options or {}))
    except TypeError as error:
        raise ValueError(f"architecture {name!r}: {error}") from None
    return network.to(memory_format=torch.channels_last)


def to_input(images: Tensor, network: nn.Module) -> Tensor:
    """uint8 images (B, size, size) → what `network` reads: float32 (B, C, size, size), 0…1, channels last."""
    scaled = images.unsqueeze(1).to(torch.float32).div_(255)
    return scaled.expand(-1, int(network.in_channels), -1, -1).contiguous(memory_format=torch.channels_last)  # type: ignore[arg-type]
