"""Signals stop a command even where the first exception gets lost."""

from __future__ import annotations

import os
import signal

import pytest

from extexify.core import interruption


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_and_is_not_forgotten_when_somebody_drops_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruption.interruptible():
        interruption.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    interruption.check()
    assert signal.getsignal(number) is before
