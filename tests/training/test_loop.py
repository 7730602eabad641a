"""Training: metrics every epoch, the best model kept, and a stopped run ends like one that was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from extexify.core.progress import Progress, Stopped, quiet
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS, preset
from extexify.drawing.resample import SequenceSettings
from extexify.evaluation.calibration import calibration_rows
from extexify.model.classifier import Classifier
from extexify.model.file import read_model
from extexify.training import loop
from extexify.training.augment import AugmentSettings
from extexify.training.devices import DeviceError, pick_device
from extexify.training.loader import ImageFeed, StrokeFeed, batches, shuffled_rows
from extexify.training.loop import TrainingError, train
from extexify.training.objective import learning_rate, look_alikes, loss_of
from extexify.training.pipeline import TRAIN_ON, Places, feeds, train_on_dataset
from extexify.training.recipes import RECIPES, Recipe, recipe
from extexify.training.run_files import recipe_of_run, splits_of_run
from extexify.workspace.files import StorageError
from tests.tiny import tiny_dataset

pytestmark = pytest.mark.usefixtures("one_thread")

RASTER = preset("default", size=16)
QUICK = replace(
    RECIPES["default"], raster=RASTER, sequence=SequenceSettings(16), epochs=4, batch_size=16, averaging=0.9,
    options={
        "picture": {"channels": [8, 16], "blocks": [1, 1], "dropout": 0.1},
        "sequence": {"channels": [8, 16], "blocks": [1, 1], "dropout": 0.1},
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("training") / "dataset")


def run_training(
    dataset: Dataset,
    run: Path,
    asked: Recipe = QUICK,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress], None] = quiet,
    **options: Any,
) -> Path:
    feed, validation = feeds(asked, dataset, run / "no images", 0, options.get("train_on", "train"))
    return train(asked, dataset, feed, validation, run, device="cpu", should_stop=should_stop, report=report, **options)


def metrics(run: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without its times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if name not in ("seconds", "drawings_per_second")}
        for line in lines
    ]


def weights(model: Path) -> dict[str, NDArray[Any]]:
    return read_model(model)[1]


class TestARun:
    def test_learns_easy_symbols_and_reports_every_epoch(self, dataset: Dataset, tmp_path: Path) -> None:
        events: list[Progress] = []
        model = run_training(dataset, tmp_path / "run", replace(QUICK, epochs=12), report=events.append)
        figures = metrics(tmp_path / "run")
        assert [entry["epoch"] for entry in figures] == list(range(1, 13))
        for part in ("train", "validation"):
            for entry in figures:
                assert 0 <= entry[part]["top1"] <= entry[part]["top5"] <= 1
                assert entry[part]["loss"] > 0
        assert figures[-1]["validation"]["top1"] > 0.7  # guessing gives 0.17
        assert figures[-1]["train"]["loss"] < figures[0]["train"]["loss"]
        told = [event.metrics for event in events if "validation" in event.metrics]
        assert [entry["epoch"] for entry in told] == list(range(1, 13))
        assert Classifier.load(model).classes == dataset.classes

    def test_keeps_the_epoch_with_the_best_validation_top_5(
        self, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scores = iter([0.4, 0.9, 0.7, 0.9])
        monkeypatch.setattr(loop._Loop, "validate", lambda self: {"loss": 1.0, "top1": 0.1, "top5": next(scores)})
        model = run_training(dataset, tmp_path / "run")
        assert Classifier.load(model).description.training["epoch"] == 2

    def test_calibrates_on_validation_drawings_spread_over_the_symbols(
        self, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fitted = []

        def fit(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
            fitted.append(labels)
            return 1.25, 0.0

        monkeypatch.setattr(loop, "fit_calibration", fit)
        monkeypatch.setattr(loop, "CALIBRATION_DRAWINGS", 6)
        model = run_training(dataset, tmp_path / "run", replace(QUICK, epochs=1))
        labels = dataset.labels[dataset.indices("validation")]
        np.testing.assert_array_equal(fitted[0], labels[calibration_rows(labels, 6)])
        assert Classifier.load(model).description.temperature == 1.25

    def test_gives_the_same_metrics_for_the_same_seed(self, dataset: Dataset, tmp_path: Path) -> None:
        for name in ("a", "b"):
            run_training(dataset, tmp_path / name, seed=5)
        run_training(dataset, tmp_path / "c", seed=6)
        assert metrics(tmp_path / "a") == metrics(tmp_path / "b")
        assert metrics(tmp_path / "a") != metrics(tmp_path / "c")

    def test_of_the_original_recipe_reads_rendered_images(self, dataset: Dataset, tmp_path: Path) -> None:
        images = render_dataset(dataset, PRESETS["original"], tmp_path / "images")
        asked = recipe("original", epochs=10, batch_size=16)
        train(
            asked, dataset, ImageFeed(images, "train"), ImageFeed(images, "validation"), tmp_path / "run", device="cpu"
        )
        assert metrics(tmp_path / "run")[-1]["train"]["top1"] > 0.8

    def test_with_nothing_held_out_keeps_the_last_epoch(self, dataset: Dataset, tmp_path: Path) -> None:
        asked = replace(QUICK, temperature=0.7)
        model = run_training(dataset, tmp_path / "run", asked, train_on="train+validation")
        description = Classifier.load(model).description
        assert (description.training["epoch"], description.training["train_on"]) == (4, "train+validation")
        assert (description.temperature, description.metrics) == (0.7, {})
        assert all(entry["validation"] is None for entry in metrics(tmp_path / "run"))
        assert splits_of_run(tmp_path / "run") == "train+validation"
        with pytest.raises(StorageError, match="other settings"):
            run_training(dataset, tmp_path / "run", asked, resume=True)

    def test_on_all_drawings_leaves_none_to_judge_it_on(self, dataset: Dataset, tmp_path: Path) -> None:
        places = Places(tmp_path / "dataset", tmp_path / "images", tmp_path / "runs", tmp_path / "models")
        result = train_on_dataset(QUICK, dataset, places, "run", train_on="all", device="cpu")
        assert result.test is None
        assert Classifier.load(result.model).metrics == {}

    def test_learns_from_the_splits_that_are_asked_for(self, dataset: Dataset, tmp_path: Path) -> None:
        counts = {split: len(feeds(QUICK, dataset, tmp_path, 0, split)[0]) for split in TRAIN_ON}
        assert counts["train"] < counts["train+validation"] < counts["all"] == len(dataset)
        with pytest.raises(ValueError, match="can't train on 'test'"):
            feeds(QUICK, dataset, tmp_path, 0, "test")
        with pytest.raises(ValueError, match="train it on train"):
            feeds(RECIPES["original"], dataset, tmp_path, 0, "all")

    def test_of_every_architecture_learns(self, dataset: Dataset, tmp_path: Path) -> None:
        small = {"channels": [8, 16], "blocks": [1, 1]}
        for name in ("residual", "sequence"):
            asked = replace(QUICK, architecture=name, options=small, epochs=12)
            run_training(dataset, tmp_path / name, asked)
            assert metrics(tmp_path / name)[-1]["validation"]["top1"] > 0.5

    def test_with_a_loss_that_is_no_number_says_so(self, dataset: Dataset, tmp_path: Path) -> None:
        broken = replace(QUICK, schedule="constant", optimizer="adam", learning_rate=10, clip=0, weight_decay=10)
        inner = loop._Loop.train_batch

        def explode(self: loop._Loop, batch: Any) -> float:
            inner(self, batch)
            return float("nan") if self.state.step == 5 else 1.0

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop._Loop, "train_batch", explode)
            with pytest.raises(TrainingError, match=r"loss became nan in epoch \d+, batch \d+: try a lower learning"):
                run_training(dataset, tmp_path / "run", broken)


class TestStopAndResume:
    @pytest.mark.parametrize("after", [1, 5, 6, 7, 13])
    def test_ends_like_an_uninterrupted_run(self, dataset: Dataset, tmp_path: Path, after: int) -> None:
        whole = run_training(dataset, tmp_path / "whole")
        asked = iter(range(1, 10_000))
        with pytest.raises(Stopped, match="--resume"):
            run_training(dataset, tmp_path / "cut", should_stop=lambda: next(asked) == after)
        resumed = run_training(dataset, tmp_path / "cut", resume=True)
        assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")
        for name, array in weights(whole).items():
            np.testing.assert_array_equal(weights(resumed)[name], array)

    def test_metrics_of_an_epoch_whose_checkpoint_was_lost_are_not_kept_twice(
        self, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, cut = tmp_path / "whole", tmp_path / "cut"
        run_training(dataset, whole)
        save = loop._Loop.save_checkpoint

        def crash(self: loop._Loop) -> None:
            if self.state.epoch == 3:
                raise OSError(28, "No space left on device")
            save(self)

        monkeypatch.setattr(loop._Loop, "save_checkpoint", crash)
        with pytest.raises(OSError, match="No space"):
            run_training(dataset, cut)
        monkeypatch.undo()
        assert len(metrics(cut)) == 3
        run_training(dataset, cut, resume=True)
        assert metrics(cut) == metrics(whole)

    def test_a_finished_run_resumes_to_its_end(self, dataset: Dataset, tmp_path: Path) -> None:
        model = run_training(dataset, tmp_path / "run")
        before = model.read_bytes()
        assert run_training(dataset, tmp_path / "run", resume=True).read_bytes() == before

    def test_a_run_is_not_begun_twice(self, dataset: Dataset, tmp_path: Path) -> None:
        run_training(dataset, tmp_path / "run")
        with pytest.raises(StorageError, match="exists already: go on with --resume"):
            run_training(dataset, tmp_path / "run")

    def test_a_run_is_resumed_only_with_its_own_settings(self, dataset: Dataset, tmp_path: Path) -> None:
        run_training(dataset, tmp_path / "run")
        with pytest.raises(StorageError, match="other settings"):
            run_training(dataset, tmp_path / "run", replace(QUICK, epochs=9), resume=True)

    @pytest.mark.parametrize("damage", [b"", b"{}", b'\x08\0\0\0\0\0\0\0{"a": 1}', b"\xff" * 100])
    def test_a_damaged_checkpoint_is_said(self, dataset: Dataset, tmp_path: Path, damage: bytes) -> None:
        run_training(dataset, tmp_path / "run")
        (tmp_path / "run" / "checkpoint.safetensors").write_bytes(damage)
        with pytest.raises(StorageError, match=r"checkpoint\.safetensors is damaged"):
            run_training(dataset, tmp_path / "run", resume=True)

    def test_the_recipe_of_a_run_is_read_back(self, dataset: Dataset, tmp_path: Path) -> None:
        run_training(dataset, tmp_path / "run", seed=7)
        assert recipe_of_run(tmp_path / "run") == (QUICK, 7)
        with pytest.raises(StorageError, match="no run nothing"):
            recipe_of_run(tmp_path / "nothing")


class TestFeeding:
    def test_an_epoch_has_every_drawing_once(self, dataset: Dataset) -> None:
        feed = StrokeFeed(dataset, "train", RASTER, AugmentSettings())
        rows = shuffled_rows(len(feed), seed=1, epoch=2)
        assert sorted(rows) == list(range(len(feed)))
        labels = np.concatenate([batch[1] for batch in batches(feed, rows, 16, epoch=2)])
        wanted = dataset.labels[dataset.indices("train")[rows]]
        np.testing.assert_array_equal(labels, wanted)

    def test_batches_begin_where_asked(self, dataset: Dataset) -> None:
        feed = StrokeFeed(dataset, "train", RASTER, AugmentSettings(), sequence=SequenceSettings(16))
        rows = shuffled_rows(len(feed), seed=1, epoch=2)
        every = list(batches(feed, rows, 16, epoch=2))
        late = list(batches(feed, rows, 16, epoch=2, first=2))
        assert len(late) == len(every) - 2
        for (seen, labels), (wanted, wanted_labels) in zip(late, every[2:], strict=True):
            np.testing.assert_array_equal(seen.images, wanted.images)
            np.testing.assert_array_equal(seen.sequences, wanted.sequences)
            np.testing.assert_array_equal(labels, wanted_labels)
        assert not list(batches(feed, rows, 16, epoch=2, first=len(every)))

    def test_scribbles_come_to_a_varied_batch(self, dataset: Dataset) -> None:
        feed = StrokeFeed(dataset, "train", RASTER, AugmentSettings(), scribbled=0.5)
        rows = np.arange(4)
        (seen, labels), (again, _), (later, _) = (feed.batch(rows, epoch) for epoch in (1, 1, 2))
        assert (len(seen.images), len(labels)) == (4 + 2, 4)
        np.testing.assert_array_equal(seen.images, again.images)
        assert (seen.images[4:] != later.images[4:]).any()

    def test_drawings_are_blended_with_others_of_their_symbol(self, dataset: Dataset) -> None:
        still = AugmentSettings(
            rotation=0,
            scale=0,
            shear=0,
            warp=0,
            stroke_shift=0,
            stroke_turn=0,
            stroke_scale=0,
            thin=1,
            thick=1,
            shift=0,
        )
        rows = np.arange(8)
        plain, some, again, later = (
            StrokeFeed(dataset, "train", RASTER, replace(still, blend=blend)).batch(rows, epoch)[0].images
            for blend, epoch in [(0.0, 1), (1.0, 1), (1.0, 1), (1.0, 2)]
        )
        np.testing.assert_array_equal(some, again)
        assert (some != plain).any()
        assert (some != later).any()
        alone = StrokeFeed(dataset, "train", RASTER, replace(still, blend=1.0)).batch(rows[3:4], 1)[0].images
        np.testing.assert_array_equal(alone, some[3:4])

    def test_epochs_come_in_other_orders(self) -> None:
        assert shuffled_rows(50, seed=0, epoch=1).tolist() != shuffled_rows(50, seed=0, epoch=2).tolist()


class TestSmallEpochs:
    def test_the_first_epochs_see_smaller_pictures_and_shorter_sequences(self) -> None:
        large = replace(RECIPES["default"].raster, size=48, stroke_width=1.6)
        asked = replace(
            RECIPES["default"], epochs=5, raster=large, sequence=SequenceSettings(128), small=0.5, small_scale=2 / 3
        )
        seen = [asked.at(epoch) for epoch in range(1, 6)]
        assert [(raster.size, sequence.points) for raster, sequence in seen if sequence] == [(32, 85)] * 2 + [
            (48, 128)
        ] * 3
        # The line is as thick a part of the picture.
        assert seen[0][0].stroke_width / 32 == pytest.approx(seen[-1][0].stroke_width / 48)
        assert replace(asked, epochs=1).at(1)[0].size == 48

    def test_a_model_of_a_small_epoch_says_what_it_reads(self, dataset: Dataset, tmp_path: Path) -> None:
        model = run_training(dataset, tmp_path / "run", replace(QUICK, epochs=2, small=1.0, small_scale=0.5))
        classifier = Classifier.load(model)
        assert (classifier.raster.size, classifier.description.sequence) == (8, SequenceSettings(8))
        judged = [prediction.key for prediction in classifier.classify([np.array([[0, 0], [9, 9]], np.float32)])]
        assert judged

    def test_rendered_images_have_one_size(self) -> None:
        with pytest.raises(ValueError, match="one size"):
            replace(RECIPES["original"], small=0.5)


class TestBalance:
    def test_rare_classes_are_raised_by_their_share(self, dataset: Dataset, tmp_path: Path) -> None:
        plain = run_training(dataset, tmp_path / "plain", replace(QUICK, epochs=1, balance=0))
        raised = run_training(dataset, tmp_path / "raised", replace(QUICK, epochs=1, balance=0.5))
        before, after = (Classifier.load(model).logits(dataset.drawings) for model in (plain, raised))
        counts = np.maximum(dataset.class_counts[:, 0], 1)
        wanted = np.broadcast_to(-0.5 * np.log(counts / counts.mean()), before.shape)
        np.testing.assert_allclose(after - before, wanted, atol=1e-4)

    def test_the_network_that_learns_is_not_shifted(self, dataset: Dataset, tmp_path: Path) -> None:
        losses = []
        for balance in (0.0, 1.0):
            run_training(dataset, tmp_path / f"{balance}", replace(QUICK, epochs=2, balance=balance))
            losses.append([entry["train"] for entry in metrics(tmp_path / f"{balance}")])
        assert losses[0] == losses[1]


class TestLookAlikes:
    CLASSES = ("latex2e-OT1-_alpha", "latex2e-OT1-_cdots", "latex2e-OT1-_ldots", "amsmath-OT1-_dotsb", "unheard-of")
    LABELS = np.array([0, 0, 1, 1, 1, 2, 4])  # of the last dots there is no drawing

    def test_a_group_shares_by_its_drawings(self) -> None:
        alike = look_alikes(self.CLASSES, self.LABELS)
        assert alike.group.tolist() == [0, 1, 1, 1, 2]
        np.testing.assert_allclose(alike.share, [1, 3 / 5, 1 / 5, 1 / 5, 1])

    def test_the_loss_is_least_where_look_alikes_are_as_likely_as_they_are_common(self) -> None:
        asked, alike = replace(QUICK, alike=1.0, label_smoothing=0.0), look_alikes(self.CLASSES, self.LABELS)
        logits = torch.tensor([[-9.0, 0.0, 0.0, 0.0, -9.0]]).requires_grad_()
        for _ in range(200):
            (slope,) = torch.autograd.grad(loss_of(logits, torch.tensor([2]), asked, alike), logits)
            logits = (logits - 2 * slope).detach().requires_grad_()
        np.testing.assert_allclose(torch.softmax(logits, 1).detach()[0, 1:4], [0.6, 0.2, 0.2], atol=0.01)

    @pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
    def test_a_symbol_like_no_other_has_its_own_target(self, part: float) -> None:
        logits, label = torch.tensor([[0.3, -1.0, 2.0, 0.1, 0.5]]), torch.tensor([0])
        asked, alike = replace(QUICK, label_smoothing=0.0, alike=part), look_alikes(self.CLASSES, self.LABELS)
        assert float(loss_of(logits, label, asked, alike)) == pytest.approx(float(F.cross_entropy(logits, label)))


def test_one_cycle_rises_to_the_peak_and_falls_to_nothing() -> None:
    cycle = replace(QUICK, learning_rate=1.0, warmup=0.25)
    rates = [learning_rate(cycle, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[25] == pytest.approx(1.0)
    assert rates[-1] < 0.01
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)


def test_recipes_survive_json_and_refuse_nonsense() -> None:
    for name, known in RECIPES.items():
        assert Recipe.from_json(json.loads(json.dumps(known.to_json()))) == known
        assert recipe(name, epochs=None) == known
    with pytest.raises(ValueError, match="no recipe 'best'"):
        recipe("best")
    for bad in ({"epochs": 0}, {"batch_size": 1}, {"learning_rate": float("nan")}, {"label_smoothing": 2}):
        with pytest.raises(ValueError, match=next(iter(bad)).replace("_", " ")):
            recipe("default", **bad)


def test_a_missing_device_is_said() -> None:
    with pytest.raises(DeviceError, match="no device 'tpu'"):
        pick_device("tpu")
