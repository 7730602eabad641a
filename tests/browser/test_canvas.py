"""The Draw page's canvas in a real browser: touch, pen and mouse, interruptions, Undo, Redo and Clear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.visits import PLUS, Visiting, visiting
from tools.dashboard import canvas_of, draw

__all__ = ["visiting"]  # a fixture of the tests below

PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}

CORNER = [(396.0, 4.0), (300.0, 60.0), (200.0, 300.0)]

COVERED = """canvas => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const covered = [];
    for (let x = 1; x < width; x += 3) {
        for (let y = 1; y < height; y += 3) {
            let element = document.elementFromPoint(left + x, top + y);
            while (element?.shadowRoot) element = element.shadowRoot.elementFromPoint(left + x, top + y);
            if (element !== canvas) covered.push([x, y, element?.className]);
        }
    }
    return covered;
}"""

WATCH_TOOLBAR = """
    window.toolbar = { frames: 0, shown: 0 };
    (function look() {
        for (const { shadowRoot } of document.querySelectorAll('.st-key-canvas *')) {
            const toolbar = shadowRoot?.querySelector('.dc-toolbar');
            if (!toolbar) continue;
            window.toolbar.frames += 1;
            window.toolbar.shown += toolbar.getClientRects().length;
        }
        requestAnimationFrame(look);
    })();
"""


class Finger:
    """Touches of one finger on a page's canvas, in canvas pixels."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        box = canvas_of(page).bounding_box()
        assert box is not None
        self._corner, self._scale = np.array([box["x"], box["y"]]), box["width"] / 400

    def draw(self, stroke: Sequence[tuple[float, float]], end: str = "touchEnd") -> None:
        """Draw a stroke; `end` is the type of the event that ends it."""
        for number, point in enumerate(np.array(stroke) * self._scale + self._corner):
            self._send("touchMove" if number else "touchStart", {"x": float(point[0]), "y": float(point[1])})
        self._send(end)

    def _send(self, kind: str, *touches: dict[str, float]) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(touches)})


def test_nothing_lies_over_the_canvas(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.page
    canvas = canvas_of(page)
    canvas.hover()
    assert canvas.evaluate(COVERED) == []
    # Pressed at once on arrival, where the component has its own toolbar.
    for count, start in enumerate(((396, 4), (380, 10), (340, 12), (300, 8), (262, 20)), 1):
        page.mouse.move(1, 1)
        draw(page, [[start, (200, 300)]])
        visit.wait_for_answer(count)
        np.testing.assert_allclose(visit.strokes[-1][0], start, atol=1.1)
    assert page.locator(".st-key-canvas").get_by_role("button").count() == 0


def test_a_finger_draws_everywhere_from_the_first_moment(visiting: Visiting, server: str) -> None:
    visit = visiting(**PHONE)
    page = visit.page
    page.add_init_script(WATCH_TOOLBAR)
    page.goto(server, wait_until="commit")
    canvas_of(page).wait_for()
    finger = Finger(page)
    for count in (1, 2, 3):
        finger.draw(CORNER)
        visit.wait_for_answer(count)
    # A tap is a point.
    finger.draw(CORNER[:1])
    visit.wait_for_answer(4)
    assert canvas_of(page).evaluate(COVERED) == []
    seen = page.evaluate("window.toolbar")
    assert seen["frames"] > 0
    assert seen["shown"] == 0


def test_an_interrupted_stroke_keeps_what_was_drawn(visiting: Visiting) -> None:
    visit = visiting(**PHONE)
    finger = Finger(visit.page)
    finger.draw(CORNER, end="touchCancel")
    visit.wait_for_answer(1)
    np.testing.assert_allclose(visit.strokes[0][[0, -1]], [CORNER[0], CORNER[-1]], atol=1.5)
    finger.draw(PLUS[0])
    visit.wait_for_answer(2)

    # A pen, whose events arrive as the mouse's.
    visit = visiting()
    page = visit.page
    box = canvas_of(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 100, steps=9)
    canvas_of(page).dispatch_event("pointercancel", {"pointerType": "pen", "bubbles": True, "composed": True})
    visit.wait_for_answer(1)
    page.mouse.move(box["x"] + 300, box["y"] + 300, steps=9)
    page.mouse.up()
    visit.draw(PLUS[:1], before=1)
    assert np.ptp(visit.strokes[0][:, 1]) < 1
    assert visit.strokes[0][-1, 0] == pytest.approx(300, abs=1.1)


def test_undo_redo_and_clear_by_key_and_by_button(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.page
    undo, redo, clear = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo", "Clear"))
    expect(undo).to_be_disabled()
    expect(redo).to_be_disabled()
    visit.draw(PLUS)
    meant = visit.ink()[0]
    for key, strokes in (
        ("Control+z", 1),
        ("Control+Shift+z", 2),
        ("Meta+z", 1),
        ("Control+z", 0),
        ("Control+y", 1),
        ("Meta+Shift+z", 2),
        ("Escape", 0),
        ("Control+z", 2),  # what was cleared is back
        ("Control+z", 1),
        ("Control+z", 0),
        ("Control+y", 1),
        ("Control+y", 2),
        ("Control+y", 0),  # cleared again
        ("Control+z", 2),
    ):
        page.keyboard.press(key)
        visit.wait_for_answer(strokes)
    visit.until(lambda: np.array_equal(visit.ink()[0], meant))

    # The buttons are reached with the Tab key, side by side above the canvas.
    undo.focus()
    for button, key, strokes in ((undo, "Enter", 1), (redo, " ", 2), (clear, "Enter", 0)):
        expect(button).to_be_enabled()
        while not button.evaluate("button => button.matches(':focus')"):
            page.keyboard.press("Tab")
        page.keyboard.press(key)
        visit.wait_for_answer(strokes)
    boxes = [button.bounding_box() for button in (undo, redo, clear)]
    assert len({box["y"] for box in boxes if box}) == 1

    # Drawings before a Clear come back after what was drawn since.
    visit.draw(PLUS[:1])
    for command, strokes in ((undo, 0), (undo, 2), (redo, 0), (redo, 1)):
        command.click()
        visit.wait_for_answer(strokes)
    expect(redo).to_be_disabled()
    # Another stroke ends Redo.
    undo.click()
    visit.wait_for_answer(0)
    expect(redo).to_be_enabled()
    visit.draw(PLUS[1:])
    expect(redo).to_be_disabled()

    # All of it at once, before the server has heard of the stroke.
    page.keyboard.press("Escape")
    visit.wait_for_answer(0)
    draw(page, PLUS)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    visit.wait_for_answer(2)
    visit.until(lambda: np.array_equal(visit.ink()[0], meant))


def test_keys_go_by_their_place_on_other_layouts(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.page
    visit.draw(PLUS)
    session = page.context.new_cdp_session(page)
    control, shift = 2, 8
    for code, key, modifiers, strokes in (
        ("KeyZ", "я", control, 1),  # Russian
        ("KeyZ", "Я", control + shift, 2),
        ("KeyZ", "ζ", control, 1),  # Greek
        ("KeyY", "н", control, 2),
        ("KeyY", "z", control, 1),  # German, where Z and Y have each other's place
        ("KeyZ", "y", control, 2),
    ):
        event = {"code": code, "key": key, "modifiers": modifiers}
        session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **event})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})
        visit.wait_for_answer(strokes)


WITHOUT_THE_WAIT = """
    const wait = window.setTimeout;
    window.setTimeout = (action, delay, ...more) => (delay === 200 ? 0 : wait(action, delay, ...more));
"""


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_a_finished_stroke_is_sent_at_once_and_once(visiting: Visiting, by: str) -> None:
    """The canvas component's own timer never ends here."""
    visit = visiting(**(PHONE if by == "finger" else {}))
    page = visit.page
    sent: list[BackMsg] = []

    def note(data: bytes | str) -> None:
        message = BackMsg.FromString(data) if isinstance(data, bytes) else BackMsg()
        if message.HasField("rerun_script") and not message.rerun_script.is_auto_rerun:
            sent.append(message)

    page.on("websocket", lambda socket: socket.on("framesent", note))
    page.add_init_script(WITHOUT_THE_WAIT)
    visit.open(page.url)
    for number, stroke in enumerate(PLUS, 1):
        sent.clear()
        if by == "finger":
            Finger(page).draw(stroke)
        else:
            draw(page, [stroke])
        visit.wait_for_answer(number)
        assert len(sent) == 1
