"""The loss that training minimizes, the learning-rate schedule, the optimizer, and the weight average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel

from extexify.catalog.lookalikes import groups_of
from extexify.training.loader import BatchDataset
from extexify.training.recipes import Recipe
from extexify.training.starters import log_drawn_shares

Tensors = tuple[Tensor, ...] | list[Tensor]

SHARE_POWER = 1.25
"""Power of the share of a package's symbols that people draw, chosen with withheld symbols (docs/recipe.md)."""

COHORT_TOP, COHORT_WEIGHT = 20, 0.35
"""Logits of a class whose mean `cohort_shift` subtracts, and the part of it, chosen with withheld symbols."""


@dataclass(frozen=True)
class LookAlikes:
    """Classes that people draw alike: members (classes, g), the classes of each class's group, filled up with its
    first, and share (classes, g), the fraction of the group's drawings that is each member's, 0 for the filling."""

    members: Tensor
    share: Tensor

    def to(self, device: torch.device) -> LookAlikes:
        return LookAlikes(self.members.to(device), self.share.to(device))


def look_alikes(classes: Sequence[str], labels: NDArray[np.int64]) -> LookAlikes:
    """The catalogue's groups of look-alikes, with shares counted from the labels (N,) of the training drawings."""
    counts = _counts(labels, len(classes))
    _, group, sizes = np.unique(groups_of(classes, "drawn"), return_inverse=True, return_counts=True)
    by_group = np.argsort(group, kind="stable")
    place = np.arange(sizes.max())
    first = np.cumsum(sizes) - sizes
    is_member = place < sizes[:, None]
    members = by_group[np.where(is_member, first[:, None] + place, first[:, None])]
    share = np.where(is_member, counts[members], 0)
    share = share / share.sum(1, keepdims=True)
    return LookAlikes(torch.from_numpy(members[group]), torch.from_numpy(share[group].astype(np.float32)))


def objective(logits: Tensor, labels: Tensor, recipe: Recipe, look_alikes: LookAlikes) -> Tensor:
    """The sum of the losses of n drawings and s scribbles, from logits (n + s, classes) and the drawings' labels (n,).

    A drawing's loss is the cross entropy with a smoothed label, of which the fraction `recipe.alike` is shared among
    the class's look-alikes. The target of a scribble is the uniform distribution.
    """
    predicted = F.log_softmax(logits, 1)
    drawings, scribbles = predicted[: len(labels)], predicted[len(labels) :]
    # Targets are not written out: with thousands of classes that would take as long as the network.
    agreement = torch.lerp(drawings.gather(1, labels[:, None])[:, 0], drawings.mean(1), recipe.label_smoothing)
    if recipe.alike:
        shared = (drawings.gather(1, look_alikes.members[labels]) * look_alikes.share[labels]).sum(1)
        agreement = torch.lerp(agreement, shared, recipe.alike)
    return -agreement.sum() - scribbles.mean(1).sum()


def class_shift(recipe: Recipe, data: BatchDataset, classes: Sequence[str]) -> NDArray[np.float32]:
    """What is added to the logits of the finished model (classes,).

    The recipe's balance by the numbers of real drawings, of which a class without any drawing counts as one. For
    classes with starter drawings alone, the logarithm of how probable it is that people draw a symbol of its package,
    times `SHARE_POWER`.
    """
    counts = real_counts(data, len(classes))
    undrawn = undrawn_classes(data, len(classes))
    drawn = np.setdiff1d(np.arange(len(classes)), undrawn)
    shift = -recipe.balance * np.log(np.maximum(counts, 1) / np.maximum(counts, 1)[drawn].mean())
    shift[undrawn] = SHARE_POWER * log_drawn_shares(classes, np.flatnonzero(counts).tolist())[undrawn]
    return shift.astype(np.float32)


def cohort_shift(highest: Tensor) -> Tensor:
    """What is added to the logits of u classes without real drawings, from their highest logits on real training
    drawings of other classes, (at most `COHORT_TOP`, u).

    A class that drawings of others resemble must be the surer of a drawing. This is the cohort normalization of speaker
    verification (Matějka et al., “Analysis of Score Normalization in Multilingual Speaker Recognition”, Interspeech
    2017), of the mean alone.
    """
    means = highest.mean(0)
    return COHORT_WEIGHT * (means.mean() - means)


def real_counts(data: BatchDataset, classes: int) -> NDArray[np.int64]:
    """The number of the dataset's own drawings of each class (classes,), without the training's starter drawings."""
    return np.bincount(data.labels[: len(data) - data.starters], minlength=classes)


def undrawn_classes(data: BatchDataset, classes: int) -> NDArray[np.int64]:
    """The numbers of the classes that are learnt from starter drawings alone."""
    starters = np.bincount(data.labels[len(data) - data.starters :], minlength=classes)
    return np.flatnonzero((real_counts(data, classes) == 0) & (starters > 0))


def _counts(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    return np.maximum(np.bincount(labels, minlength=classes), 1)


def make_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer of the network's weights, in PyTorch's fused implementation: the default one loops over
    the weights and takes four times as long on a CPU."""
    if recipe.optimizer == "adam":
        return torch.optim.Adam(
            network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
    # Biases and the gains of normalizations are not decayed.
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


def make_schedule(recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int, *, done: int = 0) -> LRScheduler:
    """The recipe's learning rate over `steps` steps of the optimizer, of which `done` are taken: constant, or one cycle
    (Smith & Topin, 2019), a cosine from 1/25 of the peak up to it and one down to 0.

    To resume after `done` steps, the optimizer must have had a schedule before (it holds the initial rates).
    """
    if recipe.schedule == "constant":
        return LambdaLR(optimizer, lambda step: 1.0, last_epoch=done - 1)
    # OneCycleLR counts from 0 and reaches the peak at step pct_start · total_steps - 1, the end at total_steps - 1.
    return OneCycleLR(
        optimizer,
        max_lr=recipe.learning_rate,
        total_steps=steps + 1,
        pct_start=(recipe.warmup * steps + 1) / (steps + 1),
        div_factor=25,
        final_div_factor=float("inf"),
        cycle_momentum=False,
        last_epoch=done - 1,
    )


def average_weights(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of the network whose weights and buffers are an exponential moving average of the network's.

    The decay rises to `decay` with the number of updates, so that the average soon forgets the initial weights.
    """

    def update(averages: Tensors, values: Tensors, updates: Tensor | int) -> None:
        count = int(updates)
        if averages[0].is_floating_point():
            # All tensors in one call: one by one they take as long as a third of the optimizer's step.
            torch._foreach_lerp_(averages, values, 1 - min(decay, (1 + count) / (10 + count)))
        else:
            torch._foreach_copy_(averages, values)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
