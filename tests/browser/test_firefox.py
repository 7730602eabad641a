"""The Draw page in Firefox."""

from __future__ import annotations

from tests.visits import PLUS, SUM, Strokes
from tools.dashboard import CANVAS_SIDE
from tools.firefox import CONTROL, Firefox, firefox

ROW = ".row:nth-child(2)"


def draw(browser: Firefox, strokes: Strokes, before: int = 0) -> None:
    """Draw with the mouse, on top of `before` strokes, and wait for the answers."""
    box = browser.box("canvas.upper-canvas")
    scale = box["width"] / CANVAS_SIDE
    for stroke in strokes:
        browser.drag([(box["x"] + x * scale, box["y"] + y * scale) for x, y in stroke])
    wait_for_answer(browser, before + len(strokes))


def wait_for_answer(browser: Firefox, strokes: int) -> None:
    browser.wait_for(f"find('ol[data-strokes]')?.dataset.strokes === '{strokes}'")


def test_a_visitor_draws_takes_back_and_copies(server: str) -> None:
    with firefox() as browser:
        browser.open(server)
        wait_for_answer(browser, 0)
        draw(browser, PLUS)
        browser.press(CONTROL, "z")
        wait_for_answer(browser, 1)
        browser.click("button[name=clear]")
        wait_for_answer(browser, 0)
        draw(browser, SUM)

        command = browser.evaluate(f"find('{ROW} .command').textContent")
        assert command.startswith("\\")
        browser.click(f"{ROW} > .copy")
        browser.wait_for(f"find('{ROW} > .copy').textContent === 'Copied'")
        browser.click(".open:not([aria-haspopup])")
        browser.wait_for("find('.chooser').getRootNode().activeElement?.type === 'search'")
        browser.press(CONTROL, "v")
        browser.wait_for("find('.chooser input').value")
        assert browser.evaluate("find('.chooser input').value") == command
        assert browser.errors == []
