"""Takes the pictures of the dashboard that the README shows: `make screenshots`."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

from tools.dashboard import ROOT, canvas_of, chromium, dashboard, draw, wait_for_answer

FOLDER = ROOT / "docs" / "screenshots"

# An α as one writes it: from the upper right round to the left, and out to the lower right.
ALPHA = [
    (
        205 - 118 * (math.cos(turn) - math.sin(turn) ** 2 / math.sqrt(2)) + 6 * math.sin(3 * turn),
        200 + 165 * math.sin(turn) * math.cos(turn),
    )
    for turn in [-2.42 + 4.84 * step / 60 for step in range(61)]
]

VIEWS = {
    "draw-light": {"color_scheme": "light", "viewport": {"width": 1180, "height": 640}},
    "draw-dark": {"color_scheme": "dark", "viewport": {"width": 1180, "height": 640}},
    "draw-phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 940}},
}


def main() -> None:
    """Draw an α in every view, on the models of the workspace or else the shipped one, and save what is seen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        workspace = Path(os.environ.get("EXTEXIFY_WORKSPACE") or empty)
        with dashboard(workspace) as address, chromium() as browser:
            for name, options in VIEWS.items():
                page = browser.new_page(**options, device_scale_factor=1.5)  # type: ignore[arg-type]
                page.goto(address)
                canvas_of(page).wait_for()
                page.locator(".st-key-raster figure").wait_for()
                draw(page, [ALPHA])
                wait_for_answer(page, 1)
                page.mouse.move(1, 1)  # off the canvas, whose tools appear under the pointer
                page.wait_for_timeout(1500)
                page.screenshot(path=FOLDER / f"{name}.png")
                page.close()
                print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
