"""A training's checkpoint: everything that going on needs, in one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from extexify.storage import StorageError, atomic_file


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
    answers: Tensor,
) -> None:
    """Write where a training stands: state, weights, averaged weights, the optimizer's memory, mean answers."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    tensors["answers"] = answers
    for number, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in slots.items()}
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with atomic_file(path) as temporary:
        save_file(plain, temporary, metadata={"state": json.dumps(asdict(state))})


def restore_checkpoint(
    path: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    answers: Tensor,
) -> TrainingState:
    """Put a checkpoint's weights into `network`, `average`, `optimizer` and `answers`, and return its state.

    Raises `StorageError` when the file is damaged or of another training.
    """
    try:
        with safe_open(path, framework="pt") as file:
            position = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        network.load_state_dict(_part(tensors, "network."))
        answers.copy_(tensors["answers"])
        averaged = _part(tensors, "average.")
        for name, tensor in average.items():
            tensor.copy_(averaged[name])
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimizer.").items():
            number, slot = name.split(".")
            slots.setdefault(int(number), {})[slot] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
        return TrainingState(**{**position, "tally": Tally(**position["tally"])})
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StorageError(f"{path} is damaged ({first}): start a new run") from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
