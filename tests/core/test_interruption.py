"""Signals stop a command even if the first exception is dropped."""

from __future__ import annotations

import os
import signal

import pytest

from extexify.core import interruption


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_again_after_its_exception_was_dropped(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruption.interruptible():
        interruption.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    interruption.check()
    assert signal.getsignal(number) is before
