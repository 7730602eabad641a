"""Entropy coding of a link's text: numbers ↔ letters and digits.

Numbers are binarized as Exp-Golomb codes. The bits are coded with adaptive probabilities (the estimator of Krichevsky
and Trofimov, 1981) by an asymmetric numeral system (Duda 2009) whose state is one large integer: texts are so short
that renormalization isn't needed.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The digits of a text in base 62, in their order."""

_VALUES = {digit: value for value, digit in enumerate(DIGITS)}

_BATCH = 48  # symbols that are coded at a time

_MAX_BITS = 12  # numbers are below 2¹³ − 1

Context = str | tuple[str, int] | tuple[str, int, str]


class DamagedCode(ValueError):
    """A number that no `Writer` has written."""


def _initial_counts() -> defaultdict[Context, list[int]]:
    """Twice the number of 0 and 1 bits in each context; both start at one half."""
    return defaultdict(lambda: [1, 1])


class Writer:
    """Collects symbols and codes them, the last one first, so that a `Reader` gets them in order."""

    def __init__(self) -> None:
        self._counts = _initial_counts()
        self._totals: list[int] = []
        self._starts: list[int] = []
        self._widths: list[int] = []

    def choice(self, count: int, value: int) -> None:
        """Write one of `count` equally likely values, 0 … count − 1."""
        self._totals.append(count)
        self._starts.append(value)
        self._widths.append(1)

    def bit(self, context: Context, bit: bool) -> None:
        """Write a bit, with the probability that the earlier bits of this context suggest."""
        counts = self._counts[context]
        zeros, ones = counts
        self._totals.append(zeros + ones)
        self._starts.append(zeros if bit else 0)
        self._widths.append(ones if bit else zeros)
        counts[bit] += 2

    def number(self, context: str, value: int) -> None:
        """Write a number ≥ 0: bit length in unary and second highest bit by context, the lower bits as they are."""
        value += 1
        bits = value.bit_length() - 1
        for length in range(bits):
            self.bit((context, length), True)
        self.bit((context, bits), False)
        if bits:
            below = bits - 1
            self.bit((context, bits, "highest"), bool(value >> below & 1))
            self.choice(1 << below, value & (1 << below) - 1)

    def finish(self, state: int) -> int:
        """The code of everything written, one number, starting from `state`."""
        # Coding is linear in multiples of the product of the widths, so that the large number is divided once a batch.
        for end in range(len(self._totals), 0, -_BATCH):
            batch = slice(max(end - _BATCH, 0), end)
            totals, starts, widths = self._totals[batch], self._starts[batch], self._widths[batch]
            whole, part = divmod(state, math.prod(widths))
            for total, start, width in zip(reversed(totals), reversed(starts), reversed(widths), strict=True):
                multiple, rest = divmod(part, width)
                part = multiple * total + start + rest
            state = whole * math.prod(totals) + part
        return state


def bits_of_flags(flags: NDArray[np.bool_]) -> float:
    """The bits that a `Writer` needs for bits of one context, whose order makes no difference."""
    ones = int(np.count_nonzero(flags))
    probability = math.lgamma(ones + 0.5) + math.lgamma(len(flags) - ones + 0.5) - math.lgamma(len(flags) + 1)
    return (math.log(math.pi) - probability) / math.log(2)


def bits_of_numbers(values: NDArray[np.int64]) -> float:
    """The bits that a `Writer` needs for the numbers (n,) of one context."""
    values = values + 1
    lengths = np.frexp(values)[1] - 1
    bits = float(np.maximum(lengths - 1, 0).sum())
    for length in range(int(lengths.max(initial=-1)) + 1):
        same = values[lengths == length]
        bits += bits_of_flags(lengths[lengths >= length] > length)
        if length:
            bits += bits_of_flags((same >> (length - 1) & 1).astype(bool))
    return bits


class Reader:
    """Reads what a `Writer` wrote, in the same order; `state` is the rest of the code."""

    def __init__(self, state: int) -> None:
        self._counts = _initial_counts()
        self.state = state

    def choice(self, count: int) -> int:
        """Read one of `count` equally likely values."""
        self.state, value = divmod(self.state, count)
        return value

    def bit(self, context: Context) -> bool:
        """Read a bit of a context."""
        counts = self._counts[context]
        whole, part = divmod(self.state, sum(counts))
        bit = part >= counts[0]
        self.state = whole * counts[bit] + part - (counts[0] if bit else 0)
        counts[bit] += 2
        return bit

    def number(self, context: str) -> int:
        """Read a number of a context. Raises `DamagedCode` if it is too large."""
        bits = 0
        while self.bit((context, bits)):
            bits += 1
            if bits > _MAX_BITS:
                raise DamagedCode
        if not bits:
            return 0
        below = bits - 1
        highest = self.bit((context, bits, "highest"))
        return ((2 | highest) << below | self.choice(1 << below)) - 1


def to_digits(number: int) -> str:
    """A number in base 62."""
    digits = []
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def from_digits(digits: str) -> int:
    """The number with these digits in base 62."""
    number = 0
    for digit in digits:
        number = number * len(DIGITS) + _VALUES[digit]
    return number
