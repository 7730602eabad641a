"""The weights of a network with its description, in one safetensors file: the best epoch of a run, to be published.

Its metadata have one entry, the description. Until format version 2, such files were the models themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from extexify.model.description import METADATA, ModelDescription, ModelError, parse_description
from extexify.workspace.files import atomic_file

_FLOAT16 = torch.finfo(torch.float16).max


def narrow(weights: Tensor) -> bool:
    """Whether weights are stored as float16, which halves the file and changes no answer: those of two dimensions or
    more, unless they have values beyond its range."""
    return weights.ndim > 1 and weights.is_floating_point() and not bool((weights.abs() > _FLOAT16).any())


def write_weights(path: Path, description: ModelDescription, weights: Mapping[str, Tensor]) -> None:
    """Write a network's `state_dict()` with its description, atomically."""
    stored = {
        name: (value.detach().cpu().half() if narrow(value) else value.detach().cpu()).contiguous()
        for name, value in weights.items()
    }
    metadata = {METADATA: json.dumps(description.to_json(), ensure_ascii=False)}
    with atomic_file(path) as temporary:
        # safetensors' own writer raises an error of its own for a full disk.
        temporary.write_bytes(save(stored, metadata=metadata))


def read_weights(path: Path) -> tuple[ModelDescription, dict[str, Tensor]]:
    """A file's description and weights. Raises `ModelError` unless it is whole and of a known version.

    Whether the weights are those of the architecture is not checked here: `networks.load_network` does that.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path} has no weights, or is cut short ({error})") from None
    if METADATA not in metadata:
        raise ModelError(f"{path} is a safetensors file, but not of a model of Extexify")
    return parse_description(path, metadata[METADATA]), weights
