"""Train a network: the loop, its metrics, checkpoints and going on after a stop.

    python -m extexify train --recipe default --run first
    python -m extexify train --run first --resume

A run folder holds `run.json` (what was asked), `metrics.jsonl` (a line an epoch),
`checkpoint.safetensors` (to go on from) and `model.safetensors` (the best epoch so far, a model file; the last one
where no drawings are held out to tell).

Everything random is a function of (seed, epoch, sample), so a training that was stopped anywhere ends
like one that was not, and on a CPU two trainings with one seed give the same metrics.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extexify import models
from extexify.checkpoints import Tally, TrainingState, restore_checkpoint, save_checkpoint
from extexify.dataset import Dataset
from extexify.devices import has_bfloat16, keep_freed_memory, pick_device
from extexify.feeding import Batch, Feed, batches, shuffled_rows
from extexify.modelfile import ModelDescription, write_model
from extexify.progress import Reporter, Stage, Stopped, quiet
from extexify.recipes import Recipe
from extexify.storage import StorageError, atomic_file, read_json, write_json, writer_lock
from extexify.targets import SoftTargets
from extexify.temperature import fit_temperature

CHECKPOINT = "checkpoint.safetensors"


class TrainingError(RuntimeError):
    """A training that can't go on; the message is one sentence that says why and what to try."""


def train(
    recipe: Recipe,
    dataset: Dataset,
    train_feed: Feed,
    validation_feed: Feed | None,
    run: Path,
    *,
    seed: int = 0,
    train_on: str = "train",
    device: str = "auto",
    resume: bool = False,
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train by `recipe` in the folder `run` and return the model file of the epoch with the best validation top-5.

    Without a `validation_feed` nothing is held out: the model is that of the last epoch, with the recipe's
    temperature. `train_on` names the splits that the train feed has, for the run's records.
    `should_stop` is asked after every batch. With `resume` the run goes on from its checkpoint.
    Raises `Stopped` after a stop (a checkpoint is kept), `TrainingError` when the loss is no
    number any more, `StorageError` when the run exists already, is in use, or can't be resumed.
    """
    torch_device = pick_device(device)
    keep_freed_memory()
    with writer_lock(run, "run"):
        loop = _Loop(recipe, dataset, train_feed, validation_feed, run, seed, train_on, torch_device, report)
        if resume:
            loop.restore()
        elif (run / "run.json").exists():
            raise StorageError(f"run {run.name} exists already: go on with --resume, or choose another name")
        else:
            loop.begin()
        # One screen: an epoch is its batches, a look at validation, a line of metrics, a checkpoint.
        while loop.state.epoch < recipe.epochs:
            loop.train_epoch(should_stop)
            loop.finish_epoch()
        return loop.finish()


class _Loop:
    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        train_feed: Feed,
        validation_feed: Feed | None,
        run: Path,
        seed: int,
        train_on: str,
        device: torch.device,
        report: Reporter,
    ) -> None:
        self.recipe, self.dataset, self.run, self.seed, self.device = recipe, dataset, run, seed, device
        self.train_feed, self.validation_feed, self.train_on = train_feed, validation_feed, train_on
        self.report = report
        self.state = TrainingState()
        torch.manual_seed(seed)
        self.network = models.build(recipe.architecture, len(dataset.classes), recipe.options).to(device)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        # What is judged and kept: the same network with the averaged weights, loaded when an epoch ends.
        self.judged = models.build(recipe.architecture, len(dataset.classes), recipe.options).to(device).eval()
        self.optimizer = _optimizer(recipe, self.network)
        self.targets = SoftTargets(len(dataset.classes), recipe.label_smoothing, recipe.confusion, device)
        self.precision = torch.bfloat16 if has_bfloat16(device) else torch.float32
        self.steps_per_epoch = math.ceil(len(train_feed) / recipe.batch_size)

    # --- an epoch -------------------------------------------------------------------------------

    def train_epoch(self, should_stop: Callable[[], bool]) -> None:
        """Train on the batches of the current epoch that are still to come."""
        state, recipe = self.state, self.recipe
        epoch = state.epoch + 1
        rows = shuffled_rows(len(self.train_feed), seed=self.seed, epoch=epoch)
        stage = Stage(self.report, f"train epoch {epoch}/{recipe.epochs}", total=len(rows), done=state.tally.count)
        began = time.monotonic() - state.seconds
        for batch in batches(self.train_feed, rows, recipe.batch_size, epoch=epoch, first=state.batch):
            loss = self.train_batch(batch)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss became {loss} in epoch {epoch}, batch {state.batch + 1}: try a lower learning rate "
                    f"than {recipe.learning_rate:g}; run {self.run.name} keeps its last checkpoint"
                )
            state.batch += 1
            state.step += 1
            state.seconds = time.monotonic() - began
            stage.at(state.tally.count)
            if should_stop():
                self.save_checkpoint()
                stage.say(f"stopped after batch {state.batch} of {self.steps_per_epoch}")
                raise Stopped(
                    f"stopped in epoch {epoch} after batch {state.batch} of {self.steps_per_epoch}; go on with "
                    f"`python -m extexify train --run {self.run.name} --resume`"
                )

    def train_batch(self, batch: Batch) -> float:
        """One step of the optimizer; returns the batch's loss."""
        recipe, state = self.recipe, self.state
        # Dropout's random numbers depend on the step alone, so that a resumed run draws the same.
        torch.manual_seed(hash((self.seed, state.step)) & 0x7FFFFFFF)
        rate = learning_rate(recipe, state.step, self.steps_per_epoch * recipe.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        inputs, labels = self.to_device(batch)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            heads = self.network.heads(*inputs)
        losses = [self.targets.loss(head.float(), labels) for head in heads]
        logits, loss = heads[0].float(), losses[0]
        if recipe.auxiliary and len(losses) > 1:
            loss = loss + recipe.auxiliary * torch.stack(losses[1:]).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        self.update_average()
        self.targets.learn(logits.detach(), labels)
        state.tally.add(losses[0], logits, labels)
        return float(loss.detach())

    def to_device(self, batch: Batch) -> tuple[tuple[Tensor, ...], Tensor]:
        """A batch as what the network reads, on the device."""
        seen, labels = batch
        inputs = models.to_inputs(seen, self.network, self.device)
        return inputs, torch.from_numpy(labels).to(self.device, non_blocking=True)

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the weight average towards the weights; early steps count more, so that it forgets the start."""
        decay = min(self.recipe.averaging, (1 + self.state.step) / (10 + self.state.step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point() and self.recipe.averaging:
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def finish_epoch(self) -> None:
        """Judge the epoch on validation, keep the model if it is the best, write metrics and a checkpoint."""
        state = self.state
        state.epoch += 1
        self.judged.load_state_dict(self.average)
        validation = self.validate() if self.validation_feed else None
        entry = {
            "epoch": state.epoch,
            "train": state.tally.figures(),
            "validation": validation,
            "learning_rate": learning_rate(self.recipe, state.step - 1, self.steps_per_epoch * self.recipe.epochs),
            "seconds": round(state.seconds, 2),
            "drawings_per_second": round(state.tally.count / max(state.seconds, 1e-9), 1),
        }
        # With nothing held out, no epoch is known to be better than the last one.
        top5 = validation["top5"] if validation else state.best_top5
        if top5 > state.best_top5 or validation is None:
            state.best_top5, state.best_epoch = top5, state.epoch
            self.write_best(validation)
        with (self.run / "metrics.jsonl").open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")
        state.batch, state.tally, state.seconds = 0, Tally(), 0.0
        self.save_checkpoint()
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=state.epoch)
        stage.say(_epoch_line(entry, self.recipe.epochs), **entry)

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Loss, top-1 and top-5 of the averaged weights on the validation split."""
        tally = Tally()
        for inputs, labels in self.validation_batches():
            logits = self.judge(inputs)
            tally.add(F.cross_entropy(logits, labels), logits, labels)
        return tally.figures()

    def validation_batches(self) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        assert self.validation_feed is not None
        rows = np.arange(len(self.validation_feed))
        stage = Stage(self.report, f"validate epoch {self.state.epoch}/{self.recipe.epochs}", total=len(rows))
        for batch in batches(self.validation_feed, rows, self.recipe.batch_size, epoch=0):
            yield self.to_device(batch)
            stage.advance(len(batch[1]))

    def judge(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Logits float32 (B, classes) of the averaged weights."""
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            return self.judged(*inputs).float()

    # --- files ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Make the run folder and note what was asked."""
        self.run.mkdir(parents=True, exist_ok=True)
        write_json(self.run / "run.json", self.asked())

    def asked(self) -> dict[str, Any]:
        """What was asked: recipe, seed, data."""
        return {
            "recipe": self.recipe.to_json(),
            "seed": self.seed,
            **({"train_on": self.train_on} if self.train_on != "train" else {}),
            # By content and not by path: a dataset may be moved, and a model that is passed on tells no paths.
            "dataset": {"content_hash": self.dataset.content_hash},
        }

    def write_best(self, validation: dict[str, float] | None) -> None:
        """Write the model file of the epoch that is the best so far."""
        description = ModelDescription(
            name=self.run.name,
            architecture=self.recipe.architecture,
            options=self.recipe.options,
            classes=self.dataset.classes,
            raster=self.recipe.raster,
            sequence=self.recipe.sequence,
            temperature=self.fit_temperature() if validation else self.recipe.temperature,
            metrics={"validation": validation} if validation else {},
            training={**self.asked(), "run": self.run.name, "epoch": self.state.epoch},
        )
        write_model(self.run / "model.safetensors", description, self.average)

    @torch.inference_mode()
    def fit_temperature(self) -> float:
        """The temperature that makes validation most likely (Guo et al., ICML 2017), on up to 4096 drawings."""
        parts: list[tuple[Tensor, Tensor]] = []
        for inputs, labels in self.validation_batches():
            parts.append((self.judge(inputs), labels))
            if sum(len(part[1]) for part in parts) >= 4096:
                break
        logits, labels = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
        return fit_temperature(logits, labels)

    def save_checkpoint(self) -> None:
        """Write all that going on needs."""
        save_checkpoint(
            self.run / CHECKPOINT, self.state, self.network, self.average, self.optimizer, self.targets.answers
        )

    def restore(self) -> None:
        """Take up the run's checkpoint. Raises `StorageError` unless it belongs to this recipe, seed and dataset."""
        asked = read_json(self.run / "run.json")
        if asked != orjson.loads(orjson.dumps(self.asked())):
            raise StorageError(f"run {self.run.name} was begun with other settings or another dataset: start a new run")
        # Without a checkpoint the run was stopped before its first one: it begins from the start.
        if (self.run / CHECKPOINT).exists():
            self.state = restore_checkpoint(
                self.run / CHECKPOINT, self.network, self.average, self.optimizer, self.targets.answers
            )
        self.forget_later_metrics()

    def forget_later_metrics(self) -> None:
        """Drop the metrics of epochs after the checkpoint (the process died between writing the two)."""
        path = self.run / "metrics.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        kept = [line for line in lines if line.endswith(b"\n") and orjson.loads(line)["epoch"] <= self.state.epoch]
        with atomic_file(path) as temporary:
            temporary.write_bytes(b"".join(kept))

    def finish(self) -> Path:
        """Say how it went and return the model file."""
        state = self.state
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=state.epoch)
        kept = f"best epoch {state.best_epoch}: validation top-5 {state.best_top5:.2%}"
        stage.finish(kept if self.validation_feed else f"trained on {self.train_on}: the last epoch is kept")
        return self.run / "model.safetensors"


def recipe_of_run(run: Path) -> tuple[Recipe, int]:
    """The recipe and the seed that a run was begun with. Raises `StorageError` when there is no such run."""
    if not (run / "run.json").exists():
        raise StorageError(f"there is no run {run.name} in {run.parent} to go on with")
    asked = read_json(run / "run.json")
    try:
        return Recipe.from_json(asked["recipe"]), int(asked["seed"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{run / 'run.json'} is damaged ({error}): start a new run") from None


def splits_of_run(run: Path) -> str:
    """The splits that a run is trained on, as `Dataset.indices` reads them."""
    asked: Any = read_json(run / "run.json")
    return str(asked.get("train_on", "train"))


def publish(model: Path, models_folder: Path, name: str) -> Path:
    """Copy a run's model to the models folder under `name`, atomically; the app finds it there."""
    target = models_folder / f"{name}.safetensors"
    with atomic_file(target) as temporary:
        shutil.copyfile(model, temporary)
    return target


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step: constant, or one cycle, a cosine up to the peak and one down to nothing
    (Smith & Topin, 2019; start at 1/25 of the peak)."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    warmup = recipe.warmup * steps
    if step < warmup:
        return recipe.learning_rate * (1 / 25 + (1 - 1 / 25) * _ease(step / warmup))
    return recipe.learning_rate * (1 - _ease((step - warmup) / max(steps - warmup, 1)))


def _ease(part: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(part, 1.0))


def _optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    # Decaying biases and normalisation gains towards nothing only hurts.
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _epoch_line(entry: dict[str, Any], epochs: int) -> str:
    judged = ", ".join(
        f"{split} loss {entry[split]['loss']:.3f} top-1 {entry[split]['top1']:.1%} top-5 {entry[split]['top5']:.1%}"
        for split in ("train", "validation")
        if entry[split]
    )
    return f"epoch {entry['epoch']}/{epochs}: {judged} ({entry['drawings_per_second']:,.0f} drawings/s)"


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGTERM or Ctrl-C came; a second Ctrl-C interrupts at once."""
    import signal

    asked = False

    def ask(number: int, _: object) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
