"""A training's checkpoint: the state to resume from, in one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Annotated

import torch
from msgspec import Meta
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from extexify.core.schema import validate
from extexify.workspace.files import StorageError, atomic_file

VERSION = 2
"""Format of checkpoints; earlier ones can't be resumed from."""

Count = Annotated[int, Meta(ge=0)]


@dataclass
class Tally:
    """Sums over drawings: cross entropy, and how many were right at rank 1 and within rank 5.

    objective is the sum of what training minimizes over `items`, the drawings and scribbles.
    """

    count: Count = 0
    loss: Annotated[float, Meta(ge=0)] = 0.0
    top1: Count = 0
    top5: Count = 0
    objective: Annotated[float, Meta(ge=0)] = 0.0
    items: Count = 0

    def add(self, count: float, loss: float, top1: float, top5: float, objective: float = 0, items: float = 0) -> None:
        """Add sums of further drawings."""
        self.count += int(count)
        self.loss += loss
        self.top1 += int(top1)
        self.top5 += int(top5)
        self.objective += objective
        self.items += int(items)

    def since(self, earlier: Tally) -> Tally:
        """The sums of the drawings that were added since `earlier`."""
        return Tally(*(now - before for now, before in zip(astuple(self), astuple(earlier), strict=True)))

    def metrics(self) -> dict[str, float]:
        """Means: loss, top-1 and top-5 accuracy as fractions of 1, and the objective where there is one."""
        count = max(self.count, 1)
        means = {"loss": self.loss / count, "top1": self.top1 / count, "top5": self.top5 / count}
        return {**means, "objective": self.objective / self.items} if self.items else means


@dataclass
class TrainingState:
    """Position of a training: epochs done, batches of the next one, steps in all, that epoch's sums and seconds, and
    the best epoch so far."""

    epoch: Count = 0
    batch: Count = 0
    step: Count = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0
    tally: Tally = field(default_factory=Tally)
    best_epoch: Count = 0
    best_top5: float = -1.0


def save_checkpoint(
    path: Path,
    state: TrainingState,
    network: nn.Module,
    average: AveragedModel | None,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write state, weights, averaged weights and the optimizer's state. The schedule follows from state.step."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for number, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in slots.items()}
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with atomic_file(path) as temporary:
        # safetensors' save_file raises errors of its own for a full disk.
        temporary.write_bytes(save(plain, metadata={"version": str(VERSION), "state": json.dumps(asdict(state))}))


def read_checkpoint(path: Path) -> bytes:
    """A checkpoint file's content. Raises `StorageError` if it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} can't be read ({error.strerror})") from None


def restore_checkpoint(
    path: Path,
    network: nn.Module,
    average: AveragedModel | None,
    optimizer: torch.optim.Optimizer,
    content: bytes | None = None,
) -> TrainingState:
    """Load a checkpoint into `network`, `average` and `optimizer`, and return its state.

    `content` is the file's content, if the file is on another machine. Raises `StorageError` if the checkpoint is
    damaged, of an earlier version, or of another training.
    """
    if content is None:
        content = read_checkpoint(path)
    try:
        tensors = load(content)
        metadata = _metadata(content)
        if metadata.get("version") != str(VERSION):
            raise StorageError(f"{path} was written by another version of this program: start a new run")
        state = validate(json.loads(metadata["state"]), TrainingState)
        network.load_state_dict(_part(tensors, "network."))
        if average is not None:
            average.load_state_dict(_part(tensors, "average."))
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimizer.").items():
            number, slot = name.split(".")
            like = parameters[int(number)]
            # The fused step reads memory in order: a slot must have the memory layout (strides) of its weight.
            laid = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
            slots.setdefault(int(number), {})[slot] = laid
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
        return state
    except StorageError:
        raise
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StorageError(f"{path} is damaged ({first}): start a new run") from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _metadata(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file; `load` returns the tensors alone."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header["__metadata__"]
