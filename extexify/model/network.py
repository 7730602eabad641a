"""What training and publishing need of a network.

`reads` lists the arguments of a network's forward: "images", float32 (B, in_channels, size, size) from 0 to 1, and
"sequences", float32 (B, CHANNELS, 1, points). forward returns logits (B, classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """Base class: by default a network reads one-channel images and has one head."""

    reads: tuple[str, ...] = ("images",)
    in_channels = 1

    def heads(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Logits (B, classes) that the loss is computed on: those of `forward`, then those of the network's parts."""
        return (self(*inputs),)

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        """Add `by` (classes,) to the biases of the logits."""
        self.classify.bias += by  # type: ignore[operator, union-attr]
