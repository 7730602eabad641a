"""The Evaluate page in a real browser: a model is judged, looked into and calibrated by clicking."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from extexify.dataset.review import MAX_NOTE, Mark, ReviewList
from extexify.evaluation.error_analysis import class_drawings, class_table, confusions
from extexify.evaluation.evaluate import evaluate_dataset
from extexify.evaluation.records import Evaluation, EvaluationContext, file_digest, list_evaluations, save_evaluation
from extexify.model.classifier import Classifier
from extexify.model.file import read_description, write_model
from tests.drawings import copy_block, dump_text, zigzag
from tests.model.test_classifier import model_of
from tests.tiny import SHAPES, TinySource, tiny_dataset
from tools.dashboard import dashboard

Opening = Callable[..., Page]

SECONDS = 180_000
"""Until a job has ended: it starts Python and PyTorch first, and goes last on a busy machine."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a dataset, a model of random weights, and an evaluation of the whole dataset by it."""
    folder = tmp_path_factory.mktemp("evaluated")
    dataset = tiny_dataset(folder / "dataset")
    torch.set_num_threads(1)
    description, network = model_of(list(SHAPES), temperature=5.0)
    model = folder / "models" / "random.safetensors"
    write_model(model, replace(description, name="random"), network.state_dict())
    classifier = Classifier.load(model)
    about = EvaluationContext("random", str(model.resolve()), file_digest(model), 5.0, "all", (dataset.content_hash,))
    save_evaluation(
        folder / "evaluations" / "first", about, classifier.classes,
        lambda keep: evaluate_dataset(classifier, dataset, "all", sink=keep),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def evaluation(folder: Path) -> Evaluation:
    return Evaluation.open(folder / "evaluations" / "first")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with dashboard(folder) as started:
        yield started


@pytest.fixture
def opening(browser: Browser, address: str) -> Iterator[Opening]:
    """Opens the Evaluate page with a query, in a browser profile of its own."""
    contexts: list[BrowserContext] = []

    def open_page(query: str = "", address: str = address) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 1000}))
        page = contexts[-1].new_page()
        page.goto(f"{address}/evaluate?{query}")
        page.get_by_role("heading", level=1).wait_for(timeout=SECONDS)
        return page

    yield open_page
    for context in contexts:
        context.close()


def cells(page: Page, column: int) -> list[str]:
    """The cells of a column of the table, as the browser tells them to screen readers."""
    table = page.locator('[data-testid="stDataFrame"] table')
    table.locator('[role="gridcell"]').first.wait_for(state="attached", timeout=SECONDS)
    return table.locator(f'[role="gridcell"][aria-colindex="{column}"]').all_text_contents()


def symbol_in(page: Page) -> str | None:
    return parse_qs(urlsplit(page.url).query).get("symbol", [None])[0]


def tiles(page: Page, section: int) -> Locator:
    return page.locator(".st-key-symbol-drawings .judged section").nth(section).locator(".tile")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option).click()


def test_a_model_is_evaluated_by_clicking(opening: Opening, folder: Path) -> None:
    page = opening()
    choose(page, "Model", "random")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.get_by_text("Evaluate random: test split finished in")).to_be_visible(timeout=SECONDS)
    (made,) = (path for path in (folder / "evaluations").iterdir() if path.name[0] not in ".f")
    found = Evaluation.open(made).summary
    assert (found.context.split, found.context.model) == ("test", "random")
    assert f"evaluation={made.name}" in page.url
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(f"{found.metrics['top1']:.1%}")
    page.reload()
    expect(page.get_by_label("Evaluation")).to_have_value(re.compile("random · test split"), timeout=SECONDS)
    choose(page, "Evaluation", "random · whole dataset")
    expect(page.get_by_text("looks better than it is")).to_be_visible()


def test_figures_with_and_without_look_alikes(opening: Opening, evaluation: Evaluation) -> None:
    figures = evaluation.summary.metrics
    page = opening("evaluation=first")
    metrics = page.get_by_test_id("stMetricValue")
    expect(metrics).to_have_text([f"{figures[f'top{k}']:.1%}" for k in (1, 3, 5, 10)])
    page.get_by_role("radio", name="Drawn alike").click()
    expect(metrics).to_have_text([f"{figures['drawn_alike'][f'top{k}']:.1%}" for k in (1, 3, 5, 10)])
    page.reload()
    expect(metrics.first).to_have_text(f"{figures['drawn_alike']['top1']:.1%}", timeout=SECONDS)


def test_confused_pairs_show_both_symbols_and_lead_to_the_drawings(opening: Opening, evaluation: Evaluation) -> None:
    found = confusions(evaluation)
    page = opening("evaluation=first")
    pairs = page.locator(".pair")
    expect(pairs).to_have_count(min(len(found), 10), timeout=SECONDS)
    expect(pairs.first.locator(".large svg")).to_have_count(2)
    expect(pairs.first.locator(".count")).to_have_text(f"{found[0].count} of {found[0].drawings} drawings")
    expect(pairs.first.locator(".side").first.locator(".ink")).to_have_count(min(found[0].count, 8))
    pairs.first.get_by_role("button", name="All drawings of").click()
    key = evaluation.classes[found[0].label]
    wrong, right = class_drawings(evaluation, found[0].label)
    expect(tiles(page, 0)).to_have_count(len(wrong))
    expect(tiles(page, 1)).to_have_count(len(right))
    assert symbol_in(page) == key


def test_the_table_is_worst_first_and_a_row_opens_its_drawings(opening: Opening, evaluation: Evaluation) -> None:
    table = class_table(evaluation)
    order = table.worst_first()
    page = opening("evaluation=first&view=Symbols")
    tops = [float(text.rstrip("%")) for text in cells(page, 4)]
    assert tops == sorted(tops)
    assert tops == [pytest.approx(100 * table.top[1][number]) for number in order]
    box = page.locator('[data-testid="stDataFrame"]').bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 1.5)
    wrong, _ = class_drawings(evaluation, int(order[0]))
    expect(tiles(page, 0)).to_have_count(len(wrong))
    assert symbol_in(page) == evaluation.classes[order[0]]
    # Each wrong one says what it was taken for.
    assert all(tiles(page, 0).locator(".answer code").all_text_contents())
    page.reload()
    expect(tiles(page, 0)).to_have_count(len(wrong), timeout=SECONDS)


def test_a_drawing_is_marked_as_mislabelled_and_restored(
    opening: Opening, evaluation: Evaluation, folder: Path
) -> None:
    review = ReviewList(folder / "review.jsonl")
    label = int(class_table(evaluation).worst_first()[0])
    key = evaluation.classes[label]
    page = opening(f"evaluation=first&view=Symbols&symbol={key}")
    first = tiles(page, 0).first
    first.get_by_role("button").click()
    expect(first.get_by_role("button")).to_have_text("Undo")
    row = class_drawings(evaluation, label)[0][0]
    (entry,) = review.entries()
    assert (entry.key, entry.id) == (key, evaluation.records.ids[row])
    # It is in the list, for other tabs and after a reload too, and can be taken off there.
    page.reload()
    expect(tiles(page, 0).first.get_by_role("button")).to_have_text("Undo", timeout=SECONDS)
    page.get_by_text("Review list (1)").click()
    page.locator(".st-key-review-list").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Review list (0)")).to_be_visible()
    expect(tiles(page, 0).first.get_by_role("button")).to_have_text("Mislabelled")
    assert review.entries() == []
    # Marked and taken back at the drawing itself.
    tiles(page, 1).first.get_by_role("button").click() if tiles(page, 1).count() else first.get_by_role(
        "button"
    ).click()
    expect(page.get_by_text("Review list (1)")).to_be_visible()
    page.locator(".judged").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Review list (0)")).to_be_visible()
    assert review.entries() == []


def note_fields(page: Page) -> Locator:
    """The fields for notes, after the review list has been opened."""
    page.get_by_text("Review list (2)").click(timeout=SECONDS)
    fields = page.locator(".st-key-review-list textarea")
    expect(fields).to_have_count(2)
    return fields


def test_a_note_is_kept_when_its_field_is_left(opening: Opening, folder: Path) -> None:
    review = ReviewList(folder / "review.jsonl")
    later, earlier = (review.reject("key", number, zigzag(number)).mark for number in (2, 1))

    def notes() -> dict[Mark, str]:
        return {entry.mark: entry.note for entry in review.entries()}

    try:
        page, other = opening("evaluation=first"), opening("evaluation=first")
        field, others = note_fields(page).first, note_fields(other)
        status = page.locator(".st-key-review-list .note").first.get_by_role("status")
        hostile = "<img src=x onerror=window.broken=1>\n**no beta**"
        field.fill(hostile)
        field.blur()
        expect(status).to_have_text("Kept.")
        assert notes() == {earlier: hostile, later: ""}
        # Another tab, which hasn't seen it, writes on the other drawing, and then on the same.
        others.nth(1).fill("theirs")
        others.nth(1).blur()
        expect(others.first).to_have_value(hostile)
        assert notes() == {earlier: hostile, later: "theirs"}
        field.fill("mine")
        others.first.fill("theirs, too")
        field.blur()
        expect(status).to_have_text("Kept.")
        others.first.blur()
        expect(other.locator(".st-key-review-list .note").first.get_by_role("status")).to_have_text("Kept.")
        expect(others.first).to_have_value("theirs, too")  # the last one to write wins
        # What is too long is told, and not kept.
        field.fill("x" * (MAX_NOTE + 1))
        field.blur()
        expect(status).to_have_text("A note may have 500 characters, this one has 501: it isn’t kept.")
        page.reload()
        expect(note_fields(page).first).to_have_value("theirs, too")
        assert notes() == {earlier: "theirs, too", later: "theirs"}
        assert page.evaluate("window.broken") is None
        # Of a drawing that was taken off meanwhile, the note is shown at least.
        review.restore(later)
        others.nth(1).fill("too late")
        others.nth(1).blur()
        expect(other.get_by_role("alert")).to_contain_text("no longer in the review list: its note “too late”")
    finally:
        review.path.unlink()


def test_marking_in_a_tab_that_lags_behind_takes_no_mark_and_no_note_away(
    opening: Opening, evaluation: Evaluation, folder: Path
) -> None:
    review = ReviewList(folder / "review.jsonl")
    label = int(class_table(evaluation).worst_first()[0])
    page = opening(f"evaluation=first&view=Symbols&symbol={evaluation.classes[label]}")
    button = tiles(page, 0).first.get_by_role("button")
    expect(button).to_have_text("Mislabelled", timeout=SECONDS)
    row = class_drawings(evaluation, label)[0][0]
    drawing = [np.array(stroke) for stroke in evaluation.records.drawings[row]]
    review.reject(evaluation.classes[label], int(evaluation.records.ids[row]), drawing, note="theirs")
    try:
        button.click()
        expect(button).to_have_text("Undo")
        assert [entry.note for entry in review.entries()] == ["theirs"]
    finally:
        review.path.unlink()


def test_a_damaged_review_list_is_one_sentence_and_nothing_can_be_marked(
    opening: Opening, evaluation: Evaluation, folder: Path
) -> None:
    file = folder / "review.jsonl"
    file.write_text("no line of ours\n")
    try:
        page = opening(f"evaluation=first&view=Symbols&symbol={evaluation.classes[0]}")
        expect(page.get_by_role("alert")).to_contain_text("review.jsonl is damaged (it is no JSON)", timeout=SECONDS)
        expect(page.locator(".tile").first).to_be_visible()
        expect(page.locator(".tile").get_by_role("button")).to_have_count(0)
        assert file.read_text() == "no line of ours\n"
    finally:
        file.unlink()


def test_probabilities_are_calibrated_by_clicking(opening: Opening, folder: Path) -> None:
    model = folder / "models" / "random.safetensors"
    before = model.read_bytes()
    try:
        page = opening("evaluation=first&view=Calibration")
        expect(page.locator(".st-key-reliability .js-plotly-plot")).to_be_visible(timeout=SECONDS)
        page.get_by_role("button", name="Calibrate on validation").click()
        expect(page.get_by_text("Calibrate random finished in")).to_be_visible(timeout=SECONDS)
        assert read_description(model).temperature != 5.0
        expect(page.get_by_text(re.compile("Temperature 5 → .*Evaluate it again"))).to_be_visible()
        expect(page.get_by_text("The model has changed since")).to_be_visible()
    finally:
        model.write_bytes(before)


def test_an_uploaded_dump_is_judged_and_what_is_none_gives_one_sentence(
    opening: Opening, folder: Path, tmp_path: Path
) -> None:
    page = opening()
    choose(page, "Model", "random")
    choose(page, "Drawings to evaluate it on", "Other drawings")
    expect(page.get_by_role("button", name="Evaluate", exact=True)).to_be_disabled()
    upload = page.locator('input[type="file"]')
    upload.set_input_files({"name": "holiday.sql", "mimeType": "text/plain", "buffer": b"no dump at all\n"})
    expect(page.get_by_role("alert")).to_contain_text("“holiday.sql” has no table samples", timeout=SECONDS)
    expect(page.get_by_role("button", name="Evaluate", exact=True)).to_be_disabled()
    rows = [(row.id, row.key, row.strokes) for row in TinySource(3).rows()]
    upload.set_input_files({"name": "mine.sql", "mimeType": "text/plain", "buffer": dump_text(copy_block(rows))})
    expect(page.get_by_role("button", name="Evaluate", exact=True)).to_be_enabled(timeout=SECONDS)
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.get_by_label("Evaluation")).to_have_value(
        re.compile("random · mine.sql · 18 drawings"), timeout=SECONDS
    )


def test_without_a_dataset_the_page_leads_on(opening: Opening, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "random.safetensors").write_bytes((folder / "models" / "random.safetensors").read_bytes())
    with dashboard(tmp_path) as address:
        page = opening(address=address)
        expect(page.get_by_text("No dataset yet.")).to_be_visible(timeout=SECONDS)
        expect(page.get_by_role("button", name="Evaluate", exact=True)).to_be_disabled()
        expect(page.get_by_text("Nothing evaluated yet.")).to_be_visible()
        page.get_by_role("link", name="Export a dataset").click()
        page.wait_for_url("**/export")


def test_an_evaluation_is_deleted_after_a_question(browser: Browser, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "ws", ignore=shutil.ignore_patterns("server.log"))
    with dashboard(tmp_path / "ws") as address:
        page = browser.new_page()
        page.goto(f"{address}/evaluate?evaluation=first")
        expect(page.get_by_label("Evaluation", exact=True)).to_have_value(re.compile("random"), timeout=SECONDS)
        for _ in list_evaluations(tmp_path / "ws" / "evaluations"):
            page.locator("[class*='st-key-evaluation-delete-'] button").click()
            expect(page.get_by_text("Delete this evaluation?")).to_be_visible()
            before = len(list_evaluations(tmp_path / "ws" / "evaluations"))
            page.locator(".st-key-evaluation-delete-go button").click()
            expect(page.get_by_text("Delete this evaluation?")).to_have_count(0)
            assert len(list_evaluations(tmp_path / "ws" / "evaluations")) == before - 1
        expect(page.get_by_text("Nothing evaluated yet.")).to_be_visible(timeout=SECONDS)
        page.close()
