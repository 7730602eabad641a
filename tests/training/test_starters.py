"""Symbols that nobody drew in a training: which become classes, their starter drawings, and what is made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from extexify.catalog.lookalikes import drawn_alike, look_alike_groups
from extexify.catalog.symbols import detexify_keys
from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.model.weights import read_weights
from extexify.sources.starter import starter_drawings, symbols_with_skeletons
from extexify.training import starters
from extexify.training.loader import batches
from extexify.training.objective import class_shift
from extexify.training.pipeline import Places, train_on_dataset, training_data
from extexify.training.recipes import Recipe
from extexify.training.starters import (
    LEAST_SHARE,
    StarterDrawings,
    has_starters,
    learnt,
    log_drawn_shares,
    starter_counts,
    undrawn_shapes,
)
from tests.tiny import tiny_dataset
from tests.training.test_loop import QUICK, metrics, stopping, weights

pytestmark = pytest.mark.usefixtures("one_thread")

NEW = ["latex2e-OT1-_alpha", "latex2e-OT1-_sum"]
RECIPE = replace(QUICK, epochs=2, starters=8, drawn_starters=3, least_symbols=0, borrowed=0, undrawn_shift=0.5)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("starters") / "dataset")


@pytest.fixture
def two_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue with two shapes besides the dataset's, because starter drawings of all take long to make."""
    monkeypatch.setattr(starters, "undrawn_shapes", lambda classes: NEW)


def test_every_shape_of_the_catalogue_is_learnt_once() -> None:
    group = look_alike_groups("drawn")[0]
    drawn = (group[-1], "latex2e-OT1-_alpha", "a key of somebody else")
    shapes = undrawn_shapes(drawn)
    assert shapes == sorted(set(shapes) - set(drawn))
    known = {*drawn, *shapes}
    assert set(detexify_keys()) <= known  # also where they are drawn alike
    for key in symbols_with_skeletons():
        found = known & {key, *drawn_alike(key)}
        assert found
        assert len(found) == 1 or found & {*drawn, *detexify_keys()}, key


def test_a_small_dataset_is_learnt_alone_unless_starters_are_asked_for(dataset: Dataset, two_shapes: None) -> None:
    usual = replace(RECIPE, least_symbols=300)
    assert not has_starters(usual, dataset)
    assert learnt(usual, dataset).classes == dataset.classes
    assert not starter_counts(usual, dataset, "train", dataset.classes).any()
    found = learnt(RECIPE, dataset)
    assert found.classes == tuple(sorted([*dataset.classes, *NEW]))
    assert found.content_hash == dataset.content_hash


def test_starters_make_up_for_missing_drawings(dataset: Dataset, two_shapes: None) -> None:
    classes = learnt(RECIPE, dataset).classes
    counts = dict(zip(classes, starter_counts(RECIPE, dataset, "train", classes).tolist(), strict=True))
    assert [counts[key] for key in NEW] == [8, 8]
    assert {counts[key] for key in dataset.classes} == {3}
    many = replace(RECIPE, starters=20)
    counts = dict(zip(classes, starter_counts(many, dataset, "train", classes).tolist(), strict=True))
    real = dict(zip(dataset.classes, dataset.class_counts[:, 0].tolist(), strict=True))
    assert {counts[key] + real.get(key, 0) for key in classes} == {20}


def test_each_epoch_takes_the_next_drawings_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starters, "POOL", 5)
    made = StarterDrawings(["no skeleton", *NEW], np.array([0, 2, 3]), seed=4)
    assert made.labels.tolist() == [1, 1, 2, 2, 2]
    pool = starter_drawings(NEW[0], 5, 4)
    for epoch, numbers in ((1, [0, 1]), (2, [2, 3]), (3, [4, 0])):
        taken = made.take(np.array([1, 0]), epoch)
        for drawing, number in zip(taken, reversed(numbers), strict=True):
            assert all(np.array_equal(*pair) for pair in zip(drawing, pool[number], strict=True))
        strokes = made.strokes(epoch)
        assert strokes.tolist() == np.diff(made.take(np.arange(5), epoch).sample_ends, prepend=0).tolist()


def test_batches_mix_them_with_the_datasets_drawings(dataset: Dataset, two_shapes: None, tmp_path: Path) -> None:
    data, validation = training_data(RECIPE, dataset, tmp_path, seed=1)
    classes = learnt(RECIPE, dataset).classes
    assert validation is not None
    assert (validation.starters, data.starters) == (0, 3 * 6 + 8 * 2)
    assert len(data) == len(dataset.indices("train")) + data.starters
    rows = np.random.default_rng(0).permutation(len(data))
    (batch,) = batches(data, rows, len(data), epoch=2)
    is_starter = rows >= len(data) - data.starters
    assert {classes[label] for label in batch.labels[~is_starter].tolist()} == set(dataset.classes)
    # A drawing is the same in any batch of the epoch, and another in the next.
    place = int(np.flatnonzero(is_starter)[0])
    alone = data.batch(rows[[place]], 2)
    np.testing.assert_array_equal(alone.inputs.images[0], batch.inputs.images[place])
    assert (data.batch(rows[[place]], 3).inputs.images[0] != alone.inputs.images[0]).any()


def test_borrowed_drawings_are_among_the_starters(two_shapes: None) -> None:
    lent = [[np.array([[0, 0], [number, 1]], np.float32)] for number in range(30)]
    made = StarterDrawings(NEW, np.array([2, 2]), {1: lent}, borrowed_count=3, seed=1)
    assert made.labels.tolist() == [0, 0, 1, 1, 1, 1, 1]
    rows = np.flatnonzero(made.labels == 1)
    pool = [drawing for epoch in range(1, 11) for drawing in made.take(rows, epoch)][: starters.POOL + len(lent)]
    is_lent = [any(len(drawing) == 1 and np.array_equal(drawing[0], one[0]) for one in lent) for drawing in pool]
    assert sum(is_lent) == len(lent)  # each once in a round through the pool


def test_symbols_of_packages_that_people_draw_are_the_likelier() -> None:
    classes = ("latex2e-OT1-_alpha", "latex2e-OT1-_beta", "MnSymbol-OT1-_Diamond", "nothing-OT1-_x")
    shares = log_drawn_shares(classes, [0])
    np.testing.assert_allclose(shares, np.log(LEAST_SHARE))  # one of 597 is less
    drawn = [key for key in detexify_keys() if key.startswith("latex2e")]
    shares = log_drawn_shares((*classes, *drawn), range(len(classes), len(classes) + len(drawn)))
    assert np.log(0.3) < shares[0] == shares[1] < 0
    np.testing.assert_allclose(shares[2:4], np.log(LEAST_SHARE))


def test_the_finished_model_shifts_and_names_them(dataset: Dataset, two_shapes: None, tmp_path: Path) -> None:
    def trained(name: str, recipe: Recipe, train_on: str = "train") -> Path:
        places = Places(dataset.path, tmp_path / "images", tmp_path / "runs", tmp_path / "models")
        train_on_dataset(recipe, dataset, places, name, device="cpu", train_on=train_on)
        return tmp_path / "runs" / name / "model.safetensors"

    best = trained("one", RECIPE)
    everything, _ = read_weights(trained("everything", RECIPE, "all"))
    assert everything.training["undrawn_shift"] == 0.5
    description, _ = read_weights(best)
    assert [description.classes[number] for number in description.undrawn] == NEW
    data, _ = training_data(RECIPE, dataset, tmp_path, seed=0)
    shift = class_shift(RECIPE, data, description.classes)
    assert np.isfinite(shift).all()
    # The others are balanced as in a model of these alone.
    alone, _ = training_data(QUICK, dataset, tmp_path, seed=0)
    kept = [number for number in range(len(shift)) if number not in description.undrawn]
    np.testing.assert_allclose(shift[kept], class_shift(QUICK, alone, dataset.classes))


def test_a_resumed_training_ends_like_an_uninterrupted_one(dataset: Dataset, two_shapes: None, tmp_path: Path) -> None:
    places = Places(dataset.path, tmp_path / "images", tmp_path / "runs", tmp_path / "models")
    train_on_dataset(RECIPE, dataset, places, "one", device="cpu")
    with pytest.raises(Stopped):
        train_on_dataset(RECIPE, dataset, places, "two", device="cpu", should_stop=stopping(13))
    train_on_dataset(RECIPE, dataset, places, "two", device="cpu", resume=True)
    one, two = (tmp_path / "runs" / name for name in ("one", "two"))
    assert metrics(one) == metrics(two)
    found, wanted = (weights(run / "model.safetensors") for run in (two, one))
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values)
