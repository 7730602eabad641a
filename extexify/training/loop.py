"""The training loop: epochs of steps, validation, checkpoints, and resuming.

    python -m extexify train --recipe default --run first                     on one device
    python -m extexify train --run first --resume                             continue after a stop
    python -m extexify train --processes 4                                    four processes, or GPUs, of a machine
    torchrun --nnodes=2 --nproc-per-node=gpu … -m -- extexify train           all GPUs of two machines

Everything random is a function of (seed, epoch, sample): on a CPU, two trainings in one process with the same seed give
the same metrics, and a resumed training ends exactly like an uninterrupted one.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from extexify.core.progress import Reporter, Stage, Stopped, quiet
from extexify.evaluation.calibration import calibration_rows, fit_calibration, fit_undrawn_shift
from extexify.model import networks
from extexify.model.description import ModelDescription
from extexify.model.network import Network
from extexify.model.weights import write_weights
from extexify.training import distributed
from extexify.training.checkpoints import Tally, TrainingState, read_checkpoint, restore_checkpoint, save_checkpoint
from extexify.training.devices import has_bfloat16, pick_device
from extexify.training.distributed import CollectiveError, LostProcess
from extexify.training.loader import WHOLE, Batch, BatchDataset, Labelled, Shard, batches, shuffled_rows
from extexify.training.objective import (
    COHORT_TOP,
    average_weights,
    class_shift,
    cohort_shift,
    look_alikes,
    make_optimizer,
    make_schedule,
    objective,
    undrawn_classes,
)
from extexify.training.recipes import Recipe
from extexify.training.runs import RunConfig, RunFiles
from extexify.training.tensorboard import EventWriter
from extexify.workspace.files import StorageError, holds_files, writer_lock

COHORT = 5_000
"""Real training drawings by which classes without any are shifted, at most."""

CALIBRATION_DRAWINGS = 4096
"""Validation drawings that temperature and rejection threshold are fitted to, whenever an epoch is the best so far."""


class TrainingError(CollectiveError):
    """A training that can't continue; the message is one sentence that says why and what to try."""


def train(
    recipe: Recipe,
    dataset: Labelled,
    train_data: BatchDataset,
    validation_data: BatchDataset | None,
    run: Path,
    *,
    seed: int = 0,
    train_on: str = "train",
    device: str = "auto",
    resume: bool = False,
    report: Reporter = quiet,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train by `recipe` in the folder `run` and return the file of weights of the epoch with the best validation top-5.

    Without `validation_data` the model is that of the last epoch, with the recipe's temperature and rejection
    threshold. `train_on` names the splits in `train_data`, for the run's records. `should_stop` is called after every
    batch. With `resume` the run continues from its checkpoint, also to more epochs than it was begun for.

    In a process group (see `distributed.process_group`) every process calls this with the same arguments and takes a
    shard of every batch.

    Raises `Stopped` after a stop and `LostProcess` if another process is lost (rank 0 writes a checkpoint as of the
    last completed batch for either), `TrainingError` if the loss isn't finite or the processes read
    different datasets, and `StorageError` if the run exists already, is in use, or can't be resumed.
    """
    torch_device = pick_device(device, distributed.local_rank())
    is_rank_0 = distributed.rank() == 0
    with writer_lock(run, "run") if is_rank_0 else nullcontext(), distributed.lost_processes_explained():
        trainer = _Trainer(
            recipe, dataset, train_data, validation_data, run, seed, train_on, torch_device, report, should_stop
        )
        if resume:
            trainer.restore()
        elif is_rank_0 and holds_files(run):
            raise StorageError(f"run {run.name} exists already: resume it with --resume, or choose another name")
        elif is_rank_0:
            trainer.files.begin(trainer.config())
        try:
            with closing(trainer.events), distributed.lost_processes_explained():
                while trainer.state.epoch < recipe.epochs:
                    trainer.train_epoch()
                    trainer.finish_epoch()
        except LostProcess as lost:
            raise trainer.save_after(lost) from None
        return trainer.finish()


class _Heads(nn.Module):
    """A network whose forward pass returns the logits of all its heads, the whole network's first."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.network.heads(*inputs)


class _BatchLog:
    """Adds lines to a run's `batches.jsonl`: the means over an epoch's batches since the line before."""

    SECONDS = 2.0
    """Least time between two lines."""

    LINES = 250
    """Most lines of an epoch."""

    def __init__(self, files: RunFiles, state: TrainingState, batches: int) -> None:
        """`batches` is the number of batches of the epoch that `state` is in."""
        self.files, self.state, self.batches = files, state, batches
        self._begin()

    def _begin(self) -> None:
        self.batch, self.tally, self.began = self.state.batch, replace(self.state.tally), time.monotonic()

    def add(self) -> None:
        """Add a line after a batch, if it is time for one."""
        batch, seconds = self.state.batch, time.monotonic() - self.began
        if seconds < self.SECONDS or (batch - self.batch) * self.LINES < self.batches:
            return
        tally = self.state.tally.since(self.tally)
        self.files.add_batches(
            {
                "epoch": self.state.epoch + 1,
                "batch": batch,
                "batches": self.batches,
                "train": tally.metrics(),
                "drawings_per_second": round(tally.count / max(seconds, 1e-9), 1),
            }
        )
        self._begin()


class _Trainer:
    def __init__(
        self,
        recipe: Recipe,
        dataset: Labelled,
        train_data: BatchDataset,
        validation_data: BatchDataset | None,
        run: Path,
        seed: int,
        train_on: str,
        device: torch.device,
        report: Reporter,
        should_stop: Callable[[], bool],
    ) -> None:
        self.recipe, self.dataset, self.run, self.seed, self.device = recipe, dataset, run, seed, device
        self.files, self.events, self.state = RunFiles(run), EventWriter(run), TrainingState()
        self.train_data, self.validation_data, self.train_on = train_data, validation_data, train_on
        self.report, self.should_stop = report, should_stop
        self.rank, self.shard = distributed.rank(), distributed.shard()
        if distributed.any_process(distributed.broadcast_json(dataset.content_hash) != dataset.content_hash):
            raise TrainingError(
                "the processes of this training read different datasets: copy that of the first one to all machines"
            )
        torch.manual_seed(seed)
        self.network = networks.build(recipe.architecture, len(dataset.classes), recipe.options).to(device)
        self.model = distributed.data_parallel(_Heads(self.network), device)
        self.average = average_weights(self.network, recipe.averaging) if recipe.averaging else None
        # What is validated and written: the averaged weights, with the class shift.
        self.evaluated = copy.deepcopy(self.network).eval()
        self.steps_per_epoch = math.ceil(len(train_data) / recipe.batch_size)
        self.optimizer = make_optimizer(recipe, self.network)
        self.schedule = make_schedule(recipe, self.optimizer, self.steps_per_epoch * recipe.epochs)
        self.class_shift = torch.from_numpy(class_shift(recipe, train_data, dataset.classes)).to(device)
        self.look_alikes = look_alikes(dataset.classes, train_data.labels).to(device)
        self.undrawn = undrawn_classes(train_data, len(dataset.classes))
        self.undrawn_shift = recipe.undrawn_shift
        self.precision = torch.bfloat16 if has_bfloat16(device) else torch.float32

    # --- an epoch -------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The current epoch, from 1."""
        return self.state.epoch + 1

    def train_epoch(self) -> None:
        """Train on the remaining batches of the current epoch."""
        state, recipe, epoch = self.state, self.recipe, self.epoch
        rows = shuffled_rows(len(self.train_data), seed=self.seed, epoch=epoch)
        data = self.train_data.with_inputs(*recipe.inputs_at(epoch))
        stage = Stage(self.report, f"train epoch {epoch}/{recipe.epochs}", total=len(rows), done=state.tally.count)
        began = time.monotonic() - state.seconds
        log = _BatchLog(self.files, state, self.steps_per_epoch)
        for batch in batches(data, rows, recipe.batch_size, epoch=epoch, first=state.batch, shard=self.shard):
            stop = self.train_step(batch)
            state.batch += 1
            state.step += 1
            state.seconds = time.monotonic() - began
            stage.at(state.tally.count)
            if self.rank == 0:
                log.add()
            if stop:
                self.stop(stage)

    def train_step(self, batch: Batch) -> bool:
        """One step of the optimizer, taken by all processes together; returns whether one of them is to stop."""
        recipe, state = self.recipe, self.state
        # The random numbers of dropout depend on step and rank alone: a resumed run draws the same.
        torch.manual_seed((hash((self.seed, state.step)) + self.rank) & 0x7FFFFFFF)
        inputs, labels = self.to_device(batch)
        self.network.train()
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            heads = self.model(*inputs)

        logits = heads[0].float()
        losses = torch.stack([objective(head.float(), labels, recipe, self.look_alikes) for head in heads])
        loss = losses[0] + recipe.auxiliary * losses[1:].mean() if len(losses) > 1 else losses[0]
        # The mean over the batch: the processes have a shard of it each, and DDP averages their gradients.
        loss = loss * (0 if batch.is_padding else self.shard.count / batch.size)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()

        measured = torch.cat([_measure(logits.detach()[: len(labels)], labels), losses.detach()[:1]])
        own = torch.zeros_like(measured) if batch.is_padding else measured
        count, nll, top1, top5, objective_sum, stops = distributed.sums([*own.tolist(), self.wants_stop()])
        if not math.isfinite(objective_sum):
            raise TrainingError(
                f"the loss became {objective_sum} in epoch {self.epoch}, batch {state.batch + 1}: try a lower learning "
                f"rate than {recipe.learning_rate:g}; run {self.run.name} keeps its last checkpoint"
            )
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        state.tally.add(count, nll, top1, top5, objective_sum, batch.size)
        return stops > 0

    def finish_epoch(self) -> None:
        """Validate the epoch, write its model if it is the best so far, its metrics, and a checkpoint."""
        state, epoch = self.state, self.epoch
        source = self.network if self.average is None else self.average.module
        self.evaluated.load_state_dict(source.state_dict())
        distributed.broadcast_buffers(self.evaluated)
        self.evaluated.shift(self.class_shift)
        if len(self.undrawn):
            self.shift_undrawn()
        validation = self.validate() if self.validation_data else None
        entry = {
            "epoch": epoch,
            "train": state.tally.metrics(),
            "validation": validation,
            "learning_rate": self.schedule.get_last_lr()[0],
            "seconds": round(state.seconds, 2),
            "drawings_per_second": round(state.tally.count / max(state.seconds, 1e-9), 1),
        }
        # Without validation the last epoch counts as the best.
        top5 = validation["top5"] if validation else state.best_top5
        if top5 > state.best_top5 or validation is None:
            state.best_top5, state.best_epoch = top5, epoch
            if self.rank == 0:
                self.write_best(validation)
        if self.rank == 0:
            self.files.add_epoch(entry)
            self.events.add_epoch(entry)
        state.epoch, state.batch, state.tally, state.seconds = epoch, 0, Tally(), 0.0
        self.save_checkpoint()
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=state.epoch)
        stage.log(_epoch_line(entry, self.recipe.epochs), **entry)

    def shift_undrawn(self) -> None:
        """Shift the logits of symbols without real drawings: each by its cohort, and all of them as far as validation
        drawings of the others allow."""
        undrawn = torch.from_numpy(self.undrawn).to(self.device)

        def shift(by: Any) -> None:
            shifts = torch.zeros_like(self.class_shift)
            shifts[undrawn] = torch.as_tensor(by, dtype=shifts.dtype, device=self.device)
            self.evaluated.shift(shifts)

        shift(distributed.broadcast_json(self.cohort(undrawn) if self.rank == 0 else None))
        if self.validation_data:
            fitted = self.recipe.undrawn_shift
            if self.rank == 0:
                fitted = fit_undrawn_shift(*self.calibration(), self.undrawn, self.recipe.undrawn_loss)
            self.undrawn_shift = distributed.broadcast_json(fitted)
        shift(self.undrawn_shift)

    @torch.inference_mode()
    def cohort(self, undrawn: Tensor) -> list[float]:
        """The `cohort_shift` of classes without real drawings, by `COHORT` real training drawings."""
        real = self.train_data.labels[: len(self.train_data) - self.train_data.starters]
        highest = torch.empty(0, len(undrawn), device=self.device)
        for _, logits, labels in self.evaluate(self.train_data, calibration_rows(real, COHORT), epoch=self.epoch):
            found = torch.cat([highest, logits[: len(labels), undrawn]])
            highest = found.topk(min(COHORT_TOP, len(found)), 0).values
        shifts: list[float] = cohort_shift(highest).tolist()
        return shifts

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Loss, top-1 and top-5 of the averaged weights on the validation split."""
        assert self.validation_data is not None
        tally, total = Tally(), len(self.validation_data)
        stage = Stage(self.report, f"validate epoch {self.epoch}/{self.recipe.epochs}", total=total)
        for batch, logits, labels in self.evaluate(self.validation_data, np.arange(total), self.shard):
            own = [0.0] * 4 if batch.is_padding else _measure(logits, labels).tolist()
            *sums, stops = distributed.sums([*own, self.wants_stop()])
            tally.add(*sums)
            stage.at(tally.count)
            if stops:
                self.stop(stage)
        return tally.metrics()

    def evaluate(
        self, data: BatchDataset, rows: NDArray[np.int64], shard: Shard = WHOLE, *, epoch: int = 0
    ) -> Iterator[tuple[Batch, Tensor, Tensor]]:
        """Batches of drawings of an epoch with their logits float32 (B, classes) and labels (B,)."""
        data = data.with_inputs(*self.recipe.inputs_at(self.epoch))
        for batch in batches(data, rows, self.recipe.batch_size, epoch=epoch, shard=shard):
            inputs, labels = self.to_device(batch)
            with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
                logits = self.evaluated(*inputs).float()
            yield batch, logits, labels

    def to_device(self, batch: Batch) -> tuple[tuple[Tensor, ...], Tensor]:
        """A batch's inputs, as the network reads them, and labels, on the device."""
        inputs = networks.to_tensors(batch.inputs, self.network, self.device)
        return inputs, torch.from_numpy(batch.labels).to(self.device, non_blocking=True)

    # --- stopping -------------------------------------------------------------------------------

    def wants_stop(self) -> bool:
        return self.should_stop() or distributed.launcher_has_ended()

    def stop(self, stage: Stage) -> None:
        """Write a checkpoint and raise `Stopped`."""
        self.save_checkpoint()
        stage.log(f"stopped after batch {self.state.batch} of {self.steps_per_epoch}")
        raise Stopped(f"stopped in {self.position()}; resume with `{self.resume_command()}`")

    def save_after(self, lost: LostProcess) -> LostProcess:
        """Write a checkpoint as of the last completed batch; returns the error to raise."""
        self.save_checkpoint()
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=self.state.epoch)
        stage.log(f"a process was lost: saved in {self.position()}")
        return LostProcess(
            f"{lost}; run {self.run.name} is saved in {self.position()}: resume with `{self.resume_command()}`"
        )

    def position(self) -> str:
        return f"epoch {self.epoch} after batch {self.state.batch} of {self.steps_per_epoch}"

    def resume_command(self) -> str:
        return f"python -m extexify train --run {self.run.name} --resume"

    # --- files ----------------------------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """The content of `run.json`."""
        return {
            "recipe": self.recipe.to_json(),
            "seed": self.seed,
            **({"train_on": self.train_on} if self.train_on != "train" else {}),
            # By content, not by path: a dataset may be moved, and a model that is passed on must not reveal paths.
            "dataset": {"content_hash": self.dataset.content_hash},
        }

    def write_best(self, validation: dict[str, float] | None) -> None:
        """Write the weights of the current epoch, with all that a model of them needs to know."""
        raster, sequence = self.recipe.inputs_at(self.epoch)
        temperature, threshold = self.recipe.temperature, self.recipe.rejection_threshold
        if validation:
            temperature, threshold = fit_calibration(*self.calibration())
        description = ModelDescription(
            name=self.run.name,
            architecture=self.recipe.architecture,
            options=self.recipe.options,
            classes=self.dataset.classes,
            undrawn=tuple(self.undrawn.tolist()),
            raster=raster,
            sequence=sequence,
            temperature=temperature,
            rejection_threshold=threshold,
            metrics={"validation": validation} if validation else {},
            training={
                **self.config(),
                "run": self.run.name,
                "epoch": self.epoch,
                **({"undrawn_shift": self.undrawn_shift} if len(self.undrawn) else {}),
            },
        )
        write_weights(self.files.best, description, self.evaluated.state_dict())

    @torch.inference_mode()
    def calibration(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Logits of the weights to write, and labels, of validation drawings of all classes."""
        assert self.validation_data is not None
        rows = calibration_rows(self.validation_data.labels, CALIBRATION_DRAWINGS)
        parts = [(logits, labels) for _, logits, labels in self.evaluate(self.validation_data, rows)]
        logits, labels = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        return logits, labels

    def save_checkpoint(self) -> None:
        if self.rank == 0:
            save_checkpoint(self.files.checkpoint, self.state, self.network, self.average, self.optimizer)

    def restore(self) -> None:
        """Load the run's checkpoint. Raises `StorageError` unless it belongs to this recipe, seed and dataset.

        Only the number of epochs may have become larger; the schedule is then that of the new number.
        """
        path = self.files.checkpoint
        if self.rank == 0:
            self.files.resume(RunConfig(self.recipe, self.seed, self.train_on, self.dataset.content_hash))
        # A run that was stopped before its first checkpoint begins anew.
        if distributed.broadcast_json(path.exists()):
            content = distributed.broadcast_bytes(lambda: read_checkpoint(path))
            self.state = restore_checkpoint(path, self.network, self.average, self.optimizer, content)
            steps = self.steps_per_epoch * self.recipe.epochs
            self.schedule = make_schedule(self.recipe, self.optimizer, steps, done=self.state.step)
        if self.rank == 0:
            self.files.drop_after(self.state.epoch, self.state.batch)

    def finish(self) -> Path:
        """Report the end of the training; returns the file of the best weights."""
        state = self.state
        stage = Stage(self.report, "train", total=self.recipe.epochs, unit="epochs", done=state.epoch)
        best = f"best epoch {state.best_epoch}: validation top-5 {state.best_top5:.2%}"
        stage.finish(
            best if self.validation_data else f"trained on {self.train_on}: the model is that of the last epoch"
        )
        return self.files.best


def _measure(logits: Tensor, labels: Tensor) -> Tensor:
    """Sums over B drawings, float32 (4,): their number, cross entropy, right at rank 1, right within rank 5."""
    right = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
    loss = F.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([loss.new_tensor(len(labels)), loss, right[:, 0].sum().float(), right.sum().float()])


def _epoch_line(entry: dict[str, Any], epochs: int) -> str:
    splits = ", ".join(
        f"{split} loss {entry[split]['loss']:.3f} top-1 {entry[split]['top1']:.1%} top-5 {entry[split]['top5']:.1%}"
        for split in ("train", "validation")
        if entry[split]
    )
    return f"epoch {entry['epoch']}/{epochs}: {splits} ({entry['drawings_per_second']:,.0f} drawings/s)"
