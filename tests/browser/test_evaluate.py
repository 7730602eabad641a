"""From a confused pair to the review list in a real browser: drawings are marked, annotated and restored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from extexify.dataset.review import MAX_NOTE, ReviewList
from extexify.evaluation.error_analysis import class_drawings, class_table, confusions
from extexify.evaluation.label_errors import label_errors
from extexify.evaluation.records import Evaluation
from tests.drawings import zigzag
from tests.ui.test_evaluate import make_workspace
from tools.dashboard import TIMEOUT, dashboard, wait_until_idle


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a stored evaluation."""
    torch.manual_seed(1)
    return make_workspace(tmp_path_factory.mktemp("evaluated") / "ws")


@pytest.fixture(scope="module")
def evaluation(folder: Path) -> Evaluation:
    return Evaluation.open(folder / "evaluations" / "first")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with dashboard(folder) as started:
        yield f"{started}/evaluate?evaluation=first"


@pytest.fixture
def tabs(browser: Browser, address: str) -> Iterator[list[Page]]:
    """The page in two browsers."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 1400}) for _ in range(2)]
    pages = []
    for context in contexts:
        context.set_default_timeout(1000 * TIMEOUT)
        pages.append(context.new_page())
        pages[-1].goto(address)
        wait_until_idle(pages[-1])
    yield pages
    for context in contexts:
        context.close()


@pytest.fixture
def review(folder: Path) -> Iterator[ReviewList]:
    """The review list; empty afterwards."""
    review = ReviewList(folder / "review.jsonl")
    yield review
    review.path.unlink(missing_ok=True)


def chosen_symbol(page: Page) -> str | None:
    return parse_qs(urlsplit(page.url).query).get("symbol", [None])[0]


def reload(page: Page) -> None:
    page.reload()
    wait_until_idle(page)


def tiles(page: Page, section: int) -> Locator:
    return page.locator(".st-key-symbol-drawings section").nth(section).locator(".tile")


def test_from_a_confused_pair_to_a_mark_and_back(tabs: list[Page], evaluation: Evaluation, review: ReviewList) -> None:
    page = tabs[0]
    pair = confusions(evaluation)[0]
    wrong, right = class_drawings(evaluation, pair.label)
    shown = page.locator(".pair").first
    expect(shown.locator(".large svg")).to_have_count(2)
    shown.get_by_role("button", name="All its drawings").click()
    expect(tiles(page, 0)).to_have_count(len(wrong))
    expect(tiles(page, 1)).to_have_count(len(right))
    assert chosen_symbol(page) == evaluation.classes[pair.label]

    # A tick in the table chooses another symbol; so does the address.
    worst = int(class_table(evaluation).worst_first()[0])
    wrong, _ = class_drawings(evaluation, worst)
    wait_until_idle(page)
    if worst != pair.label:
        box = page.get_by_test_id("stDataFrame").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 18, box["y"] + 35 * 1.5)
    expect(tiles(page, 0)).to_have_count(len(wrong))
    page.wait_for_function("key => new URL(location).searchParams.get('symbol') === key", arg=evaluation.classes[worst])
    reload(page)
    expect(tiles(page, 0)).to_have_count(len(wrong))

    first = tiles(page, 0).first
    first.get_by_role("button").click()
    expect(first.get_by_role("button")).to_have_text("Undo")
    (entry,) = review.entries()
    assert (entry.key, entry.id) == (evaluation.classes[worst], evaluation.records.ids[wrong[0]])
    reload(page)
    expect(tiles(page, 0).first.get_by_role("button")).to_have_text("Undo")
    page.get_by_text("Review list (1)").click()
    page.locator(".st-key-review-list").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Review list (0)")).to_be_visible()
    expect(tiles(page, 0).first.get_by_role("button")).to_have_text("Mislabelled")
    assert review.entries() == []


HEIGHTS = """async expander => {
    const heights = new Set();
    expander.querySelector('summary').click();
    do {
        await new Promise(requestAnimationFrame);
        heights.add(expander.getBoundingClientRect().height);
    } while (expander.getAnimations().length > 0);
    return [...heights];
}"""


def test_an_expander_opens_and_closes_at_once(tabs: list[Page], review: ReviewList) -> None:
    """While it grew, a click on what is in it could be lost."""
    review.reject("key", 1, zigzag(1))
    page = tabs[0]
    reload(page)
    expander = page.locator("details").filter(has_text="Review list (1)")
    expander.locator(".tile").wait_for(state="attached")
    opened, closed = expander.evaluate(HEIGHTS), expander.evaluate(HEIGHTS)
    assert len(opened) == 1
    assert len(closed) == 1
    assert opened > closed


def note_fields(page: Page) -> Locator:
    """The fields for notes, after the review list has been opened."""
    page.get_by_text("Review list (2)").click()
    fields = page.locator(".st-key-review-list textarea")
    expect(fields).to_have_count(2)
    return fields


def test_a_note_is_saved_when_its_field_is_left(tabs: list[Page], review: ReviewList) -> None:
    later, earlier = (review.reject("key", number, zigzag(number)).mark for number in (2, 1))
    page, other = tabs
    for tab in tabs:
        reload(tab)
    field, fields = note_fields(page).first, note_fields(other)
    status = page.locator(".st-key-review-list .note").first.get_by_role("status")
    hostile = "<img src=x onerror=window.broken=1>\n**no beta**"
    field.fill(hostile)
    field.blur()
    expect(status).to_have_text("Saved.")
    assert {entry.mark: entry.note for entry in review.entries()} == {earlier: hostile, later: ""}
    # Another tab, which hasn't received it yet, writes on the other drawing.
    fields.nth(1).fill("theirs")
    fields.nth(1).blur()
    expect(fields.first).to_have_value(hostile)
    assert {entry.mark: entry.note for entry in review.entries()} == {earlier: hostile, later: "theirs"}
    # A note that is too long is refused, and not saved.
    field.fill("x" * (MAX_NOTE + 1))
    field.blur()
    expect(status).to_contain_text(f"A note may have {MAX_NOTE} characters, this one has {MAX_NOTE + 1}")
    reload(page)
    expect(note_fields(page).first).to_have_value(hostile)
    assert page.evaluate("window.broken") is None
    # The note on a drawing that has been restored meanwhile is shown in the message.
    review.restore(later)
    fields.nth(1).fill("too late")
    fields.nth(1).blur()
    expect(other.get_by_role("alert")).to_contain_text("no longer in the review list: its note “too late”")


def test_suggestions_are_decided_by_the_keyboard(tabs: list[Page], evaluation: Evaluation, review: ReviewList) -> None:
    page = tabs[0]
    confirmed = ReviewList(review.path.with_name("confirmed.jsonl"))
    errors = label_errors(evaluation)
    page.goto(f"{page.url.partition('?')[0]}?evaluation=first&view=Labels")
    wait_until_idle(page)
    cards = page.locator(".card")
    expect(cards.first.locator(".large")).to_have_count(2)
    cards.first.get_by_role("button", name="Mislabelled").focus()
    page.keyboard.press("a")
    page.keyboard.press("k")
    expect(cards.nth(0)).to_contain_text("Mislabelled")
    expect(cards.nth(1)).to_contain_text("Label kept")
    expect(cards.nth(2).get_by_role("button", name="Mislabelled")).to_be_focused()
    expect(page.get_by_text("Review list (1)")).to_be_visible()
    (entry,) = review.entries()
    assert entry.id == evaluation.records.ids[errors[0].row]
    assert entry.note.startswith("looks like ")
    (kept,) = confirmed.entries()
    assert kept.id == evaluation.records.ids[errors[1].row]

    page.keyboard.press("ArrowLeft")
    expect(cards.nth(1).get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("u")
    expect(cards.nth(1).get_by_role("button", name="Keep label")).to_be_visible()
    expect(page.get_by_text(re.compile(f"^{len(errors) - 1} drawings? probably"))).to_be_visible()
    wait_until_idle(page)
    assert confirmed.entries() == []
    reload(page)
    expect(cards.first).to_have_attribute("data-id", str(errors[1].row))
