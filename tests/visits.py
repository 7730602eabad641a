"""Visits to the Draw page in a real browser, and drawings to make there."""

from __future__ import annotations

import base64
import io
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from extexify.drawing.strokes import Drawing
from extexify.ui.draw.fabric import drawing_from_canvas
from tools.dashboard import TIMEOUT, canvas_of, draw, wait_for_answer, wait_until_idle

Strokes = list[list[tuple[float, float]]]

# A loop like a Greek alpha, a plus, a sum in one stroke, and a division sign with its two dots.
ALPHA: Strokes = [
    [
        (200 - 120 * (math.cos(t) - math.sin(t) ** 2 / math.sqrt(2)), 200 + 170 * math.sin(t) * math.cos(t))
        for t in np.linspace(-2.4, 2.4, 40)
    ]
]
PLUS: Strokes = [[(200, 90), (200, 310)], [(90, 200), (310, 205)]]
SUM: Strokes = [[(300, 90), (100, 85), (215, 200), (95, 320), (310, 315)]]
DIVISION: Strokes = [[(200, 110)], [(100, 200), (300, 200)], [(203, 290)]]


class Visit:
    """A page of the dashboard, and the last drawing that its canvas sent to the server."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.sent: Any = None
        self.hosts: set[str] = set()
        page.on("websocket", lambda socket: self._listen(socket))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.open(address)

    def open(self, address: str) -> None:
        """Open an address of the Draw page, and wait for its canvas and its model."""
        self.page.goto(address)
        canvas_of(self.page).wait_for()
        answers = self.page.locator(".st-key-answers")
        expect(answers.locator("figcaption, [data-testid=stAlert]").first).to_be_visible()
        expect(answers.get_by_text("Getting the model ready")).to_have_count(0)
        wait_until_idle(self.page)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._read)

    def _read(self, payload: bytes | str) -> None:
        if isinstance(payload, str):
            return
        for widget in BackMsg.FromString(payload).rerun_script.widget_states.widgets:
            if widget.json_value and "drawing" in (value := json.loads(widget.json_value)):
                self.sent = value["drawing"]["raw"]

    @property
    def strokes(self) -> Drawing:
        """The strokes that the server received last."""
        return drawing_from_canvas(self.sent)

    @property
    def commands(self) -> list[str]:
        """The commands that the page shows."""
        return self.page.locator(".st-key-answers ol .command").all_inner_texts()

    def draw(self, strokes: Strokes, before: int = 0) -> None:
        """Draw with the mouse, on top of `before` strokes, and wait for the answer."""
        draw(self.page, strokes)
        self.wait_for_answer(before + len(strokes))

    def wait_for_answer(self, strokes: int) -> None:
        """Wait until the answers are those to a drawing of so many strokes."""
        wait_for_answer(self.page, strokes)

    def ink(self) -> tuple[np.ndarray, np.ndarray]:
        """The canvas's pixels that carry ink: coordinates (n, 2) as x, y, and colours (n, 3)."""
        # As a PNG: 640,000 numbers as JSON take Playwright half a minute.
        url = self.page.locator(".st-key-canvas canvas.lower-canvas").last.evaluate("canvas => canvas.toDataURL()")
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))
        rows, columns = np.nonzero(image[..., 3] > 250)
        return np.stack([columns, rows], axis=1), image[rows, columns, :3]

    def until(self, condition: Callable[[], bool | np.bool_]) -> None:
        """Wait until a condition holds, one that can only be computed here."""
        give_up = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < give_up, "the condition didn't come to hold"
            self.page.wait_for_timeout(50)


Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(new_page: Callable[..., Page], request: pytest.FixtureRequest) -> Visiting:
    """Open the Draw page, in a browser profile of its own with the options given, on the tiny model's server unless an
    address is given."""

    def visit(address: str = "", **options: Any) -> Visit:
        return Visit(new_page(**options), address or request.getfixturevalue("server"))

    return visit
