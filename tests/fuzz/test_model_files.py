"""Fuzzing: files of models, checkpoints, datasets, images and evaluations."""

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
from extexify.model.description import METADATA, ModelDescription, ModelError
from extexify.sources.starter import StarterSource
from extexify.workspace.files import StorageError
from tests.fuzz.formats import change_graph, hostile_npy, npy, safetensors
from tests.fuzz.harness import Case, Fault, check_message, check_text, contents, fuzz, put
from tests.fuzz.hostile import changed, changed_json, damaged, json_bytes, text, times
from tests.models import linear_model, write_linear

_OPTIONS = {"channels": [4, 4], "blocks": [1, 1]}
_RASTER = RasterSettings(size=8)
_SYMBOLS = tuple(f"latex2e-OT1-_{name}" for name in ("alpha", "beta", "sum", "times"))


# --- models --------------------------------------------------------------------------------------


_LINEAR = ModelDescription(
    name="tiny", architecture="linear", options={}, classes=("a", "b", "é"), raster=_RASTER,
    metrics={"test": {"top1": 0.5, "top5": 0.9}}, training={"recipe": {"name": "default"}, "run": "x"},
)  # fmt: skip


def model(rng: Random) -> Case:
    """A workspace with a model file, valid or not."""
    content = linear_model(_LINEAR)
    description = changed_json(rng, _LINEAR.to_json(), 3 if rng.random() < 0.6 else 0)
    if rng.random() < 0.5:
        times(rng, change_graph, content)
    written = content.SerializeToString() + _field(14, _field(1, METADATA.encode()) + _field(2, description))
    return {"models/tiny.onnx": damaged(rng, written) if rng.random() < 0.2 else written}


def _field(number: int, content: bytes) -> bytes:
    """A field of a serialized message with a length."""
    length = len(content)
    encoded = bytearray()
    while length > 127:
        encoded.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2, *encoded, length]) + content


@cache
def _plain_weights() -> tuple[dict[str, Any], dict[str, Any]]:
    """Description and weights (numpy arrays) of a small network whose inputs are pictures and sequences."""
    from extexify.model.networks import build

    options = {"picture": _OPTIONS, "sequence": _OPTIONS}
    description = ModelDescription(
        name="tiny", architecture="fused", options=options, classes=("a", "b", "é"), raster=_RASTER,
        metrics={"test": {"top1": 0.5, "top5": 0.9}}, training={"recipe": {"name": "default"}, "run": "x"},
        sequence=SequenceSettings(16),
    )  # fmt: skip
    weights = {name: tensor.numpy() for name, tensor in build("fused", 3, options).state_dict().items()}
    return description.to_json(), weights


def _weights(rng: Random) -> Case:
    description, weights = _plain_weights()
    written = changed_json(rng, description, 3 if rng.random() < 0.6 else 0).decode("utf-8", "replace")
    return {"tiny.safetensors": safetensors(weights, {METADATA: written}, rng if rng.random() < 0.4 else None)}


@fuzz(_weights, ModelError)
def test_weights(case: Case, folder: Path) -> None:
    from extexify.model.networks import load_network

    description, _ = load_network(put(case, folder) / "tiny.safetensors")
    check_text(description.name, *description.classes)


@fuzz(model, ModelError)
def test_models(case: Case, folder: Path) -> None:
    from extexify.model.classifier import Classifier
    from extexify.model.library import list_models

    put(case, folder)
    path = folder / "models" / "tiny.onnx"
    for entry in list_models():
        check_text(entry.name, entry.recipe, entry.run, entry.dataset_hash)
        json.dumps(entry.to_json(), allow_nan=False).encode()
        if entry.problem:
            check_message(entry.problem)
    classifier = Classifier.load(path)
    check_text(classifier.name, *classifier.classes)
    for prediction in classifier.classify([np.array([[0, 0], [3, 4], [9, 1]], np.float32)]):
        if not 0 <= prediction.probability <= 1:
            raise Fault(f"a model answers with the probability {prediction.probability}")


def _added(rng: Random) -> Case:
    (content,) = model(rng).values()
    name = text(rng)[:100] + rng.choice((".onnx", ".onnx", ".onnx", ".safetensors", ""))
    return {"content": content, "name": name.encode("utf-8", "surrogatepass")}


@fuzz(_added, ModelError, StorageError)
def test_added_models(case: Case, folder: Path) -> None:
    from extexify.model.library import add_model, list_models

    (folder / "models").mkdir()
    path = add_model(io.BytesIO(case["content"]), case["name"].decode("utf-8", "surrogatepass"))
    if path.parent != folder / "models" or [entry.problem for entry in list_models() if not entry.shipped] != [""]:
        raise Fault("a model is added that can't be read")


# --- checkpoints ---------------------------------------------------------------------------------


@cache
def _training() -> tuple[Any, Any, Any, bytes]:
    """A network, its average, its optimizer and the bytes of their checkpoint."""
    import torch

    from extexify.model.networks import build
    from extexify.training.checkpoints import TrainingState, save_checkpoint
    from extexify.training.objective import average_weights

    network = build("original", 3, {"channels": [4, 4]})
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.zeros(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    average = average_weights(network, 0.9)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        save_checkpoint(path, TrainingState(epoch=1), network, average, optimizer)
        return network, average, optimizer, path.read_bytes()


def _checkpoint(rng: Random) -> Case:
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


@fuzz(_checkpoint, StorageError)
def test_checkpoints(case: Case, folder: Path) -> None:
    from extexify.training.checkpoints import restore_checkpoint

    put(case, folder)
    state = restore_checkpoint(folder / "checkpoint.safetensors", *_training()[:-1])
    tally = state.tally
    counts = (state.epoch, state.batch, state.step, state.best_epoch, tally.count, tally.top1, tally.top5)
    metrics = (state.seconds, state.best_top5, *tally.metrics().values())
    if not all(type(count) is int and count >= 0 for count in counts) or not all(np.isfinite(metrics)):
        raise Fault(f"training is resumed from {state}")


# --- folders of arrays ---------------------------------------------------------------------------


@cache
def _folders() -> tuple[Case, Case, Case]:
    """The files of a dataset, of its images and of an evaluation on it."""
    from extexify.evaluation.evaluate import evaluate_dataset
    from extexify.evaluation.records import EvaluationContext, save_evaluation
    from extexify.model.classifier import Classifier

    with TemporaryDirectory() as name:
        folder = Path(name)
        dataset = export_dataset([StarterSource(_SYMBOLS, each=5)], folder / "dataset")
        render_dataset(dataset, _RASTER, folder / "images")
        description = ModelDescription("tiny", "linear", {}, dataset.classes, _RASTER)
        path = write_linear(folder / "tiny.onnx", description)
        classifier = Classifier.load(path)
        context = EvaluationContext("tiny", str(path), "0" * 32, 1.0, "test", (dataset.content_hash,))
        save_evaluation(
            folder / "evaluation",
            context,
            dataset.classes,
            lambda sink: evaluate_dataset(classifier, dataset, "all", sink=sink),
        )
        return contents(folder / "dataset"), contents(folder / "images"), contents(folder / "evaluation")


def _hostile_folder(rng: Random, whole: Case, place: str) -> Case:
    files = dict(whole)
    if rng.random() < 0.6:
        files["manifest.json"] = changed_json(rng, json.loads(files["manifest.json"]))
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


def dataset(rng: Random) -> Case:
    return _hostile_folder(rng, _folders()[0], "dataset")


@fuzz(dataset, StorageError)
def test_datasets(case: Case, folder: Path) -> None:
    from extexify.dataset.dataset import examples_of
    from extexify.ui.export.dataset_report import _listed, _origin

    opened = Dataset.open(put(case, folder) / "dataset")
    check_text(*opened.classes, opened.content_hash)
    some = opened.drawings.take(np.arange(min(len(opened), 20)))
    for preset in PRESETS.values():
        rasterize(some, preset, threads=1)
    if not np.isfinite(resample(some, SequenceSettings(16))).all() and np.isfinite(some.points).all():
        raise Fault("a resampled point is not finite")
    examples_of(opened, opened.classes[0], 5)
    # What the Export page shows.
    counts = opened.manifest["counts"]
    check_text(
        _origin(opened.manifest), *(f"{counts[name]:,}" for name in ("samples", "classes", *SPLITS, "renumbered"))
    )
    for entry in opened.manifest["left_out"]:
        check_text(f"{entry['count']:,}", entry["meaning"], _listed(entry["first_ids"]))
    check_text(*opened.manifest["left_out_classes"], *(f"{entry['id']}" for entry in opened.manifest["renumbered"]))


def images(rng: Random) -> Case:
    return _hostile_folder(rng, _folders()[1], "images")


@fuzz(images, StorageError)
def test_images(case: Case, folder: Path) -> None:
    opened = RenderedImages.open(put(case, folder) / "images")
    check_text(*opened.classes)
    for split, labels in opened.labels.items():
        for label, image in zip(labels, opened.images[split], strict=True):
            if image.shape != (opened.raster.size, opened.raster.size) or not opened.classes[label]:
                raise Fault("an image is of another size, or of no class")


def evaluation(rng: Random) -> Case:
    return _hostile_folder(rng, _folders()[2], "evaluations/20260101-000000-abcd")


@fuzz(evaluation, StorageError)
def test_evaluations(case: Case, folder: Path) -> None:
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
    opened = Evaluation.open(path)
    for match in MATCHES:
        top = opened.summary.metrics if match == "exact" else opened.summary.metrics[f"{match}_alike"]
        check_text(*(f"{top[f'top{k}']:.1%}" for k in TOP_K))
        for confusion in error_analysis.confusions(opened, match)[:5]:
            error_analysis.confused_drawings(opened, confusion.label, confusion.taken_for)
        table = error_analysis.class_table(opened, match)
        for label in table.worst_first()[:5]:
            error_analysis.class_drawings(opened, int(label), match)
        found = error_analysis.evaluation_reliability(opened, match)
        if not 0 <= found.ece <= 1.01 or not np.isfinite(found.nll):
            raise Fault(f"an evaluation with the calibration error {found.ece} and the log loss {found.nll}")
