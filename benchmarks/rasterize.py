"""Row: drawings → pictures, fitting included, compared with the blog post's method.

The replaced method is timed on every 20th drawing (it takes minutes for all), in seconds of its one thread's processor
time, so that other load on the machine doesn't count against it; ours on all drawings, in wall-clock time, median of 5.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from benchmarks.measuring import Row, Setting, Work, beside, in_turn
from extexify.core.processes import available_cores
from extexify.dataset.dataset import Dataset
from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawings

EVERY = 20
AGAIN = 5
WANTED = 300.0


def measure(setting: Setting) -> Row:
    """Time the methods in turn."""
    dataset, threads = str(setting.dataset), available_cores()
    calls: dict[str, tuple[str, list[str | int]]] = {
        "the post's: one Pillow `draw.line` a segment, 32×32": ("benchmarks.rasterize:original", [dataset]),
        "the same, on plain numbers in place of tensors": ("benchmarks.rasterize:lean", [dataset]),
        f"preset `original`, the same pixels, {threads} threads": (
            "benchmarks.rasterize:ours", [dataset, "original", threads],
        ),
        f"preset `default`, 40×40, soft edges, {threads} threads": (
            "benchmarks.rasterize:ours", [dataset, "default", threads],
        ),
    }  # fmt: skip
    replaced, lean, *ours = in_turn(calls, setting.rounds)
    methods = [beside(replaced, method, target=f"≥ {WANTED:.0f} ×", at_least=WANTED) for method in ours]
    against_lean = " and ".join(f"{(lean.seconds / lean.drawings) * m.drawings / m.seconds:,.0f}" for m in ours)
    note = (
        "the post keeps each drawing as a PyTorch tensor and takes every point out of it by itself, which is most of "
        f"its time; against the same loop over plain numbers, ours are {against_lean} times as fast."
    )
    return Row("rasterize drawings, fitting included", [replaced, beside(replaced, lean), *methods], note)


def original(dataset: str) -> Work:
    """The post's method on some of the drawings."""
    from benchmarks import original_method  # here, so that the other methods run without PyTorch

    drawings = _in_memory(dataset)
    some = [drawings[index] for index in range(0, len(drawings), EVERY)]
    began = time.thread_time()
    for drawing in some:
        original_method.draw(original_method.normalize(drawing))
    return Work(time.thread_time() - began, len(some))


def lean(dataset: str) -> Work:
    """The post's loop without its tensors."""
    from benchmarks import original_method

    drawings = _in_memory(dataset)
    some = [drawings[index] for index in range(0, len(drawings), EVERY)]
    began = time.thread_time()
    for drawing in some:
        original_method.draw_plain(drawing)
    return Work(time.thread_time() - began, len(some))


def ours(dataset: str, preset: str, threads: int) -> Work:
    """Our rasterizer on all drawings."""
    drawings = _in_memory(dataset)
    rasterize(drawings.take(np.arange(2)), PRESETS[preset])  # compiles the rasterizer, or loads it from Numba's cache
    times = []
    for _ in range(AGAIN):
        began = time.perf_counter()
        rasterize(drawings, PRESETS[preset], threads=threads)
        times.append(time.perf_counter() - began)
    return Work(median(times), len(drawings))


def _in_memory(dataset: str) -> Drawings:
    """The drawings copied into memory, so that no method reads from disk."""
    from pathlib import Path

    mapped = Dataset.open(Path(dataset)).drawings
    return Drawings(np.array(mapped.points), np.array(mapped.stroke_ends), np.array(mapped.sample_ends))
