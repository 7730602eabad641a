"""The Draw page in a real browser: what is drawn is what is classified; answers, keys, phones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from extexify.catalog.output import OutputFormat, formatted
from extexify.catalog.symbols import symbol_for
from extexify.model.classifier import Classifier
from extexify.sources.open import open_source
from extexify.sources.rows import Sample, check_row
from tests.visits import ALPHA, DIVISION, PLUS, SUM, Visit, Visiting, visiting
from tools.dashboard import canvas_of, dashboard, draw

__all__ = ["visiting"]  # a fixture of the tests below

INVITATION = "Size and place in the box don't matter."


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def clear(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Clear", exact=True).click()
    expect(visit.page.get_by_text(INVITATION)).to_be_visible()
    visit.until(lambda: len(visit.ink()[0]) == 0)


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The distance (n,) of each of `points` (n, 2) to the nearest of `others`."""
    return np.asarray(np.hypot(*np.moveaxis(points[:, None] - others, 2, 0)).min(axis=1))


def test_what_is_drawn_is_what_the_library_classifies(visiting: Visiting, tiny_model: Path, server: str) -> None:
    visit = visiting()
    page = visit.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Draw a symbol, get its LaTeX command")
    expect(page.get_by_text(INVITATION)).to_be_visible()
    expect(page.get_by_text("29 symbols, right within five for 92% of unseen drawings")).to_be_visible()
    undo = page.get_by_role("button", name="Undo").first
    expect(undo).to_be_disabled()
    assert visit.commands == []

    model = Classifier.load(tiny_model)
    for strokes in (ALPHA, PLUS, DIVISION, SUM):
        visit.draw(strokes)
        assert len(visit.strokes) == len(strokes)
        for meant, got in zip(strokes, visit.strokes, strict=True):
            assert len(got) == 1 if len(meant) == 1 else len(got) > 1
            corners = np.array(meant)
            # Every point meant is on the stroke, except for the browser's whole pixels and the canvas's thinning.
            assert distances(corners, got).max() < 4
            np.testing.assert_allclose(got[[0, -1]], corners[[0, -1]], atol=1.1)
        assert visit.commands == [result.head.command for result in model.answers(visit.strokes, 5).results]
        clear(visit)

    # Undo removes one stroke, and drawing can continue.
    visit.draw(PLUS[:1])
    after_one = visit.commands
    visit.draw(PLUS[1:], before=1)
    undo.click()
    visit.wait_for_answer(1)
    assert visit.commands == after_one
    visit.until(lambda: np.ptp(visit.ink()[0][:, 0]) < 12)
    # Undo right after a stroke, before the canvas has sent it, removes only that stroke.
    draw(page, PLUS[1:])
    undo.click()
    visit.draw(SUM, before=1)
    assert np.ptp(visit.strokes[0][:, 0]) < 12
    assert distances(np.array(SUM[0]), visit.strokes[1]).max() < 4
    clear(visit)
    assert visit.hosts == {server.removeprefix("http://")}


def saved(folder: Path) -> list[Sample]:
    """The drawings in a workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row) for row in open_source(str(path)).rows()] if path.exists() else []


def test_answers_are_copied_looked_up_and_saved(visiting: Visiting, folder: Path) -> None:
    with dashboard(folder) as address:
        visit = visiting(address, permissions=["clipboard-read", "clipboard-write"])
        page = visit.page
        rows = page.locator(".st-key-answers ol .row")
        visit.draw(SUM)
        page.get_by_role("button", name="Show 20 more").click()
        expect(rows).to_have_count(25)
        third = visit.commands[2]
        page.get_by_role("button", name=f"Copy {third}", exact=True).click()
        expect(rows.nth(2).locator(".label").first).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == third
        # What is drawn alike is one answer, and each command can be copied and kept.
        folded = rows.filter(has=page.locator(".command", has_text=re.compile(r"^\\(sum|Sigma)$")))
        expect(folded).to_have_count(1)
        # The model's other class comes first, then the same shape in other packages.
        member = folded.locator(".member").first
        commands = [folded.locator(".command").inner_text(), member.locator("code").inner_text()]
        assert sorted(commands) == ["\\Sigma", "\\sum"]
        expect(folded.locator(".expand")).to_be_visible()
        member.locator(".pick").click()
        expect(member.locator(".label")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == commands[1]
        key = member.get_attribute("data-key")
        member.locator(".was").click()
        expect(page.get_by_text("drawing number 1 in this workspace")).to_be_visible()
        assert [sample.key for sample in saved(folder)] == [key]
        page.get_by_role("button", name="Undo keeping").click()
        expect(page.get_by_role("button", name="It was").first).to_be_visible()
        page.get_by_role("button", name="Show fewer").click()
        expect(rows).to_have_count(5)

        # An answer leads to its symbol, and Back to the drawing.
        first = visit.commands[0]
        page.get_by_role("link", name=f"Details of {first}", exact=True).click()
        expect(page.locator(".symbol .command code")).to_have_text(first)
        assert "/symbols?symbol=" in page.url
        page.go_back()
        visit.wait_for_answer(1)
        assert visit.commands[0] == first
        assert "symbol" not in page.url
        visit.until(lambda: len(visit.ink()[0]) > 100)

        # An answer keeps the drawing once, and can be taken back.
        button = page.get_by_role("button", name=f"It was this one: {first}", exact=True)
        button.dblclick()
        note = page.locator(".st-key-contribute_panel .note")
        expect(note).to_contain_text(f"Kept as {first}, drawing number 1 in this workspace.")
        expect(note.get_by_role("link", name="exported")).to_have_attribute("href", "export")
        expect(page.get_by_role("button", name="It was")).to_have_count(0)
        (sample,) = saved(folder)
        assert [stroke.tolist() for stroke in sample.drawing] == [stroke.tolist() for stroke in visit.strokes]
        # Another stroke makes another drawing, and the first stroke alone is still the saved one.
        visit.draw(PLUS[:1], before=1)
        expect(note).to_be_hidden()
        page.keyboard.press("Control+z")
        visit.wait_for_answer(1)
        expect(note).to_contain_text("drawing number 1")
        note.get_by_role("button", name="Undo keeping").click()
        expect(button).to_be_visible()
        assert saved(folder) == []

        # Any symbol can be found and saved; Escape closes the search and leaves the drawing.
        search = page.get_by_label("Search the symbol that you drew")
        found = page.locator(".st-key-contribute_panel .tile")
        opener = page.get_by_role("button", name="Something else? Search all symbols")
        opener.click()
        expect(search).to_be_focused()
        page.keyboard.type("zeta")
        expect(found.first).to_have_text("\\zeta")
        page.keyboard.press("Escape")
        expect(opener).to_be_focused()
        opener.click()
        search.fill("no symbol is called like this")
        expect(page.get_by_text("No symbol like this.")).to_be_visible()
        search.fill("leqslnt")
        expect(found.first).to_have_text("\\leqslant")
        assert found.first.locator("svg").count() == 1
        found.first.click()
        expect(page.get_by_text("Kept as \\leqslant, drawing number 1")).to_be_visible()
        expect(search).to_be_hidden()
        (sample,) = saved(folder)
        assert sample.key == "amssymb-OT1-_leqslant"
        assert [stroke.tolist() for stroke in sample.drawing] == [stroke.tolist() for stroke in visit.strokes]


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_the_chosen_format_is_shown_copied_by_key_and_remembered(visiting: Visiting, server: str) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    visit.draw(SUM)
    commands = visit.commands
    page.get_by_label("Show and copy as").select_option("html")
    entities = visit.commands
    keys = page.locator(".st-key-answers ol .command").evaluate_all("all => all.map(one => one.dataset.key)")
    assert entities == [formatted(symbol_for(key), OutputFormat.HTML) or symbol_for(key).command for key in keys]
    assert entities != commands
    # The canvas takes the focus from the switch, so that the keys are the page's.
    visit.draw(SUM, before=1)
    entities = visit.commands
    rows = page.locator(".st-key-answers ol .row")
    for key, position in (("Enter", 0), ("3", 2)):
        page.keyboard.press(key)
        expect(rows.nth(position).locator(".copy .label")).to_have_text("Copied")
        assert clipboard(page) == entities[position]
    # Other pages have the choice, and later visits.
    page.goto(f"{server}/symbols?symbol=latex2e-OT1-_forall")
    expect(page.locator(".symbol .command code")).to_have_text("&forall;")
    expect(page.locator(".symbol .facts .latex code")).to_have_text(r"\forall")
    page.locator(".symbol").get_by_role("button", name="Copy &forall;", exact=True).click()
    page.wait_for_function("async () => await navigator.clipboard.readText() === '&forall;'")
    expect(page.locator('.tile[href="?symbol=latex2e-OT1-_alpha"] code')).to_have_text("&alpha;")
    hat = page.locator('.tile[href="?symbol=latex2e-OT1-_hat%7B%7D"]')
    page.get_by_role("searchbox").fill("\\hat")
    expect(hat.locator(".lacking")).to_have_text("LaTeX")
    page.get_by_label("Show and copy as").select_option("latex")
    expect(hat.locator("code")).to_have_text("\\hat{}")
    expect(page.locator(".symbol .command code")).to_have_text("\\forall")
    visit.open(server)
    visit.draw(SUM)
    assert visit.commands == commands


def test_what_was_picked_comes_first_until_it_is_forgotten(visiting: Visiting, server: str) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    visit.draw(SUM)
    usual = visit.commands
    forget = page.get_by_role("button", name="Forget my picks")
    expect(forget).to_be_hidden()
    row = page.locator(".st-key-answers ol .row", has=page.locator(".command[data-key=latex2e-OT1-_sum]"))
    row.locator(".member[data-key=latex2e-OT1-_Sigma] .pick").click()
    page.wait_for_function("async () => await navigator.clipboard.readText() === '\\\\Sigma'")
    # In a later visit too, and with what it prints like among the others.
    visit.open(server)
    visit.draw(SUM)
    picked = page.locator(".st-key-answers ol .row", has=page.locator(".command[data-key=latex2e-OT1-_Sigma]"))
    expect(picked.locator(".member[data-key=latex2e-OT1-_sum]")).to_be_visible()
    forget.click()
    expect(forget).to_be_hidden()
    visit.draw(SUM, before=1)
    assert sorted(visit.commands) == sorted(usual)
    expect(row).to_have_count(1)
    expect(picked).to_have_count(0)


def test_look_alikes_are_compared_by_keyboard(visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    visit.draw(SUM)
    row = page.locator(".st-key-answers ol .row", has=page.locator(".command[data-key=latex2e-OT1-_sum]"))
    question = row.get_by_role("button", name="Which of these do you mean?")
    expect(question).to_have_attribute("aria-expanded", "false")
    question.press("Enter")
    table = row.get_by_role("table", name="Symbols that are drawn alike")
    expect(table.get_by_role("columnheader")).to_have_text(["Symbol", "Means", "Spaced", "Used in", "Asked for"])
    first = table.get_by_role("row").nth(1)
    expect(first.get_by_role("cell")).to_have_text(
        ["sum over an index, with limits", "operator, like ∑", "formulas, LaTeX", "very common"]
    )
    expect(first.locator("svg")).to_have_count(1)
    # The next stop of the Tab key is the first symbol of the table.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(first.locator(".label")).to_have_text("Copied")
    assert clipboard(page) == r"\sum"
    more = row.get_by_role("button", name="more to compare")
    more.press("Enter")
    expect(more).to_have_count(0)
    page.set_viewport_size({"width": 375, "height": 800})
    expect(first).to_be_visible()
    assert overflow(page) <= 0
    question.press("Enter")
    expect(table).to_have_count(0)


def test_the_keyboard_walks_the_gallery_and_draws_back(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.page
    visit.draw(PLUS)
    page.get_by_role("link", name="Symbols").click()
    expect(page.locator(".gallery .tile svg").first).to_be_visible()
    focused = "document.activeElement.shadowRoot.activeElement.querySelector('code')?.textContent"
    page.get_by_role("searchbox").press("ArrowDown")
    tiles = page.locator(".tile code").all_text_contents()
    assert page.evaluate(focused) == tiles[0]
    columns = int(
        page.locator(".tiles").first.evaluate("e => getComputedStyle(e).gridTemplateColumns.split(' ').length")
    )
    for key, position in (
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("ArrowLeft", columns),
        ("End", -1),
        ("Home", 0),
        ("ArrowRight", 1),
    ):
        page.keyboard.press(key)
        # Tiles are made as they come near, and the last one when it is asked for.
        assert page.evaluate(focused) == page.locator(".tile code").all_text_contents()[position]
    page.keyboard.press("Enter")
    expect(page.locator(".symbol .command code")).to_have_text(tiles[1])
    # The Tab key stops at one tile only.
    assert page.locator('.tile[tabindex="0"]').count() == 1

    # Strokes from before another page can be undone.
    page.get_by_role("link", name="Draw", exact=True).click()
    visit.wait_for_answer(2)
    visit.until(lambda: np.ptp(visit.ink()[0][:, 0]) > 100)
    page.keyboard.press("Control+z")
    visit.wait_for_answer(1)
    visit.until(lambda: np.ptp(visit.ink()[0][:, 0]) < 12)
    # Escape clears the canvas, unless the focus is in the sidebar, as after the click on a link.
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    expect(page.get_by_text(INVITATION)).to_be_visible()
    visit.until(lambda: len(visit.ink()[0]) == 0)


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour (0 to 255), as WCAG defines it."""
    shares = np.array(colour, float) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(visit: Visit) -> float:
    """The contrast ratio of the ink and the page's background; negative for ink that is darker."""
    colour = visit.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    paper = luminance([float(part) for part in colour[4:-1].split(",")[:3]]) + 0.05
    ink = luminance(np.median(visit.ink()[1], axis=0)) + 0.05
    return ink / paper if ink > paper else -paper / ink


def glyph_has_text_colour(page: Page, selector: str) -> bool:
    text = page.get_by_role("heading", level=1).evaluate("e => getComputedStyle(e).color")
    return bool(page.locator(selector).first.evaluate("e => getComputedStyle(e).fill") == text)


def test_phones_and_either_theme(visiting: Visiting, new_page: Callable[..., Page], server: str) -> None:
    phone = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
    visit = visiting(**phone, color_scheme="dark")
    page = visit.page
    box = canvas_of(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert 300 < box["width"] <= 375 - box["x"]
    visit.draw(SUM)
    assert contrast(visit) > 3
    # The canvas is shown smaller, and its strokes have the same coordinates.
    assert distances(np.array(SUM[0]), visit.strokes[0]).max() < 4
    answers = page.locator(".st-key-answers").bounding_box()
    assert answers is not None
    assert answers["y"] >= box["y"] + box["height"]
    assert overflow(page) <= 0
    page.touchscreen.tap(box["x"] + 100, box["y"] + 40)
    visit.wait_for_answer(2)
    assert len(visit.strokes[1]) == 1
    page.get_by_role("button", name="Share", exact=True).tap()
    dialog = page.get_by_role("dialog").bounding_box()
    assert dialog is not None
    assert dialog["x"] >= 0
    assert dialog["y"] >= 0
    assert dialog["x"] + dialog["width"] <= 375
    assert dialog["y"] + dialog["height"] <= 700
    page.keyboard.press("Escape")

    # Symbols open over the gallery. As on a server without HTTPS, there is no clipboard but the old one.
    page.goto(f"{server}/symbols")
    page.locator(".tile svg").first.wait_for(state="attached")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    assert glyph_has_text_colour(page, ".tile svg")
    page.locator('.tile[href="?symbol=latex2e-OT1-_beta"]').tap()
    shown = page.get_by_role("dialog")
    expect(shown.locator(".command code")).to_have_text("\\beta")
    copy = shown.get_by_role("button", name="Copy \\beta", exact=True)
    copy.tap()
    expect(copy).to_have_text("Copied")
    assert overflow(page) <= 0
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    page.wait_for_function("() => !location.search")
    # A wider window shows the symbol beside the gallery.
    page.locator('.tile[href="?symbol=latex2e-OT1-_gamma"]').tap()
    expect(shown).to_be_visible()
    page.set_viewport_size({"width": 1100, "height": 800})
    expect(shown).to_be_hidden()
    expect(page.locator(".side .command code")).to_have_text("\\gamma")

    # The light theme, and every width.
    visit = visiting(color_scheme="light")
    visit.draw(ALPHA)
    assert contrast(visit) < -3
    for width in (320, 360, 414, 600, 768, 1024, 1920):
        visit.page.set_viewport_size({"width": width, "height": 700})
        visit.until(lambda width=width: _fits(visit.page, width))  # type: ignore[misc]
    visit.page.get_by_role("link", name="Details").first.click()
    visit.page.locator(".symbol .large svg").wait_for()
    assert glyph_has_text_colour(visit.page, ".symbol .large svg")


def _fits(page: Page, width: int) -> bool:
    """Whether a window of this width shows the canvas whole, and nothing is wider than it."""
    box = canvas_of(page).bounding_box()
    return box is not None and overflow(page) <= 0 and box["x"] >= 0 and box["x"] + box["width"] <= width


def test_answers_say_what_the_visitors_document_takes(visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    visit.draw(SUM)
    expect(page.locator(".note:visible")).to_have_count(0)
    page.get_by_text("Your document").click()
    preamble, command = page.get_by_label("Preamble"), visit.commands[0]
    preamble.fill(rf"\newcommand{{\total}}{{{command}}}")
    preamble.press("Control+Enter")
    row = page.locator(".row").first
    expect(row.locator(".command")).to_have_text(r"\total")
    expect(row.locator(".note")).to_have_text(f"in your document for {command}")
    row.get_by_role("button", name=r"Copy \total").click()
    visit.until(lambda: page.evaluate("navigator.clipboard.readText()") == r"\total")
    packages = page.get_by_role("combobox", name="Or packages")
    packages.scroll_into_view_if_needed()
    # An open list closes when the page scrolls, of which the browser tells in a later frame.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    packages.press_sequentially("amssymb")
    expect(page.get_by_role("option")).to_have_count(1)  # the list as typed: a click on it as it was before is lost
    page.get_by_role("option", name="amssymb").click()
    expect(page.get_by_text("Loaded: amsfonts, amssymb")).to_be_visible()
    assert "packages=" not in page.url
    page.get_by_text("Put these packages in links").click()
    expect(page).to_have_url(re.compile(r"packages=amssymb"))
