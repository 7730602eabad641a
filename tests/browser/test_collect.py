"""The page that asks for drawings in a real browser: by mouse and keys, by finger on a phone, in a public demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from extexify.catalog.symbols import symbol_for
from extexify.contributions.moderation import ModerationList
from extexify.core import settings
from extexify.sources.open import open_source
from extexify.sources.rows import Sample, check_row
from tests.browser.test_canvas import PHONE, Finger
from tests.browser.test_demo import fits
from tests.demo import HASH
from tests.visits import ALPHA, PLUS, SUM, Strokes
from tools.dashboard import canvas_of, dashboard, draw, wait_for_answer, wait_until_idle

INK = """() => {
    const place = document.querySelector('.st-key-canvas');
    const root = place && [...place.querySelectorAll('*')].map(one => one.shadowRoot).find(Boolean);
    const canvas = root && [...root.querySelectorAll('canvas.lower-canvas')].at(-1);
    if (!canvas) return false;
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((value, at) => at % 4 === 3 && value > 0);
}"""
"""Whether there is ink on the canvas."""

EMPTY = f"""() => document.querySelector('.st-key-canvas')?.style.pointerEvents === '' && !({INK})()"""
"""Whether the canvas has nothing on it and takes strokes."""


class Asked:
    """The page that asks for drawings, opened."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.goto(f"{address}/collect")
        canvas_of(page).wait_for()
        page.locator(".st-key-request svg").wait_for()
        wait_until_idle(page)

    @property
    def command(self) -> str:
        """The command of the symbol that is asked for."""
        return self.page.locator(".st-key-request code").inner_text()

    def expect(self, message: str) -> None:
        expect(self.page.locator(".st-key-request_actions .message")).to_have_text(message)

    def keep(self, strokes: Strokes) -> str:
        """Draw what is asked for and press Enter; returns its command."""
        command = self.command
        draw(self.page, strokes)
        self.page.keyboard.press("Enter")
        self.expect(f"Kept as {command}.")
        self.until_empty()
        return command

    def until_empty(self) -> None:
        """Wait until the canvas has nothing on it and takes strokes."""
        self.page.wait_for_function(EMPTY)


def saved(folder: Path) -> list[Sample]:
    """The drawings in the workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row) for row in open_source(str(path)).rows()] if path.exists() else []


def commands(folder: Path) -> list[str]:
    """Their commands, in the order in which they were stored."""
    return [symbol_for(sample.key).command for sample in saved(folder)]


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The address of a dashboard of this test alone."""
    with dashboard(folder) as started:
        yield started


def test_drawings_are_kept_skipped_and_undone_by_mouse_and_keys(page: Page, address: str, folder: Path) -> None:
    asked = Asked(page, address)
    drawings = [ALPHA, PLUS, SUM]
    kept = [asked.keep(strokes) for strokes in drawings]
    assert len(set(kept)) == 3
    assert commands(folder) == kept
    for sample, strokes in zip(saved(folder), drawings, strict=True):
        assert len(sample.drawing) == len(strokes)
        for stroke, meant in zip(sample.drawing, strokes, strict=True):
            np.testing.assert_allclose(stroke[[0, -1]], [meant[0], meant[-1]], atol=1.5)
    expect(page.locator(".facts dd").first).to_have_text("3")

    # Skipped, with a stroke, and back with it.
    skipped = asked.command
    draw(page, PLUS[:1])
    page.keyboard.press("ArrowRight")
    asked.expect(f"Skipped {skipped}.")
    asked.until_empty()
    assert asked.command != skipped
    page.keyboard.press("Control+z")
    asked.expect(f"Back to {skipped}.")
    assert asked.command == skipped
    page.keyboard.press("Control+z")
    asked.until_empty()
    # On an empty canvas, Undo takes back the last drawing, which is then on the canvas again.
    page.keyboard.press("Control+z")
    asked.expect(f"Back to {kept[2]}.")
    assert commands(folder) == kept[:2]
    page.keyboard.press("Enter")
    asked.expect(f"Kept as {kept[2]}.")
    assert commands(folder) == kept
    np.testing.assert_allclose(saved(folder)[2].drawing[0][[0, -1]], [SUM[0][0], SUM[0][-1]], atol=1.5)

    # Without a drawing nothing is kept; the buttons do what the keys do.
    asked.until_empty()
    page.keyboard.press("Enter")
    asked.expect("Nothing is drawn yet.")
    draw(page, ALPHA)
    last = asked.command
    page.get_by_role("button", name="Keep, next").dblclick()
    asked.expect(f"Kept as {last}.")
    asked.until_empty()
    # Enter is no longer the button's, once the pen has been on the canvas.
    after = asked.keep(PLUS)
    page.get_by_role("button", name="Skip").click()
    asked.until_empty()
    other = asked.keep(SUM)
    assert commands(folder) == [*kept, last, after, other]


def test_each_page_has_a_canvas_of_its_own(page: Page, address: str, folder: Path) -> None:
    asked = Asked(page, address)
    command = asked.command
    draw(page, PLUS[:1])
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_enabled()
    page.get_by_role("link", name="Draw", exact=True).click()
    page.locator(".st-key-answers").wait_for()
    canvas_of(page).wait_for()
    wait_until_idle(page)
    assert not page.evaluate(INK)
    draw(page, SUM)
    wait_for_answer(page, 1)
    page.get_by_role("link", name="Draw what is asked").click()
    page.locator(".st-key-request svg").wait_for()
    page.wait_for_function(INK)
    assert asked.command == command
    # The link, which has the focus, gives it up as drawing goes on.
    draw(page, PLUS[1:])
    page.keyboard.press("Enter")
    asked.expect(f"Kept as {command}.")
    assert len(saved(folder)[0].drawing) == 2
    page.get_by_role("link", name="Draw", exact=True).click()
    wait_for_answer(page, 1)


def test_fingers_draw_what_is_asked_on_a_phone(new_page: Callable[..., Page], address: str, folder: Path) -> None:
    page = new_page(**PHONE)
    asked = Asked(page, address)
    fits(page)
    kept = []
    for stroke in (PLUS[0], PLUS[1], SUM[0]):
        kept.append(asked.command)
        # Symbol, canvas and buttons are on the screen together.
        for part in (page.locator(".st-key-request svg"), page.get_by_role("button", name="Keep, next")):
            expect(part).to_be_in_viewport(ratio=1)
        Finger(page).draw(stroke)
        page.get_by_role("button", name="Keep, next").tap()
        asked.expect(f"Kept as {kept[-1]}.")
        asked.until_empty()
    assert commands(folder) == kept
    page.get_by_role("button", name="Skip").tap()
    asked.until_empty()
    for _ in range(2):
        page.get_by_role("button", name="Undo", exact=True).tap()
        wait_until_idle(page)
    asked.expect(f"Back to {kept[-1]}.")
    page.wait_for_function(INK)
    assert commands(folder) == kept[:-1]
    fits(page)


def test_a_package_and_the_most_confused_are_chosen_without_losing_the_keys(
    page: Page, address: str, folder: Path
) -> None:
    asked = Asked(page, address)
    page.get_by_label("Symbols of").click()
    page.get_by_label("Symbols of").fill("stmaryrd")
    page.get_by_role("option", name="stmaryrd").click()
    expect(page.locator(".st-key-request .origin")).to_contain_text("stmaryrd")
    kept = [asked.keep(strokes) for strokes in (PLUS, SUM)]
    assert commands(folder) == kept
    assert all(sample.key.startswith("stmaryrd-") for sample in saved(folder))


def test_a_visitors_drawings_of_a_demo_wait_for_moderation(page: Page, folder: Path) -> None:
    waiting = ModerationList(folder / "moderation.sqlite3")
    with dashboard(folder, **{settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}) as address:
        asked = Asked(page, address)
        for number, strokes in enumerate((SUM, PLUS), 1):
            command = asked.command
            draw(page, strokes)
            page.keyboard.press("Enter")
            asked.expect(f"Sent as {command}: thank you. It is reviewed before it is added.")
            asked.until_empty()
            pending = waiting.pending(9)
            assert len(pending) == number
            assert symbol_for(pending[-1].key).command == command
            assert len(pending[-1].drawing) == len(strokes)
            assert (pending[-1].model, len(pending[-1].predictions)) == ("tiny", 3)
        page.keyboard.press("Control+z")
        asked.expect(f"Back to {command}.")
        assert len(waiting.pending(9)) == 1
    assert saved(folder) == []
