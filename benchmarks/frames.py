"""Frames of the Draw page while one long stroke is drawn, beside those of the same page at rest."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.dashboard import CANVAS_SIDE, canvas_of, draw, wait_for_answer, wait_until_idle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

SECONDS = 10.0
"""Length of the stroke, and of the rest before it."""

RATE = 200
"""Points a second. The browser hands those of a frame on as one, as it does with fast devices."""

LATE = 20.0
"""Milliseconds after which a frame is late: headless Chromium draws one every 16.7."""

DEVICES: dict[str, dict[str, Any]] = {
    "mouse": {"viewport": {"width": 1280, "height": 800}},
    "finger": {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True},
}
"""What draws, with the options of its window."""

_RECORD = """
window.frameTimes = [];
window.frameRequest = requestAnimationFrame(function note(time) {
  frameTimes.push(time);
  frameRequest = requestAnimationFrame(note);
});
"""

_STOP = "() => { cancelAnimationFrame(frameRequest); return frameTimes; }"


def measure_frames(browser: Browser, address: str) -> None:
    """Print the frames at rest and during a stroke, by mouse and by finger."""
    for device, options in DEVICES.items():
        context = browser.new_context(**options)
        page = context.new_page()
        page.goto(address)
        canvas_of(page).wait_for()
        wait_until_idle(page)
        draw(page, [[(20, 20), (60, 20)]])
        wait_for_answer(page, 1)
        wait_until_idle(page)
        session = context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        session.send("Emulation.setEmitTouchEventsForMouse", {"enabled": device == "finger"})
        _measure(f"{device} at rest", page, session, is_drawing=False)
        _measure(f"{device} draws", page, session, is_drawing=True)
        wait_for_answer(page, 2)
        context.close()


def _measure(state: str, page: Page, session: CDPSession, *, is_drawing: bool) -> None:
    """Print the times from frame to frame, and the processor time of a frame's tasks in the page's main thread."""
    page.evaluate(_RECORD)
    before = _processor_seconds(session)
    if is_drawing:
        _draw_long_stroke(page, session)
    else:
        page.wait_for_timeout(1000 * SECONDS)
    seconds = _processor_seconds(session) - before
    times = np.diff(page.evaluate(_STOP))
    middle, most = np.percentile(times, [50, 99])
    print(
        f"frames, {state}: median {middle:.1f} ms, 99 % {most:.1f} ms, longest {times.max():.1f} ms, "
        f"{(times > LATE).mean():.1%} over {LATE:.0f} ms; processor time {1000 * seconds / len(times):.1f} ms each",
        flush=True,
    )


def _processor_seconds(session: CDPSession) -> float:
    """Processor time of the page's main thread so far: other programs don't add to it."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def _draw_long_stroke(page: Page, session: CDPSession) -> None:
    """Draw loops for `SECONDS`."""
    box = canvas_of(page).bounding_box()
    if box is None:
        raise RuntimeError("the canvas isn't visible")
    scale = box["width"] / CANVAS_SIDE

    def send(action: str, seconds: float) -> None:
        angle, radius = 5.6 * seconds, 170 * math.cos(0.35 * seconds)
        x, y = (scale * (CANVAS_SIDE / 2 + radius * turn(angle)) for turn in (math.cos, math.sin))
        where = {"x": round(box["x"] + x), "y": round(box["y"] + y), "button": "left", "clickCount": 1}
        # Unlike the messages of Playwright's mouse, it doesn't wait until the page has taken the point.
        session.send("Input.emulateTouchFromMouseEvent", {"type": f"mouse{action}", **where})

    began = time.perf_counter()
    send("Pressed", 0)
    for number in range(round(SECONDS * RATE)):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        send("Moved", number / RATE)
    send("Released", SECONDS)
