"""A clock for tests of limits and sessions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """A clock that stands still until a test sets it, in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
