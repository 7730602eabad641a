"""Network architectures, by name.

`reads` says what a network's forward takes, in that order: "images", float32 (B, in_channels, size, size) in 0…1, and
"sequences", float32 (B, CHANNELS, 1, points). It returns logits (B, classes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extexify.drawing.inputs import ModelInputs
from extexify.drawing.resample import CHANNELS


class Network(nn.Module):
    """What all architectures share: they read one-channel images and have one head, unless they say otherwise."""

    reads: tuple[str, ...] = ("images",)
    in_channels = 1

    def heads(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Logits (B, classes) to train: those of `forward` first, then those of the network's parts by themselves."""
        return (self(*inputs),)

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        """Add `by` (classes) to all logits from now on."""
        self.classify.bias += by  # type: ignore[operator, union-attr]


class OriginalNet(Network):
    """The blog post's network: five 3×3 convolutions, each ReLU then batch norm, average pool, linear.

    It reads three equal channels, as torchvision's ImageFolder gives for a grey PNG; dark_on_light: of black ink on
    white, as in the post's pictures, from which it learns faster.
    """

    in_channels = 3

    def __init__(
        self, classes: int, channels: tuple[int, ...] = (64, 64, 128, 256, 512), dark_on_light: bool = False
    ) -> None:
        super().__init__()
        self.dark_on_light = dark_on_light
        layers: list[nn.Module] = []
        before = self.in_channels
        for number, width in enumerate(channels):
            layers += [nn.Conv2d(before, width, 3, stride=1 if number == 0 else 2, padding=1), nn.ReLU()]
            layers += [nn.BatchNorm2d(width)]
            before = width
        self.features = nn.Sequential(*layers)
        self.classify = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        seen = 1 - images if self.dark_on_light else images
        return self.classify(self.features(seen).mean((2, 3)))


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
    """Two convolutions beside a short cut (He et al., CVPR 2016), squeeze-and-excitation before the sum.

    kernel and stride are of the axes (down, right): (3, 3) in a picture, (1, 3) along a sequence.
    """

    def __init__(self, before: int, width: int, stride: tuple[int, int], kernel: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv1 = nn.Conv2d(before, width, kernel, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel, padding=padding, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.weigh = SqueezeExcite(width)
        self.short_cut: nn.Module = nn.Identity()
        if stride != (1, 1) or before != width:
            # Averaging before the 1×1 convolution sees every pixel; a stride of its own would skip three of four.
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride != (1, 1) else nn.Identity()
            self.short_cut = nn.Sequential(pool, nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))
        # Starting as the short cut alone keeps the first steps of a high learning rate tame.
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.weigh(self.norm2(self.conv2(y)))
        return F.relu(y + self.short_cut(x))


class ResidualNet(Network):
    """A small residual network for one-channel line drawings.

    A 4×4 convolution of stride 2 halves the image, each later stage halves it again; the last map is
    averaged and classified. channels and blocks give each stage's width and depth.
    """

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
        self.features = _stages(channels, blocks, stride=(2, 2), kernel=(3, 3))
        self.drop = nn.Dropout(dropout)
        self.classify = nn.Linear(channels[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.drop(self.features(self.stem(images)).mean((2, 3))))


class SequenceNet(Network):
    """A residual network along the points of the strokes.

    A convolution over five points halves their number, each later stage halves it again; the last ones are averaged
    and classified. channels and blocks as in `ResidualNet`. All convolutions are of pictures one pixel high: on a CPU
    the kernels for those are several times as fast as those for one axis.
    """

    reads = ("sequences",)

    def __init__(
        self,
        classes: int,
        channels: tuple[int, ...] = (64, 128, 256, 384),
        blocks: tuple[int, ...] = (1, 2, 2, 2),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(CHANNELS, channels[0], (1, 5), (1, 2), (0, 2), bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU()
        )
        self.features = _stages(channels, blocks, stride=(1, 2), kernel=(1, 3))
        self.drop = nn.Dropout(dropout)
        self.classify = nn.Linear(channels[-1], classes)

    def forward(self, sequences: Tensor) -> Tensor:
        return self.classify(self.drop(self.features(self.stem(sequences)).mean((2, 3))))


class FusedNet(Network):
    """A residual network over the picture and one along the strokes, trained as one: their logits are added.

    The picture doesn't show how the strokes were drawn, the sequence doesn't show what lies side by side; each part
    errs on its own. `picture` and `sequence` are the options of the two. Adding the logits of two that are sure of the
    same thing makes surer than either should be, hence a factor that is learned.
    """

    reads = ("images", "sequences")

    def __init__(self, classes: int, picture: dict[str, Any], sequence: dict[str, Any]) -> None:
        super().__init__()
        self.picture = ResidualNet(classes, **picture)
        self.sequence = SequenceNet(classes, **sequence)
        self.factor = nn.Parameter(torch.tensor([0.7]))

    def heads(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        images, sequences = inputs
        seen, followed = self.picture(images), self.sequence(sequences)
        return self.factor * (seen + followed), seen, followed

    def forward(self, images: Tensor, sequences: Tensor) -> Tensor:
        return self.heads(images, sequences)[0]

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        self.picture.shift(by / self.factor)


def _stages(
    channels: Sequence[int], blocks: Sequence[int], stride: tuple[int, int], kernel: tuple[int, int]
) -> nn.Sequential:
    """Residual blocks in stages; every stage but the first begins with `stride`."""
    layers: list[nn.Module] = []
    before = channels[0]
    for stage, (width, depth) in enumerate(zip(channels, blocks, strict=True)):
        for block in range(depth):
            layers.append(ResidualBlock(before, width, stride if stage > 0 and block == 0 else (1, 1), kernel))
            before = width
    return nn.Sequential(*layers)


ARCHITECTURES: dict[str, Callable[..., Network]] = {
    "original": OriginalNet,
    "residual": ResidualNet,
    "sequence": SequenceNet,
    "fused": FusedNet,
}
"""What a model file may name."""


def build(name: str, classes: int, options: dict[str, Any] | None = None) -> Network:
    """A network with fresh weights. Raises ValueError for an unknown name or option."""
    if name not in ARCHITECTURES:
        raise ValueError(f"no architecture {name!r}: there are {', '.join(sorted(ARCHITECTURES))}")
    try:
        network = ARCHITECTURES[name](classes, **(options or {}))
    except TypeError as error:
        raise ValueError(f"architecture {name!r}: {error}") from None
    return network.to(memory_format=torch.channels_last)


def to_tensors(inputs: ModelInputs, network: Network, device: torch.device) -> tuple[Tensor, ...]:
    """Model inputs → what `network` reads, on the device, channels last.

    Raises ValueError when the network reads sequences and none were made.
    """
    made = {"images": _image_input, "sequences": _sequence_input}
    return tuple(made[kind](inputs, network, device) for kind in network.reads)


def _image_input(inputs: ModelInputs, network: Network, device: torch.device) -> Tensor:
    images = torch.from_numpy(inputs.images).to(device, non_blocking=True)
    scaled = images.unsqueeze(1).to(torch.float32).div_(255)
    return scaled.expand(-1, network.in_channels, -1, -1).contiguous(memory_format=torch.channels_last)


def _sequence_input(inputs: ModelInputs, network: Network, device: torch.device) -> Tensor:
    if inputs.sequences is None:
        raise ValueError("the network reads sequences, but its settings for them are missing")
    sequences = torch.from_numpy(inputs.sequences).to(device, non_blocking=True)
    return sequences.unsqueeze(2).contiguous(memory_format=torch.channels_last)
