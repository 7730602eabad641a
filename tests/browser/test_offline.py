"""The offline page in Chromium: it answers as the library does, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import expect

from extexify.catalog.document import catalogue_packages
from extexify.catalog.lookalikes import drawn_alike
from extexify.drawing.raster import PRESETS, preset, rasterize_drawing
from extexify.drawing.resample import SequenceSettings, resample
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.answers import Result, fold_look_alikes
from extexify.model.classifier import Classifier, Prediction
from extexify.model.file import read_description
from extexify.model.offline import write_page
from extexify.model.rejection import is_rejected
from extexify.training.scribbles import scribbles
from extexify.workspace.paths import SHIPPED_MODELS
from tests.drawings import starter_drawings
from tests.site import site
from tools.dashboard import draw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHIPPED = SHIPPED_MODELS / "extexify.onnx"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the shipped model."""
    folder = tmp_path_factory.mktemp("offline") / "page"
    write_page(SHIPPED, folder)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The page on a static server."""
    with site(folder) as origin:
        yield f"{origin}/"


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """The page with its model loaded, once for all tests, and the errors that it reported."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address)
    page.locator("#status").wait_for(state="hidden", timeout=120_000)
    yield page, errors
    context.close()


@pytest.fixture
def page(opened: tuple[Page, list[str]]) -> Iterator[Page]:
    """The page with an empty canvas."""
    page, errors = opened
    page.evaluate("localStorage.clear()")  # what a test picked must not come first in the next
    page.keyboard.press("Escape")
    page.locator(".invitation").wait_for()
    page.evaluate("scrollTo(0, 0)")  # a test may have scrolled the canvas out of the window
    yield page
    assert errors == []


def strokes_of(drawing: Drawing) -> list[list[list[float]]]:
    return [stroke.astype(float).tolist() for stroke in drawing]


ODD: list[Drawing] = [
    [np.array([[5, 5]], np.float32)],
    [np.array([[3, 3], [3, 3]], np.float32)],
    [np.array([[0, 0], [100, 100]], np.float32), np.array([[50, 50]], np.float32)],
    [np.array([[1e6, -1e6], [0, 3.3]], np.float32)],
    [np.array([[number, number % 7]], np.float32) for number in range(200)],
]


def test_the_rasterizer_and_the_resampler_agree_with_the_library(page: Page) -> None:
    drawings = [*starter_drawings(24), *ODD]
    settings = [*PRESETS.values(), preset("default", size=31, fit="stretch", stroke_width=3.3, margin=0.1)]
    lengths = [SequenceSettings(128), SequenceSettings(33)]
    images, sequences = page.evaluate(
        """async ({ drawings, settings, lengths }) => {
            const { rasterize } = await import(new URL('shared/raster.js', location).href);
            const { resample } = await import(new URL('shared/resample.js', location).href);
            const all = (make, options) => options.map(option => drawings.map(one => Array.from(make(one, option))));
            return [all(rasterize, settings), all(resample, lengths)];
        }""",
        {
            "drawings": [strokes_of(drawing) for drawing in drawings],
            "settings": [setting.to_json() for setting in settings],
            "lengths": [length.to_json() for length in lengths],
        },
    )
    for setting, found in zip(settings, images, strict=True):
        wanted = np.array([rasterize_drawing(drawing, setting).ravel() for drawing in drawings], int)
        assert np.abs(wanted - np.array(found)).max() <= 1
    for length, found in zip(lengths, sequences, strict=True):
        wanted = resample(Drawings.pack(drawings), length).reshape(len(drawings), -1)
        np.testing.assert_allclose(np.array(found), wanted, atol=1e-6)


def test_folding_and_rejection_agree_with_the_library(page: Page) -> None:
    rng = np.random.default_rng(0)
    alike = [key for key in read_description(SHIPPED).classes if drawn_alike(key)]
    given = []
    for _ in range(30):
        keys = rng.choice(alike, rng.integers(1, 200), replace=False).tolist()
        shares = sorted(rng.dirichlet([0.1] * len(keys)).tolist(), reverse=True)
        given.append([Prediction(key, "", share) for key, share in zip(keys, shares, strict=True)])
    threshold = 0.9
    found = page.evaluate(
        """async ({ given, threshold }) => {
            const { foldLookAlikes, isRejected } = await import(new URL('answers.js', location).href);
            const { summed_classes, symbols } = await (await fetch('symbols.json')).json();
            return given.map(some => [foldLookAlikes(some, symbols), isRejected(some, summed_classes, threshold)]);
        }""",
        {"given": [[asdict(one) for one in some] for some in given], "threshold": threshold},
    )
    rejected = 0
    for some, (results, unsure) in zip(given, found, strict=True):
        wanted = fold_look_alikes(some)
        assert [keys_of(result["members"]) for result in results] == [members_of(result) for result in wanted]
        assert [result["probability"] for result in results] == pytest.approx([result.probability for result in wanted])
        assert unsure == is_rejected(some, threshold)
        rejected += unsure
    assert 0 < rejected < len(given)


def test_the_worker_answers_as_the_library_does_and_rejects_scribbles(page: Page) -> None:
    drawings = [*starter_drawings(16), *ODD, *scribbles(5, np.random.default_rng(5))]
    found = page.evaluate(
        """drawings => new Promise((resolve, reject) => {
            const worker = new Worker(new URL('worker.js', location), { type: 'module' });
            const found = [];
            worker.onmessage = ({ data }) => {
                if (data.problem) reject(data.problem);
                if (data.answers && found.push(data) === drawings.length) resolve(found);
            };
            drawings.forEach((strokes, number) => worker.postMessage({ strokes, number }));
        })""",
        [strokes_of(drawing) for drawing in drawings],
    )
    classifier = Classifier.load(SHIPPED)
    rejected = []
    for number, (drawing, message) in enumerate(zip(drawings, found, strict=True)):
        answers = classifier.answers(drawing, 25)
        wanted = answers.results
        assert message["number"] == number
        assert [keys_of([answer, *answer["alike"]]) for answer in message["answers"]] == [
            list(one.keys) for one in wanted
        ]
        probabilities = [result.probability for result in wanted]
        assert [answer["probability"] for answer in message["answers"]] == pytest.approx(probabilities, abs=1e-4)
        assert message["unsure"] is not answers.is_sure
        rejected.append(message["unsure"])
    assert sum(rejected[:16]) < 4
    assert all(rejected[-5:])


def keys_of(symbols: list[dict[str, Any]]) -> list[str]:
    return [symbol["key"] for symbol in symbols]


def members_of(result: Result) -> list[str]:
    return [member.key for member in result.members]


INKED = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v).length"


def test_a_visitor_draws_and_copies_without_a_network(page: Page) -> None:
    page.context.set_offline(True)
    pad, rows, image = page.locator("#pad"), page.locator("li.row"), page.locator("#model-input")
    bars = [[(80, y), (300, y)] for y in (120, 200, 280)]
    draw(page, bars[:2], pad)
    page.locator('ol[data-strokes="2"] li').first.wait_for()
    draw(page, bars[2:], pad)
    page.locator('ol[data-strokes="3"]').wait_for()
    assert rows.count() == 5
    assert r"\equiv" in rows.locator("code").all_inner_texts()
    assert page.locator("li.row > .glyph svg").count() == 5
    assert page.locator(".unsure").is_hidden()
    assert image.evaluate(INKED) > 50
    page.get_by_role("button", name="Undo").click()
    page.locator('ol[data-strokes="2"]').wait_for()
    page.keyboard.press("Escape")
    page.locator(".invitation").wait_for()
    assert rows.count() == 0
    assert image.evaluate(INKED) == 0

    # Look-alikes are one answer; each command can be copied.
    draw(page, [[(300, 80), (100, 80), (210, 200), (100, 320), (300, 320)]], pad)
    first = page.locator('ol[data-strokes="1"] li').first
    first.wait_for()
    command, chips = first.locator(".command").inner_text(), first.locator(".member .pick")
    assert command in (r"\sum", r"\Sigma")
    assert {r"\sum", r"\Sigma"} <= {command, *chips.locator("code").all_inner_texts()}
    chips.first.click()
    chips.first.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == chips.first.locator("code").inner_text()
    assert page.locator(".was, .details").count() == 0  # the dashboard's buttons that contribute a drawing

    # 20 more answers are a click away, also for the next drawing.
    page.get_by_role("button", name="Show 20 more").click()
    assert rows.count() == 25
    draw(page, [[(80, 360), (300, 360)]], pad)
    page.locator('ol[data-strokes="2"]').wait_for()
    assert rows.count() == 25
    page.get_by_role("button", name="Show fewer").click()
    assert rows.count() == 5
    page.keyboard.press("Escape")
    page.locator(".invitation").wait_for()
    assert page.locator("#more").is_hidden()

    # A drawing that looks like no symbol is reported as such.
    draw(page, [np.random.default_rng(1).uniform(20, 380, (30, 2)).tolist()], pad)
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    message = "Not sure: this looks like none of the model's symbols. The nearest are these."
    assert page.locator(".unsure").inner_text() == message
    page.keyboard.press("Escape")
    page.locator(".unsure").wait_for(state="hidden")
    page.context.set_offline(False)


def test_the_format_is_remembered_and_look_alikes_are_compared(page: Page) -> None:
    pad, bars = page.locator("#pad"), [[(80, y), (300, y)] for y in (120, 200, 280)]
    draw(page, bars, pad)
    page.locator('ol[data-strokes="3"]').wait_for()
    page.get_by_label("Show and copy as").select_option("typst")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    first = page.locator("li.row").first
    first.locator(".copy").get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == first.locator(".command").inner_text() == "equiv"
    first.get_by_role("button", name="Which of these do you mean?").press("Enter")
    assert first.get_by_role("table").get_by_role("row").nth(1).inner_text().split() == [
        "equiv", r"\equiv", "relation,", "like", "=", "formulas,", "LaTeX", "very", "common",
    ]  # fmt: skip
    page.reload()
    page.locator("#status").wait_for(state="hidden")
    draw(page, bars, pad)
    page.locator('ol[data-strokes="3"]').wait_for()
    assert first.locator(".command").inner_text() == "equiv"
    page.get_by_label("Show and copy as").select_option("latex")
    assert first.locator(".command").inner_text() == r"\equiv"


def test_what_answers_are_ranked_by_is_remembered(page: Page) -> None:
    sigma = [[(300, 80), (100, 80), (210, 200), (100, 320), (300, 320)]]
    draw(page, sigma, page.locator("#pad"))
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    rank_by = page.get_by_role("group", name="Rank by")
    assert rank_by.get_by_label("Usage").is_checked()
    rank_by.get_by_label("Shape alone").check()
    page.keyboard.press("Control+z")  # the choice takes no keys of the canvas
    page.locator(".invitation").wait_for()
    page.keyboard.press("Control+y")
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    page.reload()
    page.locator("#status").wait_for(state="hidden")
    draw(page, sigma, page.locator("#pad"))
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    shown = page.locator("li.row")  # with a sure model, percentages may round to the same
    assert rank_by.get_by_label("Shape alone").is_checked()
    by_shape = shown.all_text_contents()
    rank_by.get_by_label("Usage").check()
    expect(shown).not_to_have_text(by_shape)


PREAMBLE = r"\usepackage{mathabx,marvosym,ourmacros} \newcommand{\total}{\sum}"


def test_answers_say_what_the_visitors_document_takes(page: Page, tmp_path: Path) -> None:
    draw(page, [[(300, 80), (100, 80), (210, 200), (100, 320), (300, 320)]], page.locator("#pad"))
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    section, row = page.locator("#document"), page.locator("li.row").first
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_text("Your document").click()
    page.get_by_label("Preamble").fill(PREAMBLE)
    expect(section.get_by_text("Loaded: marvosym, mathabx")).to_be_visible()
    assert [Path(url).name for url in requests] == ["documents.json"]
    expect(section.get_by_text("Not known here: ourmacros")).to_be_visible()
    expect(section.get_by_text(r"Macros: \total for \sum")).to_be_visible()
    expect(section.get_by_text(r"marvosym and mathabx define \Aries, ")).to_be_visible()
    expect(row.locator(".command")).to_have_text(r"\total")
    expect(row.locator(".note")).to_have_text(r"in your document for \sum")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    row.locator(".copy").first.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == r"\total"
    row.get_by_role("button", name="more that are drawn alike").click()
    needed = row.locator(".member .pick[title*='needs ']")
    assert r"needs \usepackage{" in str(needed.first.get_attribute("title"))

    # It is there after a reload, and is forgotten when that is asked for.
    page.reload()
    page.locator("#status").wait_for(state="hidden")
    expect(section.get_by_text("in use")).to_be_visible()
    page.get_by_text("Your document").click()
    expect(page.get_by_label("Preamble")).to_have_value(PREAMBLE)
    section.get_by_role("button", name="Forget the document").click()
    expect(page.get_by_label("Preamble")).to_have_value("")
    expect(section.get_by_text("Loaded: ")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0

    # A file is read like what is pasted, up to its text, whatever its encoding.
    file = tmp_path / "talk.tex"
    file.write_bytes(b"\\documentclass{beamer}\n\\begin{document}na\xefve \\usepackage{skull}")
    section.locator("input[type=file]").set_input_files(file)
    expect(section.get_by_text("File: talk.tex")).to_be_visible()
    expect(section.get_by_text("Loaded: amsfonts, amsmath, amssymb")).to_be_visible()
    page.get_by_label("Preamble").fill("x" * 1_000_001)
    expect(section.get_by_text("A document may have 1,000,000 characters, not 1,000,001")).to_be_visible()
    section.get_by_role("button", name="Forget the document").click()
    expect(section.get_by_text("File: ")).to_have_count(0)
    page.get_by_text("Your document").click()


def test_ticked_packages_count_as_loaded_until_they_are_forgotten(page: Page) -> None:
    section = page.locator("#document")
    page.get_by_text("Your document").click()
    assert section.get_by_role("checkbox").count() == len(catalogue_packages())
    section.get_by_label("stmaryrd").check()
    section.get_by_label("marvosym").focus()
    page.keyboard.press("Space")
    expect(section.get_by_text("Loaded: marvosym, stmaryrd")).to_be_visible()
    page.get_by_label("Preamble").fill(r"\usepackage{mathabx}")
    expect(section.get_by_text("Loaded: marvosym, mathabx, stmaryrd")).to_be_visible()

    page.reload()
    page.locator("#status").wait_for(state="hidden")
    page.get_by_text("Your document").click()
    expect(section.get_by_label("stmaryrd")).to_be_checked()
    section.get_by_label("marvosym").uncheck()
    expect(section.get_by_text("Loaded: mathabx, stmaryrd")).to_be_visible()
    section.get_by_role("button", name="Forget the document").click()
    expect(section.get_by_text("Loaded: ")).to_have_count(0)
    expect(section.get_by_role("checkbox", checked=True)).to_have_count(0)
    page.get_by_text("Your document").click()


def test_undo_redo_and_clear_by_key_and_by_button(page: Page) -> None:
    draw(page, [[(80, 120), (300, 120)], [(80, 200), (300, 200)]], page.locator("#pad"))
    for key, strokes in (
        ("Control+z", 1),
        ("Control+Shift+z", 2),
        ("Escape", 0),
        ("Meta+z", 2),
        ("Control+z", 1),
        ("Control+y", 2),
        ("Control+y", 0),
        ("Control+z", 2),
    ):
        page.keyboard.press(key)
        page.locator(f'ol[data-strokes="{strokes}"]').wait_for(state="attached")
    for name, strokes in (("Undo", 1), ("Redo", 2), ("Clear", 0), ("Undo", 2)):
        page.get_by_role("button", name=name, exact=True).press("Enter")
        page.locator(f'ol[data-strokes="{strokes}"]').wait_for(state="attached")


def test_an_interrupted_stroke_keeps_what_was_drawn(browser: Browser, address: str) -> None:
    page = browser.new_page(has_touch=True)
    page.goto(address)
    page.locator("#status").wait_for(state="hidden")
    box = page.locator("#pad").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    for kind, end in (("touchStart", 80), ("touchMove", 200), ("touchMove", 320), ("touchCancel", None)):
        touches = [{"x": box["x"] + end, "y": box["y"] + 200}] if end else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    assert page.locator("#pad").evaluate(INKED) > 200 * 6
    page.close()


def test_from_the_disk_the_page_says_what_to_do(browser: Browser, folder: Path, page: Page) -> None:
    sentence = "Browsers don't run this page from the disk: run python -m http.server in its folder"
    opened = browser.new_page()
    opened.goto((folder / "index.html").as_uri())
    assert opened.get_by_text(sentence).is_visible()
    assert opened.locator("main").is_hidden()
    opened.close()
    # From a server, it doesn't.
    assert page.get_by_text(sentence).is_hidden()


def test_the_page_fits_a_phone(page: Page) -> None:
    size = page.viewport_size
    page.set_viewport_size({"width": 375, "height": 700})
    draw(page, [[(40, 60), (300, 60)], [(40, 200), (300, 200)]], page.locator("#pad"))
    page.locator('ol[data-strokes="2"]').wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert size is not None
    page.set_viewport_size(size)


def test_the_dashboard_serves_the_page_with_the_serving_model(server: str) -> None:
    with urlopen(f"{server}/offline") as response:
        assert response.url == f"{server}/offline/"
        assert b"get its LaTeX command" in response.read()
    with urlopen(f"{server}/offline/symbols.json") as response:
        assert sum("group" in symbol for symbol in json.load(response)["symbols"].values()) == 29
    with urlopen(f"{server}/offline/model.onnx") as response:
        session = onnxruntime.InferenceSession(response.read(), providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["extexify"])["name"] == "tiny"


def test_once_opened_the_page_starts_without_a_network_and_can_be_installed(browser: Browser, folder: Path) -> None:
    context = browser.new_context()
    with site(folder) as origin:
        page = context.new_page()
        page.goto(f"{origin}/")
        page.evaluate("() => navigator.serviceWorker.ready")
        # What Chromium itself demands of a page before it offers to install it; the test's profile is a private one.
        devtools = context.new_cdp_session(page)
        problems = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert {problem["errorId"] for problem in problems} <= {"in-incognito"}
        assert devtools.send("Page.getAppManifest")["errors"] == []
    # The server is gone.
    context.set_offline(True)
    page = context.new_page()
    page.goto(f"{origin}/")
    page.locator("#status").wait_for(state="hidden", timeout=120_000)
    draw(page, [[(100, y), (300, y)] for y in (120, 200, 280)], page.locator("#pad"))
    page.locator('ol[data-strokes="3"]').wait_for()
    assert page.locator("ol .command").first.text_content() == r"\equiv"
    context.close()
