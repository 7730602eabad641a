"""The panel: drawing over an editor like Overleaf's, and what is inserted into the document."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from extexify.model.classifier import Classifier
from tests.drawings import starter_drawings
from tools.dashboard import draw
from tools.extension import SHIPPED
from tools.overleaf import (
    Overleaf,
    Strokes,
    document_text,
    extension_address,
    extension_browser,
    on_canvas,
    panel_frame,
    place_cursor,
    press_shortcut,
    wait_for,
)

SUM: Strokes = [[(300, 80), (100, 80), (210, 200), (100, 320), (300, 320)]]
BARS: Strokes = [[(80, y), (300, y)] for y in (120, 200, 280)]

Open = Callable[..., Page]


def opened(page: Page) -> Frame:
    """The panel, opened by the toolbar's button, with its model loaded."""
    page.locator("extexify-button button").click()
    return loaded(page)


def loaded(page: Page) -> Frame:
    frame = panel_frame(page)
    expect(frame.locator("#status")).to_be_hidden()
    wait_for(frame, "document.activeElement.id === 'pad'")
    return frame


def draw_in(frame: Frame, strokes: Strokes) -> None:
    """Draw, and wait for the answers."""
    draw(frame.page, strokes, frame.locator("#pad"))
    frame.locator(f'ol[data-strokes="{len(strokes)}"] li').first.wait_for()


def is_closed(frame: Frame) -> None:
    """Wait until the panel is hidden and the editor has the focus."""
    wait_for(frame.page, "editor.hasFocus && document.activeElement.localName !== 'extexify-panel'")


def test_a_symbol_is_drawn_and_inserted_and_one_undo_takes_it_back(project: Page) -> None:
    project.locator(".cm-content").press_sequentially("% typed just before\n")
    place_cursor(project, " be small")
    before = document_text(project)
    panel = opened(project)
    draw_in(panel, SUM)
    first = panel.locator("li.row").first
    expect(first.locator(".command")).to_have_text(r"\sum")
    expect(first.locator(".glyph svg").first).to_be_visible()
    expect(first.get_by_text("LaTeX · math mode")).to_be_visible()
    project.keyboard.press("Enter")
    is_closed(panel)
    assert document_text(project) == before.replace("Let  be", r"Let \(\sum\) be")
    project.keyboard.type("X")
    assert r"Let \(\sum\)X be" in document_text(project)  # the cursor stands behind it
    project.keyboard.press("Control+z")
    project.keyboard.press("Control+z")
    assert document_text(project) == before

    # The panel is empty when it is opened again, and knows nothing to undo.
    panel = opened(project)
    expect(panel.locator("li.row")).to_have_count(0)
    expect(panel.get_by_role("button", name="Undo")).to_be_disabled()


def test_math_is_wrapped_outside_of_formulas_alone_and_as_the_options_say(
    project: Page, context: BrowserContext
) -> None:
    panel = opened(project)
    place_cursor(project, "+ x^2")
    draw_in(panel, SUM)
    panel.get_by_role("button", name=r"Insert \sum", exact=True).click()
    is_closed(panel)
    assert r"f(x) =  \sum+ x^2" in document_text(project)
    options = context.new_page()
    options.goto(extension_address(context, "options.html"))
    options.get_by_label("$\\alpha$").check()
    options.close()
    project.bring_to_front()
    place_cursor(project, " be small")
    draw_in(opened(project), SUM)
    project.keyboard.press("Enter")
    is_closed(panel)
    assert r"Let $\sum$ be small" in document_text(project)
    panel.evaluate("chrome.storage.local.clear()")


def test_the_selection_is_replaced_and_a_letter_kept_apart(open_project: Open) -> None:
    page = open_project(text=r"\(a=oldx\)")
    panel = opened(page)
    place_cursor(page, "old", select=3)
    draw_in(panel, SUM)
    page.keyboard.press("Enter")
    is_closed(panel)
    assert document_text(page) == r"\(a=\sum x\)"


def test_a_missing_package_is_told_and_its_line_added(project: Page) -> None:
    panel = opened(project)
    place_cursor(project, " be small")
    draw_in(panel, SUM)
    chip = panel.locator("li.row").first.locator(".member", has=panel.locator(".lines")).first
    command = chip.locator("code").inner_text()
    line = str(chip.locator(".lines").get_attribute("title")).removeprefix("Add ").removesuffix(" to the preamble")
    assert f"needs {line}" in str(chip.locator(".pick").get_attribute("title"))
    chip.locator(".lines").click()
    expect(panel.locator(".lines").and_(panel.get_by_title(f"Add {line} to the preamble"))).to_have_count(0)
    assert f"\\usepackage{{amsmath}}\n{line}\n" in document_text(project)
    expect(panel.locator("li.row").first.locator("code", has_text=command).first).to_be_visible()
    project.keyboard.press("Enter")
    is_closed(panel)
    assert r"Let \(\sum\) be small" in document_text(project)  # the cursor has moved with the text
    project.keyboard.press("Control+z")
    assert line in document_text(project)
    project.keyboard.press("Control+z")
    assert line not in document_text(project)


def test_a_chapter_has_the_preamble_seen_before_and_its_lines_are_copied(
    project: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel = opened(project)
    project.evaluate(
        r"""editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: "\\section{One}\nText \n" } })"""
    )
    project.keyboard.press("Escape")
    is_closed(panel)
    opened(project)
    draw_in(panel, SUM)
    note = panel.locator(".note:visible", has_text=r"needs \usepackage{").first
    note.get_by_role("button", name="Add").click()
    note.get_by_text("Copied: it belongs into the preamble").first.wait_for()
    assert document_text(project) == "\\section{One}\nText \n"
    assert project.evaluate("navigator.clipboard.readText()").startswith(r"\usepackage{")


def test_the_documents_macro_is_inserted(open_project: Open) -> None:
    page = open_project(
        text="\\documentclass{article}\n\\newcommand{\\total}{\\sum}\n\\begin{document}\n$$\n\\end{document}\n"
    )
    panel = opened(page)
    place_cursor(page, "$\n")
    draw_in(panel, SUM)
    first = panel.locator("li.row").first
    expect(first.locator(".command")).to_have_text(r"\total")
    expect(first.locator(".note")).to_have_text(r"in your document for \sum")
    page.keyboard.press("Enter")
    is_closed(panel)
    assert "\n$\\total$\n" in document_text(page)


def test_by_keyboard_alone(project: Page, context: BrowserContext) -> None:
    place_cursor(project, " be small")
    press_shortcut(context)
    panel = loaded(project)
    draw_in(panel, BARS)
    project.keyboard.press("Control+z")
    panel.locator('ol[data-strokes="2"] li').first.wait_for()
    project.keyboard.press("Control+y")
    panel.locator('ol[data-strokes="3"] li').first.wait_for()
    project.keyboard.press("Escape")
    is_closed(panel)
    press_shortcut(context)
    loaded(project)
    commands = panel.locator("li.row .command").all_inner_texts()  # the drawing has stayed
    assert len(commands) == 9
    project.keyboard.press("ArrowDown")
    project.keyboard.press("ArrowDown")
    project.keyboard.press("ArrowUp")
    project.keyboard.press("ArrowDown")
    focused = panel.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == f"Insert {commands[1]}"
    project.keyboard.press("Enter")
    is_closed(panel)
    assert commands[1] in document_text(project)
    project.keyboard.press("Control+z")
    press_shortcut(context)
    loaded(project)
    draw_in(panel, BARS)
    project.keyboard.press("3")
    is_closed(panel)
    assert panel.locator("li.row").count() == 0
    press_shortcut(context)
    loaded(project)
    press_shortcut(context)
    is_closed(panel)


def test_an_answer_that_comes_late_inserts_nothing(project: Page) -> None:
    before = document_text(project)
    panel = opened(project)
    draw(project, SUM, panel.locator("#pad"))
    project.keyboard.press("Enter")  # before or after the answer: both are right
    is_closed(panel)
    inserted = document_text(project)
    assert inserted.replace(r"\(\sum\)", "").replace(r"\sum", "") == before != inserted

    opened(project)
    # The worker's answer waits until after the panel is closed.
    panel.evaluate(
        """() => {
            window.late = new Promise((resolve) => (window.release = resolve));
            const real = Worker.prototype.postMessage;
            Worker.prototype.postMessage = function (...given) { window.late.then(() => real.apply(this, given)); };
        }"""
    )
    draw(project, SUM, panel.locator("#pad"))
    project.keyboard.press("Enter")
    project.keyboard.press("Escape")
    is_closed(panel)
    panel.evaluate("window.release()")
    panel.locator('ol[data-strokes="1"] li').first.wait_for(state="attached")
    assert document_text(project) == inserted
    assert project.evaluate("editor.hasFocus")


def test_a_document_of_20000_lines(open_project: Open) -> None:
    page = open_project(lines=20_000)
    panel = opened(page)
    place_cursor(page, "\n\\end{document}")
    draw_in(panel, SUM)
    page.keyboard.press("Enter")
    is_closed(panel)
    text = document_text(page)
    assert len(text.splitlines()) > 19_990
    assert text.rstrip().endswith("\\(\\sum\\)\n\\end{document}")


@pytest.mark.parametrize("options", [{"editor": "none"}, {"readonly": ""}])
def test_without_a_way_into_the_editor_answers_are_copied_or_refused(
    open_project: Open, context: BrowserContext, options: dict[str, str]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_project(**options)
    panel = opened(page)
    draw_in(panel, SUM)
    first = panel.locator("li.row").first
    page.keyboard.press("Enter")
    if "editor" in options:
        expect(
            panel.get_by_text("The editor of this page can't be reached: answers are copied instead.")
        ).to_be_visible()
        expect(first.get_by_role("button", name="Copy", exact=False).first).to_be_visible()
        first.locator("[role=status]", has_text="Copied").first.wait_for(state="attached")
        assert page.evaluate("navigator.clipboard.readText()") == r"\sum"
    else:
        first.locator("[role=status]", has_text="Not inserted").first.wait_for(state="attached")
        assert r"\sum" not in document_text(page)


def test_two_tabs_have_a_panel_each(open_project: Open, context: BrowserContext) -> None:
    one, other = open_project(), open_project(project="2")
    other.bring_to_front()
    place_cursor(other, " be small")
    press_shortcut(context)
    panel = loaded(other)
    draw_in(panel, SUM)
    assert not [frame for frame in one.frames if "panel.html" in frame.url]
    one.bring_to_front()
    panel_of_one = opened(one)
    draw_in(panel_of_one, BARS)
    other.bring_to_front()
    expect(panel.locator("li.row").first.locator(".command")).to_have_text(r"\sum")
    other.keyboard.press("Enter")
    is_closed(panel)
    assert r"Let \(\sum\) be small" in document_text(other)
    assert r"\sum" not in document_text(one)


def test_the_panel_is_dark_where_overleaf_is(open_project: Open) -> None:
    for options in ({}, {"dark": ""}):
        panel = opened(open_project(**options))
        background = panel.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
        assert (sum(background) < 3 * 60) is bool(options)


def test_at_200_percent_and_on_a_phone_the_panel_is_within_the_window(
    browser: Browser, extension: Path, overleaf: Overleaf, tmp_path: Path
) -> None:
    # A window of 1280 × 720 pixels at 200 % has 640 × 360 CSS pixels.
    with extension_browser(
        browser, extension, tmp_path, overleaf, viewport={"width": 640, "height": 360}, device_scale_factor=2
    ) as context:
        page = context.new_page()
        for width, height in ((640, 360), (390, 700)):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(overleaf.address())
            page.locator("extexify-button").wait_for()
            panel = opened(page)
            draw_in(panel, SUM)
            for seen in (panel.locator("#pad"), panel.locator("li.row .command").first, panel.locator("#close")):
                box = seen.bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["y"] >= 0
                assert box["x"] + box["width"] <= width
                assert box["y"] + box["height"] <= height
            assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.keyboard.press("Enter")
            is_closed(panel)


def test_the_popup_of_any_page_copies_in_the_chosen_format(context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(extension_address(context, "panel.html"))
    panel = page.main_frame
    expect(panel.locator("#status")).to_be_hidden()
    expect(panel.get_by_role("button", name="Close")).to_be_hidden()
    draw_in(panel, BARS)
    page.keyboard.press("Enter")
    first = panel.locator("li.row").first
    first.locator("[role=status]", has_text="Copied").first.wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == r"\equiv"
    panel.get_by_label("Format").select_option("typst")
    panel.locator("#pad").focus()
    page.keyboard.press("Enter")
    wait_for(page, "await navigator.clipboard.readText() === 'equiv'")
    page.evaluate("chrome.storage.local.clear()")
    page.close()


def test_axe_finds_nothing(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(extension_address(context, "panel.html"))
    expect(page.locator("#status")).to_be_hidden()
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for strokes in ([], BARS):
            if strokes:
                draw_in(page.main_frame, strokes)
            assert page.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))") == []
        page.locator("#clear").click()
        expect(page.locator("li.row")).to_have_count(0)
    page.close()


def test_the_panels_first_answers_are_the_librarys(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(extension_address(context, "panel.html"))
    panel = page.main_frame
    expect(panel.locator("#status")).to_be_hidden()
    classifier = Classifier.load(SHIPPED)
    for drawing in starter_drawings(20):
        draw_in(panel, on_canvas(drawing))
        wanted = classifier.answers(drawing, 1).results[0]
        assert panel.locator("li.row .command").first.get_attribute("data-key") == wanted.head.key
        panel.locator("#clear").click()
        expect(panel.locator("li.row")).to_have_count(0)
    page.close()
