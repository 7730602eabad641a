"""The rasterizer against the blog post's method: drawings a second, on the same drawings, in one run.

    PYTHONPATH=. python benchmarks/rasterizer.py [--dataset DIR] [--rounds 5]

The original's method is timed on every 20th drawing (it takes minutes for all), ours on all of them, in
turn, so that a machine that slows down slows both; the figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks import original_method
from benchmarks.data import add_dataset_option, open_dataset
from extexify.raster import PRESETS, RasterSettings, available_threads, preset, rasterize
from extexify.strokes import Drawings

EVERY = 20


def main() -> None:
    """Time all methods in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    mapped = open_dataset(options.dataset).drawings
    # Copied into memory once: both methods are timed without the disk.
    drawings = Drawings(np.array(mapped.points), np.array(mapped.stroke_ends), np.array(mapped.sample_ends))
    some = [drawings[index] for index in range(0, len(drawings), EVERY)]
    threads = available_threads()

    def original() -> int:
        for drawing in some:
            original_method.draw(drawing)
        return len(some)

    def ours(settings: RasterSettings, count: int) -> Callable[[], int]:
        def draw_all() -> int:
            rasterize(drawings, settings, threads=count)
            return len(drawings)

        return draw_all

    methods = {
        "original's method, 32×32": original,
        "preset original, 32×32, 1 thread": ours(PRESETS["original"], 1),
        f"preset original, 32×32, {threads} threads": ours(PRESETS["original"], threads),
        f"anti-aliased, 32×32, {threads} threads": ours(preset("default", size=32), threads),
        "preset default, 48×48, 1 thread": ours(PRESETS["default"], 1),
        f"preset default, 48×48, {threads} threads": ours(PRESETS["default"], threads),
    }
    rasterize(drawings.take(np.arange(2)), PRESETS["default"])  # compile
    rasterize(drawings.take(np.arange(2)), PRESETS["original"])
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(options.rounds):
        for name, method in methods.items():
            began = time.perf_counter()
            count = method()
            times[name].append((time.perf_counter() - began) / count)
    medians = {name: statistics.median(measured) for name, measured in times.items()}
    slowest = medians["original's method, 32×32"]
    print(f"{len(drawings):,} drawings, {len(drawings.points):,} points; medians of {options.rounds} rounds\n")
    print("| method | µs a drawing | drawings a second | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds * 1e6:,.1f} | {1 / seconds:,.0f} | {slowest / seconds:,.0f} × |")


if __name__ == "__main__":
    main()
