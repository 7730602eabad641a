"""Targets: models, checkpoints, datasets, images and evaluations that somebody else made, or a broken disk."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.render import RenderedImages, render_dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import PRESETS, RasterSettings, rasterize
from extexify.drawing.resample import SequenceSettings, resample
from extexify.evaluation.records import Evaluation, list_evaluations, read_summary
from extexify.model.file import ModelDescription, ModelError, write_model
from extexify.sources.starter import StarterSource
from extexify.workspace.files import StorageError
from tools.fuzz.formats import hostile_npy, npy, safetensors
from tools.fuzz.hostile import changed, damaged, json_bytes, text, times
from tools.fuzz.target import Case, Fault, Target, check_sentence, check_text, put

_OPTIONS = {"channels": [4, 4], "blocks": [1, 1]}
_RASTER = RasterSettings(size=8)
_SYMBOLS = tuple(f"latex2e-OT1-_{name}" for name in ("alpha", "beta", "sum", "times"))


def _contents(folder: Path) -> Case:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- models --------------------------------------------------------------------------------------


@cache
def plain_model() -> tuple[dict[str, Any], dict[str, Any]]:
    """The description and the weights (numpy arrays) of a small network that reads pictures and sequences."""
    from extexify.model.networks import build

    options = {"picture": _OPTIONS, "sequence": _OPTIONS}
    description = ModelDescription(
        name="tiny", architecture="fused", options=options, classes=("a", "b", "é"), raster=_RASTER,
        metrics={"test": {"top1": 0.5, "top5": 0.9}}, training={"recipe": {"name": "default"}, "run": "x"},
        sequence=SequenceSettings(16),
    )  # fmt: skip
    weights = {name: tensor.numpy() for name, tensor in build("fused", 3, options).state_dict().items()}
    return description.to_json(), weights


def hostile_model(rng: Random) -> Case:
    """A model file, good or not."""
    description, weights = plain_model()
    if rng.random() < 0.6:
        description = times(rng, changed, description)
    written = json_bytes(rng, description).decode("utf-8", "replace")
    lies = rng if rng.random() < 0.4 else None
    return {"models/tiny.safetensors": safetensors(weights, {"extexify": written}, lies)}


def _read_model(case: Case, folder: Path) -> None:
    from extexify.model.classifier import Classifier
    from extexify.model.library import list_models

    put(case, folder)
    path = folder / "models" / "tiny.safetensors"
    for model in list_models():
        check_text(model.name, model.recipe, model.run, model.dataset_hash)
        json.dumps(model.to_json(), allow_nan=False).encode()
        if model.problem:
            check_sentence(model.problem)
    classifier = Classifier.load(path)
    check_text(classifier.name, *classifier.classes)
    for prediction in classifier.classify([np.array([[0, 0], [3, 4], [9, 1]], np.float32)]):
        if not 0 <= prediction.probability <= 1:
            raise Fault(f"a model answers with the probability {prediction.probability}")


def _make_added(rng: Random) -> Case:
    (content,) = hostile_model(rng).values()
    name = text(rng)[:100] + rng.choice((".safetensors", ".safetensors", ".safetensors", ""))
    return {"content": content, "name": name.encode("utf-8", "surrogatepass")}


def _read_added(case: Case, folder: Path) -> None:
    from extexify.model.library import add_model, list_models

    (folder / "models").mkdir()
    path = add_model(io.BytesIO(case["content"]), case["name"].decode("utf-8", "surrogatepass"))
    if path.parent != folder / "models" or [model.problem for model in list_models() if not model.shipped] != [""]:
        raise Fault("a model is added that can't be read")


# --- checkpoints ---------------------------------------------------------------------------------


@cache
def _training() -> tuple[Any, Any, Any, bytes]:
    """A network, its average and its optimizer, and the checkpoint of them."""
    import torch

    from extexify.model.networks import build
    from extexify.training.checkpoints import TrainingState, save_checkpoint

    network = build("original", 3, {"channels": [4, 4]})
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.zeros(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    average = {name: tensor.clone() for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        save_checkpoint(path, TrainingState(epoch=1), network, average, optimizer)
        return network, average, optimizer, path.read_bytes()


def _make_checkpoint(rng: Random) -> Case:
    written = _training()[-1]
    size = int.from_bytes(written[:8], "little")
    header, content = json.loads(written[8 : 8 + size]), written[8 + size :]
    if rng.random() < 0.5:
        state = json.loads(header["__metadata__"]["state"])
        header["__metadata__"]["state"] = json_bytes(rng, times(rng, changed, state)).decode("utf-8", "replace")
    elif rng.random() < 0.7:
        header = changed(rng, header)
    whole = json.dumps(header).encode()
    written = len(whole).to_bytes(8, "little") + whole + content
    return {"checkpoint.safetensors": damaged(rng, written) if rng.random() < 0.3 else written}


def _read_checkpoint(case: Case, folder: Path) -> None:
    from extexify.training.checkpoints import restore_checkpoint

    put(case, folder)
    state = restore_checkpoint(folder / "checkpoint.safetensors", *_training()[:-1])
    numbers = (
        state.epoch,
        state.batch,
        state.step,
        state.best_epoch,
        state.tally.count,
        state.tally.top1,
        state.tally.top5,
    )
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise Fault(f"a training goes on from {state}")
    figures = (state.seconds, state.best_top5, *state.tally.figures().values())
    if not all(type(figure) is float and np.isfinite(figure) for figure in map(float, figures)):
        raise Fault(f"a training goes on from {state}")


# --- folders of arrays ---------------------------------------------------------------------------


@cache
def _folders() -> tuple[Case, Case, Case]:
    """A dataset, its images and an evaluation on it, as files."""
    from extexify.evaluation.evaluate import evaluate_dataset
    from extexify.evaluation.records import EvaluationContext, save_evaluation
    from extexify.model.classifier import Classifier
    from extexify.model.networks import build

    with TemporaryDirectory() as name:
        folder = Path(name)
        dataset = export_dataset([StarterSource(_SYMBOLS, each=5)], folder / "dataset")
        render_dataset(dataset, _RASTER, folder / "images")
        description = ModelDescription("tiny", "residual", _OPTIONS, dataset.classes, _RASTER)
        path = folder / "tiny.safetensors"
        write_model(path, description, build("residual", len(dataset.classes), _OPTIONS).state_dict())
        classifier = Classifier.load(path)
        about = EvaluationContext("tiny", str(path), "0" * 32, 1.0, "test", (dataset.content_hash,))
        save_evaluation(
            folder / "evaluation",
            about,
            dataset.classes,
            lambda keep: evaluate_dataset(classifier, dataset, "all", sink=keep),
        )
        return _contents(folder / "dataset"), _contents(folder / "images"), _contents(folder / "evaluation")


def _hostile_folder(rng: Random, whole: Case, place: str) -> Case:
    files = dict(whole)
    manifest = json.loads(files["manifest.json"])
    if rng.random() < 0.6:
        files["manifest.json"] = json_bytes(rng, times(rng, changed, manifest))
    if rng.random() < 0.1 and "points.npy" in files:
        points = np.load(io.BytesIO(files["points.npy"]), allow_pickle=False)
        points[rng.randrange(len(points))] = rng.choice((np.nan, np.inf, -np.inf, 3e38))
        files["points.npy"] = npy(points)
    if rng.random() < 0.6:
        name = rng.choice([name for name in files if name.endswith(".npy")])
        files[name] = hostile_npy(rng, np.load(io.BytesIO(files[name]), allow_pickle=False))
    if rng.random() < 0.03:
        files.pop(rng.choice(tuple(files)))
    return {f"{place}/{name}": content for name, content in files.items()}


def _make_dataset(rng: Random) -> Case:
    return _hostile_folder(rng, _folders()[0], "dataset")


def _read_dataset(case: Case, folder: Path) -> None:
    from extexify.dataset.examples import examples_of
    from extexify.ui.export.dataset_report import _listed, _origin

    dataset = Dataset.open(put(case, folder) / "dataset")
    check_text(*dataset.classes, dataset.content_hash)
    some = dataset.drawings.take(np.arange(min(len(dataset), 20)))
    for preset in PRESETS.values():
        rasterize(some, preset, threads=1)
    if not np.isfinite(resample(some, SequenceSettings(16))).all() and np.isfinite(some.points).all():
        raise Fault("a resampled point is no number")
    examples_of(dataset, dataset.classes[0], 5)
    # What the Export page says of it.
    counts = dataset.manifest["counts"]
    check_text(
        _origin(dataset.manifest), *(f"{counts[name]:,}" for name in ("samples", "classes", *SPLITS, "renumbered"))
    )
    for entry in dataset.manifest["left_out"]:
        check_text(f"{entry['count']:,}", entry["meaning"], _listed(entry["first_ids"]))
    check_text(*dataset.manifest["left_out_classes"], *(f"{entry['id']}" for entry in dataset.manifest["renumbered"]))


def _make_images(rng: Random) -> Case:
    return _hostile_folder(rng, _folders()[1], "images")


def _read_images(case: Case, folder: Path) -> None:
    images = RenderedImages.open(put(case, folder) / "images")
    check_text(*images.classes)
    for split, labels in images.labels.items():
        for label, image in zip(labels, images.images[split], strict=True):
            if image.shape != (images.raster.size, images.raster.size) or not images.classes[label]:
                raise Fault("an image is of another size, or of no class")


def _make_evaluation(rng: Random) -> Case:
    return _hostile_folder(rng, _folders()[2], "evaluations/20260101-000000-abcd")


def _read_evaluation(case: Case, folder: Path) -> None:
    from extexify.catalog.lookalikes import MATCHES
    from extexify.evaluation import error_analysis
    from extexify.evaluation.metrics import TOP_K
    from extexify.ui.evaluate.evaluations import evaluated_on, model_has_changed, remarks, title

    put(case, folder)
    for summary in list_evaluations(folder / "evaluations"):
        check_text(
            title(summary),
            evaluated_on(summary),
            remarks(summary),
            f"{summary.context.temperature:.3g}",
            *summary.classes,
        )
        model_has_changed(summary)
    path = folder / "evaluations" / "20260101-000000-abcd"
    read_summary(path)
    evaluation = Evaluation.open(path)
    for match in MATCHES:
        top = evaluation.summary.metrics if match == "exact" else evaluation.summary.metrics[f"{match}_alike"]
        check_text(*(f"{top[f'top{k}']:.1%}" for k in TOP_K))
        for confusion in error_analysis.confusions(evaluation, match)[:5]:
            error_analysis.confused_drawings(evaluation, confusion.label, confusion.taken_for)
        table = error_analysis.class_table(evaluation, match)
        for label in table.worst_first()[:5]:
            error_analysis.class_drawings(evaluation, int(label), match)
        found = error_analysis.evaluation_reliability(evaluation, match)
        if not 0 <= found.ece <= 1.01 or not np.isfinite(found.nll):
            raise Fault(f"an evaluation with the calibration error {found.ece} and the log loss {found.nll}")


TARGETS = (
    Target("models", 20_000, hostile_model, _read_model, (ModelError,), "models/tiny.safetensors"),
    Target("added models", 5_000, _make_added, _read_added, (ModelError, StorageError), "content"),
    Target("checkpoints", 15_000, _make_checkpoint, _read_checkpoint, (StorageError,), "checkpoint.safetensors"),
    Target("datasets", 45_000, _make_dataset, _read_dataset, (StorageError,), "dataset/manifest.json"),
    Target("images", 20_000, _make_images, _read_images, (StorageError,), "images/manifest.json"),
    Target(
        "evaluations", 20_000, _make_evaluation, _read_evaluation, (StorageError,),
        "evaluations/20260101-000000-abcd/manifest.json",
    ),
)  # fmt: skip
