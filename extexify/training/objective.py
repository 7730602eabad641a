"""What a step of a training minimizes, how far it goes and by which rule; and the shift of the answers afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from extexify.catalog.lookalikes import groups_of
from extexify.training.recipes import Recipe


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step: constant, or one cycle, a cosine up to the peak and one down to nothing
    (Smith & Topin, 2019; start at 1/25 of the peak)."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    warmup = recipe.warmup * steps
    if step < warmup:
        return recipe.learning_rate * (1 / 25 + (1 - 1 / 25) * _ease(step / warmup))
    return recipe.learning_rate * (1 - _ease((step - warmup) / max(steps - warmup, 1)))


def _ease(part: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(part, 1.0))


@dataclass(frozen=True)
class LookAlikes:
    """Which classes are drawn alike: group (classes,), the number of each one's group, and share (classes,), the part
    of its group's drawings that are its own."""

    group: Tensor
    share: Tensor

    def to(self, device: torch.device) -> LookAlikes:
        return LookAlikes(self.group.to(device), self.share.to(device))


def look_alikes(classes: Sequence[str], labels: NDArray[np.int64]) -> LookAlikes:
    """The groups of the catalogue, with the shares that training drawings (their labels, (N,)) give."""
    counts = _counts(labels, len(classes))
    _, group = np.unique(groups_of(classes, "drawn"), return_inverse=True)
    share = counts / np.bincount(group, weights=counts)[group]
    return LookAlikes(torch.from_numpy(group), torch.from_numpy(share.astype(np.float32)))


def loss_of(logits: Tensor, labels: Tensor, recipe: Recipe, alike: LookAlikes) -> Tensor:
    """Mean cross entropy of logits (B + scribbles, classes): labels (B,) are of the first B, of the others any class is
    as good as the next. The recipe's part of each target is that of the classes drawn alike."""
    known, scribbled = logits[: len(labels)], logits[len(labels) :]
    loss = F.cross_entropy(known, labels, label_smoothing=recipe.label_smoothing, reduction="sum")
    if recipe.alike:
        shares = F.log_softmax(known, 1) * alike.share
        groups = torch.zeros_like(known).index_add_(1, alike.group, shares)
        loss = torch.lerp(loss, -groups.gather(1, alike.group[labels][:, None]).sum(), recipe.alike)
    return (loss - F.log_softmax(scribbled, 1).mean(1).sum()) / len(logits)


def class_shift(recipe: Recipe, labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """What the recipe's balance adds to the logits (classes,); a class without drawings counts as one with one."""
    counts = _counts(labels, classes)
    return (-recipe.balance * np.log(counts / counts.mean())).astype(np.float32)


def _counts(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    return np.maximum(np.bincount(labels, minlength=classes), 1)


def make_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer of a network's weights."""
    if recipe.optimizer == "adam":
        return torch.optim.Adam(
            network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
    # Decaying biases and normalisation gains towards nothing only hurts.
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # One pass over all weights; the default loops over them and takes four times as long.
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
