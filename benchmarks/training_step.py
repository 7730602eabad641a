"""Profile of a training step by part, and its throughput compared with the machine's peak.

    python -m benchmarks.training_step [--dataset DIR] [--recipe default] [--steps 40]

Trains with a recipe for some steps at the input size of its last epochs, in a temporary folder, and times each part of
the step. The next batch is made in a concurrent thread; its parts are listed separately, because the step doesn't wait
for them unless they take longer. The last line compares operations per second of the network's forward and backward
pass with those of a matrix multiplication in the same precision.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.answers import matrix_flops
from benchmarks.data import add_dataset_option, open_dataset
from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.drawing.inputs import model_inputs
from extexify.model import networks
from extexify.training import loader, loop
from extexify.training.devices import has_bfloat16
from extexify.training.loop import train
from extexify.training.pipeline import training_data
from extexify.training.recipes import RECIPES, Recipe
from extexify.training.recipes import recipe as find_recipe
from extexify.training.starters import learnt

BESIDE = {
    "blend": (loader.DrawingDataset, "_blended"),
    "vary": (loader, "augment"),
    "scribble": (loader, "scribbles"),
    "rasterize, resample": (loader, "model_inputs"),
}
"""Parts of making a batch, each with the owner and name of its function."""

STEP = {
    "to the network's layout": (networks, "to_tensors"),
    "forward": (networks.FusedNet, "heads"),
    "loss": (loop, "objective"),
    "backward": (torch.Tensor, "backward"),
    "clip": (torch.nn.utils, "clip_grad_norm_"),
    "optimizer": (torch.optim.AdamW, "step"),
    "weight average": (torch, "_foreach_lerp_"),
}
"""Parts of a step, each with the owner and name of its function."""


def main() -> None:
    """Print a table of the parts, then the throughput."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    fused = [name for name, each in RECIPES.items() if each.architecture == "fused"]
    parser.add_argument("--recipe", choices=fused, default="default")
    parser.add_argument("--steps", type=int, default=40, help="steps to measure, after ten warm-up steps (default: 40)")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    recipe = replace(find_recipe(options.recipe), small=0.0, epochs=1)
    times, whole = step_times(recipe, dataset, options.steps)
    size = recipe.batch_size
    print(f"{recipe.name}: {size} drawings a step, {1e3 * whole:.0f} ms, {size / whole:,.0f} drawings/s\n")
    print("| part | ms | of the step |\n| --- | ---: | ---: |")
    for name in STEP:
        print(f"| {name} | {1e3 * times[name]:.1f} | {times[name] / whole:.0%} |")
    rest = whole - sum(times[name] for name in STEP)
    print(f"| the rest: waiting for the batch, Python | {1e3 * rest:.1f} | {rest / whole:.0%} |")
    for name in BESIDE:
        print(f"| beside the step: {name} | {1e3 * times[name]:.1f} | |")
    done = operations(recipe, dataset) / (times["forward"] + times["backward"])
    reached, most = done / 1e9, matrix_flops(torch.bfloat16 if has_bfloat16(torch.device("cpu")) else torch.float32)
    print(f"\nforward and backward: {reached:,.0f} GFLOP/s; a matrix multiplication: {most / 1e9:,.0f}")


def step_times(recipe: Recipe, dataset: Dataset, steps: int, warm_up: int = 10) -> tuple[dict[str, float], float]:
    """Mean seconds of each part of a step, and the median seconds of a step."""
    times: dict[str, float] = defaultdict(float)
    ends: list[float] = []

    def stop_after() -> bool:
        ends.append(time.perf_counter())
        if len(ends) == warm_up:
            times.clear()
        return len(ends) >= warm_up + steps

    train_data, _ = training_data(recipe, dataset, Path(), 0)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name, (owner, attribute) in {**BESIDE, **STEP}.items():
            stack.enter_context(_clocked(owner, attribute, name, times))
        stack.enter_context(suppress(Stopped))
        train(
            recipe,
            learnt(recipe, dataset),
            train_data,
            None,
            Path(folder) / "run",
            device="cpu",
            should_stop=stop_after,
        )
    counted = len(ends) - warm_up
    apart = [after - before for before, after in zip(ends[warm_up - 1 :], ends[warm_up:], strict=False)]
    return {name: times[name] / counted for name in (*BESIDE, *STEP)}, statistics.median(apart)


@contextmanager
def _clocked(owner: Any, attribute: str, name: str, times: dict[str, float]) -> Iterator[None]:
    """Inside the block, each call of the owner's function adds its seconds to `times[name]`."""
    function: Callable[..., Any] = getattr(owner, attribute)

    def clocked(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            times[name] += time.perf_counter() - began

    with mock.patch.object(owner, attribute, clocked):
        yield


def operations(recipe: Recipe, dataset: Dataset) -> float:
    """Additions and multiplications of one step's forward and backward pass, scribbles included."""
    network = networks.build(recipe.architecture, len(learnt(recipe, dataset).classes), recipe.options)
    inputs = model_inputs(dataset.drawings.take(dataset.indices("train")[:8]), recipe.raster, recipe.sequence)
    tensors = networks.to_tensors(inputs, network, torch.device("cpu"))
    with FlopCounterMode(display=False) as counter:
        torch.stack([head.sum() for head in network.heads(*tensors)]).sum().backward()
    return counter.get_total_flops() / 8 * recipe.batch_size * (1 + recipe.scribbles)


if __name__ == "__main__":
    main()
