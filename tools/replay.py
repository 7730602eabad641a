"""Draws stored drawings on the real Draw page with the mouse, and compares its answers with the library's.

    python -m tools.replay --source detexify.sql.gz --count 50

The library classifies the strokes as they are stored. The page gets them as mouse movements: through Chromium's whole
pixels, the canvas's brush (which drops points closer than 0.4 pixels) and the adapter from canvas to strokes.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extexify.drawing.strokes import BadDrawing, Drawing
from extexify.model.answers import Result
from extexify.model.classifier import Classifier
from extexify.sources.open import open_source
from extexify.sources.rows import Sample, check_row
from extexify.workspace.paths import default_model
from tools.dashboard import CANVAS_SIDE, canvas_of, chromium, dashboard, wait_for_answer

if TYPE_CHECKING:
    from playwright.sync_api import Page

INK_SIDE = 300
"""Canvas pixels that the longer side of a replayed drawing takes."""

TOLERANCE = 0.05
"""Tolerance for a probability, because of rounding to pixels and the canvas's brush. Only answers closer to each other
than this may swap places."""


@dataclass(frozen=True)
class Shown:
    """An answer on the page: the keys of its row, the heading one first, and its probability."""

    keys: tuple[str, ...]
    probability: float


def on_canvas(drawing: Drawing) -> Drawing:
    """The drawing in canvas pixels, centred, its longer side INK_SIDE; a single point stays one."""
    points = np.concatenate(drawing)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = INK_SIDE / (float((high - low).max()) or 1.0)
    return [(stroke - (low + high) / 2) * scale + CANVAS_SIDE / 2 for stroke in drawing]


def replay(page: Page, drawing: Drawing) -> list[Shown]:
    """Draw with the mouse on the empty canvas of an open Draw page; returns the answers."""
    box = canvas_of(page).bounding_box()
    if box is None:
        raise RuntimeError("the canvas isn't visible")
    for stroke in on_canvas(drawing):
        spots = np.rint(stroke + np.array([box["x"], box["y"]])).tolist()
        page.mouse.move(*spots[0])
        page.mouse.down()
        for spot, before in zip(spots[1:], spots, strict=False):
            if spot != before:
                page.mouse.move(*spot)
        page.mouse.up()
    wait_for_answer(page, len(drawing))
    return shown(page)


def shown(page: Page) -> list[Shown]:
    """The answers on the page, best first."""
    rows = page.locator(".st-key-answers ol .row").evaluate_all(
        """rows => rows.map(row => {
            row.querySelector('.members .expand')?.click();  // the other look-alikes
            return [
                [...row.querySelectorAll('[data-key]')].map(one => one.dataset.key),
                Number(row.querySelector('.bar').style.transform.match(/scaleX\\(([^)]+)/)[1]),
            ];
        })"""
    )
    return [Shown(tuple(keys), probability) for keys, probability in rows]


def clear(page: Page) -> None:
    """Clear the canvas, and wait until the page has no answers."""
    page.get_by_role("button", name="Clear", exact=True).click()
    wait_for_answer(page, 0)


def expected(classifier: Classifier, drawing: Drawing) -> list[Result]:
    """The answers that the page must show: the library's, with look-alikes folded as on the page."""
    return list(classifier.answers(drawing, len(classifier.classes)).results)


def differences(here: Sequence[Result], there: Sequence[Shown]) -> list[float]:
    """Absolute differences (n,) between the probabilities on the page and the library's."""
    probability = {member.key: result.probability for result in here for member in result.members}
    return [abs(answer.probability - probability[answer.keys[0]]) for answer in there]


def agree(here: Sequence[Result], there: Sequence[Shown], tolerance: float = TOLERANCE) -> bool:
    """Whether the page shows the library's answers in their order, within the tolerance."""
    if max(differences(here, there)) > tolerance:
        return False
    # Answers of nearly equal probability may swap places.
    return all(abs(a.probability - b.probability) <= tolerance for a, b in zip(here, there, strict=False))


def chosen_samples(source: str, count: int, seed: int) -> list[Sample]:
    """Samples drawn at random from all usable rows of a source."""

    def usable() -> Iterable[Sample]:
        for row in open_source(source).rows():
            try:
                yield check_row(row)
            except BadDrawing:
                continue

    rng = random.Random(seed)
    reservoir: list[Sample] = []
    for number, sample in enumerate(usable()):
        if len(reservoir) < count:
            reservoir.append(sample)
        elif (place := rng.randrange(number + 1)) < count:
            reservoir[place] = sample
    return reservoir


def main() -> None:
    """Replay, and print how often the two agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", required=True, help="a dump, a database or a store, as for `export`")
    parser.add_argument("--count", type=int, default=50, help="how many drawings (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="chooses them")
    arguments = parser.parse_args()

    samples = chosen_samples(arguments.source, arguments.count, arguments.seed)
    classifier = Classifier.load(default_model())
    first = five = close = right = right_library = 0
    largest: list[float] = []
    with tempfile.TemporaryDirectory() as folder, dashboard(Path(folder)) as address, chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        canvas_of(page).wait_for()
        page.get_by_text("What the model sees").wait_for(timeout=60_000)
        for number, sample in enumerate(samples):
            if number:
                clear(page)
            there = replay(page, sample.drawing)[:5]
            here = expected(classifier, sample.drawing)
            keys = [{member.key for member in result.members} for result in here[:5]]
            first += keys[0] == set(there[0].keys)
            five += sorted(map(sorted, keys)) == sorted(sorted(one.keys) for one in there)
            close += agree(here, there)
            right += any(sample.key in one.keys for one in there)
            right_library += any(sample.key in one for one in keys)
            largest.append(max(differences(here, there)))
    print(f"{len(samples)} drawings of {arguments.source}, model {classifier.name}")
    print(f"the same first answer: {first}; the same five: {five}; all five within {TOLERANCE:g}: {close}")
    print(f"symbol within five: {right} on the page, {right_library} in the library")
    print(f"largest change of a probability: median {statistics.median(largest):.4f}, worst {max(largest):.4f}")


if __name__ == "__main__":
    main()
