"""Random numbers inside compiled loops: one small state a drawing, seeded with the drawing's number."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def number_state(state, base, number):  # type: ignore[no-untyped-def]
    """Set state[0] (uint64) for a drawing's number; equal bases and numbers give equal states."""
    state[0] = base ^ (number * np.uint64(0xD1342543DE82EF95))
    uniform(state)


@njit(cache=True, nogil=True)
def uniform(state):  # type: ignore[no-untyped-def]
    """One step of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): a uniform number in [0, 1) from state[0]."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    x = state[0]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return np.float64(x >> np.uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True)
def normal(state):  # type: ignore[no-untyped-def]
    """A standard normal number (Box & Muller, 1958), held within ±3 so that no drawing becomes another."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(state)))
    return min(max(radius * np.cos(2.0 * np.pi * uniform(state)), -3.0), 3.0)
