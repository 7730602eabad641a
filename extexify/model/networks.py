"""Network architectures, by name, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extexify.drawing.inputs import ModelInputs
from extexify.drawing.resample import CHANNELS
from extexify.model.description import ModelDescription, ModelError
from extexify.model.network import Network
from extexify.model.weights import read_weights

MAX_LAYERS = 1_000
"""Most layers or blocks of a network, so that a small file can't describe one that takes hours to build."""


class OriginalNet(Network):
    """The blog post's network: five 3×3 convolutions, each with ReLU and batch norm, average pool, linear.

    It reads three equal channels, as torchvision's ImageFolder makes of a grey PNG. dark_on_light: invert the images
    to black ink on white, as in the post's pictures; the network learns faster from these.
    """

    in_channels = 3

    def __init__(
        self, classes: int, channels: tuple[int, ...] = (64, 64, 128, 256, 512), dark_on_light: bool = False
    ) -> None:
        super().__init__()
        if len(channels) > MAX_LAYERS:
            raise ValueError(f"{len(channels):,} layers are more than {MAX_LAYERS:,}")
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
        images = 1 - images if self.dark_on_light else images
        return self.classify(self.features(images).mean((2, 3)))


class SqueezeExcite(nn.Module):
    """Squeeze-and-excitation: scales channels by a function of their means (Hu, Shen & Sun, CVPR 2018).

    The means are those of the whole map, or with `rows` of each of its rows, which are then the sequences of a batch.
    """

    def __init__(self, width: int, rows: bool, ratio: int = 8) -> None:
        super().__init__()
        self.rows = rows
        self.squeeze = nn.Linear(width, max(width // ratio, 1))
        self.excite = nn.Linear(max(width // ratio, 1), width)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(3, keepdim=True) if self.rows else x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(_pointwise(self.excite, F.relu(_pointwise(self.squeeze, means))))


def _pointwise(layer: nn.Linear, x: Tensor) -> Tensor:
    """A linear layer over the channels of maps, as a 1×1 convolution: ONNX Runtime then needs no other layout."""
    return F.conv2d(x, layer.weight[:, :, None, None], layer.bias)


class ResidualBlock(nn.Module):
    """Two convolutions with a shortcut (He et al., CVPR 2016), squeeze-and-excitation before the sum.

    kernel and stride are (height, width): (3, 3) for images, (1, 3) for sequences.
    """

    def __init__(self, before: int, width: int, stride: tuple[int, int], kernel: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv1 = nn.Conv2d(before, width, kernel, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel, padding=padding, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.weigh = SqueezeExcite(width, rows=kernel[0] == 1)
        self.short_cut: nn.Module = nn.Identity()
        if stride != (1, 1) or before != width:
            # A 1×1 convolution with a stride would skip three of four pixels.
            pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False) if stride != (1, 1) else nn.Identity()
            self.short_cut = nn.Sequential(pool, nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))
        # The block starts as its shortcut alone, which keeps the first steps stable at a high learning rate.
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = _normalized_convolution(self.conv1, self.norm1, x, relu=True)
        y = self.weigh(_normalized_convolution(self.conv2, self.norm2, y))
        return F.relu(y + self.short_cut(x))


_GROUP = 64
"""Filters in a group of a large convolution."""

_LARGE = 400_000
"""Bytes of a group's weights from which on an exported convolution is split into groups: the weights of one group then
stay in a core's cache for all drawings of a batch; those of the whole convolution would be loaded again for each."""


def _normalized_convolution(convolution: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor, relu: bool = False) -> Tensor:
    """A convolution without bias, batch norm and, with `relu`, ReLU; in an exported graph in groups of filters.

    Kernels of height 1, whose rows are the sequences of a batch, are read once a batch anyway.
    """
    weights = convolution.weight
    if not torch.compiler.is_exporting() or weights.shape[2] == 1 or weights[:_GROUP].nelement() * 4 <= _LARGE:
        y = norm(convolution(x))
        return F.relu(y) if relu else y
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    groups = []
    for start in range(0, len(weights), _GROUP):
        part = slice(start, start + _GROUP)
        y = F.conv2d(x, weights[part], None, convolution.stride, convolution.padding)
        y = F.batch_norm(y, mean[part], variance[part], norm.weight[part], norm.bias[part], eps=norm.eps)
        groups.append(F.relu(y) if relu else y)
    return torch.cat(groups, 1)


class ResidualNet(Network):
    """A small residual network for one-channel line drawings.

    A 4×4 convolution of stride 2 halves the image, each later stage halves it again; the last map is averaged and
    classified. channels and blocks: width and depth of each stage.
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
        return self.classify(self.drop(self.features(self.stem(images)).mean((2, 3), keepdim=True).squeeze((2, 3))))


class SequenceNet(Network):
    """A residual network along the points of the strokes.

    A convolution over five points halves their number, each later stage halves it again; the last map is averaged and
    classified. channels and blocks as in `ResidualNet`. The convolutions are two-dimensional, on maps of height 1: on a
    CPU they are several times as fast as one-dimensional ones.
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
        # The sequences of a batch as the rows of one map: the weights are then read once a batch.
        rows = sequences.transpose(0, 2)
        means = self.features(self.stem(rows)).mean(3).squeeze(0).T
        return self.classify(self.drop(means))


class FusedNet(Network):
    """An ensemble trained as one: the logits of a `ResidualNet` on the image and a `SequenceNet` are added.

    The image lacks the order and direction of strokes, the sequence lacks which strokes are next to each other, so the
    two make different errors. picture and sequence: their options. The sum of two confident networks' logits is
    overconfident, hence a learned factor.
    """

    reads = ("images", "sequences")

    def __init__(self, classes: int, picture: dict[str, Any], sequence: dict[str, Any]) -> None:
        super().__init__()
        self.picture = ResidualNet(classes, **picture)
        self.sequence = SequenceNet(classes, **sequence)
        self.factor = nn.Parameter(torch.tensor([0.7]))

    def heads(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        images, sequences = inputs
        of_image, of_sequence = self.picture(images), self.sequence(sequences)
        return self.factor * (of_image + of_sequence), of_image, of_sequence

    def forward(self, images: Tensor, sequences: Tensor) -> Tensor:
        return self.heads(images, sequences)[0]

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        self.picture.shift(by / self.factor)


def _stages(
    channels: Sequence[int], blocks: Sequence[int], stride: tuple[int, int], kernel: tuple[int, int]
) -> nn.Sequential:
    """Residual blocks in stages; the first block of every stage but the first has `stride`."""
    if sum(blocks) > MAX_LAYERS:
        raise ValueError(f"{sum(blocks):,} blocks are more than {MAX_LAYERS:,}")
    layers: list[nn.Module] = []
    before = channels[0]
    for stage, (width, depth) in enumerate(zip(channels, blocks, strict=True)):
        for block in range(depth):
            layers.append(ResidualBlock(before, width, stride if stage > 0 and block == 0 else (1, 1), kernel))
            before = width
    return nn.Sequential(*layers)


def _torchvision(classes: int, **options: Any) -> Network:
    from extexify.model.torchvision_networks import TorchvisionNet  # torchvision takes a second to import

    return TorchvisionNet(classes, **options)


ARCHITECTURES: dict[str, Callable[..., Network]] = {
    "original": OriginalNet,
    "residual": ResidualNet,
    "sequence": SequenceNet,
    "fused": FusedNet,
    "torchvision": _torchvision,
}
"""Architectures by their names in model files."""


def build(name: str, classes: int, options: dict[str, Any] | None = None) -> Network:
    """A network with fresh weights. Raises ValueError for an unknown name or option, or too many layers."""
    if name not in ARCHITECTURES:
        raise ValueError(f"no architecture {name!r}: there are {', '.join(sorted(ARCHITECTURES))}")
    try:
        network = ARCHITECTURES[name](classes, **(options or {}))
    except TypeError as error:
        raise ValueError(f"architecture {name!r}: {error}") from None
    return network.to(memory_format=torch.channels_last)


def load_network(path: Path) -> tuple[ModelDescription, Network]:
    """The description and network of a run's best weights, on the CPU, in evaluation mode. Raises `ModelError`."""
    description, weights = read_weights(path)
    try:
        # Without memory for weights, until those of the file are known to fit.
        with torch.device("meta"):
            network = build(description.architecture, len(description.classes), description.options)
        widened = {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
        network.load_state_dict(widened, assign=True)
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"the weights in {path} do not fit its architecture ({reason})") from None
    return description, network.to(memory_format=torch.channels_last).eval()


def to_tensors(inputs: ModelInputs, network: Network, device: torch.device) -> tuple[Tensor, ...]:
    """The arguments of `network`'s forward, on `device`, in channels-last layout.

    Raises ValueError if the network reads sequences and `inputs` has none.
    """
    arrays = inputs._asdict()
    if any(arrays[kind] is None for kind in network.reads):
        raise ValueError("the network reads sequences, but its settings for them are missing")
    tensors = [torch.from_numpy(arrays[kind]).to(device, non_blocking=True) for kind in network.reads]
    return tuple(tensor.contiguous(memory_format=torch.channels_last) for tensor in arguments(tensors, network))


def arguments(inputs: Sequence[Tensor], network: Network) -> tuple[Tensor, ...]:
    """The arguments of `network`'s forward, of `ModelInputs` as tensors in the order of `network.reads`."""
    convert = {"images": _image_argument, "sequences": _sequence_argument}
    return tuple(convert[kind](tensor, network) for kind, tensor in zip(network.reads, inputs, strict=True))


def _image_argument(images: Tensor, network: Network) -> Tensor:
    return (images.unsqueeze(1).float() / 255).expand(-1, network.in_channels, -1, -1)


def _sequence_argument(sequences: Tensor, network: Network) -> Tensor:
    return sequences.unsqueeze(2)
