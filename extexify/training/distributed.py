"""Several processes that train together: PyTorch's process group, joined from the environment that torchrun sets.

Each process trains on a shard of every batch and `DistributedDataParallel` averages their gradients. Rank 0 alone holds
the run's lock, reads and writes its files, and reports; the other ranks may be on machines without them.
`extexify.training.launch` starts the processes. Without torchrun's environment everything here is a no-op for one
process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from extexify.core.errors import UserError
from extexify.core.progress import Stopped
from extexify.training.devices import pick_device
from extexify.training.launch import LAUNCHED, LOST
from extexify.training.loader import WHOLE, Shard

TIMEOUT = timedelta(minutes=5)
"""How long a collective waits for the other processes. The end of a process is noticed at once; this is for machines
that vanish, and longer than rank 0 needs to write an epoch's model."""


_PARENT = os.getppid()


class CollectiveError(UserError, RuntimeError):
    """An error that all processes of a training raise together; rank 0 reports it."""


class LostProcess(CollectiveError):
    """Another process of the training has ended or can't be reached."""


def rank() -> int:
    """This process's number: 0 reads, writes and reports."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """The number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def local_rank() -> int | None:
    """This process's number among those on its machine; None if it trains alone."""
    return int(os.environ["LOCAL_RANK"]) if dist.is_initialized() else None


def shard() -> Shard:
    """This process's part of every batch."""
    return Shard(rank(), world_size()) if dist.is_initialized() else WHOLE


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Join the process group of torchrun's environment, if there is one; leave it at the end of the block.

    gloo is the backend of CPU tensors, NCCL that of GPUs. In other ranks than 0 a `CollectiveError` or a stop inside
    the block becomes SystemExit(0): rank 0 reports it and sets the exit code. Raises `LostProcess` if the other
    processes don't come within `TIMEOUT`, and `DeviceError` if the machine has too few GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    missing = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        raise UserError(f"WORLD_SIZE is set as by torchrun, but {' and '.join(missing)} is not")
    torch_device = pick_device(device, int(os.environ["LOCAL_RANK"]))
    backend = "gloo"
    if torch_device.type == "cuda":
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(torch_device)
        # A lost process then raises an exception here; NCCL's default is to abort this process.
        os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")
    try:
        dist.init_process_group(backend, timeout=TIMEOUT)
    except (dist.DistError, RuntimeError, ValueError) as error:
        raise LostProcess(f"the processes of this training can't reach each other ({error})") from None
    own_rank, is_lost = rank(), False
    try:
        yield
    except (CollectiveError, Stopped) as error:
        is_lost = isinstance(error, LostProcess)
        if own_rank > 0:
            raise SystemExit(0) from None
        if is_lost and os.environ.get(LAUNCHED):
            raise SystemExit(LOST) from None  # the launcher reports which process ended, and how
        raise
    finally:
        # NCCL would wait for the lost process.
        if not is_lost or backend == "gloo":
            dist.destroy_process_group()


@contextmanager
def lost_processes_explained() -> Iterator[None]:
    """Raise `LostProcess` when a collective inside the block fails."""
    try:
        yield
    except RuntimeError as error:
        is_collective = isinstance(error, dist.DistError) or any(
            name in str(error) for name in ("gloo", "NCCL", "onnection closed", "onnection reset")
        )
        if world_size() == 1 or isinstance(error, UserError) or not is_collective:
            raise
        raise LostProcess("another process of this training has ended or can't be reached") from None


def data_parallel(module: nn.Module, device: torch.device) -> nn.Module:
    """The module wrapped so that backward passes average the gradients of all processes; itself for one process.

    The running statistics of batch norm are those of rank 0, which DDP broadcasts before every forward pass.
    """
    if world_size() == 1:
        return module
    return DistributedDataParallel(module, device_ids=[device] if device.type == "cuda" else None)


def sums(values: Iterable[float]) -> list[float]:
    """The sums of numbers over all processes."""
    own = torch.tensor(list(values), dtype=torch.float64)
    if world_size() > 1:
        dist.all_reduce(own)
    return own.tolist()


def any_process(flag: bool) -> bool:
    """Whether the flag is set in any process."""
    return sums([flag])[0] > 0


def launcher_has_ended() -> bool:
    """Whether torchrun, the parent of this process, has ended without ending this one (after a SIGKILL)."""
    return world_size() > 1 and os.getppid() != _PARENT


def broadcast_bytes(data: Callable[[], bytes]) -> bytes:
    """Rank 0's data in all processes; `data` is called on rank 0 alone."""
    if world_size() == 1:
        return data()
    content = torch.frombuffer(bytearray(data()), dtype=torch.uint8) if rank() == 0 else torch.empty(0)
    length = torch.tensor([len(content)])
    dist.broadcast(length, 0)
    if rank() > 0:
        content = torch.empty(int(length), dtype=torch.uint8)
    dist.broadcast(content, 0)
    return content.numpy().tobytes()


def broadcast_json(value: Any) -> Any:
    """Rank 0's JSON value in all processes."""
    return orjson.loads(broadcast_bytes(lambda: orjson.dumps(value)))


def broadcast_buffers(module: nn.Module) -> None:
    """Set the module's buffers, in all processes, to those of rank 0."""
    if world_size() > 1:
        for buffer in module.buffers():
            dist.broadcast(buffer, 0)
