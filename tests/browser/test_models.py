"""The Models page in a real browser: choose, use, rename, delete, add, download; runs to go on with and delete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from extexify.model.file import read_description
from tests.tiny import make_run
from tools.dashboard import dashboard, settle

SLOW = 60_000  # ms; machines that run tests are busy
LONG = "a-run-with-a-name-that-is-as-long-as-a-name-may-be-and-still-breaks-no-page-4444"


@pytest.fixture(scope="module")
def place(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three models, one of them no model, and runs in every state."""
    workspace = tmp_path_factory.mktemp("models") / "ws"
    (workspace / "models").mkdir(parents=True)
    for name in ("alpha", "beta"):
        (workspace / "models" / f"{name}.safetensors").write_bytes(tiny_model.read_bytes())
    (workspace / "models" / "broken.safetensors").write_bytes(b"no model")
    make_run(workspace / "runs" / "whole", 0.2, 0.5, 0.4, began=3000)
    make_run(workspace / "runs" / "half", 0.25, began=2000)
    make_run(workspace / "runs" / LONG, 0.1, epochs=9, began=1000)
    (make_run(workspace / "runs" / "odd", began=500) / "run.json").write_text("{")
    (workspace / "runs" / "odd" / "metrics.jsonl").write_text("<script>alert(1)</script>\n")
    return workspace


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    with dashboard(place, OMP_NUM_THREADS="1") as started:
        yield started


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"{address}/models")
    expect(row(opened, "models", "extexify")).to_be_visible(timeout=SLOW)
    yield opened
    context.close()


def row(page: Page, what: str, name: str) -> Locator:
    """The row of a model or run."""
    rows = page.locator(f".st-key-{what}-side-list [role=radio]")
    return rows.filter(has=page.locator(".title", has_text=re.compile(f"^{re.escape(name)}$")))


def choose(page: Page, what: str, name: str) -> Locator:
    """Click a row; returns the card that tells more of it."""
    row(page, what, name).click()
    card = page.locator(f".st-key-{what.removesuffix('s')}")
    expect(card.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=SLOW)
    settle(page)
    return card


def add(page: Page, name: str, content: bytes) -> None:
    page.get_by_role("button", name="Add a model file").click()
    field = page.locator(".st-key-models-upload input[type=file], [data-testid=stPopoverBody] input[type=file]").first
    field.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})


def test_the_model_that_answers_is_marked_and_another_can(page: Page, place: Path, address: str) -> None:
    expect(row(page, "models", "extexify")).to_contain_text("answers")
    expect(row(page, "models", "alpha")).to_contain_text("92.3%")
    card = choose(page, "models", "alpha")
    expect(card).to_contain_text("The right symbol is among the first k answers, on the test split.")
    card.get_by_role("button", name="Use this model").click()
    expect(row(page, "models", "alpha")).to_contain_text("answers", timeout=SLOW)
    expect(row(page, "models", "extexify")).not_to_contain_text("answers")
    assert json.loads((place / "serving.json").read_text()) == {"model": "workspace/alpha.safetensors"}
    card.get_by_role("link", name="Draw with it").click()
    expect(page.get_by_text("29 symbols, right within five")).to_be_visible(timeout=SLOW)


def test_a_model_is_renamed_in_its_file_too(page: Page, place: Path) -> None:
    card = choose(page, "models", "alpha")
    card.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New name", exact=True).fill("gamma")
    dialog.get_by_role("button", name="Rename").click()
    expect(row(page, "models", "gamma")).to_be_visible(timeout=SLOW)
    expect(row(page, "models", "alpha")).to_have_count(0)
    assert read_description(place / "models" / "gamma.safetensors").name == "gamma"
    assert json.loads((place / "serving.json").read_text()) == {"model": "workspace/gamma.safetensors"}

    page.locator(".st-key-model").get_by_role("button", name="Rename").click()
    dialog.get_by_label("New name", exact=True).fill("../escape")
    dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("can't be the name of a model")).to_be_visible(timeout=SLOW)
    assert not list(place.glob("escape*"))


def test_deleting_asks_first(page: Page, place: Path) -> None:
    card = choose(page, "models", "beta")
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert (place / "models" / "beta.safetensors").exists()
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "models", "beta")).to_have_count(0, timeout=SLOW)
    assert not (place / "models" / "beta.safetensors").exists()


def test_the_model_that_came_along_can_not_be_deleted(page: Page) -> None:
    card = choose(page, "models", "extexify")
    expect(card.get_by_role("button", name="Download")).to_be_visible()
    expect(card.get_by_role("button", name="Delete")).to_have_count(0)


def test_a_model_is_taken_along_to_be_judged(page: Page) -> None:
    choose(page, "models", "gamma").get_by_role("button", name="Evaluate it").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("gamma", timeout=SLOW)
    settle(page)
    expect(page.get_by_text("Session State")).to_have_count(0)


def test_a_damaged_model_says_so_and_can_be_deleted(page: Page) -> None:
    card = choose(page, "models", "broken")
    expect(card.get_by_role("alert")).to_contain_text("is not a model file")
    expect(card.get_by_role("button", name="Use this model")).to_have_count(0)
    expect(card.get_by_role("button", name="Delete")).to_be_enabled()


def test_a_model_goes_out_and_comes_back(page: Page, place: Path) -> None:
    card = choose(page, "models", "gamma")
    with page.expect_download() as started:
        card.get_by_role("button", name="Download").click()
    content = Path(started.value.path()).read_bytes()
    assert started.value.suggested_filename == "gamma.safetensors"
    add(page, "gamma.safetensors", content)
    expect(row(page, "models", "gamma-2")).to_be_visible(timeout=SLOW)
    assert read_description(place / "models" / "gamma-2.safetensors").name == "gamma-2"


def test_a_model_goes_to_other_programs(page: Page) -> None:
    card = choose(page, "models", "gamma")
    card.get_by_role("button", name="Use elsewhere").click()
    for button, name in (("ONNX file", "gamma.onnx"), ("Page (.zip)", "gamma-page.zip")):
        with page.expect_download() as started:
            page.get_by_role("button", name=button).click()
        assert started.value.suggested_filename == name
        assert Path(started.value.path()).stat().st_size > 0


def test_what_is_no_model_is_refused_in_one_sentence(page: Page, place: Path) -> None:
    before = sorted(path.name for path in (place / "models").iterdir())
    add(page, "evil.safetensors", b"\x80\x04 pickled")
    alert = page.get_by_role("alert").filter(has_text="evil.safetensors was not added")
    expect(alert).to_be_visible(timeout=SLOW)
    expect(alert).not_to_contain_text(str(place))
    assert sorted(path.name for path in (place / "models").iterdir() if path.suffix != ".lock") == [
        name for name in before if not name.endswith(".lock")
    ]


def test_runs_tell_how_they_stand_and_can_be_deleted_or_gone_on_with(page: Page, place: Path) -> None:
    expect(row(page, "runs", "whole")).to_contain_text("3 of 3 epochs")
    expect(row(page, "runs", "whole")).to_contain_text("50.0%")
    expect(row(page, "runs", "half")).to_contain_text("interrupted")
    expect(row(page, "runs", LONG)).to_contain_text("1 of 9 epochs")
    expect(choose(page, "runs", "odd").get_by_role("alert")).to_contain_text("damaged")
    card = choose(page, "runs", "half")
    expect(card.get_by_role("button", name="Resume")).to_be_enabled()
    expect(card.get_by_role("link", name="Curves")).to_have_attribute("href", re.compile(r"train\?run=half$"))
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "runs", "half")).to_have_count(0, timeout=SLOW)
    assert not (place / "runs" / "half").exists()
    assert (place / "runs" / "whole").exists()


def test_a_phone_shows_long_names_without_scrolling_sideways(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 700})
    page = context.new_page()
    page.goto(f"{address}/models")
    choose(page, "runs", LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 375
    context.close()


def test_hundreds_of_models_can_be_searched(browser: Browser, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "ws" / "models").mkdir(parents=True)
    for number in range(300):
        (tmp_path / "ws" / "models" / f"model-{number}.safetensors").symlink_to(tiny_model)
    with dashboard(tmp_path / "ws", OMP_NUM_THREADS="1") as started:
        page = browser.new_page()
        page.goto(f"{started}/models")
        expect(row(page, "models", "model-299")).to_be_attached(timeout=SLOW)
        search = page.get_by_placeholder("Search 301 by name")
        search.fill("el-29")
        expect(page.locator(".st-key-models-side-list [role=radio]:visible")).to_have_count(11)
        search.fill("nothing")
        expect(page.get_by_text("Nothing has that name.")).to_be_visible()
        search.fill("")
        row(page, "models", "model-7").click()
        expect(page.locator(".st-key-model").get_by_role("heading", name="model-7", exact=True)).to_be_visible()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".st-key-model").get_by_role("heading", name="model-7", exact=True)).to_have_count(0)
        page.close()
