"""Classes of a few drawings each, beside those that a network was trained for, without training.

The rows of such a class are made of the network's features (imprinted weights: Qi, Brown & Lowe, CVPR 2018; prototypes:
Snell, Swersky & Zemel, NeurIPS 2017), by probabilistic linear discriminant analysis (Ioffe, ECCV 2006; Prince & Elder,
ICCV 2007): features of a symbol's drawings are normal around the symbol's own mean, with one covariance for all
symbols, and the means of symbols are normal, too. A symbol's mean given n drawings then has a closed form: the fewer
they are, the closer to that of all symbols. The discriminants are linear, as if all means were equally certain: a class
whose density is wider than the others' would take all drawings that resemble none.

The network's own rows have learned more than that, so that they stay as they are. A new class only gets the odds that
it has against all of the network's classes by this analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extexify.model.background import Background, Origin

Floats = NDArray[np.float32]

# Chosen on symbols left out of trainings; benchmarks/few_drawings.py measures what they give.

TRUST = 0.07
"""What discriminants are multiplied by: features are no normal variables, and log odds would be too large."""

SURENESS = 2.0
"""Log odds above 0 are multiplied by this: nearly all drawings that have them are of the new symbol."""

SOFTNESS = 2.0
"""Log odds below 0 grow with the logarithm of what they are, from about this value on."""


@dataclass(frozen=True)
class _Calibration:
    """What depends on the drawings that a background was measured on.

    variance: that of people's drawings of a symbol, relative to that of these drawings. shift, by_count: what is
    subtracted from the log odds of a class of one drawing, and for each e times as many drawings, so that 222 own
    symbols together take less than 0.3 % of the network's drawings from their places among the first five.
    """

    variance: float
    shift: float
    by_count: float


_CALIBRATIONS: dict[Origin, _Calibration] = {
    "drawings": _Calibration(1.0, 2.7, 0.0),
    "starters": _Calibration(1.5, 3.1, 0.77),
}


class OwnClasses:
    """Further classes of a classifier, each of a few drawings."""

    def __init__(
        self, background: Background, features: Mapping[str, tuple[Floats, float]], temperature: float
    ) -> None:
        """`features` has, by key, those (n, D) of the drawings, and the number of drawings by people among these, 0 for
        simulated ones of a glyph; `temperature` is the model's."""
        self.keys = tuple(features)
        self._temperature = np.float32(temperature)
        counts = np.array([max(count, 1.0) for _, count in features.values()])
        calibration = _CALIBRATIONS[background.origin]
        certainty = counts[:, None] * background.spread
        means = np.stack([background.project(found).mean(0) for found, _ in features.values()])
        means = means * (certainty / (certainty + calibration.variance))
        self._own = _Rows.of(background, means, calibration.variance)
        self._shift = (calibration.shift + calibration.by_count * np.log(counts)).astype(np.float32)
        self._network = _Rows.of(background, background.means, calibration.variance)
        self._background = background

    def logits(self, logits: Floats, features: Floats) -> Floats:
        """Logits (n, keys) of drawings with the network's logits (n, classes) and features (n, D)."""
        x = self._background.project(features)
        odds = self._own.values(x) - _log_sum(self._network.values(x))
        # The worse the odds, the less each further step counts: a symbol that isn't the best may be the second.
        odds = np.where(odds > 0, SURENESS * odds, -SOFTNESS * np.log1p(np.maximum(-odds, 0) / SOFTNESS))
        found: Floats = self._temperature * (_log_sum(logits / self._temperature) + odds - self._shift)
        return found


@dataclass(frozen=True)
class _Rows:
    """Linear discriminants of c classes, multiplied by `TRUST`: weights (r, c) and biases (c,)."""

    weights: Floats
    biases: Floats

    @classmethod
    def of(cls, background: Background, means: Floats, variance: float) -> _Rows:
        """Of classes with these means (c, r), all with the variance of a second drawing of a symbol given the first;
        `variance` is that of drawings of a symbol."""
        precision = TRUST / (variance + variance * background.spread / (background.spread + variance))
        weights = means * precision
        return cls(weights.T.astype(np.float32), (-0.5 * (weights * means).sum(1)).astype(np.float32))

    def values(self, x: Floats) -> Floats:
        """The discriminants (n, c) of x (n, r)."""
        found: Floats = x @ self.weights + self.biases
        return found


def _log_sum(values: Floats) -> Floats:
    """The logarithm of the sum of the exponentials of each row: (n, c) → (n, 1)."""
    most = values.max(1, keepdims=True)
    total: Floats = most + np.log(np.exp(values - most).sum(1, keepdims=True))
    return total
