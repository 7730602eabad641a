"""Temperature scaling: logits are divided by one number before the softmax, which changes no answer's rank.

Guo, Pleiss, Sun & Weinberger, “On Calibration of Modern Neural Networks”, ICML 2017.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0

_GOLDEN = (math.sqrt(5) - 1) / 2
_PRECISION = 1e-3  # of the temperature's logarithm


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature that makes labels (n,) most likely, given logits (n, classes); within 0.1 to 10, four decimals.

    The loss is convex in the temperature's inverse and so has one valley, which a golden-section search closes in on.
    """

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits / math.exp(log_temperature), labels))

    low, high = math.log(MIN_TEMPERATURE), math.log(MAX_TEMPERATURE)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    while high - low > _PRECISION:
        if loss_left <= loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - _GOLDEN * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + _GOLDEN * (high - low)
            loss_right = loss(right)
    return round(math.exp((low + high) / 2), 4)
