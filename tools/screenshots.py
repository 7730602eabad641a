"""Take screenshots of every page, light, dark and as wide as a phone: `make screenshots`.

They show starter drawings, because the authors of the drawings in the user's own dataset haven't agreed to a
publication. The Train page, which has only curves, shows the training of the shipped model, on 35,502
real drawings, as its log in `models/` has it; with `ARGS="--workspace DIR"` the Train and Models pages are those of a
workspace with runs of one's own. `ARGS="train evaluate"` takes only the screenshots whose names have these prefixes.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from extexify.cli import parser as command_line
from extexify.core.settings import WORKSPACE
from extexify.model.file import read_description
from extexify.training.runs import RunFiles
from extexify.workspace.paths import default_model
from tools.dashboard import ROOT, canvas_of, chromium, dashboard, draw, wait_for_answer, wait_until_idle

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "docs" / "screenshots"

COLOURS = 256
"""Colours of the palette; a file with a palette is a third as large."""

# An α, written from the upper right round to the left, and out to the lower right.
ALPHA = [
    (
        205 - 118 * (math.cos(turn) - math.sin(turn) ** 2 / math.sqrt(2)) + 6 * math.sin(3 * turn),
        200 + 165 * math.sin(turn) * math.cos(turn),
    )
    for turn in [-2.42 + 4.84 * step / 60 for step in range(61)]
]


def show_draw(page: Page) -> None:
    """The Draw page with an α drawn."""
    canvas_of(page).wait_for()
    page.locator(".st-key-raster figure").wait_for()
    draw(page, [ALPHA])
    wait_for_answer(page, 1)


def show_gallery(page: Page) -> None:
    """The Symbols page as it opens."""
    page.locator(".tile svg").nth(100).wait_for(state="attached")


def show_search(page: Page) -> None:
    """The Symbols page with a search, and the symbol of its address."""
    show_gallery(page)
    page.get_by_role("searchbox").fill("arrow")
    page.locator('.gallery[data-query="arrow"]').wait_for(state="attached")


def show_request(page: Page) -> None:
    """The page that asks for drawings, with one begun."""
    canvas_of(page).wait_for()
    page.locator(".st-key-request svg").wait_for()
    draw(page, [ALPHA])
    wait_until_idle(page)


def show_dataset(page: Page) -> None:
    """The Export page with the report on its dataset."""
    page.locator(".st-key-dataset-drawings .drawing").nth(10).wait_for(state="attached")
    page.get_by_role("heading", name="The dataset").scroll_into_view_if_needed()


def show_images(page: Page) -> None:
    """The Render page with its preview and the images."""
    page.locator(".drawing").nth(20).wait_for(state="attached")


def show_curves(page: Page) -> None:
    """The Train page with the curves of a run."""
    page.locator(".st-key-train-charts .js-plotly-plot").nth(3).wait_for(state="attached")
    page.locator(".st-key-train-charts").scroll_into_view_if_needed()


def show_pairs(page: Page) -> None:
    """The Evaluate page with the confused pairs."""
    page.locator(".pair").nth(3).wait_for(state="attached")
    page.locator(".pair").first.scroll_into_view_if_needed()


def show_models(page: Page) -> None:
    """The Models page."""
    page.get_by_role("heading", name="Runs", exact=True).wait_for()


def show_offline(page: Page) -> None:
    """The page that answers without a server, with an α drawn."""
    page.locator("figcaption span").first.wait_for(timeout=120_000)
    draw(page, [ALPHA], page.locator("#pad"))
    page.locator('ol[data-strokes="1"]').wait_for()


DESKTOP, LOW_DESKTOP, HIGH_DESKTOP = ({"width": 1280, "height": height} for height in (800, 640, 1050))
PHONE, HIGH_PHONE = {"width": 375, "height": 812}, {"width": 375, "height": 940}

VIEWS: dict[str, tuple[str, Callable[[Page], None], dict[str, int], dict[str, int]]] = {
    "draw": ("/", show_draw, LOW_DESKTOP, HIGH_PHONE),
    "symbols": ("/symbols", show_gallery, DESKTOP, PHONE),
    "symbol": ("/symbols?symbol=latex2e-OT1-_leftrightarrow", show_search, DESKTOP, PHONE),
    "collect": ("/collect?symbol=latex2e-OT1-_alpha", show_request, LOW_DESKTOP, HIGH_PHONE),
    "export": ("/export", show_dataset, HIGH_DESKTOP, PHONE),
    "render": ("/render", show_images, HIGH_DESKTOP, PHONE),
    "train": ("/train?{runs}", show_curves, HIGH_DESKTOP, PHONE),
    "evaluate": ("/evaluate", show_pairs, HIGH_DESKTOP, PHONE),
    "models": ("/models", show_models, HIGH_DESKTOP, PHONE),
    "offline": ("/offline/", show_offline, LOW_DESKTOP, HIGH_PHONE),
}
"""Screenshots by name: the page's address, what to do there, the window on a desktop and on a phone."""

LOOKS = ("light", "dark", "phone")

EACH = 8
"""Starter drawings of each symbol."""


REAL = ("train", "models")
"""Screenshots that show no drawings."""


def main() -> None:
    """Take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefixes", nargs="*", default=[""], help="of the screenshots' names (default: all)")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="with runs on real drawings")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    views = {
        name: looks for name in VIEWS if (looks := [look for look in LOOKS if _is_chosen(name, look, options.prefixes)])
    }
    real = {name: views.pop(name) for name in REAL if options.workspace and name in views}
    if views:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder))
            take(views, Path(folder))
    if real:
        take(real, options.workspace)


def _is_chosen(name: str, look: str, prefixes: Sequence[str]) -> bool:
    return f"{name}-{look}".startswith(tuple(prefixes))


def take(views: dict[str, list[str]], workspace: Path) -> None:
    """Take screenshots, the looks of each view, of a workspace."""
    runs = "&".join(f"run={folder.name}" for folder in sorted((workspace / "runs").iterdir()))
    with dashboard(workspace) as address, chromium() as browser:
        for name, looks in views.items():
            path, show, desktop, phone = VIEWS[name]
            for look in looks:
                page = browser.new_page(
                    color_scheme="dark" if look == "dark" else "light",
                    viewport=phone if look == "phone" else desktop,  # type: ignore[arg-type]
                    device_scale_factor=1.5,
                )
                page.goto(f"{address}{path.format(runs=runs)}")
                # On a phone the symbol fills the window.
                (show_gallery if (name, look) == ("symbol", "phone") else show)(page)
                page.wait_for_timeout(2000)
                save(page.screenshot(), FOLDER / f"{name}-{look}.png")
                page.close()
                print(FOLDER / f"{name}-{look}.png")


def prepare(workspace: Path) -> None:
    """Fill a workspace with a dataset, images, a run, and an evaluation of the shipped model."""
    os.environ[WORKSPACE.name] = str(workspace)
    add_shipped_run(workspace)
    for arguments in (
        ["export", "--source", f"starter:each={EACH}"],
        ["render", "--preset", "original"],
        ["evaluate", "--split", "validation", "--out", str(workspace / "evaluations" / "first")],
    ):
        if code := command_line.main(arguments):
            raise SystemExit(code)


def add_shipped_run(workspace: Path) -> None:
    """The training of the shipped model as a run of the workspace."""
    training = read_description(default_model()).training
    files = RunFiles(workspace / "runs" / training["run"])
    files.begin({name: training[name] for name in ("recipe", "seed", "train_on", "dataset")})
    files.metrics.write_bytes((ROOT / "models" / "extexify.metrics.jsonl").read_bytes())


def save(screenshot: bytes, path: Path) -> None:
    """Write a screenshot as a small file."""
    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
