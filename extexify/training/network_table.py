"""What networks take and cost: the recipes' own and torchvision's for classification, without importing PyTorch.

`python -m tools.network_table` measures them and writes `networks.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.workspace.files import read_json

TABLE = Path(__file__).with_name("networks.json")

PIXELS = 64
"""Pixels a side of the images for a network of torchvision, or the next number that it takes."""


MAX_WEIGHTS = 500_000_000
"""Weights of the largest network that is trained: published in float16, more would exceed the largest model file."""


class NetworkError(UserError, ValueError):
    """A network that torchvision doesn't have, or one that is too large for a model file."""


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """What a network takes and costs.

    smallest: pixels a side of the smallest images that it takes. pixels: of those that it is trained on. one_size: once
    built, it takes no others. batch_norm: whether it has batch normalization. weights, and operations (additions and
    multiplications for one drawing of `pixels`, by `torch.utils.flop_counter`), are those without classes; every class
    adds some.
    """

    smallest: int
    pixels: int
    one_size: bool
    batch_norm: bool
    weights: int
    weights_a_class: int
    operations: int
    operations_a_class: int

    def weights_for(self, classes: int) -> int:
        """The number of weights with so many classes."""
        return self.weights + classes * self.weights_a_class

    def operations_for(self, classes: int) -> int:
        """The number of operations for one drawing with so many classes."""
        return self.operations + classes * self.operations_a_class


@dataclass(frozen=True, slots=True)
class _Table:
    recipes: dict[str, NetworkCost]
    torchvision: dict[str, NetworkCost]


@cache
def _table() -> _Table:
    return validate(read_json(TABLE), _Table)


def recipe_networks() -> Mapping[str, NetworkCost]:
    """The networks of recipes that are not torchvision's, by the recipe's name."""
    return _table().recipes


@cache
def torchvision_networks() -> Mapping[str, NetworkCost]:
    """The classification networks of torchvision that fit into a model file, by name."""
    return {name: cost for name, cost in _table().torchvision.items() if cost.weights <= MAX_WEIGHTS}


def torchvision_network(name: str) -> NetworkCost:
    """A network of torchvision. Raises `NetworkError` for an unknown name, and for a network that is too large."""
    networks = torchvision_networks()
    if name not in networks:
        if name in _table().torchvision:
            weights = f"{_table().torchvision[name].weights / 1e6:,.0f} million weights"
            raise NetworkError(f"{name} has {weights}, too many for a model file: choose a smaller network")
        near = get_close_matches(name.lower(), networks)
        hint = f"near names are {', '.join(near)}" if near else f"there are {len(networks)}, such as resnet18"
        raise NetworkError(f"torchvision has no classification network {name!r}: {hint}")
    return networks[name]
