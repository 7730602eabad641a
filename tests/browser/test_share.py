"""Sharing on the Draw page, in a real browser: a link is made, copied, opened, drawn on, and taken as a picture."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from extexify.drawing.link import LINK_PARAMETER, decode, encode
from extexify.drawing.pictures import PICTURE
from extexify.drawing.raster import rasterize_drawing
from tests.visits import DIVISION, PLUS, SUM, Visiting, visiting

__all__ = ["visiting"]  # a fixture of the tests below


def shared(page: Page, text: str | None = None) -> str:
    """The text of the drawing in the address, once it is `text`, or any; "" for none."""
    wanted = re.compile(rf"[?&]{LINK_PARAMETER}={text or '1'}" if text != "" else "^[^?]*$")
    expect(page).to_have_url(wanted)
    return parse_qs(urlsplit(page.url).query).get(LINK_PARAMETER, [""])[0]


def test_a_link_is_copied_opened_and_drawn_on(visiting: Visiting, server: str) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    share, dialog = page.get_by_role("button", name="Share", exact=True), page.get_by_role("dialog")

    # The address follows the drawing, without loading the page anew or adding to its history.
    page.evaluate("window.stillThere = true")
    visits = page.evaluate("history.length")
    visit.draw(PLUS[:1])
    first = shared(page, encode(visit.strokes))
    visit.draw(PLUS[1:], before=1)
    assert len(decode(shared(page, encode(visit.strokes)))) == 2
    page.get_by_role("button", name="Undo").first.click()
    shared(page, first)
    page.get_by_role("button", name="Clear").click()
    shared(page, "")
    expect(share).to_be_disabled()
    visit.draw(DIVISION)
    text = shared(page, encode(visit.strokes))
    assert page.evaluate("[window.stillThere, history.length]") == [True, visits]

    # The dialog has the link, pictures and a QR code.
    share.click()
    expect(dialog).to_be_visible()
    field = page.get_by_label("Link to this drawing")
    expect(field).to_have_value(page.url)
    code = dialog.get_by_role("img")
    assert quote(page.url, safe="") in str(code.get_attribute("src"))
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=code.element_handle())
    with page.expect_download() as downloading:
        dialog.get_by_role("link", name="PNG").click()
    assert downloading.value.suggested_filename == "drawing.png"
    image = Image.open(io.BytesIO(downloading.value.path().read_bytes()))
    np.testing.assert_array_equal(255 - np.asarray(image), rasterize_drawing(decode(text), PICTURE))
    with page.expect_download() as downloading:
        dialog.get_by_role("link", name="SVG").click()
    assert downloading.value.path().read_text().count("<path") == 3
    page.get_by_role("button", name="Copy the link").click()
    expect(dialog.get_by_role("status")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    # The link may name the model that answers.
    box = page.get_by_label("Answer with the model “tiny”")
    box.check()
    expect(field).to_have_value(f"{server}/?{LINK_PARAMETER}={text}&model=tiny")
    expect(page).to_have_url(f"{server}/?{LINK_PARAMETER}={text}&model=tiny")
    box.uncheck()
    expect(page).to_have_url(f"{server}/?{LINK_PARAMETER}={text}")
    # Escape closes the dialog, and clears nothing.
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    visit.draw(PLUS[:1], before=3)
    assert encode(visit.strokes[:3]) == text

    # Who opens the link sees the drawing and its answers, and draws on.
    other = visiting(link)
    page = other.page
    other.wait_for_answer(3)
    assert shared(page) == text
    meant = decode(text)
    other.until(lambda: len(other.ink()[0]) > 100)
    ink = other.ink()[0]
    for stroke in meant:
        assert np.hypot(*np.moveaxis(stroke[:, None] - ink, 2, 0)).min(axis=1).max() < 3
    answers = other.commands
    page.reload()
    other.wait_for_answer(3)
    assert shared(page) == text
    assert other.commands == answers
    other.draw([[(40, 350), (350, 360)]], before=3)
    assert encode(other.strokes[:3]) == text
    longer = shared(page, encode(other.strokes))
    assert len(decode(longer)) == 4

    # Coming back from another page brings no earlier drawing.
    page.get_by_role("link", name="Details").first.click()
    expect(page).to_have_url(re.compile(r"/symbols\?symbol="))
    assert LINK_PARAMETER not in parse_qs(urlsplit(page.url).query)
    page.go_back()
    other.wait_for_answer(4)
    assert shared(page) == longer
    page.get_by_role("link", name="Symbols").click()
    expect(page).to_have_url(f"{server}/symbols")
    page.get_by_role("link", name="Draw", exact=True).click()
    other.wait_for_answer(4)
    shared(page, longer)
    for left in (3, 2):
        page.get_by_role("button", name="Undo").first.click()
        other.wait_for_answer(left)
    shared(page, encode(meant[:2]))

    # A damaged link is a sentence, until the next drawing.
    other.open(f"{server}/?{LINK_PARAMETER}={text[:-2]}")
    alert = page.locator(".st-key-share [data-testid=stAlert]")
    expect(alert).to_have_text("The link is damaged: a part of it is missing or has changed.")
    shared(page, "")
    other.draw(SUM)
    expect(alert).to_have_count(0)
    shared(page, encode(other.strokes))
