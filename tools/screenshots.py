"""Takes the pictures of the dashboard that the README shows: `make screenshots`."""

from __future__ import annotations

import io
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from extexify.export import export_dataset
from extexify.starter import StarterSource
from tools.dashboard import ROOT, canvas_of, chromium, dashboard, draw, wait_for_answer

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "docs" / "screenshots"

COLOURS = 256
"""Colours of a picture: the dashboard has few, and a file with a palette is a third as large."""

# An α as one writes it: from the upper right round to the left, and out to the lower right.
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
    page.mouse.move(1, 1)  # off the canvas, whose tools appear under the pointer


def show_gallery(page: Page) -> None:
    """The Symbols page as it greets."""
    page.locator(".tile svg").nth(100).wait_for(state="attached")


def show_search(page: Page) -> None:
    """The Symbols page with a search beside the symbol that the address names."""
    show_gallery(page)
    page.get_by_role("searchbox").fill("arrow")
    page.locator('.gallery[data-query="arrow"]').wait_for(state="attached")


DESKTOP, LOW_DESKTOP = {"width": 1280, "height": 800}, {"width": 1180, "height": 640}
PHONE, HIGH_PHONE = {"width": 375, "height": 812}, {"width": 375, "height": 940}
ONE_SYMBOL = "/symbols?symbol=latex2e-OT1-_leftrightarrow"

VIEWS: dict[str, tuple[str, Callable[[Page], None], str, dict[str, int]]] = {
    "draw-light": ("/", show_draw, "light", LOW_DESKTOP),
    "draw-dark": ("/", show_draw, "dark", LOW_DESKTOP),
    "draw-phone": ("/", show_draw, "light", HIGH_PHONE),
    "symbols-light": ("/symbols", show_gallery, "light", DESKTOP),
    "symbols-dark": ("/symbols", show_gallery, "dark", DESKTOP),
    "symbols-phone": ("/symbols", show_gallery, "light", PHONE),
    "symbol-light": (ONE_SYMBOL, show_search, "light", DESKTOP),
    "symbol-dark": (ONE_SYMBOL, show_search, "dark", DESKTOP),
    "symbol-phone": (ONE_SYMBOL, show_gallery, "light", PHONE),
}
"""Pictures by name: the page's address, what to do there, the theme, the window."""


def main() -> None:
    """Take every picture, with the models of the user's workspace or else the shipped one, and starter drawings."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        # Only the models: whose drawings the user's dataset holds, nobody has been asked about pictures of them.
        models = Path(os.environ.get("EXTEXIFY_WORKSPACE") or folder) / "models"
        if models.is_dir():
            shutil.copytree(models, workspace / "models")
        export_dataset([StarterSource(each=24)], workspace / "dataset")
        with dashboard(workspace) as address, chromium() as browser:
            for name, (path, show, scheme, window) in VIEWS.items():
                options: Any = {"color_scheme": scheme, "viewport": window, "device_scale_factor": 1.5}
                page = browser.new_page(**options)
                page.goto(address + path)
                show(page)
                page.wait_for_timeout(1500)
                save(page.screenshot(), FOLDER / f"{name}.png")
                page.close()
                print(FOLDER / f"{name}.png")


def save(screenshot: bytes, path: Path) -> None:
    """Write a screenshot as a small file."""
    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
