"""Training: metrics of every epoch, the best model is saved, and a resumed run ends like an uninterrupted one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch.nn import functional as F

from extexify.core.progress import Progress, Stopped, quiet
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import render_dataset
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import PRESETS, preset
from extexify.drawing.resample import SequenceSettings
from extexify.evaluation.calibration import calibration_rows
from extexify.model.classifier import Classifier
from extexify.model.export import convert
from extexify.model.networks import load_network, to_tensors
from extexify.model.weights import read_weights
from extexify.training import loop
from extexify.training.augment import AugmentSettings
from extexify.training.checkpoints import TrainingState
from extexify.training.loader import DrawingDataset, ImageDataset, batches, shuffled_rows
from extexify.training.loop import TrainingError, train
from extexify.training.objective import average_weights, look_alikes, make_optimizer, make_schedule, objective
from extexify.training.pipeline import TRAIN_ON, Places, train_on_dataset, training_data
from extexify.training.recipes import RECIPES, Recipe, RecipeError, recipe
from extexify.training.runs import Batches, RunConfig, RunFiles, _read, read_config
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


STILL = AugmentSettings(
    rotation=0, scale=0, shear=0, warp=0, stroke_shift=0, stroke_turn=0, stroke_scale=0, thin=1, thick=1, shift=0
)
"""No variation at all."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("training") / "dataset")


def run_training(
    dataset: Dataset,
    run: Path,
    recipe: Recipe = QUICK,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress], None] = quiet,
    **options: Any,
) -> Path:
    data, validation = training_data(recipe, dataset, run / "no images", 0, options.get("train_on", "train"))
    return train(
        recipe, dataset, data, validation, run, device="cpu", should_stop=should_stop, report=report, **options
    )


def stopping(after: int) -> Callable[[], bool]:
    """A `should_stop` that asks for a stop when it is called for the `after`-th time."""
    calls = iter(range(1, 10_000))
    return lambda: next(calls) == after


def metrics(run: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without its times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if name not in ("seconds", "drawings_per_second")}
        for line in lines
    ]


def weights(model: Path) -> dict[str, NDArray[Any]]:
    return {name: tensor.numpy() for name, tensor in read_weights(model)[1].items()}


@dataclass(frozen=True)
class Trained:
    """A finished training of `QUICK`: its run folder, model file and progress events."""

    run: Path
    model: Path
    events: list[Progress]


@pytest.fixture(scope="module")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    events: list[Progress] = []
    run, threads = tmp_path_factory.mktemp("trained") / "run", torch.get_num_threads()
    torch.set_num_threads(1)
    model = run_training(dataset, run, seed=5, report=events.append)
    torch.set_num_threads(threads)
    return Trained(run, model, events)


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the run folder, to change."""
    return Path(shutil.copytree(trained.run, tmp_path / "run"))


class TestARun:
    def test_reports_metrics_of_every_epoch(self, trained: Trained, dataset: Dataset) -> None:
        entries = metrics(trained.run)
        assert [entry["epoch"] for entry in entries] == [1, 2, 3, 4]
        for entry in entries:
            for part in ("train", "validation"):
                assert 0 <= entry[part]["top1"] <= entry[part]["top5"] <= 1
                assert entry[part]["loss"] > 0
        reported = [event.metrics for event in trained.events if "validation" in event.metrics]
        assert [entry["epoch"] for entry in reported] == [1, 2, 3, 4]
        assert read_weights(trained.model)[0].classes == dataset.classes

    def test_records_the_cross_entropy_beside_the_objective(self, trained: Trained) -> None:
        for entry in metrics(trained.run):
            # Label smoothing, shared targets and scribbles add to the objective, for any output of the network.
            assert entry["train"]["objective"] > entry["train"]["loss"]
            assert "objective" not in entry["validation"]

    def test_learns_easy_symbols_with_every_architecture(self, dataset: Dataset, tmp_path: Path) -> None:
        small = {"channels": [8, 16], "blocks": [1, 1]}
        for name, options in (("fused", QUICK.options), ("residual", small), ("sequence", small)):
            recipe = replace(QUICK, architecture=name, options=options, epochs=8, learning_rate=0.01)
            run_training(dataset, tmp_path / name, recipe)
            entries = metrics(tmp_path / name)
            assert entries[-1]["validation"]["top1"] > 0.5  # guessing gives 0.17
            assert entries[-1]["train"]["loss"] < entries[0]["train"]["loss"]

    def test_keeps_the_epoch_with_the_best_validation_top_5(
        self, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scores = iter([0.4, 0.9, 0.7, 0.9])
        monkeypatch.setattr(loop._Trainer, "validate", lambda self: {"loss": 1.0, "top1": 0.1, "top5": next(scores)})
        model = run_training(dataset, tmp_path / "run")
        assert read_weights(model)[0].training["epoch"] == 2

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
        assert read_weights(model)[0].temperature == 1.25

    def test_gives_the_same_metrics_for_the_same_seed(self, dataset: Dataset, trained: Trained, tmp_path: Path) -> None:
        for seed in (5, 6):
            run_training(dataset, tmp_path / f"{seed}", seed=seed)
            assert (metrics(tmp_path / f"{seed}") == metrics(trained.run)) == (seed == 5)

    def test_of_the_original_recipe_reads_rendered_images(self, dataset: Dataset, tmp_path: Path) -> None:
        images = render_dataset(dataset, PRESETS["original"], tmp_path / "images")
        data, validation = (ImageDataset(images, split) for split in ("train", "validation"))
        train(recipe("original", epochs=5, batch_size=16), dataset, data, validation, tmp_path / "run", device="cpu")
        last = metrics(tmp_path / "run")[-1]["train"]
        assert last["top1"] > 0.8
        assert last["objective"] == pytest.approx(last["loss"])

    def test_with_nothing_held_out_keeps_the_last_epoch(self, dataset: Dataset, tmp_path: Path) -> None:
        recipe = replace(QUICK, epochs=2, temperature=0.7)
        model = run_training(dataset, tmp_path / "run", recipe, train_on="train+validation")
        description, _ = read_weights(model)
        assert (description.training["epoch"], description.training["train_on"]) == (2, "train+validation")
        assert (description.temperature, description.metrics) == (0.7, {})
        assert all(entry["validation"] is None for entry in metrics(tmp_path / "run"))
        assert read_config(tmp_path / "run").train_on == "train+validation"
        with pytest.raises(
            StorageError, match=r"with drawings of train\+validation, not with those of train: resume it"
        ):
            run_training(dataset, tmp_path / "run", recipe, resume=True)

    def test_on_all_drawings_leaves_none_to_evaluate_it_on(self, dataset: Dataset, tmp_path: Path) -> None:
        places = Places(tmp_path / "dataset", tmp_path / "images", tmp_path / "runs", tmp_path / "models")
        result = train_on_dataset(replace(QUICK, epochs=1), dataset, places, "run", train_on="all", device="cpu")
        assert result.test is None
        assert Classifier.load(result.model).metrics == {}

    def test_trains_on_the_given_splits(self, dataset: Dataset, tmp_path: Path) -> None:
        counts = {split: len(training_data(QUICK, dataset, tmp_path, 0, split)[0]) for split in TRAIN_ON}
        assert counts["train"] < counts["train+validation"] < counts["all"] == len(dataset)
        with pytest.raises(RecipeError, match="can't train on 'test'"):
            training_data(QUICK, dataset, tmp_path, 0, "test")
        with pytest.raises(RecipeError, match="train it on train"):
            training_data(RECIPES["original"], dataset, tmp_path, 0, "all")

    def test_with_a_loss_that_is_not_finite_says_so(self, dataset: Dataset, tmp_path: Path) -> None:
        recipe = replace(QUICK, schedule="constant", optimizer="adam", learning_rate=10, clip=0, weight_decay=10)
        steps = iter(range(1000))

        def explode(*arguments: Any) -> torch.Tensor:
            return objective(*arguments) * (float("nan") if next(steps) >= 15 else 1.0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "objective", explode)
            with pytest.raises(TrainingError, match=r"loss became nan in epoch 1, batch 6: try a lower learning"):
                run_training(dataset, tmp_path / "run", recipe)


class TestStopAndResume:
    def test_a_run_that_is_stopped_again_and_again_ends_like_an_uninterrupted_one(
        self, dataset: Dataset, trained: Trained, tmp_path: Path
    ) -> None:
        run = tmp_path / "run"
        # An epoch has six batches and two of validation. Stopped after the first batch, after the last one, in
        # validation, after one batch of the second epoch, and in the middle of the third.
        positions = ((1, "1 after batch 1"), (5, "1 after batch 6"), (1, "1 after batch 6"), (3, "2 after batch 1"))
        for number, (after, position) in enumerate((*positions, (11, "3 after batch 4"))):
            with pytest.raises(Stopped, match=f"stopped in epoch {position} of 6; resume with `.*--resume`"):
                run_training(dataset, run, seed=5, resume=number > 0, should_stop=stopping(after))
        model = run_training(dataset, run, seed=5, resume=True)
        assert metrics(run) == metrics(trained.run)
        for name, array in weights(trained.model).items():
            np.testing.assert_array_equal(weights(model)[name], array)

    def test_metrics_of_an_epoch_whose_checkpoint_was_lost_are_not_recorded_twice(
        self, dataset: Dataset, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save = loop._Trainer.save_checkpoint

        def crash(self: loop._Trainer) -> None:
            if self.state.epoch == 3:
                raise OSError(28, "No space left on device")
            save(self)

        monkeypatch.setattr(loop._Trainer, "save_checkpoint", crash)
        with pytest.raises(OSError, match="No space"):
            run_training(dataset, tmp_path / "run", seed=5)
        monkeypatch.undo()
        assert len(metrics(tmp_path / "run")) == 3
        run_training(dataset, tmp_path / "run", seed=5, resume=True)
        assert metrics(tmp_path / "run") == metrics(trained.run)

    def test_the_batches_of_the_running_epoch_are_recorded_once(
        self, dataset: Dataset, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def batches() -> list[Batches]:
            run = _read(tmp_path / "run", False)
            assert run is not None
            return list(run.batches)

        monkeypatch.setattr(loop._BatchLog, "SECONDS", 0)
        # An epoch has six batches and two of validation.
        with pytest.raises(Stopped, match="epoch 2 after batch 3 of 6"):
            run_training(dataset, tmp_path / "run", seed=5, should_stop=stopping(11))
        first = batches()
        assert [(each.epoch, each.batch, each.batches) for each in first] == [(2, batch, 6) for batch in (1, 2, 3)]
        assert [each.position for each in first] == pytest.approx([1 + 1 / 6, 1 + 2 / 6, 1.5])
        # Killed later, in that epoch: what comes after the checkpoint is recorded again.
        checkpoint = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
        with pytest.raises(Stopped, match="epoch 2 after batch 5 of 6"):
            run_training(dataset, tmp_path / "run", seed=5, resume=True, should_stop=stopping(2))
        (tmp_path / "run" / "checkpoint.safetensors").write_bytes(checkpoint)
        with pytest.raises(Stopped, match="epoch 2 after batch 6 of 6"):
            run_training(dataset, tmp_path / "run", seed=5, resume=True, should_stop=stopping(3))
        every = batches()
        assert [each.batch for each in every] == [1, 2, 3, 4, 5, 6]
        assert every[:3] == first
        # Their mean, by their drawings, is the epoch's.
        sizes = [16] * 5 + [len(dataset.indices("train")) - 80]
        whole = metrics(trained.run)[1]["train"]
        for name in ("loss", "top1", "top5"):
            found = np.average([getattr(each.train, name) for each in every], weights=sizes)
            assert found == pytest.approx(whole[name], rel=1e-6)
        run_training(dataset, tmp_path / "run", seed=5, resume=True)
        assert batches() == []
        assert not (tmp_path / "run" / "batches.jsonl").exists()

    def test_lines_of_batches_are_few_in_an_epoch_and_in_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However long the epoch, and however fast the batches."""
        for seconds, count, lines in ((3.0, 10_000, 250), (0.5, 100, 25), (0.0, 100, 0)):
            files, state, clock = RunFiles(tmp_path / f"{seconds}"), TrainingState(), 0.0
            files.run.mkdir()
            monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock))  # noqa: B023
            log = loop._BatchLog(files, state, count)
            for _ in range(count):
                state.batch, clock = state.batch + 1, clock + seconds
                state.tally.add(16, 32.0, 4, 8)
                log.add()
            text = files.batches.read_bytes() if files.batches.exists() else b""
            assert text.count(b"\n") == lines

    def test_a_finished_run_resumes_to_its_end(self, dataset: Dataset, copied: Path) -> None:
        before = (copied / "model.safetensors").read_bytes()
        assert run_training(dataset, copied, seed=5, resume=True).read_bytes() == before

    def test_a_run_is_not_begun_twice(self, dataset: Dataset, copied: Path) -> None:
        with pytest.raises(StorageError, match="exists already: resume it with --resume"):
            run_training(dataset, copied)

    def test_a_run_is_resumed_only_with_its_own_settings(self, dataset: Dataset, copied: Path) -> None:
        for changes, message in (
            (
                {"learning_rate": 0.5, "batch_size": 9},
                r"with batch size 16, learning rate 0\.003, not with batch size 9, learning",
            ),
            (
                {"name": "other"},
                "begun with recipe default, not with recipe other: resume it without that, or start a new",
            ),
            ({"epochs": 3}, "begun for 4 epochs: it can be given more, not 3"),
        ):
            with pytest.raises(StorageError, match=message):
                run_training(dataset, copied, replace(QUICK, **changes), seed=5, resume=True)
        with pytest.raises(StorageError, match="with seed 5, not with seed 6"):
            run_training(dataset, copied, QUICK, seed=6, resume=True)
        assert read_config(copied).recipe == QUICK

    def test_a_finished_run_goes_on_to_more_epochs(self, dataset: Dataset, copied: Path) -> None:
        began = read_config(copied).began
        longer = replace(QUICK, epochs=6)
        run_training(dataset, copied, longer, seed=5, resume=True)
        assert [entry["epoch"] for entry in metrics(copied)] == list(range(1, 7))
        config = read_config(copied)
        assert (config.recipe, config.began) == (longer, began)
        # From now on that is the number of its record.
        with pytest.raises(StorageError, match="begun for 6 epochs"):
            run_training(dataset, copied, QUICK, seed=5, resume=True)

    def test_a_damaged_or_earlier_checkpoint_is_refused_in_a_sentence(self, dataset: Dataset, copied: Path) -> None:
        checkpoint = copied / "checkpoint.safetensors"
        whole = checkpoint.read_bytes()
        earlier = save(load(whole), metadata={"state": "{}"})
        for damage in (b"", b"{}", b'\x08\0\0\0\0\0\0\0{"a": 1}', b"\xff" * 100, whole[:-100], earlier):
            checkpoint.write_bytes(damage)
            problem = "was written by another version" if damage == earlier else "is damaged"
            with pytest.raises(StorageError, match=rf"checkpoint\.safetensors {problem}.*: start a new run"):
                run_training(dataset, copied, seed=5, resume=True)

    def test_the_configuration_of_a_run_is_read_back(self, dataset: Dataset, trained: Trained, tmp_path: Path) -> None:
        assert read_config(trained.run) == RunConfig(QUICK, 5, "train", dataset.content_hash)
        with pytest.raises(StorageError, match="no run nothing"):
            read_config(tmp_path / "nothing")


class TestBatches:
    def test_an_epoch_has_every_drawing_once(self, dataset: Dataset) -> None:
        data = DrawingDataset(dataset, "train", RASTER, AugmentSettings())
        rows = shuffled_rows(len(data), seed=1, epoch=2)
        assert sorted(rows) == list(range(len(data)))
        labels = np.concatenate([batch.labels for batch in batches(data, rows, 16, epoch=2)])
        wanted = dataset.labels[dataset.indices("train")[rows]]
        np.testing.assert_array_equal(labels, wanted)

    def test_batches_begin_at_the_given_step(self, dataset: Dataset) -> None:
        data = DrawingDataset(dataset, "train", RASTER, AugmentSettings(), sequence=SequenceSettings(16))
        rows = shuffled_rows(len(data), seed=1, epoch=2)
        every = list(batches(data, rows, 16, epoch=2))
        late = list(batches(data, rows, 16, epoch=2, first=2))
        assert len(late) == len(every) - 2
        for batch, expected in zip(late, every[2:], strict=True):
            np.testing.assert_array_equal(batch.inputs.images, expected.inputs.images)
            np.testing.assert_array_equal(batch.inputs.sequences, expected.inputs.sequences)
            np.testing.assert_array_equal(batch.labels, expected.labels)
        assert not list(batches(data, rows, 16, epoch=2, first=len(every)))

    def test_scribbles_are_added_to_an_augmented_batch(self, dataset: Dataset) -> None:
        data = DrawingDataset(dataset, "train", RASTER, AugmentSettings(), scribble_rate=0.5)
        first, again, later = (data.batch(np.arange(4), epoch) for epoch in (1, 1, 2))
        assert (len(first.inputs.images), len(first.labels), first.size) == (4 + 2, 4, 4 + 2)
        np.testing.assert_array_equal(first.inputs.images, again.inputs.images)
        assert (first.inputs.images[4:] != later.inputs.images[4:]).any()

    def test_drawings_are_blended_with_others_of_their_symbol(self, dataset: Dataset) -> None:
        def images(rows: NDArray[np.int64], blend: float, epoch: int = 1) -> NDArray[np.uint8]:
            data = DrawingDataset(dataset, "train", RASTER, replace(STILL, blend=blend))
            return data.batch(rows, epoch).inputs.images

        rows = np.arange(8)
        blended = images(rows, 1.0)
        np.testing.assert_array_equal(blended, images(rows, 1.0))
        assert (blended != images(rows, 0.0)).any()
        assert (blended != images(rows, 1.0, epoch=2)).any()
        np.testing.assert_array_equal(images(rows[3:4], 1.0), blended[3:4])

    def test_epochs_come_in_other_orders(self) -> None:
        assert shuffled_rows(50, seed=0, epoch=1).tolist() != shuffled_rows(50, seed=0, epoch=2).tolist()


class TestSmallEpochs:
    def test_the_first_epochs_see_smaller_pictures_and_shorter_sequences(self) -> None:
        large = replace(RECIPES["default"].raster, size=48, stroke_width=1.6)
        scheduled = replace(
            RECIPES["default"], epochs=5, raster=large, sequence=SequenceSettings(128), small=0.5, small_scale=2 / 3
        )
        seen = [scheduled.inputs_at(epoch) for epoch in range(1, 6)]
        assert [(raster.size, sequence.points) for raster, sequence in seen if sequence] == [(32, 85)] * 2 + [
            (48, 128)
        ] * 3
        # The line is as thick a part of the picture.
        assert seen[0][0].stroke_width / 32 == pytest.approx(seen[-1][0].stroke_width / 48)
        assert replace(scheduled, epochs=1).inputs_at(1)[0].size == 48

    def test_a_model_of_a_small_epoch_says_what_it_reads(self, dataset: Dataset, tmp_path: Path) -> None:
        best = run_training(dataset, tmp_path / "run", replace(QUICK, epochs=2, small=1.0, small_scale=0.5))
        convert(best, tmp_path / "model.onnx")
        classifier = Classifier.load(tmp_path / "model.onnx")
        assert (classifier.raster.size, classifier.description.sequence) == (8, SequenceSettings(8))
        keys = [prediction.key for prediction in classifier.classify([np.array([[0, 0], [9, 9]], np.float32)])]
        assert keys

    def test_rendered_images_have_one_size(self) -> None:
        with pytest.raises(ValueError, match="one size"):
            replace(RECIPES["original"], small=0.5)


def logits(weights: Path, dataset: Dataset) -> NDArray[np.float32]:
    """What a run's best network says of all drawings."""
    description, network = load_network(weights)
    inputs = model_inputs(dataset.drawings, description.raster, description.sequence)
    with torch.inference_mode():
        found: NDArray[np.float32] = network(*to_tensors(inputs, network, torch.device("cpu"))).numpy()
    return found


class TestBalance:
    def test_rare_classes_are_raised_by_their_share(self, dataset: Dataset, tmp_path: Path) -> None:
        plain = run_training(dataset, tmp_path / "plain", replace(QUICK, epochs=1, balance=0))
        raised = run_training(dataset, tmp_path / "raised", replace(QUICK, epochs=1, balance=0.5))
        before, after = (logits(best, dataset) for best in (plain, raised))
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
    LABELS = np.array([0, 0, 1, 1, 1, 2, 4])  # class 3 has no drawing

    def test_a_group_shares_by_its_drawings(self) -> None:
        groups = look_alikes(self.CLASSES, self.LABELS)
        assert groups.members.tolist() == [[0, 0, 0], [1, 2, 3], [1, 2, 3], [1, 2, 3], [4, 4, 4]]
        alone, shared = [1.0, 0.0, 0.0], [3 / 5, 1 / 5, 1 / 5]
        np.testing.assert_allclose(groups.share, np.array([alone, shared, shared, shared, alone]))

    def test_the_objective_is_least_where_look_alikes_are_as_likely_as_they_are_common(self) -> None:
        recipe, groups = replace(QUICK, alike=1.0, label_smoothing=0.0), look_alikes(self.CLASSES, self.LABELS)
        logits = torch.tensor([[-9.0, 0.0, 0.0, 0.0, -9.0]]).requires_grad_()
        for _ in range(200):
            (slope,) = torch.autograd.grad(objective(logits, torch.tensor([2]), recipe, groups), logits)
            logits = (logits - 2 * slope).detach().requires_grad_()
        np.testing.assert_allclose(torch.softmax(logits, 1).detach()[0, 1:4], [0.6, 0.2, 0.2], atol=0.01)

    def test_a_symbol_without_look_alikes_has_its_own_target(self) -> None:
        logits, label = torch.tensor([[0.3, -1.0, 2.0, 0.1, 0.5]]), torch.tensor([0])
        groups = look_alikes(self.CLASSES, self.LABELS)
        for part in (0.0, 0.3, 1.0):
            recipe = replace(QUICK, label_smoothing=0.0, alike=part)
            loss = objective(logits, label, recipe, groups)
            assert float(loss) == pytest.approx(float(F.cross_entropy(logits, label)))


class TestSchedule:
    def rates(self, recipe: Recipe, steps: int, done: int = 0) -> list[float]:
        """The learning rates of all steps; after `done` of them the schedule is made anew, as when resuming."""
        optimizer = make_optimizer(recipe, torch.nn.Linear(2, 2))
        schedule, rates = make_schedule(recipe, optimizer, steps), []
        for step in range(steps):
            if done and step == done:
                schedule = make_schedule(recipe, optimizer, steps, done=done)
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return rates

    def test_one_cycle_is_two_cosines(self) -> None:
        for warmup, steps in ((0.25, 100), (0.1, 77), (0.9, 10)):
            cycle = replace(QUICK, learning_rate=3e-3, warmup=warmup)
            peak, step = warmup * steps, np.arange(steps)
            rise = 1 / 25 + (1 - 1 / 25) * (0.5 - 0.5 * np.cos(np.pi * step / peak))
            fall = 0.5 + 0.5 * np.cos(np.pi * (step - peak) / (steps - peak))
            np.testing.assert_allclose(self.rates(cycle, steps), 3e-3 * np.where(step < peak, rise, fall), rtol=1e-9)

    def test_a_resumed_schedule_continues_exactly(self) -> None:
        for schedule in ("one-cycle", "constant"):
            recipe = replace(QUICK, schedule=schedule)
            for done in (1, 9, 29):
                assert self.rates(recipe, 30, done) == self.rates(recipe, 30)


def test_the_weight_average_forgets_the_first_weights_and_follows_slowly() -> None:
    network = torch.nn.BatchNorm1d(1)
    average = average_weights(network, 0.9)

    def update(weight: float, batches: int) -> tuple[float, int]:
        network.load_state_dict({**network.state_dict(), "weight": torch.tensor([weight])})
        network.load_state_dict({**network.state_dict(), "num_batches_tracked": torch.tensor(batches)})
        average.update_parameters(network)
        state = average.module.state_dict()
        return float(state["weight"]), int(state["num_batches_tracked"])

    update(100.0, 1)
    last = [update(1.0, count) for count in range(2, 200)][-1]
    np.testing.assert_allclose(last, (1.0, 199), rtol=1e-6)
    np.testing.assert_allclose(update(2.0, 200), (1.1, 200), rtol=1e-6)


def test_recipes_survive_json_and_refuse_values_out_of_range() -> None:
    for name, known in RECIPES.items():
        assert Recipe.from_json(json.loads(json.dumps(known.to_json()))) == known
        assert recipe(name, epochs=None) == known
    earlier = RECIPES["default"].to_json()
    earlier["doubt"] = earlier.pop("rejection_threshold")
    assert Recipe.from_json(earlier) == RECIPES["default"]
    with pytest.raises(RecipeError, match="no recipe 'best'"):
        recipe("best")
    for bad in ({"epochs": 0}, {"batch_size": 1}, {"learning_rate": float("nan")}, {"label_smoothing": 2}):
        with pytest.raises(RecipeError, match=next(iter(bad)).replace("_", " ")):
            recipe("default", **bad)
