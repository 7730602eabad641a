"""Several processes that train together, on one machine or several: who they are, and what they say to each other.

Each takes its share of every batch, their gradients are added up, and all take the same step. Process 0 leads: it alone
holds the run's lock, reads and writes the run's files and reports; the others may be on machines without them. Nothing
that is sent is code: it is numbers, JSON, and a checkpoint.

torch.distributed does the work: gloo between CPUs, and for what is said beside the gradients; NCCL between GPUs.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Parameter

from extexify.core.errors import UserError
from extexify.core.progress import SilentExit, Stopped
from extexify.training.devices import pick_device
from extexify.training.launch import MAX_PROCESSES, Followers, threads_each

PATIENCE = timedelta(minutes=5)
"""How long a process may be silent, while others wait for it, until it counts as lost. One that ends is noticed at
once: this is for machines that vanish, and longer than the leader needs to judge and write an epoch's model."""

_KEYS, _FAILURE = "extexify", "failure"


class LostProcess(UserError, RuntimeError):
    """Another process of the training has ended or can't be reached; the message is what is known of it."""


@dataclass(frozen=True)
class Team:
    """The processes that train together, seen from one of them: its rank from 0, their number, and its rank among those
    on its machine (None where it trains alone).

    Every method that sends is called by all of them in the same order. Raises `LostProcess` when that can't be.
    """

    rank: int = 0
    size: int = 1
    local_rank: int | None = None
    store: dist.Store | None = None
    followers: Followers | None = None

    @property
    def leads(self) -> bool:
        """Whether this is the process that reads, writes and reports."""
        return self.rank == 0

    def share(self, items: NDArray[Any]) -> NDArray[Any]:
        """This process's part of what all have in common: each item is in the part of exactly one."""
        return np.array_split(items, self.size)[self.rank]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one device and dtype by their sums over all processes."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with self._lost_explained():
            dist.all_reduce(flat)
        for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view(tensor.shape))

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace floating point tensors of one device and dtype by their means over all processes."""
        self.add_up(tensors)
        for tensor in tensors if self.size > 1 else ():
            tensor /= self.size

    def merge_gradients(self, parameters: Iterable[Parameter], weight: float) -> None:
        """Let everybody's gradients be those of the whole batch, of which this process had the part `weight`."""
        if self.size == 1:
            return
        parameters = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in parameters:
            if parameter.grad is None:  # there was nothing for this process
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        torch._foreach_mul_(gradients, weight)
        self.add_up(gradients)

    def total(self, values: Iterable[float]) -> list[float]:
        """The sums of some numbers over all processes."""
        sums = torch.tensor(list(values), dtype=torch.float64)
        self.add_up([sums])
        return sums.tolist()

    def any(self, flag: bool) -> bool:
        """Whether any process says so."""
        return self.total([flag])[0] > 0

    def hand_out(self, data: bytes) -> bytes:
        """What the leader has, to all; what others give is ignored."""
        if self.size == 1:
            return data
        length = torch.tensor([len(data)])
        with self._lost_explained():
            dist.broadcast(length, 0)
        content = torch.empty(int(length), dtype=torch.uint8)
        if self.leads:
            content = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else content
        if len(content):
            with self._lost_explained():
                dist.broadcast(content, 0)
        return content.numpy().tobytes()

    def agree(self, value: Any) -> Any:
        """What the leader says, as JSON has it, to all; what others say is ignored."""
        return orjson.loads(self.hand_out(orjson.dumps(value) if self.leads else b""))

    @contextmanager
    def _lost_explained(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError:
            raise LostProcess(self._who_is_lost()) from None

    def _who_is_lost(self) -> str:
        if said := self.failure():
            return said
        # A process ends a moment after its connections do.
        if self.followers and (ended := self.followers.lost(wait=2.0)):
            return ended
        return f"another process of this training has ended, or was silent for {PATIENCE.seconds // 60} minutes"

    def failure(self) -> str:
        """What a process that failed said of it; empty when none did, or nobody is left to ask."""
        with suppress(RuntimeError):
            if self.store is not None and self.store.check([_FAILURE]):
                return self.store.get(_FAILURE).decode()
        return ""

    def fail(self, why: str) -> None:
        """Say that this process ends, and why."""
        with suppress(RuntimeError):
            if self.store is not None:
                self.store.set(_FAILURE, why if self.leads else f"process {self.rank} on {socket.gethostname()}: {why}")


ALONE = Team()
"""A training in one process."""


@contextmanager
def joined(device: str, *, processes: int = 1, follow: Sequence[str] = ()) -> Iterator[Team]:
    """The processes that train together, this one among them, all of them there.

    They are those that torchrun started, if it did; otherwise this one, which leads, and `processes` - 1 more, which it
    starts with the arguments `follow`. Leaving the block by an error ends them all, and the leader says why: in any
    other process the error becomes `SilentExit`.
    Raises `DeviceError` when the machine has too few GPUs, `LostProcess` when not all of them come.
    """
    started = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if not 1 <= processes <= MAX_PROCESSES:
        raise ValueError(f"the number of processes must be 1 to {MAX_PROCESSES}, not {processes}")
    if started and processes > 1:
        raise ValueError("torchrun has started the processes of this training already: leave --processes out")
    if started:
        team = _started_team()
    elif processes == 1:
        yield ALONE
        return
    else:
        for number in range(processes):
            pick_device(device, number)
        team = _own_team(processes, follow)
    orderly = False
    try:
        _wait_for_all(team)
        _connect(team, pick_device(device, team.local_rank))
        with _shared_cores(team):
            yield team
        orderly = True
    except BaseException as error:
        orderly = isinstance(error, Stopped)
        # Whoever ends because of another has nothing new to say, as long as that one could say it.
        if not team.leads and isinstance(error, LostProcess) and team.failure():
            raise SilentExit from None
        team.fail("stopped" if isinstance(error, Stopped | KeyboardInterrupt) else str(error) or type(error).__name__)
        if not team.leads and isinstance(error, Stopped | KeyboardInterrupt | UserError):
            raise SilentExit from None
        raise
    finally:
        # NCCL would wait for those who are lost.
        if dist.is_initialized() and (orderly or dist.get_backend() == "gloo"):
            dist.destroy_process_group()
        if team.followers:
            team.followers.end(at_once=not orderly)


def _own_team(size: int, follow: Sequence[str]) -> Team:
    """The team of this process and those that it starts here."""
    door = socket.create_server(("127.0.0.1", 0))
    port = int(door.getsockname()[1])
    store = dist.TCPStore(
        "127.0.0.1", port, size, is_master=True, timeout=PATIENCE, wait_for_workers=False,
        master_listen_fd=door.detach(),
    )  # fmt: skip
    return Team(0, size, 0, dist.PrefixStore(_KEYS, store), Followers(size, follow, port))


def _started_team() -> Team:
    """The team that torchrun started, or who else speaks its language (these variables)."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")
    try:
        rank, size, local_rank, port = (int(os.environ[name]) for name in names)
        host = os.environ["MASTER_ADDR"]
    except (KeyError, ValueError) as error:
        raise ValueError(f"WORLD_SIZE is set as by torchrun, but its other variables are not ({error})") from None
    # torchrun's agents have a store of their own; without one, the leader keeps it.
    is_master = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    try:
        store = dist.TCPStore(host, port, size, is_master=is_master, timeout=PATIENCE, wait_for_workers=False)
    except dist.DistError:
        raise LostProcess(f"the process that leads this training, at {host}:{port}, can't be reached") from None
    return Team(rank, size, local_rank, dist.PrefixStore(_KEYS, store))


def _wait_for_all(team: Team) -> None:
    """Come, and wait for the others, listening to Ctrl-C meanwhile. Raises `LostProcess` when one doesn't come."""
    assert team.store is not None
    here = [f"here/{rank}" for rank in range(team.size)]
    give_up = time.monotonic() + PATIENCE.total_seconds()
    try:
        team.store.set(here[team.rank], "")
        while not team.store.check(here):
            if said := team.failure() or (team.followers.lost() if team.followers else ""):
                raise LostProcess(said)
            if time.monotonic() > give_up:
                absent = sum(not team.store.check([name]) for name in here)
                raise LostProcess(
                    f"{absent} of {team.size} processes have not come within {PATIENCE.seconds // 60} minutes"
                )
            time.sleep(0.05)
    except dist.DistError:
        raise LostProcess("the process that leads this training has ended") from None


def _connect(team: Team, device: torch.device) -> None:
    """Let torch.distributed connect all to all."""
    assert team.store is not None
    backend = "gloo"
    if device.type == "cuda":
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(device)
        # So that a lost process is an error that can be told, and not the end of this one.
        os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")
    try:
        store = dist.PrefixStore("group", team.store)
        dist.init_process_group(backend, store=store, rank=team.rank, world_size=team.size, timeout=PATIENCE)
    except RuntimeError:
        raise LostProcess(team.failure() or "the processes of this training can't reach each other") from None


@contextmanager
def _shared_cores(team: Team) -> Iterator[None]:
    """Have the leader of processes that it started itself compute with as many threads as they do."""
    before = torch.get_num_threads()
    if team.followers and not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(threads_each(team.size))
    try:
        yield
    finally:
        torch.set_num_threads(before)
