"""A public demo in a real browser: visitors contribute, operators sign in, moderate and sign out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from extexify.contributions.moderation import ModerationList
from extexify.core import settings
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from tests.demo import HASH, PASSWORD
from tests.drawings import zigzag
from tests.visits import ALPHA, SUM, Visiting, visiting
from tools.dashboard import dashboard, wait_until_idle

__all__ = ["visiting"]  # a fixture of the tests below

KEYS = ("latex2e-OT1-_alpha", "latex2e-OT1-_sum", "latex2e-OT1-_int", "latex2e-OT1-_xi")


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    wait_until_idle(page)
    with page.expect_response(re.compile("operator/cookie")) as response:
        page.get_by_role("button", name="Sign in").click()
    assert response.value.status == 204


def saved(folder: Path) -> list[str]:
    """The keys in the workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row).key for row in open_source(str(path)).rows()] if path.exists() else []


def links(page: Page) -> list[str]:
    """The pages that the navigation shows."""
    texts = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    return [text.splitlines()[-1] for text in texts]  # the first line is the icon's name


def fits(page: Page) -> None:
    """Wait until the page is no wider than its window."""
    page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_visitor_contributes_and_an_operator_moderates(
    visiting: Visiting, new_page: Callable[..., Page], folder: Path
) -> None:
    waiting = ModerationList(folder / "moderation.sqlite3")
    with dashboard(folder, **{settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}) as address:
        # What a visitor names waits, and can be taken back.
        visit = visiting(address)
        expect(visit.page.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(4)
        assert links(visit.page) == ["Draw", "Symbols", "Draw what is asked", "Sign in"]
        visit.draw(ALPHA)
        first = visit.commands[0]
        visit.page.get_by_role("button", name=f"It was this one: {first}", exact=True).dblclick()
        note = visit.page.locator(".st-key-contribute_panel .note")
        expect(note).to_contain_text(f"Sent as {first}: thank you.")
        expect(note.get_by_role("link")).to_have_count(0)
        expect(visit.page.get_by_role("button", name=f"Sent as {first}")).to_be_disabled()
        (pending,) = waiting.pending(9)
        assert [stroke.tolist() for stroke in pending.drawing] == [stroke.tolist() for stroke in visit.strokes]
        assert pending.model == "tiny"
        assert len(pending.predictions) == 3
        note.get_by_role("button", name="Undo keeping").click()
        expect(note).to_be_hidden()
        assert waiting.pending(9) == []

        # An operator signs in where they are, on a phone, and accepts and rejects.
        predictions = [(KEYS[0], 0.75), (KEYS[1], 0.125)]
        for number, key in enumerate(KEYS):
            waiting.submit(key, zigzag(number), "m" * 80, [*predictions, ("k" * 200, 0.05)])
        page = new_page(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
        page.goto(f"{address}/contributions")
        expect(page.get_by_label("Password", exact=True)).to_be_visible()
        fits(page)
        sign_in(page, f"{address}/contributions")
        tiles = page.locator(".st-key-moderation .tile")
        expect(tiles).to_have_count(4)
        fits(page)
        expect(tiles.nth(1)).to_contain_text("\\sum")
        expect(tiles.nth(1).locator(".same")).to_have_text("\\sum12%")
        page.get_by_role("button", name="Accept a drawing named \\sum").click()
        expect(tiles).to_have_count(3)
        assert saved(folder) == [KEYS[1]]
        page.get_by_role("checkbox", name="All of these").check()
        page.get_by_role("checkbox", name="Tick a drawing named \\xi").uncheck()
        page.get_by_role("button", name="Reject 2", exact=True).click()
        page.get_by_role("button", name="Reject 2 for good?").click()
        expect(tiles).to_have_count(1)
        page.get_by_role("checkbox", name="All of these").check()
        page.get_by_role("button", name="Accept 1", exact=True).click()
        expect(page.get_by_text("Nothing waits.")).to_be_visible()
        assert saved(folder) == [KEYS[1], KEYS[3]]

        # The browser stays signed in: after a reload, in other tabs, and there an operator's own drawing is stored.
        page.reload()
        expect(page.get_by_text("Nothing waits.")).to_be_visible()
        (cookie,) = [one for one in page.context.cookies() if one["name"] == "extexify_operator"]
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        operator = visiting(address, storage_state={"cookies": page.context.cookies(), "origins": []})
        assert len(links(operator.page)) == 9
        operator.draw(SUM)
        operator.page.get_by_role("button", name="It was").first.click()
        expect(operator.page.get_by_text("drawing number 3 in this workspace")).to_be_visible()
        assert len(saved(folder)) == 3

        # The cookie goes along with uploads and downloads.
        page.goto(f"{address}/models")
        page.get_by_role("button", name="Download").wait_for()
        wait_until_idle(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert download.value.path().read_bytes() == (folder / "models" / "tiny.onnx").read_bytes()
        page.goto(f"{address}/export")
        page.get_by_role("heading", level=1).wait_for()
        wait_until_idle(page)
        page.locator(".st-key-export-sources button", has_text="A file").click()
        page.locator("input[type=file]").first.set_input_files({"name": "a.sql", "mimeType": "", "buffer": b"--"})
        expect(page.get_by_test_id("stAlert").get_by_text("a.sql")).to_be_visible()  # read, and no dump

        # Signing out in one tab signs out all of them.
        expect(operator.page.get_by_text("Signed in as operator")).to_be_visible()
        operator.page.get_by_role("button", name="Sign out").click()
        expect(operator.page.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(4)
        assert links(operator.page) == ["Draw", "Symbols", "Draw what is asked", "Sign in"]
        page.reload()
        expect(page.get_by_label("Password", exact=True)).to_be_visible()
