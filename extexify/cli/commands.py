"""The commands about datasets and models: each calls the library with its options and prints the result.

`extexify.cli.parser` reports the errors that they raise; those that train are in `training_commands`, those that name
symbols in `symbol_commands`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING

from extexify.cli.options import print_result, rejected, reporter, sources_of, top_k
from extexify.core.errors import UserError
from extexify.core.progress import Stage
from extexify.workspace import paths

# Each command imports what it needs when it runs: `--help` and `export` don't wait for torch.
if TYPE_CHECKING:
    from pathlib import Path

    from extexify.model.description import ModelDescription
    from extexify.model.library import Model


def export(options: argparse.Namespace) -> None:
    """Samples of sources → a dataset, or a dataset → a file for other programs."""
    if options.to:
        _share(options)
        return
    if not options.source:
        raise UserError("name at least one --source to export from, or a file to write the dataset to with --to")
    from extexify.dataset.export import export_dataset

    out = options.out or paths.dataset_folder()
    dataset = export_dataset(
        sources_of(options), out, seed=options.seed, ratios=options.ratios, rejected=rejected(options),
        report=reporter(options),
    )  # fmt: skip
    counts, left_out = dataset.manifest["counts"], dataset.manifest["left_out"]
    print_result(
        options,
        {"dataset": str(out), **counts, "left_out": left_out, "mended": dataset.manifest["mended"]},
        f"{out}: {counts['samples']:,} drawings of {counts['classes']:,} symbols, "
        f"{sum(entry['count'] for entry in left_out):,} rows left out (see {out / 'manifest.json'})",
    )


def _share(options: argparse.Namespace) -> None:
    from extexify.dataset.dataset import Dataset
    from extexify.dataset.share import share_dataset

    if options.source:
        raise UserError("--to writes a dataset: export the --source first, then the dataset")
    dataset = Dataset.open(options.dataset or paths.dataset_folder())
    share_dataset(dataset, options.to, reporter(options))
    print_result(
        options, {"file": str(options.to), "samples": len(dataset)}, f"{options.to}: {len(dataset):,} drawings"
    )


def render(options: argparse.Namespace) -> None:
    """A dataset → images."""
    from extexify.dataset.dataset import Dataset
    from extexify.dataset.render import render_dataset
    from extexify.drawing.raster import preset

    given = {"size": options.size, "stroke_width": options.stroke_width, "fit": options.fit}
    settings = preset(options.preset, **{name: value for name, value in given.items() if value is not None})
    dataset = Dataset.open(options.dataset or paths.dataset_folder())
    out = options.out or paths.images_folder()
    render_dataset(dataset, settings, out, png=options.png, report=reporter(options))
    report = {"images": str(out), "count": len(dataset), **settings.to_json(), "png": options.png}
    print_result(options, report, f"{out}: {len(dataset):,} images of {settings.size}×{settings.size} pixels")


def evaluate(options: argparse.Namespace) -> None:
    """Evaluate a model on a dataset's split or on sources."""
    from extexify.catalog.lookalikes import MATCHES
    from extexify.dataset.dataset import Dataset
    from extexify.evaluation.calibration import ReliabilityCounter
    from extexify.evaluation.evaluate import evaluate_dataset, evaluate_sources
    from extexify.evaluation.metrics import EvaluationRecords, Metrics, RecordSink, discard
    from extexify.evaluation.records import EvaluationContext, file_digest, save_evaluation
    from extexify.model.classifier import Classifier

    if options.source and options.dataset:
        raise UserError("evaluate takes --source or --dataset, not both")
    model = options.model or paths.default_model()
    classifier = Classifier.load(model)
    sources = sources_of(options) if options.source else []
    dataset = None if sources else Dataset.open(options.dataset or paths.dataset_folder())

    counters = {match: ReliabilityCounter() for match in MATCHES}

    def evaluate(sink: RecordSink) -> Metrics:
        def count(records: EvaluationRecords) -> None:
            for number, counter in enumerate(counters.values()):
                counter.add(records.confidence[:, number], records.correct[:, number], records.right[:, number])
            sink(records)

        if dataset is None:
            return evaluate_sources(classifier, sources, sink=count, report=reporter(options))
        return evaluate_dataset(classifier, dataset, options.split, sink=count, report=reporter(options))

    if options.out is None:
        metrics = evaluate(discard)
    else:
        about = EvaluationContext(
            model=classifier.name,
            file=str(model.resolve()),
            digest=file_digest(model),
            temperature=classifier.description.temperature,
            split=options.split if dataset else "",
            data=(dataset.content_hash,) if dataset else tuple(source.name for source in sources),
        )
        metrics = save_evaluation(options.out, about, classifier.classes, evaluate)
    text = f"{classifier.name}: {top_k(metrics.top)} of {metrics.n:,} drawings"
    text += f"\ncounting symbols that print alike as right: {top_k(metrics.prints_alike)}"
    text += f"\ncounting symbols that are drawn alike as right: {top_k(metrics.drawn_alike)}"
    if metrics.page:
        for name, shares in (("", metrics.page.uniform), (", weighted by usage", metrics.page.weighted)):
            text += (
                f"\non the Draw page{name}: heads the first result {shares.first_head:.1%}, one of the first five "
                f"{shares.five_heads:.1%}; in the first {shares.in_first:.1%}, in the first five {shares.in_five:.1%}"
            )
    calibration = {match: counter.diagram() for match, counter in counters.items() if metrics.n}
    if calibration:
        exact, drawn = calibration["exact"], calibration["drawn"]
        text += f"\nexpected calibration error {exact.ece:.1%}, {drawn.ece:.1%} with those drawn alike as one answer; "
        text += f"mean negative log-likelihood {exact.nll:.3f}"
    if metrics.unknown_keys:
        text += f"\n{metrics.unknown_keys:,} more have keys that the model has no class for"
    errors = {match: {"ece": found.ece, "nll": found.nll} for match, found in calibration.items()}
    print_result(options, {**metrics.to_json(), "calibration": errors}, text)


def calibrate(options: argparse.Namespace) -> None:
    """Fit a model's temperature on the validation split."""
    from extexify.dataset.dataset import Dataset
    from extexify.evaluation.calibration import calibrate

    model = options.model or paths.default_model()
    out = paths.editable_copy(model)
    dataset = Dataset.open(options.dataset or paths.dataset_folder())
    result = calibrate(model, out, dataset, report=reporter(options))
    text = f"{out}: temperature {result.temperature_before:g} → {result.temperature:g}, expected calibration error on "
    text += f"{result.drawings:,} validation drawings: " + ", ".join(
        f"{result.before[match].ece:.2%} → {result.after[match].ece:.2%} {what}"
        for match, what in (("exact", "by symbol"), ("drawn", "with those that are drawn alike as one answer"))
    )
    if out != model:
        text += f"\n{model} is unchanged: this is a copy"
    print_result(options, {**result.to_json(), "copied": out != model}, text)


def convert(options: argparse.Namespace) -> None:
    """Models of earlier versions, or weights of runs → model files; with a dataset, also for symbols of one's own."""
    from extexify.model.export import convert
    from extexify.model.file import read_model, write_model

    files = options.files or paths.old_models()
    if options.out and len(files) != 1:
        raise UserError(f"--out names one file, but {len(files):,} are to be converted")
    stage = Stage(reporter(options), "convert", total=len(files), unit="models")
    made = []
    for file in files:
        if file.suffix == paths.MODEL_SUFFIX:
            if not options.dataset:
                raise UserError(f"{file} is a model file already: name the dataset that it was trained on by --dataset")
            out = options.out or paths.editable_copy(file)
            description, content = read_model(file)
            write_model(out, description, content)
        else:
            out = options.out or _converted(file)
            if out.exists():
                raise UserError(f"{out} exists already: name another file with --out")
            description = convert(file, out)
        _measure(options, out, description)
        made.append(str(out))
        stage.advance(1)
    stage.finish()
    print_result(options, {"models": made}, "\n".join(made) or "there are no models of earlier versions")


def _measure(options: argparse.Namespace, model: Path, description: ModelDescription) -> None:
    """Store the background of its training drawings in a model file, if they are those of `--dataset` or, without it,
    of the workspace."""
    from extexify.dataset.dataset import Dataset
    from extexify.model.measured import add_background
    from extexify.training.pipeline import TRAIN_ON
    from extexify.workspace.files import StorageError

    made_of = description.training.get("dataset")
    try:
        dataset = Dataset.open(options.dataset or paths.dataset_folder())
    except StorageError:
        if options.dataset:
            raise
        return
    if options.dataset or (isinstance(made_of, dict) and made_of.get("content_hash") == dataset.content_hash):
        split = description.training.get("train_on", "train")
        split = split if split in TRAIN_ON else "train"
        if not add_background(model, dataset, split, report=reporter(options)) and options.dataset:
            raise UserError(f"{dataset.path} has drawings of too few of the model's symbols")


def _converted(file: Path) -> Path:
    """The model file to make of a file of weights: those of a run have its name, others stay where they are."""
    if file.resolve().parent.parent == paths.runs_folder().resolve():
        return paths.models_folder() / f"{file.resolve().parent.name}{paths.MODEL_SUFFIX}"
    return file.with_suffix(paths.MODEL_SUFFIX)


def export_page(options: argparse.Namespace) -> None:
    """A model → a page that classifies with it in a browser."""
    from extexify.model.offline import write_page

    model = options.model or paths.default_model()
    write_page(model, options.out)
    text = f"{options.out}: the page; serve it with `python -m http.server -d {shlex.quote(str(options.out))}`"
    print_result(options, {"model": str(model), "page": str(options.out)}, text)


def models(options: argparse.Namespace) -> None:
    """List the models."""
    from extexify.model.library import list_models

    models = list_models()
    if options.json:
        print(json.dumps([model.to_json() for model in models], ensure_ascii=False))
        return
    width = max((len(model.name) for model in models), default=0)
    for model in models:
        print(f"{'*' if model.serves else ' '} {model.name:<{width}}  {_about(model)}")


def _about(model: Model) -> str:
    """A model's metrics, or why it has none."""
    if model.problem:
        return model.problem
    metrics = ", ".join(f"top-{k} {model.metrics[f'top{k}']:.1%}" for k in (1, 5) if f"top{k}" in model.metrics)
    if metrics:
        split = model.evaluated_split
        return f"{'a model of the same recipe on held-out drawings' if split == 'same_recipe' else split}: {metrics}"
    return "trained on all" if model.trained_on_all else "not evaluated"


def use(options: argparse.Namespace) -> None:
    """Choose the model that answers."""
    from extexify.model.library import find_model

    model = find_model(options.model)
    if model.problem:
        raise UserError(model.problem)
    paths.choose_model(model.path)
    print_result(options, {"model": str(model.path)}, f"{model.name} answers from now on")


def hash_password(options: argparse.Namespace) -> None:
    """A password → the line for `.streamlit/secrets.toml` or a file of environment variables.

    The password is read from the terminal or standard input: options can be read by every user of the machine.
    """
    from getpass import getpass

    from extexify.access.passwords import hash_password
    from extexify.core.settings import PASSWORD_HASH

    if sys.stdin.isatty():
        password = getpass("Password for the operators of a demo: ")
        if getpass("Once more: ") != password:
            raise UserError("the two passwords differ")
    else:
        password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    print(f'{PASSWORD_HASH.name}="{hash_password(password)}"')
