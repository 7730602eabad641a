"""Stored evaluations, metrics, error analysis and reliability diagrams."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from extexify.catalog import lookalikes
from extexify.catalog.lookalikes import MATCHES, Match, groups_of
from extexify.drawing.strokes import Drawings
from extexify.evaluation.calibration import ReliabilityCounter, reliability_diagram
from extexify.evaluation.error_analysis import (
    Confusion,
    class_drawings,
    class_table,
    confused_drawings,
    confusions,
    error_rates,
    evaluation_reliability,
)
from extexify.evaluation.evaluate import evaluate_dataset, evaluate_sources
from extexify.evaluation.metrics import (
    EvaluationRecords,
    Metrics,
    MetricsCounter,
    RecordSink,
    evaluation_records,
    first_answers,
    top_classes,
)
from extexify.evaluation.records import (
    ARRAYS,
    Evaluation,
    EvaluationContext,
    EvaluationError,
    file_digest,
    list_evaluations,
    read_summary,
    save_evaluation,
)
from extexify.workspace.files import StorageError
from tests.drawings import zigzag
from tests.models import classifier_of
from tests.tiny import SHAPES, TinySource, tiny_dataset

pytestmark = pytest.mark.usefixtures("one_thread")

KEYS = ("a", "b", "c", "d")
CONTEXT = EvaluationContext("tiny", "/models/tiny.onnx", "0" * 32, 1.0, "test", ("hash",))

Store = Callable[..., Evaluation]


@pytest.fixture(autouse=True)
def _look_alikes(monkeypatch: pytest.MonkeyPatch) -> None:
    """a and b print alike; c is drawn like them too."""
    groups = {"prints": (("a", "b"),), "drawn": (("a", "b", "c"),)}
    monkeypatch.setattr(lookalikes, "look_alike_groups", groups.__getitem__)


def records_of(labels: list[int], probabilities: list[list[float]], first_id: int = 1) -> EvaluationRecords:
    """Drawings with probabilities of the four keys."""
    return evaluation_records(
        Drawings.pack(zigzag(first_id + number) for number in range(len(labels))),
        np.arange(first_id, first_id + len(labels)),
        np.array(labels, np.int32),
        np.array(probabilities, np.float32),
        [groups_of(KEYS, match) for match in MATCHES],
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Stores batches of records and opens the evaluation."""

    def store_batches(*batches: EvaluationRecords) -> Evaluation:
        def evaluate(sink: RecordSink) -> Metrics:
            counter = MetricsCounter(KEYS)
            for batch in batches:
                counter.add(batch.top, batch.labels)
                sink(batch)
            return counter.metrics()

        save_evaluation(tmp_path / "stored", CONTEXT, KEYS, evaluate)
        return Evaluation.open(tmp_path / "stored")

    return store_batches


@pytest.fixture
def four(store: Store) -> Evaluation:
    """Three drawings of a, of which one is right, one taken for b and one for c; one of d, taken for a."""
    return store(
        records_of([0, 0], [[0.7, 0.1, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1]]),
        records_of([0, 3], [[0.3, 0.1, 0.5, 0.1], [0.9, 0.0, 0.0, 0.1]], first_id=3),
    )


def test_an_evaluation_is_stored_as_it_was(four: Evaluation) -> None:
    assert len(four) == 4
    assert four.records.ids.tolist() == [1, 2, 3, 4]
    assert [four.classes[label] for label in four.records.labels] == ["a", "a", "a", "d"]
    assert four.records.top[:, 0].tolist() == [0, 1, 2, 0]
    assert four.records.top[0].tolist() == [0, 1, 2, 3, *[-1] * 6]
    for number, drawing in enumerate(four.records.drawings, 1):
        assert [stroke.tolist() for stroke in drawing] == [stroke.tolist() for stroke in zigzag(number)]
    summary = four.summary
    assert (summary.context, summary.classes) == (CONTEXT, KEYS)
    assert summary.metrics["top1"] == 0.25
    assert summary.metrics["prints_alike"]["top1"] == 0.5
    assert summary.metrics["drawn_alike"]["top1"] == 0.75
    assert summary.when <= datetime.now().astimezone()


def test_confused_pairs_with_and_without_look_alikes(four: Evaluation) -> None:
    a, b, c, d = range(4)
    to_b, to_c, from_d = Confusion(a, b, 1, 3), Confusion(a, c, 1, 3), Confusion(d, a, 1, 1)
    assert confusions(four) == [from_d, to_b, to_c]
    assert confusions(four, "prints") == [from_d, to_c]
    assert confusions(four, "drawn") == [from_d]
    assert confused_drawings(four, a, c).tolist() == [2]
    assert confused_drawings(four, c, a).tolist() == []


def test_error_rates_of_the_classes_with_drawings(four: Evaluation) -> None:
    # Two wrong of three, and one of one, by (wrong + 1) / (drawings + 2).
    assert error_rates(four) == pytest.approx({"a": 3 / 5, "d": 2 / 3})
    assert error_rates(four, "drawn") == pytest.approx({"a": 1 / 5, "d": 2 / 3})


def test_the_most_frequent_confusion_comes_first(store: Store) -> None:
    to_b, to_d = [0.1, 0.8, 0.05, 0.05], [0.1, 0.1, 0.1, 0.7]
    evaluation = store(records_of([0, 0, 0, 2], [to_d, to_b, to_d, to_d]))
    assert [(pair.label, pair.taken_for, pair.count) for pair in confusions(evaluation)] == [
        (0, 3, 2), (2, 3, 1), (0, 1, 1),
    ]  # fmt: skip
    assert (class_table(evaluation).taken_for[0], class_table(evaluation).times[0]) == (3, 2)


def test_the_table_of_classes(four: Evaluation) -> None:
    table = class_table(four)
    assert table.drawings.tolist() == [3, 0, 0, 1]
    np.testing.assert_allclose(table.top[1], [1 / 3, np.nan, np.nan, 0])
    np.testing.assert_allclose(table.top[3], [1, np.nan, np.nan, 1])
    np.testing.assert_allclose(table.probability, [0.4, np.nan, np.nan, 0.1], rtol=1e-6)
    assert table.taken_for.tolist() == [1, -1, -1, 0]
    assert table.times.tolist() == [1, 0, 0, 1]
    assert table.worst_first().tolist() == [3, 0]
    alike = class_table(four, "drawn")
    np.testing.assert_allclose(alike.top[1], [1, np.nan, np.nan, 0])
    np.testing.assert_allclose(alike.probability[[0, 3]], [0.9, 0.1], rtol=1e-6)
    assert alike.taken_for.tolist() == [-1, -1, -1, 0]


def test_the_drawings_of_a_class_are_sorted_by_confidence(four: Evaluation) -> None:
    wrong, right = class_drawings(four, 0)
    assert (wrong.tolist(), right.tolist()) == ([1, 2], [0])
    wrong, right = class_drawings(four, 0, "drawn")
    assert (wrong.tolist(), right.tolist()) == ([], [0, 1, 2])


def test_look_alikes_are_one_answer_of_the_reliability_diagram(four: Evaluation) -> None:
    exact, drawn = evaluation_reliability(four), evaluation_reliability(four, "drawn")
    # Confidences 0.7, 0.6, 0.5 and 0.9, right once; with look-alikes 0.9 each, right three times.
    assert exact.counts.sum() == drawn.counts.sum() == 4
    assert exact.ece == pytest.approx((0.3 + 0.6 + 0.5 + 0.9) / 4)
    assert drawn.ece == pytest.approx(0.15)
    assert exact.nll == pytest.approx(-np.log([0.7, 0.2, 0.3, 0.1]).mean())
    assert drawn.nll == pytest.approx(-np.log([0.9, 0.9, 0.9, 0.1]).mean())


def test_reliability_bins_hold_their_upper_edge_and_impossible_answers_stay_finite() -> None:
    found = reliability_diagram(np.array([0.2, 0.21, 1.0]), np.array([0, 1, 1]), np.array([0.0, 0.5, 1.0]), bins=5)
    assert found.counts.tolist() == [1, 1, 0, 0, 1]
    assert found.accuracy[[0, 1, 4]].tolist() == [0, 1, 1]
    assert np.isnan(found.accuracy[[2, 3]]).all()
    assert found.ece == pytest.approx((0.2 + 0.79 + 0) / 3)
    assert np.isfinite(found.nll)
    with pytest.raises(ValueError, match="no answers"):
        reliability_diagram(np.empty(0), np.empty(0, bool), np.empty(0))


@given(st.integers(1, 50), st.integers(0, 49), st.integers(0, 2**32 - 1))
def test_reliability_is_the_same_counted_in_parts(count: int, cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, correct, right = rng.uniform(size=count), rng.integers(0, 2, count), rng.uniform(size=count)
    counter = ReliabilityCounter()
    counter.add(first[:cut], correct[:cut], right[:cut])
    counter.add(first[cut:], correct[cut:], right[cut:])
    whole, parts = reliability_diagram(first, correct, right), counter.diagram()
    assert (whole.counts == parts.counts).all()
    assert (parts.ece, parts.nll) == pytest.approx((whole.ece, whole.nll))


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_certain_and_correct_answers_have_no_calibration_error(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    certain = rng.uniform(size=count).round()
    found = reliability_diagram(certain, certain, np.ones(count))
    assert (found.ece, found.nll) == (0, 0)


@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=st.sampled_from([0, 0.1, 0.5, 1])))
def test_the_first_ten_are_those_of_a_full_sort(probabilities: np.ndarray) -> None:
    wanted = np.argsort(-probabilities, axis=1, kind="stable")[:, :10]
    top = top_classes(probabilities)
    assert top[:, : wanted.shape[1]].tolist() == wanted.tolist()
    assert (top[:, wanted.shape[1] :] == -1).all()


@given(arrays(np.float32, (6, 4), elements=st.floats(0, 1, width=32)), st.sampled_from(MATCHES))
def test_first_answers_sum_the_probabilities_of_groups(probabilities: np.ndarray, match: Match) -> None:
    labels = np.array([0, 1, 2, 3, 0, 1])
    groups = groups_of(KEYS, match)
    sums = np.stack([probabilities[:, groups == group].sum(1) for group in groups], 1)
    confidence, correct, right = first_answers(probabilities, labels, groups)
    np.testing.assert_allclose(confidence, sums.max(1), rtol=1e-6)
    np.testing.assert_allclose(right, sums[np.arange(6), labels], rtol=1e-6)
    assert (confidence[correct] == right[correct]).all()


def test_the_records_of_a_dataset_are_stored_as_it_is_evaluated(tmp_path: Path) -> None:
    classifier, dataset = classifier_of(list(SHAPES)), tiny_dataset(tmp_path / "dataset", each=60)
    found = save_evaluation(
        tmp_path / "stored", CONTEXT, classifier.classes,
        lambda sink: evaluate_dataset(classifier, dataset, "all", sink=sink),
    )  # fmt: skip
    assert found == evaluate_dataset(classifier, dataset, "all")
    stored = Evaluation.open(tmp_path / "stored").records
    # Two batches: the ends of the second continue those of the first.
    assert np.array_equal(stored.drawings.points, dataset.drawings.points)
    assert np.array_equal(stored.drawings.stroke_ends, dataset.drawings.stroke_ends)
    assert np.array_equal(stored.drawings.sample_ends, dataset.drawings.sample_ends)
    assert np.array_equal(stored.ids, dataset.ids)
    for row in (0, 300):
        answers = classifier.classify(dataset.drawings[row], 6)
        assert [classifier.classes[number] for number in stored.top[row, :6]] == [answer.key for answer in answers]
        wanted = [answer.probability for answer in answers]
        np.testing.assert_allclose(stored.probabilities[row, :6], wanted, rtol=1e-4)


def test_a_source_of_unknown_keys_only_leaves_no_evaluation(tmp_path: Path) -> None:
    classifier = classifier_of(["x", "y", "z"])
    with pytest.raises(EvaluationError, match="tiny has none of the 12 drawings' symbols"):
        save_evaluation(
            tmp_path / "stored",
            CONTEXT,
            classifier.classes,
            lambda sink: evaluate_sources(classifier, [TinySource(2)], sink=sink),
        )
    assert not (tmp_path / "stored").exists()


def test_an_interrupted_evaluation_leaves_the_earlier_one(four: Evaluation, tmp_path: Path) -> None:
    def broken(sink: RecordSink) -> Metrics:
        sink(records_of([1], [[0.1, 0.7, 0.1, 0.1]]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_evaluation(tmp_path / "stored", CONTEXT, KEYS, broken)
    assert len(Evaluation.open(tmp_path / "stored")) == 4
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == ["stored"]


def test_evaluations_are_listed_newest_first(store: Store, tmp_path: Path) -> None:
    store(records_of([0], [[1, 0, 0, 0]]))
    for name, when in (("early", "2026-01-01T10:00:00+00:00"), ("late", "2026-01-01T10:00:01+00:00")):
        folder = tmp_path / "all" / name
        folder.mkdir(parents=True)
        text = (tmp_path / "stored" / "manifest.json").read_text()
        now = read_summary(tmp_path / "stored").when.isoformat()
        (folder / "manifest.json").write_text(text.replace(now, when))
    (tmp_path / "all" / "other").mkdir()
    (tmp_path / "all" / "other" / "manifest.json").write_text('{"format_version": 1}')
    assert [summary.path.name for summary in list_evaluations(tmp_path / "all")] == ["late", "early"]
    assert list_evaluations(tmp_path / "nowhere") == []


def test_damaged_evaluations_are_refused_in_one_sentence(four: Evaluation) -> None:
    folder = four.summary.path
    changes: list[Callable[[Path], object]] = [
        Path.unlink,
        lambda file: file.write_bytes(file.read_bytes()[:-1] if file.suffix == ".npy" else file.read_bytes()[:-41]),
        lambda file: file.write_bytes(b"[]" if file.suffix == ".json" else b"no array"),
    ]
    for name in (*(f"{name}.npy" for name in ARRAYS), "manifest.json"):
        file = folder / name
        content = file.read_bytes()
        for change in changes:
            change(file)
            with pytest.raises(StorageError, match=str(folder)) as refused:
                Evaluation.open(folder)
            assert "\n" not in str(refused.value)
            file.write_bytes(content)
    assert len(Evaluation.open(folder)) == 4


def test_values_out_of_range_are_refused(four: Evaluation) -> None:
    for name, value in (("labels", 4), ("top", 4), ("top", -2), ("right", np.nan), ("confidence", 2)):
        file = four.summary.path / f"{name}.npy"
        content = file.read_bytes()
        changed = np.load(file)
        changed.flat[0] = value
        np.save(file, changed)
        with pytest.raises(StorageError, match="do not fit together"):
            Evaluation.open(four.summary.path)
        file.write_bytes(content)


def test_wrong_manifests_are_refused(four: Evaluation) -> None:
    file = four.summary.path / "manifest.json"
    manifest = json.loads(file.read_text())
    for changes, message in (
        ({"format_version": 2}, "format version 2"),
        ({"format_version": None}, "format_version"),
        ({"when": "2026-01-01T10:00:00"}, "time zone"),
        ({"about": {**manifest["about"], "model": 3}}, "about.model"),
        ({"figures": {**manifest["figures"], "drawn_alike": {}}}, "figures.drawn_alike"),
        ({"classes": []}, "classes"),
        ({"classes": ["a", "", "c"]}, "classes"),
    ):
        file.write_text(json.dumps({**manifest, **changes}))
        with pytest.raises(StorageError, match=message):
            read_summary(four.summary.path)


def test_a_digest_depends_on_the_content_alone(tmp_path: Path) -> None:
    for name, content in (("one", b"x"), ("two", b"x"), ("three", b"y")):
        (tmp_path / name).write_bytes(content)
    one, two, three = (file_digest(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two != three


def test_metrics_without_drawings_are_0() -> None:
    assert MetricsCounter(KEYS).metrics().top == {1: 0.0, 3: 0.0, 5: 0.0, 10: 0.0}
