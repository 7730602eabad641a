"""Sharing on the Draw page, in a real browser: links that are made, copied, opened, damaged and drawn on."""

from __future__ import annotations

import io
import re
from urllib.error import HTTPError
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from extexify.drawing.link import LINK_PARAMETER, decode, encode
from extexify.drawing.pictures import PICTURE
from extexify.drawing.raster import PRESETS, rasterize_drawing
from extexify.drawing.strokes import Drawing
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas
from extexify.ui.draw.share import _Sharing, with_corners
from tests.drawings import drawing
from tests.visits import ALPHA, DIVISION, PLUS, SUM, Visiting, visiting
from tools.dashboard import wait_for_answer

__all__ = ["visiting"]  # a fixture of the tests below

SENT = encode([np.array(stroke, np.float32) for stroke in DIVISION])
DAMAGED = "The link is damaged: a part of it is missing or has changed."


def shared(page: Page, text: str | None = None) -> str:
    """The text of the drawing that the address holds, once it is `text`, or there; "" for none."""
    wanted = re.compile(rf"[?&]{LINK_PARAMETER}={text or '1'}" if text != "" else "^[^?]*$")
    expect(page).to_have_url(wanted)
    return parse_qs(urlsplit(page.url).query).get(LINK_PARAMETER, [""])[0]


def open_dialog(page: Page) -> str:
    """Open the Share dialog; returns the link that it shows."""
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page.get_by_label("Link to this drawing").input_value()


def picture(strokes: Drawing) -> np.ndarray:
    """What the model sees, int (40, 40)."""
    return rasterize_drawing(strokes, PRESETS["default"]).astype(int)


def test_a_copied_link_shows_the_drawing_and_its_answers_and_is_drawn_on(visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    visit.draw(DIVISION)
    text = shared(visit.page, encode(visit.strokes))
    assert open_dialog(visit.page) == visit.page.url
    visit.page.get_by_role("button", name="Copy the link").click()
    expect(visit.page.get_by_role("dialog").get_by_text("Copied")).to_be_visible()
    link = visit.page.evaluate("navigator.clipboard.readText()")

    other = visiting(link)
    wait_for_answer(other.page, 3)
    assert other.commands == visit.commands
    assert shared(other.page) == text
    other.page.wait_for_timeout(500)
    ink = other.ink()[0]
    for stroke in visit.strokes:
        assert np.hypot(*np.moveaxis(stroke[:, None] - ink, 2, 0)).min(axis=1).max() < 3

    other.draw([[(40, 350), (350, 360)]], before=3)
    assert encode(other.strokes[:3]) == text
    assert len(decode(shared(other.page, encode(other.strokes)))) == 4
    for left in (3, 2):
        other.page.get_by_role("button", name="Undo").first.click()
        wait_for_answer(other.page, left)
    assert shared(other.page, encode(decode(text)[:2]))


def test_the_address_follows_the_drawing_and_the_page_is_not_loaded_anew(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.page
    page.evaluate("window.stillThere = true")
    visits = page.evaluate("history.length")
    visit.draw(PLUS[:1])
    first = shared(page, encode(visit.strokes))
    visit.draw(PLUS[1:], before=1)
    assert picture(decode(shared(page, encode(visit.strokes)))).sum() > picture(decode(first)).sum()
    page.get_by_role("button", name="Undo").first.click()
    shared(page, first)
    page.get_by_role("button", name="Clear").click()
    shared(page, "")
    expect(page.get_by_role("button", name="Share", exact=True)).to_be_disabled()
    visit.draw(SUM)
    shared(page, encode(visit.strokes))
    assert page.evaluate("[window.stillThere, history.length]") == [True, visits]


def test_a_reload_brings_the_drawing_back(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(ALPHA)
    text = shared(visit.page, encode(visit.strokes))
    visit.page.reload()
    wait_for_answer(visit.page, 1)
    assert shared(visit.page) == text


def test_coming_back_from_a_symbol_brings_no_earlier_drawing(visiting: Visiting, server: str) -> None:
    visit = visiting(f"{server}/?{LINK_PARAMETER}={SENT}")
    wait_for_answer(visit.page, 3)
    visit.draw(PLUS[:1], before=3)
    text = shared(visit.page, encode(visit.strokes))
    visit.page.get_by_role("link", name="Details").first.click()
    expect(visit.page).to_have_url(re.compile(r"/symbols\?symbol="))
    assert LINK_PARAMETER not in parse_qs(urlsplit(visit.page.url).query)
    visit.page.go_back()
    wait_for_answer(visit.page, 4)
    assert shared(visit.page) == text
    visit.page.get_by_role("link", name="Symbols").click()
    expect(visit.page).to_have_url(f"{server}/symbols")
    visit.page.get_by_role("link", name="Draw").click()
    wait_for_answer(visit.page, 4)
    shared(visit.page, text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (SENT[:-2], DAMAGED),
        ("1<script>alert(1)</script>", DAMAGED),
        ("1%FF%00", DAMAGED),
        ("2" + SENT, "The link was made by a newer version of Extexify: update this one to open it."),
        ("1" * 3000, "The link is too long to be a drawing's: 3,000 characters, over 1,900."),
    ],
    ids=["cut", "script", "no text", "newer", "long"],
)
def test_a_bad_link_is_one_sentence_and_an_empty_canvas(
    visiting: Visiting, server: str, text: str, sentence: str
) -> None:
    visit = visiting(f"{server}/?{LINK_PARAMETER}={quote(text, safe='%')}")
    alert = visit.page.locator(".st-key-share [data-testid=stAlert]")
    expect(alert).to_have_text(sentence)
    assert visit.commands == []
    assert len(visit.ink()[0]) == 0
    shared(visit.page, "")
    visit.draw(SUM)
    expect(alert).to_have_count(0)
    shared(visit.page, encode(visit.strokes))


def test_a_link_may_name_its_model(visiting: Visiting, server: str) -> None:
    visit = visiting(f"{server}/?{LINK_PARAMETER}={SENT}&model=extexify")
    wait_for_answer(visit.page, 3)
    expect(visit.page.get_by_text("Model “extexify”: 1,122 symbols")).to_be_visible()
    box = visit.page.get_by_label("Answer with the model “extexify”")
    assert open_dialog(visit.page) == f"{server}/?{LINK_PARAMETER}={SENT}&model=extexify"
    expect(box).to_be_checked()
    box.uncheck()
    assert visit.page.get_by_label("Link to this drawing").input_value() == f"{server}/?{LINK_PARAMETER}={SENT}"
    expect(visit.page).to_have_url(f"{server}/?{LINK_PARAMETER}={SENT}")


def test_a_model_that_is_not_here_is_named_with_the_one_that_answers(visiting: Visiting, server: str) -> None:
    visit = visiting(f"{server}/?{LINK_PARAMETER}={SENT}&model={quote('<b>**x**</b>')}")
    wait_for_answer(visit.page, 3)
    note = visit.page.locator(".st-key-share [data-testid=stAlert]")
    expect(note).to_have_text("The link asks for the model “<b>**x**</b>”, which isn't here: “tiny” answers.")
    visit.draw(PLUS[:1], before=3)
    expect(note).to_have_count(0)


def test_the_dialog_has_pictures_and_a_code_and_closes_without_harm(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(DIVISION)
    page, text = visit.page, shared(visit.page, encode(visit.strokes))
    dialog = page.get_by_role("dialog")
    link = open_dialog(page)
    code = dialog.get_by_role("img")
    assert quote(link, safe="") in str(code.get_attribute("src"))
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=code.element_handle())
    with page.expect_download() as downloading:
        dialog.get_by_role("link", name="PNG").click()
    assert downloading.value.suggested_filename == "drawing.png"
    image = Image.open(io.BytesIO(downloading.value.path().read_bytes()))
    np.testing.assert_array_equal(255 - np.asarray(image), rasterize_drawing(decode(text), PICTURE))
    with page.expect_download() as downloading:
        dialog.get_by_role("link", name="SVG").click()
    assert downloading.value.path().read_text().count("<path") == 3
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_timeout(500)
    assert shared(page) == text


@pytest.mark.parametrize("path", ["drawing.png", "drawing.svg", "qr.svg"])
def test_a_file_of_no_drawing_is_one_sentence(server: str, path: str) -> None:
    links = [
        f"http://x/?{LINK_PARAMETER}=1",
        f"javascript:alert(1)?{LINK_PARAMETER}={SENT}",
        "x" * 5000,
        "http://[",
        "",
    ]
    for query in (f"{LINK_PARAMETER}={SENT[:-1]}", "", *(f"link={quote(link, safe='')}" for link in links)):
        with pytest.raises(HTTPError) as raised:
            urlopen(f"{server}/share/{path}?{query}")
        assert raised.value.code == 400, query
        assert re.fullmatch(r"No file: .*\.", raised.value.read().decode())


def test_a_phone_shows_the_dialog_whole(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    visit.draw(ALPHA)
    open_dialog(visit.page)
    box = visit.page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= 375
    assert box["y"] + box["height"] <= 700
    assert visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_corners_stay_corners_on_the_canvas_and_arcs_stay_arcs() -> None:
    turns = np.linspace(0, 3, 20)
    arc = np.stack([200 + 100 * np.cos(turns), 200 + 100 * np.sin(turns)], axis=1)
    sent = drawing([[300, 90], [100, 85], [215, 200], [95, 320]], [[10, 10]], [[1, 1], [9, 9]], arc.tolist())
    shown = with_corners(sent)
    assert [len(stroke) for stroke in shown] == [6, 1, 2, 20]
    back = drawing_from_canvas(canvas_from_drawing(shown, color="#000", stroke_width=6))
    assert encode(back) == encode(sent)
    np.testing.assert_array_equal(picture(back), picture(sent))


def test_an_address_that_the_visit_made_itself_is_no_news() -> None:
    sharing = _Sharing()
    assert not sharing.is_opened("")
    assert sharing.is_opened("1a")
    assert not sharing.is_opened("1a")
    sharing.history.extend(["1a", "1b"])
    assert not sharing.is_opened("1b")
    # However much was drawn since, the browser may still tell what it told the last time.
    sharing.history.extend(str(number) for number in range(1000))
    assert not sharing.is_opened("1b")
    assert not sharing.is_opened("")
    assert sharing.is_opened("1c")
