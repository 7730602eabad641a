"""The Draw page in a real browser against a real server, and its messages when something is amiss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from extexify.model.answers import fold_look_alikes
from extexify.model.classifier import Classifier
from extexify.workspace import paths
from tests.visits import ALPHA, DIVISION, PLUS, SUM, Strokes, Visiting, visiting
from tools.dashboard import ROOT, canvas_of, dashboard, draw, wait_for_answer

__all__ = ["visiting"]  # a fixture of the tests below


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_the_page_says_what_to_do_and_fetches_nothing_from_elsewhere(visiting: Visiting, server: str) -> None:
    visit = visiting()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Draw a symbol, get its LaTeX command")
    expect(visit.page.get_by_text("Size and place in the box don't matter.")).to_be_visible()
    expect(visit.page.get_by_text("29 symbols, right within five for 92% of unseen drawings")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Undo").first).to_be_disabled()
    assert visit.commands == []
    assert visit.hosts == {server.removeprefix("http://")}


@pytest.mark.parametrize("strokes", [ALPHA, PLUS, SUM, DIVISION], ids=["alpha", "plus", "sum", "division"])
def test_what_is_drawn_with_the_mouse_is_what_the_library_classifies(
    visiting: Visiting, tiny_model: Path, strokes: Strokes
) -> None:
    visit = visiting()
    visit.draw(strokes)
    assert len(visit.strokes) == len(strokes)
    for meant, got in zip(strokes, visit.strokes, strict=True):
        assert len(got) == 1 if len(meant) == 1 else len(got) > 1
        corners = np.array(meant)
        # Every point meant is on the stroke, but for the browser's whole pixels and the canvas's thinning.
        distances = np.hypot(*np.moveaxis(corners[:, None] - got, 2, 0)).min(axis=1)
        assert distances.max() < 4
        np.testing.assert_allclose(got[[0, -1]], corners[[0, -1]], atol=1.1)
    predictions = Classifier.load(tiny_model).classify(visit.strokes, top=100)
    assert visit.commands == [result.head.command for result in fold_look_alikes(predictions)[:5]]


def test_undo_takes_back_one_stroke_and_clear_all(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(PLUS[:1])
    after_one = visit.commands
    visit.draw(PLUS[1:], before=1)
    visit.page.get_by_role("button", name="Undo").first.click()
    wait_for_answer(visit.page, 1)
    assert visit.commands == after_one
    # What is left is what is seen, and one can go on drawing.
    x, _ = visit.ink()[0].T
    assert np.ptp(x) < 12
    visit.draw(ALPHA, before=1)
    visit.page.get_by_role("button", name="Clear", exact=True).click()
    expect(visit.page.get_by_text("Size and place in the box don't matter.")).to_be_visible()
    assert visit.commands == []
    expect(visit.page.get_by_role("button", name="Undo").first).to_be_disabled()
    assert len(visit.ink()[0]) == 0
    visit.draw(SUM)
    assert len(visit.commands) == 5


def test_undo_right_after_a_stroke_takes_back_only_that_stroke(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(PLUS[:1])
    # Sooner than the canvas tells the server of the second stroke.
    draw(visit.page, PLUS[1:])
    visit.page.get_by_role("button", name="Undo").first.click()
    visit.page.wait_for_timeout(700)
    wait_for_answer(visit.page, 1)
    x, y = visit.ink()[0].T
    assert np.ptp(x) < 12 < np.ptp(y)
    (stroke,) = visit.strokes
    assert np.ptp(stroke[:, 0]) < 12
    visit.draw(PLUS[1:], before=1)


def test_keys_undo_redo_and_clear(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(PLUS)
    for key, strokes in (
        ("Control+z", 1),
        ("Control+Shift+z", 2),
        ("Control+z", 1),
        ("Control+z", 0),
        ("Control+y", 1),
    ):
        visit.page.keyboard.press(key)
        wait_for_answer(visit.page, strokes)
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_text("Size and place in the box don't matter.")).to_be_visible()
    assert len(visit.ink()[0]) == 0


def test_strokes_from_before_another_page_can_be_undone(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(PLUS)
    visit.page.get_by_role("link", name="Symbols").click()
    expect(visit.page.locator(".gallery .tile").first).to_be_visible()
    visit.page.get_by_role("link", name="Draw").click()
    wait_for_answer(visit.page, 2)
    visit.page.wait_for_timeout(500)
    visit.page.keyboard.press("Control+z")
    wait_for_answer(visit.page, 1)
    assert np.ptp(visit.ink()[0][:, 0]) < 12


def test_more_answers_and_copying_one(visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    visit.draw(ALPHA)
    visit.page.get_by_role("button", name="Show 20 more").click()
    expect(visit.page.locator(".st-key-answers ol .row")).to_have_count(25)
    third = visit.commands[2]
    visit.page.get_by_role("button", name=f"Copy {third}", exact=True).click()
    expect(visit.page.locator(".st-key-answers ol .row").nth(2).locator(".label")).to_have_text("Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == third
    visit.page.get_by_role("button", name="Show fewer").click()
    expect(visit.page.locator(".st-key-answers ol .row")).to_have_count(5)


def test_what_is_drawn_alike_is_one_answer_and_each_command_can_be_copied(visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    visit.draw(SUM)
    visit.page.get_by_role("button", name="Show 20 more").click()
    rows = visit.page.locator(".st-key-answers ol .row")
    expect(rows).to_have_count(25)
    folded = rows.filter(has=visit.page.locator(".member"))
    expect(folded).to_have_count(1)
    commands = [folded.locator(".command").inner_text(), folded.locator(".member code").inner_text()]
    assert sorted(commands) == ["\\Sigma", "\\sum"]
    folded.locator(".member .pick").click()
    expect(folded.locator(".member .label")).to_have_text("Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == commands[1]


def test_an_answer_leads_to_its_symbol_and_back_to_the_drawing(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(ALPHA)
    first = visit.commands[0]
    visit.page.get_by_role("link", name=f"Details of {first}", exact=True).click()
    expect(visit.page.locator(".symbol .command code")).to_have_text(first)
    assert "/symbols?symbol=" in visit.page.url
    visit.page.go_back()
    wait_for_answer(visit.page, 1)
    assert visit.commands[0] == first
    assert "symbol" not in visit.page.url
    visit.page.wait_for_timeout(500)
    assert len(visit.ink()[0]) > 100
    visit.draw(SUM, before=1)


def test_a_stroke_that_was_moved_and_scaled_counts_where_it_is_seen(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(SUM)
    tool = visit.page.get_by_role("button", name="Edit", exact=True)
    canvas_of(visit.page).hover()
    tool.click()
    box = canvas_of(visit.page).bounding_box()
    assert box is not None
    mouse = visit.page.mouse

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse.move(box["x"] + start[0], box["y"] + start[1])
        mouse.down()
        mouse.move(box["x"] + end[0], box["y"] + end[1], steps=5)
        mouse.up()

    drag((215, 200), (190, 180))  # the stroke itself: moves it, and selects it
    drag((288, 298), (200, 240))  # its lower right corner: makes it smaller
    visit.page.wait_for_timeout(1500)
    (stroke,) = visit.strokes
    ink, _ = visit.ink()
    assert np.ptp(stroke[:, 0]) < 170
    # The ink rounds the corners that the pen went through; and the selection's frame is ink too.
    nearest = np.hypot(*np.moveaxis(stroke[:, None] - ink, 2, 0)).min(axis=1)
    assert nearest.max() < 3


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour (0 to 255), as WCAG defines it."""
    shares = np.array(colour, float) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def background(page: Page) -> list[float]:
    """The page's background colour, red, green and blue."""
    colour = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    return [float(part) for part in colour[4:-1].split(",")[:3]]


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_both_themes_show_the_ink(visiting: Visiting, scheme: str, dark: bool) -> None:
    visit = visiting(color_scheme=scheme)
    visit.draw(ALPHA)
    paper, ink = luminance(background(visit.page)), luminance(np.median(visit.ink()[1], axis=0))
    assert (paper < 0.05) is dark
    assert (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05) > 3
    assert overflow(visit.page) <= 0


def test_a_phone_shows_the_canvas_whole_and_the_list_below(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True)
    box = canvas_of(visit.page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert 300 < box["width"] <= 375 - box["x"]
    visit.draw(SUM)
    # Drawn on a smaller canvas, and yet in the same coordinates.
    corners, got = np.array(SUM[0]), visit.strokes[0]
    assert np.hypot(*np.moveaxis(corners[:, None] - got, 2, 0)).min(axis=1).max() < 4
    answers = visit.page.locator(".st-key-answers").bounding_box()
    assert answers is not None
    assert answers["y"] >= box["y"] + box["height"]
    assert overflow(visit.page) <= 0
    visit.page.touchscreen.tap(box["x"] + 100, box["y"] + 40)
    wait_for_answer(visit.page, 2)
    assert len(visit.strokes[1]) == 1


def test_no_window_is_too_narrow(visiting: Visiting) -> None:
    visit = visiting()
    visit.draw(PLUS)
    for width in (320, 360, 414, 600, 768, 1024, 1920):
        visit.page.set_viewport_size({"width": width, "height": 700})
        visit.page.wait_for_timeout(300)
        assert overflow(visit.page) <= 0, width
        box = canvas_of(visit.page).bounding_box()
        assert box is not None
        assert box["x"] >= 0, width
        assert box["x"] + box["width"] <= width


def test_a_broken_model_is_named_and_another_can_be_chosen(
    visiting: Visiting, tiny_model: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "fine.safetensors").write_bytes(tiny_model.read_bytes())
    broken = models / "broken.safetensors"
    broken.write_bytes(tiny_model.read_bytes()[:2000])
    (tmp_path / "serving.json").write_text('{"model": "workspace/broken.safetensors"}')
    with dashboard(tmp_path) as address:
        visit = visiting(address)
        expect(visit.page.get_by_text("This model can't answer")).to_contain_text("broken.safetensors")
        draw(visit.page, PLUS)
        expect(visit.page.get_by_text("Traceback")).to_have_count(0)
        visit.page.locator(".st-key-model").get_by_role("combobox").click()
        visit.page.get_by_role("option", name="fine · top-5 92%", exact=True).click()
        wait_for_answer(visit.page, 2)
        assert len(visit.commands) == 5


def test_a_model_that_vanishes_or_is_replaced_while_the_page_is_open(
    visiting: Visiting, tiny_model: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("first", "second"):
        (models / f"{name}.safetensors").write_bytes(tiny_model.read_bytes())
    (tmp_path / "serving.json").write_text('{"model": "workspace/first.safetensors"}')
    with dashboard(tmp_path) as address:
        visit = visiting(address)
        choice = visit.page.locator(".st-key-model").get_by_role("combobox")
        visit.draw(PLUS[:1])
        (models / "first.safetensors").unlink()
        # The default has no file: the shipped model answers, whose answers differ from those of random weights.
        before = visit.commands
        visit.draw(PLUS[1:], before=1)
        assert visit.commands != before
        expect(visit.page.get_by_text("1,122 symbols")).to_be_visible()
        choice.scroll_into_view_if_needed()
        visit.page.wait_for_timeout(500)  # scrolling would close the list again
        choice.click()
        visit.page.get_by_role("option", name="second · top-5 92%", exact=True).click()
        expect(visit.page.get_by_text("29 symbols, right within five for 92%")).to_be_visible()
        broken = tmp_path / "new"
        broken.write_bytes(tiny_model.read_bytes()[:2000])
        broken.replace(models / "second.safetensors")
        draw(visit.page, DIVISION[:1])
        expect(visit.page.get_by_text("This model can't answer")).to_contain_text("second.safetensors")
        # Back from another page, the choice of this visit still holds.
        visit.page.get_by_role("link", name="Symbols").click()
        expect(visit.page.locator(".gallery .tile").first).to_be_visible()
        (models / "second.safetensors").write_bytes(tiny_model.read_bytes())
        visit.page.get_by_role("link", name="Draw").click()
        wait_for_answer(visit.page, 3)
        expect(visit.page.get_by_text("29 symbols, right within five for 92%")).to_be_visible()
        expect(visit.page.locator("[data-testid=stException]")).to_have_count(0)


@pytest.fixture
def empty_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace without anything in it, and no model shipped either."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(paths, "SHIPPED_MODELS", tmp_path / "shipped")
    return tmp_path


def test_without_a_model_the_page_says_how_to_get_one(empty_workspace: Path) -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not page.exception
    assert "No model yet" in page.info[0].value
    assert "python -m extexify pipeline" in page.info[0].value


@pytest.mark.parametrize("nonsense", [[], {"objects": [{"type": "Image"}]}, {"objects": [{"type": "Path"}]}])
def test_nonsense_from_the_canvas_is_a_message(
    empty_workspace: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, nonsense: object
) -> None:
    (empty_workspace / "models").mkdir()
    (empty_workspace / "models" / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not page.warning
    # Named and not imported: the canvas's package imports only where Streamlit is running.
    monkeypatch.setattr("extexify.ui.draw.sketchpad.st_canvas", lambda **_: SimpleNamespace(json_data=nonsense))
    page.run()
    assert not page.exception
    assert "This drawing can't be read" in page.warning[0].value
    # What there was is gone with one click.
    page.button(key="clear").click().run()
    assert not page.warning
