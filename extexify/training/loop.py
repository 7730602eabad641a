"""Train a network: the loop, its metrics, checkpoints and going on after a stop.

    python -m extexify train --recipe default --run first                     on one device
    python -m extexify train --run first --resume                             going on after a stop
    python -m extexify train --processes 4                                    four processes, or GPUs, of a machine
    torchrun --nnodes=2 --nproc-per-node=gpu … -m -- extexify train           all GPUs of two machines

A run's files are `extexify.training.run_files`'; several processes that train together are a `Team`
(`extexify.training.distributed`).

Everything random is a function of (seed, epoch, sample), so a training that was stopped anywhere ends
like one that was not, and on a CPU two trainings with one seed give the same metrics.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from extexify.core.errors import UserError
from extexify.core.progress import Reporter, Stage, Stopped, quiet
from extexify.dataset.dataset import Dataset
from extexify.evaluation.calibration import calibration_rows, fit_calibration
from extexify.model import networks
from extexify.model.file import ModelDescription, write_model
from extexify.training.checkpoints import Tally, TrainingState, read_checkpoint, restore_checkpoint, save_checkpoint
from extexify.training.devices import has_bfloat16, keep_freed_memory, pick_device
from extexify.training.distributed import ALONE, LostProcess, Team
from extexify.training.loader import Batch, Feed, Share, batches, everything, shuffled_rows
from extexify.training.objective import class_shift, learning_rate, look_alikes, loss_of, make_optimizer
from extexify.training.recipes import Recipe
from extexify.training.run_files import RunFiles
from extexify.workspace.files import StorageError, holds_files, writer_lock

CALIBRATION_DRAWINGS = 4096
"""Validation drawings that temperature and rejection threshold are fitted to, whenever an epoch is the best so far."""


class TrainingError(UserError, RuntimeError):
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
    team: Team = ALONE,
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train by `recipe` in the folder `run` and return the model file of the epoch with the best validation top-5.

    Without a `validation_feed` nothing is held out: the model is that of the last epoch, with the recipe's
    temperature. `train_on` names the splits that the train feed has, for the run's records.
    `should_stop` is asked after every batch, in every process. With `resume` the run goes on from its checkpoint.
    Each process of a `team` calls this with the same arguments (`run` and `resume` are the leader's matter) and has its
    share of every batch; what comes of it doesn't depend on their number, but for rounding, dropout and the statistics
    of batch norm, which each takes from its own share.
    Raises `Stopped` after a stop and `LostProcess` when another process is gone (either leaves a checkpoint as of the
    last batch), `TrainingError` when the loss is no number any more, `StorageError` when the run exists already, is in
    use, or can't be resumed.
    """
    torch_device = pick_device(device, team.local_rank)
    keep_freed_memory()
    with writer_lock(run, "run") if team.leads else nullcontext():
        loop = _Loop(recipe, dataset, train_feed, validation_feed, run, seed, train_on, torch_device, team, report)
        loop.check_data()
        if team.agree(resume):
            loop.restore()
        elif team.leads and holds_files(run):
            raise StorageError(f"run {run.name} exists already: go on with --resume, or choose another name")
        elif team.leads:
            loop.files.begin(loop.asked())
        # One screen: an epoch is its batches, a look at validation, a line of metrics, a checkpoint.
        try:
            while loop.state.epoch < recipe.epochs:
                loop.train_epoch(should_stop)
                loop.finish_epoch()
        except LostProcess as lost:
            raise loop.keep_after(lost) from None
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
        team: Team,
        report: Reporter,
    ) -> None:
        self.recipe, self.dataset, self.run, self.seed, self.device = recipe, dataset, run, seed, device
        self.files = RunFiles(run)
        self.train_feed, self.validation_feed, self.train_on = train_feed, validation_feed, train_on
        self.team, self.report = team, report
        self.state = TrainingState()
        torch.manual_seed(seed)
        self.network = networks.build(recipe.architecture, len(dataset.classes), recipe.options).to(device)
        # Empty without averaging: the network's own weights count then.
        self.average = {name: value.clone() for name, value in self.network.state_dict().items() if recipe.averaging}
        # What is judged and kept: the same network with the averaged weights, loaded when an epoch ends.
        self.judged = networks.build(recipe.architecture, len(dataset.classes), recipe.options).to(device).eval()
        self.optimizer = make_optimizer(recipe, self.network)
        self.shift = torch.from_numpy(class_shift(recipe, train_feed.labels, len(dataset.classes))).to(device)
        self.alike = look_alikes(dataset.classes, train_feed.labels).to(device)
        self.precision = torch.bfloat16 if has_bfloat16(device) else torch.float32
        self.steps_per_epoch = math.ceil(len(train_feed) / recipe.batch_size)

    # --- an epoch -------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The epoch that is at work, from 1."""
        return self.state.epoch + 1

    def train_epoch(self, should_stop: Callable[[], bool]) -> None:
        """Train on the batches of the current epoch that are still to come."""
        state, recipe, epoch = self.state, self.recipe, self.epoch
        rows = shuffled_rows(len(self.train_feed), seed=self.seed, epoch=epoch)
        stage = Stage(self.report, f"train epoch {epoch}/{recipe.epochs}", total=len(rows), done=state.tally.count)
        began = time.monotonic() - state.seconds
        raster, sequence = recipe.at(epoch)
        feed = self.train_feed.seen_as(raster, sequence)
        for batch in batches(feed, rows, recipe.batch_size, epoch=epoch, first=state.batch, share=self.team.share):
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
            if self.team.any(should_stop()):
                self.merge_statistics()
                self.save_checkpoint()
                stage.log(f"stopped after batch {state.batch} of {self.steps_per_epoch}")
                raise Stopped(
                    f"stopped in epoch {epoch} after batch {state.batch} of {self.steps_per_epoch}; go on with "
                    f"`{self.way_on()}`"
                )

    def train_batch(self, batch: Batch) -> float:
        """One step of the optimizer, which all processes take together; returns the loss of the whole batch."""
        recipe, state, team = self.recipe, self.state, self.team
        # Dropout's random numbers depend on the step and the process alone, so that a resumed run draws the same.
        torch.manual_seed((hash((self.seed, state.step)) + team.rank) & 0x7FFFFFFF)
        rate = learning_rate(recipe, state.step, self.steps_per_epoch * recipe.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        mine, loss, tally = self.learn(batch) if len(batch[1]) else (0, 0.0, Tally())
        count, total, *sums = team.total([mine, mine * loss, *astuple(tally)])
        team.merge_gradients(self.network.parameters(), mine / count)
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        self.update_average()
        state.tally.add_sums(*sums)
        return total / count

    def learn(self, batch: Batch) -> tuple[int, float, Tally]:
        """Gradients of a batch's mean loss; returns how many drawings that is the mean of, the loss, and the tally."""
        recipe = self.recipe
        inputs, labels = self.to_device(batch)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            heads = self.network.heads(*inputs)
        losses = [loss_of(head.float(), labels, recipe, self.alike) for head in heads]
        logits, loss = heads[0].float()[: len(labels)], losses[0]
        if recipe.auxiliary and len(losses) > 1:
            loss = loss + recipe.auxiliary * torch.stack(losses[1:]).mean()
        loss.backward()
        tally = Tally()
        tally.add(losses[0], logits, labels)
        return len(heads[0]), float(loss.detach()), tally

    def to_device(self, batch: Batch) -> tuple[tuple[Tensor, ...], Tensor]:
        """A batch as what the network reads, on the device."""
        inputs, labels = batch
        tensors = networks.to_tensors(inputs, self.network, self.device)
        return tensors, torch.from_numpy(labels).to(self.device, non_blocking=True)

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the weight average towards the weights; early steps count more, so that it forgets the start."""
        if not self.average:
            return
        decay = min(self.recipe.averaging, (1 + self.state.step) / (10 + self.state.step))
        pairs = [(self.average[name], value) for name, value in self.network.state_dict().items()]
        smooth = [pair for pair in pairs if pair[0].is_floating_point()]
        counts = [pair for pair in pairs if not pair[0].is_floating_point()]
        # All at once: one by one, a hundred small tensors take as long as a third of the optimizer's step.
        torch._foreach_lerp_([mean for mean, _ in smooth], [value for _, value in smooth], 1 - decay)
        for mean, value in counts:
            mean.copy_(value)

    def merge_statistics(self) -> None:
        """Have all processes hold the same running statistics of batch norm: the mean of what each has seen."""
        named = [(name, value) for name, value in self.network.named_buffers() if value.is_floating_point()]
        averages = [self.average[name] for name, _ in named] if self.recipe.averaging else []
        self.team.average([value for _, value in named] + averages)

    def finish_epoch(self) -> None:
        """Judge the epoch on validation, keep the model if it is the best, write metrics and a checkpoint."""
        state, epoch = self.state, self.epoch
        self.merge_statistics()
        self.judged.load_state_dict(self.average or self.network.state_dict())
        self.judged.shift(self.shift)
        validation = self.validate() if self.validation_feed else None
        entry = {
            "epoch": epoch,
            "train": state.tally.figures(),
            "validation": validation,
            "learning_rate": learning_rate(self.recipe, state.step - 1, self.steps_per_epoch * self.recipe.epochs),
            "seconds": round(state.seconds, 2),
            "drawings_per_second": round(state.tally.count / max(state.seconds, 1e-9), 1),
        }
        # With nothing held out, no epoch is known to be better than the last one.
        top5 = validation["top5"] if validation else state.best_top5
        if top5 > state.best_top5 or validation is None:
            state.best_top5, state.best_epoch = top5, epoch
            if self.team.leads:
                self.write_best(validation)
        if self.team.leads:
            self.files.add_metrics(entry)
        # Only now: until all have judged the epoch, a process that is lost must not take it away from the checkpoint.
        state.epoch, state.batch, state.tally, state.seconds = epoch, 0, Tally(), 0.0
        self.save_checkpoint()
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=state.epoch)
        stage.log(_epoch_line(entry, self.recipe.epochs), **entry)

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Loss, top-1 and top-5 of the averaged weights on the validation split."""
        own, tally = Tally(), Tally()
        for inputs, labels in self.validation_batches(self.team.share):
            if len(labels):
                logits = self.judge(inputs)
                own.add(F.cross_entropy(logits, labels), logits, labels)
        tally.add_sums(*self.team.total(astuple(own)))
        return tally.figures()

    def validation_batches(
        self, share: Share = everything, rows: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """Batches of the validation split, or of some of its rows."""
        assert self.validation_feed is not None
        feed, size = self.validation_feed.seen_as(*self.recipe.at(self.epoch)), self.recipe.batch_size
        rows = np.arange(len(feed)) if rows is None else rows
        stage = Stage(self.report, f"validate epoch {self.epoch}/{self.recipe.epochs}", total=len(rows))
        for number, batch in enumerate(batches(feed, rows, size, epoch=0, share=share), 1):
            yield self.to_device(batch)
            stage.at(min(number * size, len(rows)))

    def judge(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Logits float32 (B, classes) of the averaged weights."""
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            return self.judged(*inputs).float()

    # --- files ----------------------------------------------------------------------------------

    def check_data(self) -> None:
        """Raise `StorageError`, in all processes, unless all of them read the same dataset."""
        mine = self.dataset.content_hash
        if self.team.any(self.team.agree(mine) != mine):
            raise StorageError(
                "the processes of this training read different datasets: copy that of the first one to all machines"
            )

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
        raster, sequence = self.recipe.at(self.epoch)
        temperature, rejection_threshold = (
            self.calibrate() if validation else (self.recipe.temperature, self.recipe.doubt)
        )
        description = ModelDescription(
            name=self.run.name,
            architecture=self.recipe.architecture,
            options=self.recipe.options,
            classes=self.dataset.classes,
            raster=raster,
            sequence=sequence,
            temperature=temperature,
            rejection_threshold=rejection_threshold,
            metrics={"validation": validation} if validation else {},
            training={**self.asked(), "run": self.run.name, "epoch": self.epoch},
        )
        write_model(self.files.model, description, self.judged.state_dict())

    @torch.inference_mode()
    def calibrate(self) -> tuple[float, float]:
        """Temperature and rejection threshold of the averaged weights, fitted to validation drawings of all classes."""
        assert self.validation_feed is not None
        rows = calibration_rows(self.validation_feed.labels, CALIBRATION_DRAWINGS)
        batches = [(self.judge(inputs), labels) for inputs, labels in self.validation_batches(rows=rows)]
        logits, labels = (torch.cat(parts).cpu().numpy() for parts in zip(*batches, strict=True))
        return fit_calibration(logits, labels)

    def save_checkpoint(self) -> None:
        """Write all that going on needs."""
        if self.team.leads:
            save_checkpoint(self.files.checkpoint, self.state, self.network, self.average, self.optimizer)

    def keep_after(self, lost: LostProcess) -> LostProcess:
        """Write a checkpoint as of the last batch that all had, after another process was lost; returns what to say."""
        self.save_checkpoint()
        return LostProcess(
            f"{lost}; run {self.run.name} is kept as of epoch {self.epoch}, batch {self.state.batch} of "
            f"{self.steps_per_epoch}: go on with `{self.way_on()}`"
        )

    def way_on(self) -> str:
        return f"python -m extexify train --run {self.run.name} --resume"

    def restore(self) -> None:
        """Take up the run's checkpoint. Raises `StorageError` unless it belongs to this recipe, seed and dataset."""
        path, team = self.files.checkpoint, self.team
        if team.leads:
            self.files.check(self.asked())
        # Without a checkpoint the run was stopped before its first one: it begins from the start.
        if team.agree(path.exists()):
            content = team.hand_out(read_checkpoint(path) if team.leads else b"")
            self.state = restore_checkpoint(path, self.network, self.average, self.optimizer, content)
        if team.leads:
            self.files.forget_metrics_after(self.state.epoch)

    def finish(self) -> Path:
        """Say how it went and return the model file."""
        state = self.state
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=state.epoch)
        kept = f"best epoch {state.best_epoch}: validation top-5 {state.best_top5:.2%}"
        stage.finish(kept if self.validation_feed else f"trained on {self.train_on}: the last epoch is kept")
        return self.files.model


def _epoch_line(entry: dict[str, Any], epochs: int) -> str:
    judged = ", ".join(
        f"{split} loss {entry[split]['loss']:.3f} top-1 {entry[split]['top1']:.1%} top-5 {entry[split]['top5']:.1%}"
        for split in ("train", "validation")
        if entry[split]
    )
    return f"epoch {entry['epoch']}/{epochs}: {judged} ({entry['drawings_per_second']:,.0f} drawings/s)"
