"""Evaluation of a model on a dataset and on sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog import lookalikes
from extexify.catalog.lookalikes import groups_of
from extexify.evaluation.evaluate import evaluate_dataset, evaluate_sources
from extexify.evaluation.metrics import ranks, top_classes
from extexify.sources.base import Row, SourceError
from tests.models import classifier_of
from tests.tiny import SHAPES, TinySource, tiny_dataset

pytestmark = pytest.mark.usefixtures("one_thread")

KEYS = list(SHAPES)


@given(st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=20), st.data())
def test_ranks_agree_with_sorting(rows: list[list[int]], data: st.DataObject) -> None:
    probabilities = (np.array(rows) / 4).astype(np.float32)
    labels = np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(rows), max_size=len(rows))))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    expected = [list(order[row]).index(label) for row, label in enumerate(labels)]
    assert ranks(top_classes(probabilities), labels, np.arange(5)).tolist() == expected


def test_look_alikes_count_as_right_in_their_own_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = sorted(KEYS)
    groups = {"prints": ((keys[0], keys[1]),), "drawn": ((*keys, "unknown"),)}
    monkeypatch.setattr(lookalikes, "look_alike_groups", groups.__getitem__)
    assert groups_of(keys, "prints").tolist() == [0, 0, 2, 3, 4, 5]
    assert groups_of(keys, "drawn").tolist() == [0] * 6
    top = top_classes(np.array([[0.1, 0.2, 0.3, 0.4, 0.0, 0.0]] * 3, np.float32))
    assert ranks(top, np.array([0, 2, 4]), groups_of(keys, "prints")).tolist() == [2, 1, 4]
    assert ranks(top, np.array([0, 2, 4]), groups_of(keys, "exact")).tolist() == [3, 1, 4]
    found = evaluate_sources(classifier_of(keys), [TinySource(10)])
    for k in found.top:
        assert found.top[k] <= found.prints_alike[k] <= found.drawn_alike[k] <= 1
    assert found.top[1] < found.drawn_alike[1] == 1


def test_a_dataset_and_its_source_give_the_metrics_of_single_predictions(tmp_path: Path) -> None:
    classifier, dataset = classifier_of(KEYS), tiny_dataset(tmp_path / "dataset", each=8)
    found = evaluate_dataset(classifier, dataset, "all")
    right = {1: 0, 3: 0, 5: 0, 10: 0}
    for drawing, label in zip(dataset.drawings, dataset.labels, strict=True):
        answers = [prediction.key for prediction in classifier.classify(drawing, 10)]
        for k in right:
            right[k] += dataset.classes[label] in answers[:k]
    assert found.n == len(dataset) == 48
    assert found.top == {k: count / 48 for k, count in right.items()}
    assert found.top[10] == 1
    assert evaluate_sources(classifier, [TinySource(8)]) == found


def test_unknown_keys_are_counted_apart() -> None:
    fewer = classifier_of(KEYS[:4])
    found = evaluate_sources(fewer, [TinySource(5)])
    assert (found.n, found.unknown_keys) == (20, 10)


def test_unusable_rows_are_counted_and_no_usable_row_is_an_error() -> None:
    classifier = classifier_of(KEYS)

    class Broken(TinySource):
        def rows(self):  # type: ignore[no-untyped-def]
            yield Row(1, "latex2e-OT1-_circ", None)
            yield Row(2, None, "[[[0, 0]]]")
            yield from super().rows() if self._each else ()

    assert evaluate_sources(classifier, [Broken(2)]).to_json()["unusable"] == 2
    with pytest.raises(SourceError, match="no usable row"):
        evaluate_sources(classifier, [Broken(0)])


def test_splits_are_evaluated_by_name(tmp_path: Path) -> None:
    classifier, dataset = classifier_of(KEYS), tiny_dataset(tmp_path / "dataset", each=10)
    counts = [evaluate_dataset(classifier, dataset, split).n for split in ("train", "validation", "test")]
    assert sum(counts) == evaluate_dataset(classifier, dataset, "all").n
    with pytest.raises(ValueError, match="no split 'exam'"):
        evaluate_dataset(classifier, dataset, "exam")
