"""Measures what the recipes' networks and torchvision's take and cost, for the table that pages and recipes read.

    python -m tools.network_table

Nothing is computed but shapes and counts: the weights have no memory (PyTorch's "meta" device).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import count

import orjson
import torch
import torchvision.models
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from extexify.drawing.raster import MIN_SIZE
from extexify.drawing.resample import CHANNELS
from extexify.model import networks
from extexify.model.network import Network
from extexify.model.torchvision_networks import takes_one_size
from extexify.training.network_table import PIXELS, TABLE, NetworkCost
from extexify.training.recipes import RECIPES, Recipe

Build = Callable[[int, int], Network]
"""Builds a network for classes and pixels a side."""


def recipe_network(recipe: Recipe) -> NetworkCost:
    """The cost of a recipe's own network at the size of its images."""
    build = partial(networks.build, recipe.architecture, options=recipe.options)
    points = recipe.sequence.points if recipe.sequence else 0
    return measure(lambda classes, _: build(classes), recipe.raster.size, points=points)


def torchvision_network(name: str) -> NetworkCost:
    """The cost of a network of torchvision at the size of images that it is trained on."""
    one_size = takes_one_size(name)

    def build(classes: int, pixels: int) -> Network:
        return networks.build("torchvision", classes, {"network": name, **({"size": pixels} if one_size else {})})

    return measure(build, PIXELS, one_size=one_size)


def measure(build: Build, pixels: int, *, points: int = 0, one_size: bool = False) -> NetworkCost:
    """The cost of a network at the first size from `pixels` on that it takes."""
    network = on_meta(build, 2, pixels) if not one_size else None

    def takes(size: int) -> bool:
        try:
            run(network or on_meta(build, 2, size), size, points)
        except (RuntimeError, ValueError):  # PyTorch's for images that are too small, and ours
            return False
        return True

    smallest = next(size for size in count(MIN_SIZE) if takes(size))
    pixels = next(size for size in count(max(pixels, smallest)) if takes(size))
    two, three = (on_meta(build, classes, pixels).eval() for classes in (2, 3))
    batch_norm = any(isinstance(layer, nn.BatchNorm2d) for layer in two.modules())
    weights = [sum(weight.numel() for weight in each.parameters()) for each in (two, three)]
    operations = [operations_of(each, pixels, points) for each in (two, three)]
    return NetworkCost(smallest, pixels, one_size, batch_norm, *_line(*weights), *_line(*operations))


def _line(of_two: int, of_three: int) -> tuple[int, int]:
    """A number without classes and for each class, from those of two and of three classes."""
    return 3 * of_two - 2 * of_three, of_three - of_two


def on_meta(build: Build, classes: int, pixels: int) -> Network:
    """A network whose weights have shapes but no memory."""
    with torch.device("meta"):
        return build(classes, pixels).to("meta")


def run(network: Network, pixels: int, points: int, drawings: int = 2) -> None:
    """A forward pass."""
    images = torch.empty(drawings, network.in_channels, pixels, pixels, device="meta")
    inputs = {"images": images, "sequences": torch.empty(drawings, CHANNELS, 1, points, device="meta")}
    network(*(inputs[kind] for kind in network.reads))


def operations_of(network: Network, pixels: int, points: int) -> int:
    """Additions and multiplications for one drawing."""
    with FlopCounterMode(display=False) as counter:
        run(network, pixels, points, drawings=1)
    return counter.get_total_flops()


def main() -> int:
    own = {name: recipe for name, recipe in RECIPES.items() if recipe.architecture != "torchvision"}
    names = torchvision.models.list_models(module=torchvision.models)
    table = {
        "recipes": {name: asdict(recipe_network(recipe)) for name, recipe in own.items()},
        "torchvision": {name: asdict(torchvision_network(name)) for name in names},
    }
    # A network a line.
    parts = [
        f'"{part}": {{\n'
        + ",\n".join(f'"{name}": {orjson.dumps(cost).decode()}' for name, cost in rows.items())
        + "\n}"
        for part, rows in table.items()
    ]
    TABLE.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="ascii")
    print(f"{TABLE}: {len(own)} networks of recipes, {len(names)} of torchvision", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
