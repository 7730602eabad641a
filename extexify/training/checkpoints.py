"""A training's checkpoint: everything that going on needs, in one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from extexify.core.schema import check_form
from extexify.workspace.files import StorageError, atomic_file

_STATE = {
    "epoch": int, "batch": int, "step": int, "seconds": float, "best_epoch": int, "best_top5": float,
    "tally": {"count": int, "loss": float, "top1": int, "top5": int},
}  # fmt: skip


@dataclass
class Tally:
    """Sums over drawings: loss, and how many were right at first or among the first five."""

    count: int = 0
    loss: float = 0.0
    top1: int = 0
    top5: int = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: its mean loss, logits (B, classes), labels (B,)."""
        best = logits.detach().topk(min(5, logits.shape[1])).indices == labels[:, None]
        self.count += len(labels)
        self.loss += float(loss.detach()) * len(labels)
        self.top1 += int(best[:, 0].sum())
        self.top5 += int(best.sum())

    def add_sums(self, count: float, loss: float, top1: float, top5: float) -> None:
        """Count what another tally has summed up."""
        self.count += int(count)
        self.loss += loss
        self.top1 += int(top1)
        self.top5 += int(top5)

    def figures(self) -> dict[str, float]:
        """Means: loss, and top-1 and top-5 as parts of 1."""
        count = max(self.count, 1)
        return {"loss": self.loss / count, "top1": self.top1 / count, "top5": self.top5 / count}


@dataclass
class TrainingState:
    """Where a training stands: whole epochs done, batches of the next one, its sums so far, the best epoch."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    best_epoch: int = 0
    best_top5: float = -1.0


def save_checkpoint(
    path: Path,
    state: TrainingState,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write where a training stands: state, weights, averaged weights, the optimizer's memory."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for number, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in slots.items()}
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with atomic_file(path) as temporary:
        # Not by safetensors' own writer, which tells a full disk as an error of its own.
        temporary.write_bytes(save(plain, metadata={"state": json.dumps(asdict(state))}))


def read_checkpoint(path: Path) -> bytes:
    """What a checkpoint's file holds. Raises `StorageError` when it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} can't be read ({error.strerror})") from None


def restore_checkpoint(
    path: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    content: bytes | None = None,
) -> TrainingState:
    """Put a checkpoint's weights into `network`, `average` and `optimizer`, and return its state.

    `content` is what the file holds, where that is on another machine. Raises `StorageError` when it is damaged or of
    another training.
    """
    if content is None:
        content = read_checkpoint(path)
    try:
        tensors = load(content)
        position = json.loads(_metadata(content)["state"])
        check_form(position, _STATE)
        if any(position[name] < 0 for name in ("epoch", "batch", "step", "best_epoch", "seconds")):
            raise ValueError("its state has a number below 0")
        if any(number < 0 for number in position["tally"].values()):
            raise ValueError("its sums have a number below 0")
        network.load_state_dict(_part(tensors, "network."))
        averaged = _part(tensors, "average.")
        for name, tensor in average.items():
            tensor.copy_(averaged[name])
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimizer.").items():
            number, slot = name.split(".")
            like = parameters[int(number)]
            # The fused step goes through memory, so that what belongs to a weight must lie as that does.
            laid = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
            slots.setdefault(int(number), {})[slot] = laid
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
        return TrainingState(**{**position, "tally": Tally(**position["tally"])})
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StorageError(f"{path} is damaged ({first}): start a new run") from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _metadata(content: bytes) -> dict[str, str]:
    """What safetensors keeps beside the tensors; `load` gives the tensors alone."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header["__metadata__"]
