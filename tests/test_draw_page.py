"""The Draw page in a real browser against a real server, and its messages when something is amiss."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.testing.v1 import AppTest

from extexify import workspace
from extexify.classifier import Classifier
from extexify.results import fold_look_alikes
from extexify.strokes import Drawing
from extexify.ui.canvas import drawing_from_canvas
from tools.dashboard import CANVAS_SIDE, ROOT, canvas_of, dashboard, draw, wait_for_answer

Strokes = list[list[tuple[float, float]]]

# A loop like a Greek alpha, a plus, a sum in one stroke, and a division sign with its two dots.
ALPHA: Strokes = [
    [
        (200 - 120 * (math.cos(t) - math.sin(t) ** 2 / math.sqrt(2)), 200 + 170 * math.sin(t) * math.cos(t))
        for t in np.linspace(-2.4, 2.4, 40)
    ]
]
PLUS: Strokes = [[(200, 90), (200, 310)], [(90, 200), (310, 205)]]
SUM: Strokes = [[(300, 90), (100, 85), (215, 200), (95, 320), (310, 315)]]
DIVISION: Strokes = [[(200, 110)], [(100, 200), (300, 200)], [(203, 290)]]


class Visit:
    """A page of the dashboard, and the last drawing that its canvas sent to the server."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.sent: Any = None
        self.hosts: set[str] = set()
        page.on("websocket", lambda socket: self._listen(socket))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page.goto(address)
        canvas_of(page).wait_for()
        answers = page.locator(".st-key-answers")
        expect(answers.locator("figcaption, [data-testid=stAlert]").first).to_be_visible(timeout=30_000)
        expect(answers.get_by_text("Getting the model ready")).to_have_count(0, timeout=60_000)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._read)

    def _read(self, payload: bytes | str) -> None:
        if isinstance(payload, str):
            return
        for widget in BackMsg.FromString(payload).rerun_script.widget_states.widgets:
            if widget.json_value and "drawing" in (value := json.loads(widget.json_value)):
                self.sent = value["drawing"]["raw"]

    @property
    def strokes(self) -> Drawing:
        """The strokes that the server got."""
        return drawing_from_canvas(self.sent)

    @property
    def commands(self) -> list[str]:
        """The commands that the page shows."""
        return self.page.locator(".st-key-answers ol .command").all_inner_texts()

    def draw(self, strokes: Strokes, before: int = 0) -> None:
        """Draw with the mouse, on top of `before` strokes, and wait for the answer."""
        draw(self.page, strokes)
        wait_for_answer(self.page, before + len(strokes))

    def ink(self) -> tuple[np.ndarray, np.ndarray]:
        """The canvas's pixels that carry ink: coordinates (n, 2) as x, y, and colours (n, 3)."""
        pixels = self.page.locator(".st-key-canvas canvas.lower-canvas").last.evaluate(
            "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
        )
        image = np.array(pixels, np.uint8).reshape(CANVAS_SIDE, CANVAS_SIDE, 4)
        rows, columns = np.nonzero(image[..., 3] > 250)
        return np.stack([columns, rows], axis=1), image[rows, columns, :3]


Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(browser: Browser, server: str) -> Iterator[Visiting]:
    """Opens the Draw page, in a browser profile of its own with the options given."""
    contexts: list[BrowserContext] = []

    def visit(address: str = server, **options: Any) -> Visit:
        contexts.append(browser.new_context(**options))
        return Visit(contexts[-1].new_page(), address)

    yield visit
    for context in contexts:
        context.close()


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
    visit.page.get_by_role("button", name="Clear").click()
    expect(visit.page.get_by_text("Size and place in the box don't matter.")).to_be_visible()
    assert visit.commands == []
    expect(visit.page.get_by_role("button", name="Undo").first).to_be_disabled()
    assert len(visit.ink()[0]) == 0
    visit.draw(SUM)
    assert len(visit.commands) == 5


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
    folded.locator(".member").click()
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
        visit.page.get_by_role("option", name="fine", exact=True).click()
        wait_for_answer(visit.page, 2)
        assert len(visit.commands) == 5


@pytest.fixture
def empty_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace without anything in it, and no model shipped either."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(workspace, "SHIPPED_MODELS", tmp_path / "shipped")
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
    monkeypatch.setattr("extexify.ui.sketchpad.st_canvas", lambda **_: SimpleNamespace(json_data=nonsense))
    page.run()
    assert not page.exception
    assert "This drawing can't be read" in page.warning[0].value
    # What there was is gone with one click.
    page.button(key="clear").click().run()
    assert not page.warning
