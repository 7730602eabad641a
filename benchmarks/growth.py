"""Scaling of the stages: time and memory at 1, 3 and 10 times the drawings, and a plot of them.

    python -m benchmarks.growth --source detexify.sql.gz [--times 1 3 10]
    python -m benchmarks.growth --plot

The longer dumps repeat the real rows with new ids. Each stage is a process, timed with its start: export, render, an
epoch of the `original` network on the rendered images, what recipe `default` reads in an epoch (every drawing varied,
as picture and sequence, without its network), evaluation on the test split. Memory is the peak of
a process's private memory; pages of mapped files, which the system can reclaim, are counted separately.
Results are written to benchmarks/growth.json, the plot to docs/growth.svg; the second command only redraws the plot.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.dumps import repeated, rows_of, write_dump
from extexify.workspace.files import read_json, write_json

FILE = Path(__file__).with_name("growth.json")
PLOT = Path(__file__).parent.parent / "docs" / "growth.svg"

LOOK_EVERY = 0.02  # seconds


@dataclass(frozen=True)
class Point:
    """A stage at one size: seconds, and peak megabytes of private memory and of mapped files."""

    stage: str
    drawings: int
    seconds: float
    own_mb: float
    mapped_mb: float


def main() -> None:
    """Measure all stages at all sizes, save and print the results and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a gzipped dump of real drawings")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--plot", action="store_true", help="only redraw the plot from the saved results")
    parser.add_argument("--out", type=Path, default=FILE, help="the file for the results")
    options = parser.parse_args()
    if not options.plot:
        if options.source is None:
            parser.error("name a gzipped dump with --source")
        points = list(measured(options.source, options.times))
        write_json(options.out, {"machine": results.machine(), "points": [asdict(point) for point in points]})
    saved: Any = read_json(options.out)
    points = [Point(**point) for point in saved["points"]]
    print(table(points))
    if options.out == FILE:
        draw(points, PLOT)


def measured(source: Path, times: list[int]) -> Iterator[Point]:
    """Every stage at every size, one size after the other."""
    rows = sum(1 for _ in rows_of(source))
    for number in times:
        with tempfile.TemporaryDirectory(prefix="extexify-growth-") as name:
            folder = Path(name)
            dump = write_dump(folder / "dump.sql.gz", repeated(source, number), level=1)
            for stage, arguments in stages(dump).items():
                point = run(stage, rows * number, arguments, folder / "workspace")
                print(
                    f"{point.stage:>24} {point.drawings:>9,} {point.seconds:8.2f} s {point.own_mb:7.0f} MB", flush=True
                )
                yield point


def stages(dump: Path) -> dict[str, list[str]]:
    """The stages as arguments of Python, in an order in which the inputs of each exist."""
    command = ["-m", "extexify"]
    return {
        "export": [*command, "export", "--source", str(dump)],
        "render": [*command, "render", "--preset", "original"],
        "train an epoch": [*command, "train", "--recipe", "original", "--epochs", "1", "--run", "one"],
        "read a varied epoch": ["-c", "from benchmarks.growth import read_epoch; read_epoch()"],
        "evaluate": [*command, "evaluate", "--split", "test"],
    }


def read_epoch() -> None:
    """Load all batches of an epoch of recipe `default`, in a separate process."""
    from extexify.dataset.dataset import Dataset
    from extexify.training.loader import DrawingDataset, batches, shuffled_rows
    from extexify.training.recipes import RECIPES
    from extexify.workspace import paths

    recipe = RECIPES["default"]
    dataset = Dataset.open(paths.dataset_folder())
    feed = DrawingDataset(dataset, "train", recipe.raster, recipe.augment, sequence=recipe.sequence)
    for _ in batches(feed, shuffled_rows(len(feed), seed=0, epoch=1), recipe.batch_size, epoch=1):
        pass


def run(stage: str, drawings: int, arguments: list[str], workspace: Path) -> Point:
    """Run Python with some arguments and sample its memory."""
    environment = {**os.environ, "EXTEXIFY_WORKSPACE": str(workspace)}
    workspace.mkdir(exist_ok=True)
    errors = workspace.with_name("errors.txt")
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=errors.open("w")
    )
    own = mapped = 0.0
    while process.poll() is None:
        now = _memory(process.pid)
        own, mapped = max(own, now[0]), max(mapped, now[1])
        time.sleep(LOOK_EVERY)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}: {errors.read_text()[-300:]}")
    return Point(stage, drawings, time.monotonic() - began, own, mapped)


def _memory(process: int) -> tuple[float, float]:
    """Resident megabytes of a process: private memory, and mapped files."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:  # the process has just ended
        return 0.0, 0.0
    parts = [line.partition(":") for line in lines if line.endswith(" kB")]
    sizes = {name: int(size.split()[0]) / 1024 for name, _, size in parts}
    return sizes.get("RssAnon", 0.0), sizes.get("RssFile", 0.0)


def exponent(drawings: list[int], values: list[float]) -> float:
    """k of value ∝ drawings^k, fitted to the logarithms by least squares."""
    return float(np.polyfit(np.log(drawings), np.log(values), 1)[0])


def table(points: list[Point]) -> str:
    """A line for each stage: time and memory at each size, and the exponents."""
    sizes = sorted({point.drawings for point in points})
    heads = " | ".join(f"{size:,}" for size in sizes)
    lines = [f"| stage | {heads} | time ∝ nᵏ, k | bytes more a drawing |", f"| --- |{' ---: |' * (len(sizes) + 2)}"]
    for stage, of_stage in _by_stage(points).items():
        cells = " | ".join(f"{point.seconds:.1f} s, {point.own_mb:.0f} MB" for point in of_stage)
        k = exponent([point.drawings for point in of_stage], [point.seconds for point in of_stage])
        first, last = of_stage[0], of_stage[-1]
        more = (last.own_mb - first.own_mb) * 2**20 / max(last.drawings - first.drawings, 1)
        lines.append(f"| {stage} | {cells} | {k:.2f} | {more:.0f} |")
    return "\n".join(lines)


def _by_stage(points: list[Point]) -> dict[str, list[Point]]:
    return {
        stage: sorted((point for point in points if point.stage == stage), key=lambda point: point.drawings)
        for stage in dict.fromkeys(point.stage for point in points)
    }


def draw(points: list[Point], path: Path) -> None:
    """Plot seconds and memory against drawings, both axes logarithmic, as an SVG file."""
    from plotly.subplots import make_subplots

    figure = make_subplots(1, 2, subplot_titles=["seconds", "megabytes of its own, at most"])
    for number, (stage, of_stage) in enumerate(_by_stage(points).items()):
        drawings = [point.drawings for point in of_stage]
        for column, values in ((1, [p.seconds for p in of_stage]), (2, [p.own_mb for p in of_stage])):
            name = f"{stage}, k = {exponent(drawings, values):.2f}" if column == 1 else stage
            figure.add_scatter(
                x=drawings, y=values, name=name, mode="lines+markers", line_color=COLOURS[number],
                showlegend=column == 1, row=1, col=column,
            )  # fmt: skip
    sizes = sorted({point.drawings for point in points})
    figure.update_xaxes(type="log", title="drawings", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    figure.update_yaxes(type="log", dtick=1)
    figure.update_layout(template="plotly_white", width=900, height=420, legend_orientation="h", legend_y=-0.25)
    path.parent.mkdir(exist_ok=True)
    path.write_text(svg(figure.to_json(), 900, 420), encoding="utf-8")


COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Okabe and Ito's, which colour-blind people can distinguish."""


def svg(figure: str, width: int, height: int) -> str:
    """A figure's JSON as SVG, drawn by Plotly's own script in the browser that the tests use."""
    from playwright.sync_api import sync_playwright
    from plotly.offline import get_plotlyjs

    from tools.browser import FLAGS, require_browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_browser(), args=FLAGS)
        page = browser.new_page()
        page.add_script_tag(content=get_plotlyjs())
        address = page.evaluate(
            "([figure, size]) => Plotly.toImage(JSON.parse(figure), {format: 'svg', ...size})",
            [figure, {"width": width, "height": height}],
        )
        text: str = page.evaluate("address => decodeURIComponent(address.slice(address.indexOf(',') + 1))", address)
        browser.close()
    return text + "\n"


if __name__ == "__main__":
    main()
