"""A public demo in a real browser: visitors contribute, operators sign in, moderate and sign out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from extexify.contributions.moderation import ModerationList
from extexify.core import settings
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from tests.demo import HASH, PASSWORD
from tests.drawings import zigzag
from tests.visits import ALPHA, SUM, Visiting, visiting
from tools.dashboard import dashboard

__all__ = ["visiting"]  # a fixture of the tests below

KEYS = ("latex2e-OT1-_alpha", "latex2e-OT1-_sum", "latex2e-OT1-_int", "latex2e-OT1-_xi")


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The address of a demo with a password, on that workspace."""
    with dashboard(folder, **{settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a browser profile of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_response(re.compile("operator/cookie")) as answered:
        page.get_by_role("button", name="Sign in").click()
    assert answered.value.status == 204


def kept(folder: Path) -> list[str]:
    """The keys in the workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row).key for row in open_source(str(path)).rows()] if path.exists() else []


def links(page: Page) -> list[str]:
    """The pages that the navigation shows."""
    texts = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    return [text.splitlines()[-1] for text in texts]  # before it stands the icon's name


def test_what_a_visitor_names_waits_and_can_be_taken_back(visiting: Visiting, address: str, folder: Path) -> None:
    visit = visiting(address)
    expect(visit.page.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(3)
    assert links(visit.page) == ["Draw", "Symbols", "Sign in"]
    visit.draw(ALPHA)
    first = visit.commands[0]
    visit.page.get_by_role("button", name=f"It was {first}", exact=True).dblclick()
    note = visit.page.locator(".st-key-contribute_panel .note")
    expect(note).to_contain_text(f"Sent as {first}: thank you.")
    expect(note.get_by_role("link")).to_have_count(0)
    expect(visit.page.get_by_role("button", name=f"Sent as {first}")).to_be_disabled()
    (offer,) = ModerationList(folder / "moderation.sqlite3").pending(9)
    assert [stroke.tolist() for stroke in offer.drawing] == [stroke.tolist() for stroke in visit.strokes]
    assert offer.model == "tiny"
    assert len(offer.predictions) == 3
    note.get_by_role("button", name="Undo keeping").click()
    expect(note).to_be_hidden()
    assert ModerationList(folder / "moderation.sqlite3").pending(9) == []
    assert kept(folder) == []


def test_an_operator_stays_signed_in_until_they_sign_out(page: Page, address: str) -> None:
    sign_in(page, f"{address}/render")
    expect(page.get_by_text("No dataset yet.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No dataset yet.")).to_be_visible()
    assert len(links(page)) == 8
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "extexify_operator"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    other = page.context.new_page()
    other.goto(f"{address}/models")
    expect(other.get_by_text("Signed in as operator")).to_be_visible()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_label("Password", exact=True)).to_be_visible()
    assert links(other) == ["Draw", "Symbols", "Sign in"]
    page.reload()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()


def test_an_operator_accepts_and_rejects(page: Page, address: str, folder: Path) -> None:
    waiting = ModerationList(folder / "moderation.sqlite3")
    for number, key in enumerate(KEYS):
        waiting.submit(key, zigzag(number), "tiny", [(KEYS[0], 0.75), (KEYS[1], 0.125)])
    sign_in(page, f"{address}/contributions")
    tiles = page.locator(".st-key-moderation .tile")
    expect(tiles).to_have_count(4)
    expect(tiles.nth(1)).to_contain_text("\\sum")
    expect(tiles.nth(1).locator(".same")).to_have_text("\\sum12%")
    page.get_by_role("button", name="Accept a drawing named \\sum").click()
    expect(tiles).to_have_count(3)
    assert kept(folder) == [KEYS[1]]
    page.get_by_role("checkbox", name="All of these").check()
    page.get_by_role("checkbox", name="Tick a drawing named \\xi").uncheck()
    page.get_by_role("button", name="Reject 2", exact=True).click()
    page.get_by_role("button", name="Reject 2 for good?").click()
    expect(tiles).to_have_count(1)
    page.get_by_role("checkbox", name="All of these").check()
    page.get_by_role("button", name="Accept 1", exact=True).click()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    assert kept(folder) == [KEYS[1], KEYS[3]]


def test_an_operators_own_drawing_is_kept_right_away(
    visiting: Visiting, page: Page, address: str, folder: Path
) -> None:
    sign_in(page, f"{address}/sign_in")
    cookies = page.context.cookies()
    visit = visiting(address, storage_state={"cookies": cookies, "origins": []})
    visit.draw(SUM)
    visit.page.get_by_role("button", name="It was").first.click()
    expect(visit.page.get_by_text("drawing number 1 in this workspace")).to_be_visible()
    assert len(kept(folder)) == 1


@pytest.mark.parametrize("path", ["/export", "/contributions"])
def test_a_phone_shows_the_form_and_the_list_whole(browser: Browser, address: str, folder: Path, path: str) -> None:
    ModerationList(folder / "moderation.sqlite3").submit("latex2e-OT1-_alpha", zigzag(1), "m" * 80, [("k" * 200, 0.5)])
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{address}{path}")
    for step in ("form", "page"):
        if step == "page":
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_label("Password", exact=True)).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    context.close()
