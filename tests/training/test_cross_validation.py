"""Cross-validation: every drawing is classified by a network that didn't learn from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.dataset.splits import SplitError, fold_numbers
from extexify.drawing.raster import preset
from extexify.drawing.resample import SequenceSettings
from extexify.evaluation.evaluate import evaluate_parts
from extexify.evaluation.records import CROSS_VALIDATION, Evaluation
from extexify.training import cross_validation
from extexify.training.cross_validation import cross_validate
from extexify.training.recipes import RECIPES
from extexify.workspace.files import StorageError, writer_lock
from tests.tiny import tiny_dataset

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"channels": [8, 16], "blocks": [1, 1], "dropout": 0.1}
QUICK = replace(
    RECIPES["default"], raster=preset("default", size=16), sequence=SequenceSettings(16), epochs=1, batch_size=16,
    averaging=0.9, options={"picture": SMALL, "sequence": SMALL},
)  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("folds") / "dataset")


def test_folds_are_equal_parts_of_every_class_and_the_same_each_time() -> None:
    labels = np.repeat(np.arange(3), [8, 9, 4])
    folds = fold_numbers(labels, 4, seed=1)
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=4)
        assert counts.max() - counts.min() <= 1
    assert (folds == fold_numbers(labels, 4, seed=1)).all()
    assert (folds != fold_numbers(labels, 4, seed=2)).any()
    with pytest.raises(SplitError, match="2 to 20 folds, not 1"):
        fold_numbers(labels, 1)


def test_every_drawing_is_evaluated_once_by_a_network_that_did_not_learn_from_it(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[int]] = []
    held_out: list[set[int]] = []
    data_of = cross_validation.training_data

    def training_data(recipe, part, *arguments):  # type: ignore[no-untyped-def]
        learned.append(set(part.ids[part.split != 2].tolist()))
        return data_of(recipe, part, *arguments)

    def evaluate(parts, data, **options):  # type: ignore[no-untyped-def]
        def noted():  # type: ignore[no-untyped-def]
            for classifier, rows in parts:
                held_out.append(set(data.ids[rows].tolist()))
                yield classifier, rows

        return evaluate_parts(noted(), data, **options)

    monkeypatch.setattr(cross_validation, "training_data", training_data)
    monkeypatch.setattr(cross_validation, "evaluate_parts", evaluate)
    metrics = cross_validate(QUICK, dataset, tmp_path, tmp_path / "scratch", tmp_path / "out", folds=2, device="cpu")
    assert metrics.n == len(dataset)
    everything = set(dataset.ids.tolist())
    assert [one | other for one, other in zip(learned, held_out, strict=True)] == [everything] * 2
    assert [one & other for one, other in zip(learned, held_out, strict=True)] == [set()] * 2
    assert held_out[0] | held_out[1] == everything
    stored = Evaluation.open(tmp_path / "out")
    assert sorted(stored.records.ids.tolist()) == sorted(everything)
    assert stored.summary.context.split == CROSS_VALIDATION
    assert not (tmp_path / "scratch").exists()


def test_a_stopped_one_goes_on_where_it_was(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    train = cross_validation.train

    def counted(*arguments, **options):  # type: ignore[no-untyped-def]
        trained.append(arguments[4].name)
        return train(*arguments, **options)

    monkeypatch.setattr(cross_validation, "train", counted)
    scratch, out = tmp_path / "scratch", tmp_path / "out"

    def run(stop: bool) -> None:
        cross_validate(
            QUICK, dataset, tmp_path, scratch, out, folds=2, device="cpu",
            should_stop=lambda: stop and len(trained) == 2,
        )  # fmt: skip

    with pytest.raises(Stopped):
        run(stop=True)
    assert not out.exists()
    run(stop=False)
    assert trained == ["fold-1-of-2", "fold-2-of-2", "fold-2-of-2"]
    assert len(Evaluation.open(out)) == len(dataset)


def test_a_second_one_leaves_the_trainings_of_a_running_one_alone(dataset: Dataset, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "running").mkdir(parents=True)
    with writer_lock(scratch, "the cross-validation"), pytest.raises(StorageError, match="by another process"):
        cross_validate(QUICK, dataset, tmp_path, scratch, tmp_path / "out", folds=2, device="cpu")
    assert (scratch / "running").exists()
