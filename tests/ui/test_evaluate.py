"""The Evaluate page: starting an evaluation, its three views, calibration, and the review list."""

from __future__ import annotations

import json
import os
import re
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from extexify.dataset.review import ReviewList
from extexify.evaluation.error_analysis import class_drawings, class_table, confusions
from extexify.evaluation.evaluate import evaluate_dataset
from extexify.evaluation.label_errors import label_errors
from extexify.evaluation.records import (
    CROSS_VALIDATION,
    Evaluation,
    EvaluationContext,
    file_digest,
    list_evaluations,
    save_evaluation,
)
from extexify.model.classifier import Classifier
from extexify.model.file import read_description
from extexify.training.recipes import RECIPES
from extexify.ui.evaluate.suggestions import SHOWN
from tests.drawings import copy_block, dump_text
from tests.models import description_of, write_linear
from tests.pages import StartedJobs, component, errors, open_page, rerun, started, texts
from tests.tiny import SHAPES, TinySource, tiny_dataset

__all__ = ["started"]  # a fixture


def make_workspace(folder: Path) -> Path:
    """A workspace with a dataset, a model of random weights, and an evaluation of it on the whole dataset."""
    dataset = tiny_dataset(folder / "dataset")
    description = replace(description_of(SHAPES, temperature=5.0), name="random")
    model = write_linear(folder / "models" / "random.onnx", description)
    classifier = Classifier.load(model)
    context = EvaluationContext("random", str(model.resolve()), file_digest(model), 5.0, "all", (dataset.content_hash,))
    save_evaluation(
        folder / "evaluations" / "first", context, classifier.classes,
        lambda sink: evaluate_dataset(classifier, dataset, "all", sink=sink),
    )  # fmt: skip
    return folder


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    torch.manual_seed(1)
    return make_workspace(tmp_path / "ws")


@pytest.fixture
def evaluation(workspace: Path) -> Evaluation:
    return Evaluation.open(workspace / "evaluations" / "first")


@pytest.fixture
def review(workspace: Path) -> ReviewList:
    return ReviewList(workspace / "review.jsonl")


def evaluate(page: AppTest, started: StartedJobs) -> AppTest:
    """Press Evaluate, and run the job."""
    page.button(key="evaluate-go").click()
    page = rerun(page)
    started.last.run()
    return rerun(page)


def metrics(page: AppTest) -> list[str]:
    return [metric.value for metric in page.metric if metric.label.startswith("Top-")]


# --- starting an evaluation -------------------------------------------------------------------------


def test_a_model_is_evaluated_and_earlier_evaluations_can_be_chosen(started: StartedJobs, workspace: Path) -> None:
    page = open_page("evaluate")
    page.selectbox(key="evaluate-model").set_value(workspace / "models" / "random.onnx")
    page = evaluate(page, started)
    assert "Evaluate random: test split finished in" in texts(page).replace("*", "")
    (made,) = (path for path in (workspace / "evaluations").iterdir() if path.name[0] not in ".f")
    found = Evaluation.open(made).summary
    assert (found.context.split, found.context.model) == ("test", "random")
    assert page.query_params["evaluation"] in (made.name, [made.name])  # AppTest gives one or the other
    assert metrics(page)[0] == f"{found.metrics['top1']:.1%}"
    again = open_page("evaluate", evaluation=made.name)
    choice = again.selectbox(key="evaluation-choice")
    assert choice.value == made.name
    assert "random · test split" in choice.options[choice.index or 0]
    choice.set_value("first")
    again = rerun(again)
    assert "looks better than it is" in texts(again)
    assert again.query_params["evaluation"] in ("first", ["first"])


def test_the_newest_model_is_preselected_until_another_is_chosen(workspace: Path) -> None:
    def add(name: str, when: float) -> Path:
        path = workspace / "models" / f"{name}.onnx"
        path.write_bytes((workspace / "models" / "random.onnx").read_bytes())
        os.utime(path, (when, when))
        return path

    def chosen(page: AppTest) -> Any:
        return page.selectbox(key="evaluate-model").value

    page = open_page("evaluate")
    assert chosen(page) == workspace / "models" / "random.onnx"
    newer = add("newer", 4e9)
    page = rerun(page)
    assert chosen(page) == newer
    page.selectbox(key="evaluate-model").set_value(workspace / "models" / "random.onnx")
    page = rerun(page)
    assert chosen(page) == workspace / "models" / "random.onnx"
    newest = add("newest", 4.1e9)
    assert chosen(rerun(page)) == newest


def test_an_uploaded_dump_is_evaluated_and_anything_else_gives_one_sentence(
    started: StartedJobs, workspace: Path
) -> None:
    page = open_page("evaluate")
    page.selectbox(key="evaluate-model").set_value(workspace / "models" / "random.onnx")
    page.selectbox(key="evaluate-data").set_value("other")
    page = rerun(page)
    assert page.button(key="evaluate-go").disabled
    page.file_uploader[0].set_value([("holiday.sql", b"no dump at all\n", "text/plain")])
    page = rerun(page)
    assert "“holiday.sql” has no table samples" in errors(page)
    assert page.button(key="evaluate-go").disabled
    rows = [(row.id, row.key, row.strokes) for row in TinySource(3).rows()]
    page.file_uploader[0].set_value([("mine.sql", dump_text(copy_block(rows)), "text/plain")])
    page = evaluate(rerun(page), started)
    choice = page.selectbox(key="evaluation-choice")
    assert "random · mine.sql · 18 drawings" in choice.options[choice.index or 0]


def test_without_a_dataset_the_page_leads_on(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "other"))
    page = open_page("evaluate")
    assert "No dataset yet." in texts(page)
    assert "Export a dataset" in texts(page)
    assert page.button(key="evaluate-go").disabled
    assert "Nothing evaluated yet." in texts(page)


def test_an_evaluation_is_deleted_after_a_confirmation(workspace: Path) -> None:
    page = open_page("evaluate")
    assert "Delete this evaluation? The model, the drawings and the review list stay." in texts(page)
    page.button(key="evaluation-delete-go").click()
    page = rerun(page)
    assert list_evaluations(workspace / "evaluations") == []
    assert "Nothing evaluated yet." in texts(page)
    assert (workspace / "models" / "random.onnx").exists()


# --- the views --------------------------------------------------------------------------------------


def test_metrics_with_and_without_look_alikes(evaluation: Evaluation) -> None:
    expected = evaluation.summary.metrics
    page = open_page("evaluate", evaluation="first")
    assert metrics(page) == [f"{expected[f'top{k}']:.1%}" for k in (1, 3, 5, 10)]
    for match in ("prints", "drawn"):
        page.button_group(key="counting").set_value(f"{match.capitalize()} alike")
        page = rerun(page)
        assert metrics(page) == [f"{expected[f'{match}_alike'][f'top{k}']:.1%}" for k in (1, 3, 5, 10)]


def test_confused_pairs_are_shown_the_most_frequent_first(evaluation: Evaluation) -> None:
    found = confusions(evaluation)
    pairs = component(open_page("evaluate", evaluation="first"), "confusions")["pairs"]
    assert len(pairs) == min(len(found), 10)
    first = found[0]
    assert pairs[0]["symbol"]["key"] == evaluation.classes[first.label]
    assert pairs[0]["takenFor"]["key"] == evaluation.classes[first.taken_for]
    assert pairs[0]["count"] == f"{first.count} of {first.drawings} drawings"
    assert len(pairs[0]["mistaken"]) == min(first.count, 8)


def test_the_table_has_the_worst_symbols_first(evaluation: Evaluation) -> None:
    table = class_table(evaluation)
    page = open_page("evaluate", evaluation="first", view="Symbols")
    frame = page.dataframe[0].value
    assert list(frame["Top-1"]) == [pytest.approx(100 * table.top[1][number]) for number in table.worst_first()]
    assert list(frame["Top-1"]) == sorted(frame["Top-1"])
    assert sum(frame["Drawings"]) == len(evaluation)


def test_what_a_visitor_of_the_draw_page_gets(evaluation: Evaluation, workspace: Path) -> None:
    shares = evaluation.summary.page
    assert shares is not None
    (table,) = open_page("evaluate", evaluation="first", view="Draw page").table
    for row, of_row in enumerate((shares.uniform, shares.weighted)):
        assert table.value.iloc[row, 1:].tolist() == [f"{share:.1%}" for share in astuple(of_row)]
    # Evaluations of earlier versions don't have it.
    manifest = workspace / "evaluations" / "first" / "manifest.json"
    old = json.loads(manifest.read_text())
    del old["figures"]["page"]
    manifest.write_text(json.dumps(old))
    page = open_page("evaluate", evaluation="first", view="Draw page")
    assert not page.table
    assert "evaluate anew" in texts(page)


def test_a_symbol_of_the_address_shows_its_drawings(evaluation: Evaluation) -> None:
    label = int(class_table(evaluation).worst_first()[0])
    wrong, right = class_drawings(evaluation, label)
    page = open_page("evaluate", evaluation="first", view="Symbols", symbol=evaluation.classes[label])
    data = component(page, "labelled-drawings")
    assert data["head"]["symbol"]["key"] == evaluation.classes[label]
    assert [len(section["drawings"]) for section in data["sections"]] == [len(wrong), len(right)]
    assert all(drawing["symbol"] for drawing in data["sections"][0]["drawings"])
    assert data["labels"]["mark"] == "Mislabelled"


def test_a_model_is_calibrated(started: StartedJobs, workspace: Path) -> None:
    page = open_page("evaluate", evaluation="first", view="Calibration")
    (chart,) = page.get("plotly_chart")
    assert "expected calibration error" in chart.proto.alt
    page.button(key="calibrate-go").click()
    page = rerun(page)
    started.last.run()
    page = rerun(page)
    assert "Calibrate random finished in" in texts(page).replace("*", "")
    assert read_description(workspace / "models" / "random.onnx").temperature != 5.0
    assert re.search("Temperature 5 → .*Evaluate it again", texts(page))
    assert "The model has changed since" in texts(page)


# --- labels -----------------------------------------------------------------------------------------


def suspicious(page: AppTest) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = component(page, "suggestions")["cards"]
    return cards


def test_the_drawings_that_look_mislabelled_are_shown_with_both_symbols(evaluation: Evaluation) -> None:
    page = open_page("evaluate", evaluation="first", view="Labels")
    errors = label_errors(evaluation)
    cards = suspicious(page)
    assert [card["id"] for card in cards] == [str(error.row) for error in errors[:SHOWN]]
    first, row = cards[0], errors[0].row
    assert first["label"]["key"] == evaluation.classes[evaluation.records.labels[row]]
    assert first["suggested"]["key"] == evaluation.classes[errors[0].suggested]
    assert f"{len(errors)} drawings probably show another symbol" in texts(page)


def test_marked_and_kept_drawings_are_not_suggested_again(evaluation: Evaluation, review: ReviewList) -> None:
    marked, kept = (error.row for error in label_errors(evaluation)[:2])
    for row, stored in ((marked, review), (kept, ReviewList(review.path.with_name("confirmed.jsonl")))):
        drawing = [np.array(stroke) for stroke in evaluation.records.drawings[row]]
        stored.reject(evaluation.classes[evaluation.records.labels[row]], 1, drawing)
    page = open_page("evaluate", evaluation="first", view="Labels")
    assert {str(marked), str(kept)}.isdisjoint(card["id"] for card in suspicious(page))
    assert "1 label was kept" in texts(page)


def test_all_labels_are_checked_by_cross_validation(
    started: StartedJobs, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"channels": [8, 16], "blocks": [1, 1], "dropout": 0.1}
    options = {"picture": small, "sequence": small}
    monkeypatch.setitem(RECIPES, "quick", replace(RECIPES["quick"], epochs=1, batch_size=16, options=options))
    page = open_page("evaluate", evaluation="first", view="Labels")
    page.number_input(key="cross-validate-folds").set_value(2)
    page.button(key="cross-validate-go").click()
    page = rerun(page)
    assert started.last.kind == "cross-validate"
    started.last.run()
    page = rerun(page)
    assert "Check all labels: 2 trainings by quick finished in" in texts(page).replace("*", "")
    (made,) = (path for path in (workspace / "evaluations").iterdir() if path.name[0] not in ".f")
    assert Evaluation.open(made).summary.context.split == CROSS_VALIDATION
    assert "cross-validation" in page.selectbox(key="evaluation-choice").format_func(made.name)
    assert not page.get("number_input")


# --- the review list --------------------------------------------------------------------------------


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What the page has passed to the components with drawings, by the components' keys."""
    from extexify.ui.evaluate import labelled_drawings

    passed: dict[str, dict[str, Any]] = {}
    show = labelled_drawings.show_sections

    def note_and_show(sections: Any, **options: Any) -> None:
        passed[options["key"]] = options
        show(sections, **options)

    for module in ("symbols", "review_list"):
        monkeypatch.setattr(f"extexify.ui.evaluate.{module}.show_sections", note_and_show)
    return passed


def worst_symbol(evaluation: Evaluation) -> tuple[int, str, str]:
    """The worst symbol's class number and key, and the row of a drawing of it that was taken for another."""
    label = int(class_table(evaluation).worst_first()[0])
    return label, evaluation.classes[label], str(class_drawings(evaluation, label)[0][0])


def test_a_drawing_is_marked_as_mislabelled_and_restored(
    handlers: dict[str, dict[str, Any]], evaluation: Evaluation, review: ReviewList
) -> None:
    _, key, row = worst_symbol(evaluation)
    page = open_page("evaluate", evaluation="first", view="Symbols", symbol=key)
    assert "Review list (0)" in texts(page)
    handlers["labelled-drawings"]["set_mark"](row, True)
    (entry,) = review.entries()
    assert (entry.key, entry.id) == (key, evaluation.records.ids[int(row)])
    page = open_page("evaluate", evaluation="first", view="Symbols", symbol=key)
    assert "Review list (1)" in texts(page)
    marked = [
        drawing["id"]
        for drawing in component(page, "labelled-drawings")["sections"][0]["drawings"]
        if drawing["marked"]
    ]
    assert marked == [row]
    (tile,) = component(page, "review-list")["sections"][0]["drawings"]
    handlers["review-list"]["set_mark"](tile["id"], False)
    assert review.entries() == []
    assert "Review list (0)" in texts(rerun(page))


def test_marking_in_a_tab_that_lags_behind_takes_no_mark_and_no_note_away(
    handlers: dict[str, dict[str, Any]], evaluation: Evaluation, review: ReviewList
) -> None:
    _, key, row = worst_symbol(evaluation)
    open_page("evaluate", evaluation="first", view="Symbols", symbol=key)
    drawing = [np.array(stroke) for stroke in evaluation.records.drawings[int(row)]]
    review.reject(key, int(evaluation.records.ids[int(row)]), drawing, note="theirs")
    handlers["labelled-drawings"]["set_mark"](row, True)
    assert [entry.note for entry in review.entries()] == ["theirs"]


def test_a_damaged_review_list_is_one_sentence_and_nothing_can_be_marked(
    evaluation: Evaluation, review: ReviewList
) -> None:
    review.path.write_text("no line of ours\n")
    page = open_page("evaluate", evaluation="first", view="Symbols", symbol=evaluation.classes[0])
    assert "review.jsonl is damaged" in errors(page)
    data = component(page, "labelled-drawings")
    assert data["labels"]["mark"] == ""
    assert any(section["drawings"] for section in data["sections"])
    assert review.path.read_text() == "no line of ours\n"
