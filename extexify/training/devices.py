"""The device of a training and its precision."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from extexify.core.errors import UserError


class DeviceError(UserError, ValueError):
    """A device that this machine does not have."""


def pick_device(name: str, number: int | None = None) -> torch.device:
    """The device to train on: "auto" takes CUDA, then MPS, then the CPU.

    `number` is the local rank of a process that trains together with others on this machine: each has a GPU of its own,
    or they share the CPU. Raises `DeviceError` if the machine doesn't have the device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if number is not None:
        if name.startswith(("mps", "cuda:")):
            raise DeviceError(f"several processes can't share the device {name!r}: use auto, cuda or cpu")
        present["mps"] = False
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    if not present.get(name.split(":")[0], False):
        raise DeviceError(f"this machine has no device {name!r}: use auto, cpu, cuda or mps")
    if number is None or name == "cpu":
        return torch.device(name)
    if number >= (there := torch.cuda.device_count()):
        raise DeviceError(f"each process needs a GPU of its own, and this machine has {there}: start {there} at most")
    return torch.device("cuda", number)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has bfloat16 arithmetic; emulating it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu" and sys.platform == "linux":
        try:
            flags = Path("/proc/cpuinfo").read_text()
        except OSError:
            return False
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False
