"""The commands of the command line: each calls the library with its options and prints the result.

`extexify.cli.parser` reports the errors that they raise.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from extexify.core import interruption
from extexify.core.errors import UserError
from extexify.core.names import checked_name
from extexify.core.progress import EventLog, Progress, Reporter, Stage, Stopped, TerminalProgress, quiet
from extexify.workspace import paths
from extexify.workspace.files import explained

# Each command imports what it needs when it runs: `--help` and `export` don't wait for torch.
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from extexify.catalog.document import Document
    from extexify.catalog.keys import Symbol
    from extexify.catalog.output import OutputFormat
    from extexify.dataset.dataset import Dataset
    from extexify.model.answers import Result
    from extexify.model.description import ModelDescription
    from extexify.model.library import Model
    from extexify.sources.base import Source
    from extexify.training.image_tree import ImageTree
    from extexify.training.pipeline import PipelineResult, Places
    from extexify.training.recipes import Recipe

SHOWN_ALIKE = 8
"""Commands of look-alikes that are listed with an answer."""


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
        _sources(options), out, seed=options.seed, ratios=options.ratios, rejected=_rejected(options),
        report=_reporter(options),
    )  # fmt: skip
    counts, left_out = dataset.manifest["counts"], dataset.manifest["left_out"]
    _print(
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
    share_dataset(dataset, options.to, _reporter(options))
    _print(options, {"file": str(options.to), "samples": len(dataset)}, f"{options.to}: {len(dataset):,} drawings")


def render(options: argparse.Namespace) -> None:
    """A dataset → images."""
    from extexify.dataset.dataset import Dataset
    from extexify.dataset.render import render_dataset
    from extexify.drawing.raster import preset

    given = {"size": options.size, "stroke_width": options.stroke_width, "fit": options.fit}
    settings = preset(options.preset, **{name: value for name, value in given.items() if value is not None})
    dataset = Dataset.open(options.dataset or paths.dataset_folder())
    out = options.out or paths.images_folder()
    render_dataset(dataset, settings, out, png=options.png, report=_reporter(options))
    report = {"images": str(out), "count": len(dataset), **settings.to_json(), "png": options.png}
    _print(options, report, f"{out}: {len(dataset):,} images of {settings.size}×{settings.size} pixels")


def train(options: argparse.Namespace) -> None:
    """A dataset → a model, or continuing a run. Under torchrun every process runs this, with the settings of rank 0."""
    from dataclasses import replace

    from extexify.training.distributed import broadcast_json, process_group, rank
    from extexify.training.launch import is_rank_0
    from extexify.training.pipeline import train_on_dataset
    from extexify.training.recipes import Recipe

    if options.processes != 1:
        _train_in_processes(options)
        return
    places = replace(_places(), images=options.images or paths.images_folder())
    settings = _training_settings(options) if is_rank_0() else None
    drawings = _drawings(options)
    with interruption.stop_on_signals() as should_stop, process_group(options.device):
        settings = broadcast_json(settings)
        recipe, seed = Recipe.from_json(settings["recipe"]), settings["seed"]
        report = _reporter(options) if rank() == 0 else quiet
        data = drawings if drawings is not None else _pictures(options, recipe, seed, report, should_stop)
        result = train_on_dataset(
            recipe, data, places, settings["run"], seed=seed, train_on=settings["train_on"], device=options.device,
            resume=settings["resume"], report=report, should_stop=should_stop,
        )  # fmt: skip
        if rank() == 0:
            _finish_training(options, result)


def _drawings(options: argparse.Namespace) -> Dataset | None:
    """The dataset to train on; None if that is a tree of pictures."""
    from extexify.dataset.dataset import Dataset

    if options.images_tree is None:
        return Dataset.open(options.dataset or paths.dataset_folder())
    if options.dataset or options.images:
        raise UserError("--images-tree is trained on in place of a dataset: leave --dataset and --images out")
    return None


def _pictures(
    options: argparse.Namespace, recipe: Recipe, seed: int, report: Reporter, should_stop: Callable[[], bool]
) -> ImageTree:
    from extexify.training.image_tree import read_image_tree

    def watched(event: Progress) -> None:
        if should_stop():
            raise Stopped("stopped while pictures were read")
        report(event)

    return read_image_tree(options.images_tree, recipe.raster, seed=seed, report=watched)


def _train_in_processes(options: argparse.Namespace) -> None:
    """Check what can be checked before anything is started, and train in several processes of this machine."""
    from extexify.training.devices import pick_device
    from extexify.training.launch import MAX_PROCESSES, LaunchError, run_processes

    if not 1 <= options.processes <= MAX_PROCESSES:
        raise LaunchError(f"--processes must be 1 to {MAX_PROCESSES}, not {options.processes}")
    if "WORLD_SIZE" in os.environ:
        raise LaunchError("torchrun has started the processes of this training already: leave --processes out")
    _drawings(options)
    for number in range(options.processes):
        pick_device(options.device, number)
    run = _training_settings(options)["run"]
    # Of an option that is given twice the last one counts.
    run_processes(options.processes, [*options.command_line, f"--run={run}", "--processes=1"], run)


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
    sources = _sources(options) if options.source else []
    dataset = None if sources else Dataset.open(options.dataset or paths.dataset_folder())

    counters = {match: ReliabilityCounter() for match in MATCHES}

    def evaluate(sink: RecordSink) -> Metrics:
        def count(records: EvaluationRecords) -> None:
            for number, counter in enumerate(counters.values()):
                counter.add(records.confidence[:, number], records.correct[:, number], records.right[:, number])
            sink(records)

        if dataset is None:
            return evaluate_sources(classifier, sources, sink=count, report=_reporter(options))
        return evaluate_dataset(classifier, dataset, options.split, sink=count, report=_reporter(options))

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
    text = f"{classifier.name}: {_shown(metrics.top)} of {metrics.n:,} drawings"
    text += f"\ncounting symbols that print alike as right: {_shown(metrics.prints_alike)}"
    text += f"\ncounting symbols that are drawn alike as right: {_shown(metrics.drawn_alike)}"
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
    _print(options, {**metrics.to_json(), "calibration": errors}, text)


def calibrate(options: argparse.Namespace) -> None:
    """Fit a model's temperature on the validation split."""
    from extexify.dataset.dataset import Dataset
    from extexify.evaluation.calibration import calibrate

    model = options.model or paths.default_model()
    out = paths.editable_copy(model)
    dataset = Dataset.open(options.dataset or paths.dataset_folder())
    result = calibrate(model, out, dataset, report=_reporter(options))
    text = f"{out}: temperature {result.temperature_before:g} → {result.temperature:g}, expected calibration error on "
    text += f"{result.drawings:,} validation drawings: " + ", ".join(
        f"{result.before[match].ece:.2%} → {result.after[match].ece:.2%} {what}"
        for match, what in (("exact", "by symbol"), ("drawn", "with those that are drawn alike as one answer"))
    )
    if out != model:
        text += f"\n{model} is unchanged: this is a copy"
    _print(options, {**result.to_json(), "copied": out != model}, text)


def convert(options: argparse.Namespace) -> None:
    """Models of earlier versions, or weights of runs → model files; with a dataset, also for symbols of one's own."""
    from extexify.model.export import convert
    from extexify.model.file import read_model, write_model

    files = options.files or paths.old_models()
    if options.out and len(files) != 1:
        raise UserError(f"--out names one file, but {len(files):,} are to be converted")
    stage = Stage(_reporter(options), "convert", total=len(files), unit="models")
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
    _print(options, {"models": made}, "\n".join(made) or "there are no models of earlier versions")


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
        if not add_background(model, dataset, split, report=_reporter(options)) and options.dataset:
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
    _print(options, {"model": str(model), "page": str(options.out)}, text)


def classify(options: argparse.Namespace) -> None:
    """Strokes, or a link to a drawing → the most probable symbols."""
    from extexify.catalog.output import shown
    from extexify.catalog.symbols import symbol_for
    from extexify.drawing.link import open_link
    from extexify.model.answers import in_document
    from extexify.model.classifier import Classifier
    from extexify.model.own import with_own_symbols
    from extexify.model.ranking import PRIORS
    from extexify.sources.open import open_source
    from extexify.sources.rows import one_drawing

    top = _top(options)
    drawing = open_link(options.link) if options.link is not None else one_drawing(open_source(options.file))
    classifier = with_own_symbols(Classifier.load(options.model or paths.default_model()))
    document = _document(options)
    answers = classifier.answers(drawing, top, PRIORS[options.prior])
    results = in_document(answers.results, document)
    if options.json:
        report = []
        for result in results:
            found = result.to_json()
            for symbol in (found, *found["members"]):
                symbol |= _in_document(symbol["key"], document)
            report.append({**found, **_output(options, symbol_for(result.head.key))})
        print(json.dumps(report, ensure_ascii=False))
        return
    output = _format(options)
    for result in results:
        form = shown(symbol_for(result.head.key), output)
        about = _others(result, output) + _note(result.head.key, document)
        print(f"{result.probability:6.1%}  {form:<24}  {result.head.key}{about}")
    if not answers.is_sure:
        print("not sure: the drawing resembles none of the model's symbols", file=sys.stderr)


def _format(options: argparse.Namespace) -> OutputFormat:
    from extexify.catalog.output import OutputFormat

    return OutputFormat(options.output or OutputFormat.LATEX)


def _output(options: argparse.Namespace, symbol: Symbol) -> dict[str, str | None]:
    """The field that --output adds to a symbol's JSON: the form in that format, null if the symbol lacks it."""
    from extexify.catalog.output import formatted

    return {"output": formatted(symbol, _format(options))} if options.output else {}


def _others(result: Result, output: OutputFormat) -> str:
    """The other commands of a result's first symbol, and the symbols that are drawn alike; empty for none."""
    from extexify.catalog.output import OutputFormat, shown
    from extexify.catalog.symbols import also, symbol_for

    _, *alike = dict.fromkeys(shown(symbol_for(key), output) for key in result.keys)
    if len(alike) > SHOWN_ALIKE:
        alike = [*alike[:SHOWN_ALIKE], f"{len(alike) - SHOWN_ALIKE} more"]
    texts = {"also": also(result.head.key) if output == OutputFormat.LATEX else [], "drawn alike": alike}
    listed = "; ".join(f"{title}: {', '.join(forms)}" for title, forms in texts.items() if forms)
    return f"  ({listed})" if listed else ""


def symbols(options: argparse.Namespace) -> None:
    """Symbols that match a query, best first; or a list of all, or a change of the user's own symbols."""
    actions: dict[str, tuple[int, Callable[..., None]]] = {
        "list": (0, _list_symbols), "add": (1, _add_symbol), "remove": (1, _remove_symbol),
        "rename": (2, _rename_symbol), "export": (1, _export_symbols), "import": (1, _import_symbols),
    }  # fmt: skip
    word, *rest = options.words
    count, act = actions.get(word, (None, None))
    given = [name for name in ("drawing", "glyph", "package", "preamble", "mode") if getattr(options, name) is not None]
    if given and word != "add":
        raise UserError(f"--{given[0]} is for `symbols add COMMAND`")
    if options.output and act not in (None, _list_symbols):
        raise UserError("--output is for a search and for `symbols list`")
    if options.document is not None and act is not None:
        raise UserError("--document is for searches: `symbols search WORD …`")
    if act is None:
        _search_symbols(options, rest if word == "search" and rest else options.words)
        return
    if len(rest) != count:
        needed = ("no more words", "one word", "two words")[count or 0]
        raise UserError(f"`symbols {word}` takes {needed}: `symbols search {word} …` searches for it")
    act(options, *rest)


def _search_symbols(options: argparse.Namespace, words: list[str]) -> None:
    from extexify.catalog.output import OutputFormat, shown
    from extexify.catalog.symbols import also, search, symbol_for

    query = " ".join(words)
    document = _document(options)
    found = search(query, 10 if options.top is None else _top(options))
    if document is not None:
        found = [symbol_for(key) for key in document.ordered([symbol.key for symbol in found])]
    if options.json:
        rows = [
            {**asdict(one), "also": also(one.key), **_output(options, one), **_in_document(one.key, document)}
            for one in found
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    output = _format(options)
    for symbol in found:
        others = also(symbol.key) if output == OutputFormat.LATEX else []
        about = [*filter(None, [symbol.unicode]), symbol.package, *([f"also: {', '.join(others)}"] if others else [])]
        print(f"{shown(symbol, output):<24}  {symbol.key}  ({'; '.join(about)}){_note(symbol.key, document)}")
    if not found:
        print(f"no symbol matches {query}", file=sys.stderr)


def _list_symbols(options: argparse.Namespace) -> None:
    """All symbols: the catalogue's, then the user's own."""
    from extexify.catalog.output import shown
    from extexify.catalog.own import own_symbols
    from extexify.catalog.symbols import load_catalog

    own = own_symbols()
    listed = [*load_catalog().values(), *(symbol.symbol for symbol in own.values())]
    if options.json:
        names = ("key", "command", "package", "mode", "unicode", "typst")
        rows = [
            {**{name: getattr(symbol, name) for name in names}, "own": symbol.key in own, **_output(options, symbol)}
            for symbol in listed
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for symbol in listed:
        mine = own.get(symbol.key)
        about = f"{len(mine.drawings):,} drawings of your own" if mine else symbol.package
        print(f"{shown(symbol, _format(options)):<24}  {symbol.key}  ({about})")


def _add_symbol(options: argparse.Namespace, command: str) -> None:
    from extexify.catalog.own import OwnSymbol, add_drawings, add_symbol, checked, own_key, own_symbols
    from extexify.sources.glyphs import read_glyph
    from extexify.sources.open import open_source
    from extexify.sources.own import strokes_from
    from extexify.sources.typeset import typeset

    packages = [f"\\usepackage{{{package}}}" for package in options.package or ()]
    preamble = (*packages, *(options.preamble or ()))
    drawings = tuple(drawing for file in options.drawing or () for drawing in strokes_from(open_source(file)))
    glyph = read_glyph(options.glyph) if options.glyph else None
    if own_key(command) in own_symbols():
        if preamble or options.mode or glyph or not drawings:
            raise UserError(f"{command} is there already, and gets more drawings: give --drawing alone")
        add_drawings(command, drawings)
    else:
        if not drawings and glyph is None:
            glyph = typeset(command, preamble, text=options.mode == "text")
        add_symbol(
            checked(OwnSymbol, command, mode=options.mode or "math", preamble=preamble, drawings=drawings, glyph=glyph)
        )
    symbol = own_symbols()[own_key(command)]
    known_by = f"{len(symbol.drawings):,} drawings" if symbol.drawings else "its glyph"
    text = f"{command}, known by {known_by}, is found by drawing from now on"
    _print(options, {"key": symbol.key, "drawings": len(symbol.drawings)}, text)


def _remove_symbol(options: argparse.Namespace, command: str) -> None:
    from extexify.catalog.own import own_key, remove_symbol

    remove_symbol(command)
    _print(options, {"removed": own_key(command)}, f"{command} is removed")


def _rename_symbol(options: argparse.Namespace, command: str, new: str) -> None:
    from extexify.catalog.own import own_key, rename_symbol

    rename_symbol(command, new)
    _print(options, {"key": own_key(new)}, f"{command} is {new} from now on")


def _export_symbols(options: argparse.Namespace, file: str) -> None:
    from pathlib import Path

    from extexify.catalog.own import own_symbols, write_symbols

    symbols = list(own_symbols().values())
    write_symbols(Path(file), symbols)
    _print(options, {"file": file, "symbols": len(symbols)}, f"{file}: {len(symbols):,} symbols of your own")


def _import_symbols(options: argparse.Namespace, file: str) -> None:
    from pathlib import Path

    from extexify.catalog.own import import_symbols, read_symbols

    added, extended = import_symbols(read_symbols(Path(file)))
    text = f"{file}: {added:,} symbols added, {extended:,} others got drawings"
    _print(options, {"added": added, "extended": extended}, text)


def pipeline(options: argparse.Namespace) -> None:
    """Export, render, split, train and evaluate."""
    from extexify.training.pipeline import run_pipeline

    recipe = _recipe(options)
    name = _new_run(recipe, options.run)
    with interruption.stop_on_signals() as should_stop:
        result = run_pipeline(
            _sources(options), recipe, _places(), name, seed=options.seed,
            ratios=options.ratios, rejected=_rejected(options), train_on=options.train_on, device=options.device,
            png=options.png, report=_reporter(options), should_stop=should_stop,
        )  # fmt: skip
    stages = ", ".join(f"{stage} {seconds:,.1f} s" for stage, seconds in result.seconds.items())
    _finish_training(options, result, stages)


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
    _print(options, {"model": str(model.path)}, f"{model.name} answers from now on")


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


# --- shared by several commands ----------------------------------------------------------------------------


def _top(options: argparse.Namespace) -> int:
    if options.top < 1:
        raise UserError(f"--top must be at least 1, not {options.top}")
    return int(options.top)


def _document(options: argparse.Namespace) -> Document | None:
    """The document that --document names; what it defines twice is reported."""
    if options.document is None:
        return None
    from extexify.catalog.document import open_document

    document = open_document(options.document)
    for clash in document.clashes:
        print(f"warning: {clash}", file=sys.stderr)
    return document


def _in_document(key: str, document: Document | None) -> dict[str, str | None]:
    """What to type for a symbol in a document, and the lines that it needs there or None, as JSON."""
    return {} if document is None else {"typed": document.typed(key), "needs": document.needs(key)}


def _note(key: str, document: Document | None) -> str:
    r"""The same in words, where it differs from the symbol's command: ``  type \R``."""
    from extexify.catalog.symbols import symbol_for

    if document is None:
        return ""
    typed, needs = document.typed(key), document.needs(key)
    if needs is not None:
        return f"  needs {' '.join(needs.splitlines())}"
    return "" if typed == symbol_for(key).command else f"  type {typed}"


def _sources(options: argparse.Namespace) -> list[Source]:
    from extexify.sources.base import Table
    from extexify.sources.open import open_source

    table = Table.named(options.table or "", options.columns or "")
    return [open_source(address, table) for address in options.source]


def _rejected(options: argparse.Namespace) -> frozenset[tuple[str, int]]:
    """The drawings that were marked as mislabelled: an export leaves them out."""
    from extexify.dataset.review import ReviewList

    return frozenset() if options.ignore_review else ReviewList(paths.review_file()).marks()


def _recipe(options: argparse.Namespace) -> Recipe:
    from extexify.training.recipes import for_pictures, network_recipe, recipe

    changes = _recipe_changes(options)
    if options.network and options.recipe:
        raise UserError("--network trains by a recipe for that network: leave --recipe out")
    if options.network is not None:
        found = network_recipe(options.network, **changes)
    else:
        found = recipe(options.recipe or ("resnet" if options.images_tree else "default"), **changes)
    return for_pictures(found) if options.images_tree else found


def _resumed_recipe(options: argparse.Namespace, begun: Recipe) -> Recipe:
    """The recipe of a run with what the options say."""
    from dataclasses import replace

    if {options.recipe, options.network} - {None, begun.name}:
        return _recipe(options)
    given = {name: value for name, value in _recipe_changes(options).items() if value is not None}
    if given.get("starters") == begun.starters:
        del given["starters"], given["least_symbols"]
    return replace(begun, **given)


def _recipe_changes(options: argparse.Namespace) -> dict[str, Any]:
    """What the options say about a recipe's settings; None: nothing."""
    changes: dict[str, Any] = {name: getattr(options, name) for name in ("epochs", "batch_size", "learning_rate")}
    if options.starters is not None:
        if options.images_tree and options.starters:
            raise UserError("starter drawings are no pictures: leave --starters out")
        # Whoever asks for them gets them beside a dataset of a few symbols, too.
        changes |= {"starters": options.starters, "least_symbols": 0}
    return changes


def _training_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Recipe, seed, splits and name of the run to begin or resume, as JSON."""
    from dataclasses import replace

    from extexify.training.runs import RunFiles, newest_run, read_config

    if options.resume:
        name = checked_name(options.run, "run") if options.run else newest_run()
        folder = paths.runs_folder() / name
        config = read_config(folder)
        recipe = _resumed_recipe(options, config.recipe)
        seed = config.seed if options.seed is None else options.seed
        train_on = options.train_on or config.train_on
        RunFiles(folder).check(replace(config, recipe=recipe, seed=seed, train_on=train_on))
    else:
        recipe, seed, train_on = _recipe(options), options.seed or 0, options.train_on or "train"
        name = _new_run(recipe, options.run)
    settings = {"recipe": recipe.to_json(), "seed": seed, "train_on": train_on}
    return {**settings, "run": name, "resume": options.resume}


def _finish_training(options: argparse.Namespace, result: PipelineResult, *more: str) -> None:
    """Make the new model answer if --use was given, and print its metrics."""
    test = f"test {_shown(result.test.top)}" if result.test else "nothing is left to evaluate it on"
    text = "\n".join([f"{result.model}: {test}", *more])
    if options.use:
        paths.choose_model(result.model)
        text += f"\n{result.model.stem} answers from now on"
    report = {
        "model": str(result.model),
        "test": result.test.to_json() if result.test else None,
        "seconds": result.seconds,
    }
    _print(options, report, text)


def _new_run(recipe: Recipe, name: str | None) -> str:
    """The name of a new run, checked before anything else is done."""
    from extexify.model.library import check_new_run
    from extexify.training.runs import default_name

    name = name or default_name(recipe.name)
    check_new_run(name)
    return name


def _places() -> Places:
    from extexify.training.pipeline import Places

    return Places(
        dataset=paths.dataset_folder(),
        images=paths.images_folder(),
        runs=paths.runs_folder(),
        models=paths.models_folder(),
        evaluations=paths.evaluations_folder(),
    )


def _reporter(options: argparse.Namespace) -> Reporter:
    listeners: list[Reporter] = [TerminalProgress()]
    if options.events is not None:
        with explained(options.events):
            listeners.insert(0, EventLog(options.events))

    def report(event: Progress) -> None:
        interruption.check()
        for listener in listeners:
            listener(event)

    return report


def _shown(top: dict[int, float]) -> str:
    return ", ".join(f"top-{k} {value:.1%}" for k, value in top.items())


def _print(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    print(json.dumps(report, ensure_ascii=False) if options.json else text)
