"""Random numbers in compiled loops: one state per drawing, seeded with the drawing's number.

A drawing's numbers depend neither on its batch nor on the thread or process that handles it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit


def uniforms(numbers: NDArray[np.integer], *, seed: int, epoch: int, columns: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), shape (N, columns): a function of seed, epoch and each drawing's number (N,)."""
    base = np.uint64(np.random.SeedSequence([seed, epoch, 1]).generate_state(1, np.uint64)[0])
    out = np.empty((len(numbers), columns))
    _fill(np.asarray(numbers, np.uint64), base, out)
    return out


@njit(cache=True, nogil=True)
def number_state(state, base, number):  # type: ignore[no-untyped-def]
    """Seed state[0] (uint64) with a base and a drawing's number."""
    state[0] = base ^ (number * np.uint64(0xD1342543DE82EF95))
    uniform(state)


@njit(cache=True, nogil=True)
def uniform(state):  # type: ignore[no-untyped-def]
    """A uniform number in [0, 1): one step of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) on state[0]."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    x = state[0]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return np.float64(x >> np.uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True)
def normal(state):  # type: ignore[no-untyped-def]
    """A standard normal number (Box & Muller, 1958), clipped to ±3 so that no drawing becomes unrecognizable."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(state)))
    return min(max(radius * np.cos(2.0 * np.pi * uniform(state)), -3.0), 3.0)


@njit(cache=True, nogil=True)
def _fill(numbers, base, out):  # type: ignore[no-untyped-def]
    state = np.empty(1, np.uint64)
    for row in range(len(numbers)):
        number_state(state, base, numbers[row])
        for column in range(out.shape[1]):
            out[row, column] = uniform(state)
