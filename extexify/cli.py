"""The command line: `python -m extexify COMMAND`, the same functions that the pages call.

Figures go to standard output (as JSON with `--json`), progress and errors to standard error. Exit codes:
0 done, 1 an error, told in one line, 2 a wrong option, 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extexify import interruption, workspace
from extexify.names import checked_name
from extexify.progress import EventLog, Progress, Reporter, Stopped, TerminalProgress

# Each command imports what it needs when it runs: `--help` and `export` don't wait for torch.
if TYPE_CHECKING:
    from extexify.pipeline import PipelineResult, Places
    from extexify.recipes import Recipe
    from extexify.sources import Source

STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], None] = options.run_command
        with interruption.interruptible():
            run(options)
        return 0
    except KeyboardInterrupt:
        return _complain("stopped", STOPPED)
    except Stopped as stop:
        return _complain(str(stop), STOPPED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has left; there is nobody to tell
        return 1
    except Exception as error:
        if not _is_expected(error):
            raise
        return _complain(f"error: {_one_line(error)}", 1)


def _is_expected(error: Exception) -> bool:
    """Whether an error is about what the user gave (its message is meant for them), not a fault of ours."""
    if isinstance(error, OSError):
        return True
    # All of the library's own errors are ValueErrors or RuntimeErrors of its own modules.
    return isinstance(error, ValueError) or type(error).__module__.startswith("extexify.")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


def _complain(message: str, code: int) -> int:
    print(f"extexify: {message}", file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the documentation is checked against it."""
    top = argparse.ArgumentParser(
        prog="python -m extexify",
        description="Find a LaTeX symbol by drawing it; train the classifier behind that.",
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        sub.set_defaults(run_command=run)
        return sub

    export = command("export", _export, "samples of one or several sources → a dataset")
    _source_options(export, required=True)
    export.add_argument("--out", type=Path, metavar="DIR", help="the dataset folder (default: WORKSPACE/dataset)")
    _split_options(export)
    _review_option(export)
    _seed_option(export)
    _output_options(export)

    render = command("render", _render, "a dataset → images")
    _dataset_option(render)
    render.add_argument("--out", type=Path, metavar="DIR", help="the images folder (default: WORKSPACE/images)")
    render.add_argument("--preset", default="default", help="raster settings: default or original (default: default)")
    render.add_argument("--size", type=int, metavar="N", help="pixels a side, 8 to 512")
    render.add_argument("--stroke-width", type=float, metavar="PIXELS", help="line width")
    render.add_argument("--fit", choices=["aspect", "stretch"], help="keep the proportions, or stretch each axis")
    render.add_argument("--png", action="store_true", help="write PNG files for torchvision's ImageFolder too")
    _output_options(render)

    train = command("train", _train, "a dataset → a model")
    _dataset_option(train)
    train.add_argument("--images", type=Path, metavar="DIR", help="rendered images, for a recipe that reads them")
    _training_options(train)
    _seed_option(train)
    train.add_argument("--resume", action="store_true", help="go on with --run (default: the newest run)")
    _use_option(train)
    _output_options(train)

    evaluate = command("evaluate", _evaluate, "top-1, -3, -5 and -10 of a model")
    _model_option(evaluate)
    _source_options(evaluate, required=False)
    _dataset_option(evaluate)
    evaluate.add_argument("--split", default="test", help="train, validation, test or all of a dataset (default: test)")
    evaluate.add_argument(
        "--out", type=Path, metavar="DIR", help="keep every answer in a folder, for the Evaluate page"
    )
    _output_options(evaluate)

    calibrate = command("calibrate", _calibrate, "honest probabilities: a model's temperature, fitted on validation")
    _model_option(calibrate)
    _dataset_option(calibrate)
    _output_options(calibrate)

    classify = command("classify", _classify, "strokes JSON → the most probable symbols")
    _model_option(classify)
    drawing = classify.add_mutually_exclusive_group()
    drawing.add_argument("file", nargs="?", default="-", metavar="FILE", help="strokes JSON, - for standard input")
    drawing.add_argument("--link", metavar="LINK", help="the Draw page's link to a drawing, in place of FILE")
    classify.add_argument("--top", type=int, default=5, metavar="K", help="how many answers (default: 5)")
    classify.add_argument("--json", action="store_true", help="print JSON")

    pipeline = command("pipeline", _pipeline, "all of it: export, render, split, train, evaluate")
    _source_options(pipeline, required=True)
    _split_options(pipeline)
    _review_option(pipeline)
    _training_options(pipeline)
    _seed_option(pipeline)
    pipeline.add_argument("--png", action="store_true", help="write PNG files for torchvision's ImageFolder too")
    _use_option(pipeline)
    _output_options(pipeline)

    models = command("models", _models, "the models there are, and which one answers")
    models.add_argument("--json", action="store_true", help="print JSON")

    use = command("use", _use, "let another model answer from now on")
    use.add_argument("model", metavar="MODEL", help="its name, or its file in WORKSPACE/models")
    use.add_argument("--json", action="store_true", help="print JSON")
    return top


def _source_options(sub: argparse.ArgumentParser, *, required: bool) -> None:
    sub.add_argument(
        "--source", action="append", required=required, metavar="SOURCE",
        help="a dump (.sql, .sql.gz), a postgresql:// address (env:NAME: the one in that environment variable), an "
        "SQLite file, or `starter` for synthetic drawings; may be given several times",
    )  # fmt: skip


def _dataset_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--dataset", type=Path, metavar="DIR", help="a dataset folder (default: WORKSPACE/dataset)")


def _model_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a model file (default: the one chosen to answer, else the shipped one)",
    )


def _split_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--ratios", type=_numbers, default=(0.7, 0.2, 0.1), metavar="A,B,C",
        help="parts of train, validation and test (default: 0.7,0.2,0.1)",
    )  # fmt: skip


def _review_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--ignore-review", action="store_true", help="take drawings that were marked as mislabelled like any other"
    )


def _training_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--recipe", help="default, quick or original (default: default)")
    sub.add_argument("--run", metavar="NAME", help="the run's name (default: recipe and time)")
    sub.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    sub.add_argument("--batch-size", type=int, metavar="N", help="instead of the recipe's")
    sub.add_argument("--learning-rate", type=float, metavar="RATE", help="instead of the recipe's")
    sub.add_argument(
        "--train-on", default="train", metavar="SPLITS",
        help="train, train+validation or all; validation chooses the epoch only where it isn't trained on "
        "(default: train)",
    )  # fmt: skip
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")


def _use_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--use", action="store_true", help="let the new model answer from now on")


def _seed_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of everything random: splits, order, variation (default: 0)",
    )


def _output_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print figures as JSON")
    sub.add_argument("--events", type=Path, metavar="FILE", help="append progress as JSON lines to FILE")


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


# --- the commands -------------------------------------------------------------------------------


def _export(options: argparse.Namespace) -> None:
    from extexify.export import export_dataset

    out = options.out or workspace.dataset_folder()
    dataset = export_dataset(
        _sources(options), out, seed=options.seed, ratios=options.ratios, rejected=_rejected(options),
        report=_reporter(options),
    )  # fmt: skip
    counts, left_out = dataset.manifest["counts"], dataset.manifest["left_out"]
    _print(
        options,
        {"dataset": str(out), **counts, "left_out": left_out},
        f"{out}: {counts['samples']:,} drawings of {counts['classes']:,} symbols, "
        f"{sum(entry['count'] for entry in left_out):,} rows left out (see {out / 'manifest.json'})",
    )


def _render(options: argparse.Namespace) -> None:
    from extexify.dataset import Dataset
    from extexify.images import render_dataset
    from extexify.raster import preset

    asked = {"size": options.size, "stroke_width": options.stroke_width, "fit": options.fit}
    settings = preset(options.preset, **{name: value for name, value in asked.items() if value is not None})
    dataset = Dataset.open(options.dataset or workspace.dataset_folder())
    out = options.out or workspace.images_folder()
    render_dataset(dataset, settings, out, png=options.png, report=_reporter(options))
    figures = {"images": str(out), "count": len(dataset), **settings.to_json(), "png": options.png}
    _print(options, figures, f"{out}: {len(dataset):,} images of {settings.size}×{settings.size} pixels")


def _train(options: argparse.Namespace) -> None:
    from dataclasses import replace

    from extexify.dataset import Dataset
    from extexify.pipeline import train_on_dataset
    from extexify.runs import newest_run
    from extexify.training import recipe_of_run, splits_of_run, stop_on_signals

    if options.resume:
        name = checked_name(options.run, "run") if options.run else newest_run()
        recipe, options.seed = recipe_of_run(workspace.runs_folder() / name)
        options.train_on = splits_of_run(workspace.runs_folder() / name)
    else:
        recipe = _recipe(options)
        name = _new_run(recipe, options.run)
    places = replace(_places(), images=options.images or workspace.images_folder())
    dataset = Dataset.open(options.dataset or workspace.dataset_folder())
    with stop_on_signals() as should_stop:
        result = train_on_dataset(
            recipe, dataset, places, name, seed=options.seed, train_on=options.train_on, device=options.device,
            resume=options.resume, report=_reporter(options), should_stop=should_stop,
        )  # fmt: skip
    _finish_training(options, result)


def _evaluate(options: argparse.Namespace) -> None:
    from extexify.classifier import Classifier
    from extexify.dataset import Dataset
    from extexify.evaluation import evaluate_dataset, evaluate_sources
    from extexify.figures import Figures, Keep, drop
    from extexify.judgements import About, file_digest, save_evaluation

    if options.source and options.dataset:
        raise ValueError("evaluate takes --source or --dataset, not both")
    model = options.model or workspace.default_model()
    classifier = Classifier.load(model)
    sources = _sources(options) if options.source else []
    dataset = None if sources else Dataset.open(options.dataset or workspace.dataset_folder())

    def evaluate(keep: Keep) -> Figures:
        if dataset is None:
            return evaluate_sources(classifier, sources, keep=keep, report=_reporter(options))
        return evaluate_dataset(classifier, dataset, options.split, keep=keep, report=_reporter(options))

    if options.out is None:
        figures = evaluate(drop)
    else:
        about = About(
            model=classifier.name,
            file=str(model.resolve()),
            digest=file_digest(model),
            temperature=classifier.description.temperature,
            split=options.split if dataset else "",
            data=(dataset.content_hash,) if dataset else tuple(source.name for source in sources),
        )
        figures = save_evaluation(options.out, about, classifier.classes, evaluate)
    text = f"{classifier.name}: {_shown(figures.top)} of {figures.n:,} drawings"
    text += f"\ncounting symbols that print alike as right: {_shown(figures.prints_alike)}"
    text += f"\ncounting symbols that are drawn alike as right: {_shown(figures.drawn_alike)}"
    if figures.unknown_keys:
        text += f"\n{figures.unknown_keys:,} more have keys that the model doesn't know"
    _print(options, figures.to_json(), text)


def _calibrate(options: argparse.Namespace) -> None:
    from extexify.calibration import calibrate
    from extexify.dataset import Dataset
    from extexify.figures import DRAWN, EXACT

    model = options.model or workspace.default_model()
    out = workspace.own_copy(model)
    dataset = Dataset.open(options.dataset or workspace.dataset_folder())
    result = calibrate(model, out, dataset, report=_reporter(options))
    text = f"{out}: temperature {result.temperature_before:g} → {result.temperature:g}, expected calibration error on "
    text += f"{result.drawings:,} validation drawings: " + ", ".join(
        f"{result.before[way].ece:.2%} → {result.after[way].ece:.2%} {what}"
        for way, what in ((EXACT, "by symbol"), (DRAWN, "with those that are drawn alike as one answer"))
    )
    if out != model:
        text += f"\n{model} stays as it was: this is a copy"
    _print(options, {**result.to_json(), "copied": out != model}, text)


def _classify(options: argparse.Namespace) -> None:
    from extexify.classifier import Classifier
    from extexify.share import open_link
    from extexify.strokes import parse_strokes

    if options.top < 1:
        raise ValueError(f"--top must be at least 1, not {options.top}")
    if options.link is not None:
        drawing = open_link(options.link)
    else:
        drawing = parse_strokes(sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes())
    predictions = Classifier.load(options.model or workspace.default_model()).classify(drawing, options.top)
    if options.json:
        print(json.dumps([asdict(prediction) for prediction in predictions], ensure_ascii=False))
    else:
        for prediction in predictions:
            print(f"{prediction.probability:6.1%}  {prediction.command:<24}  {prediction.key}")


def _pipeline(options: argparse.Namespace) -> None:
    from extexify.pipeline import run_pipeline
    from extexify.training import stop_on_signals

    recipe = _recipe(options)
    name = _new_run(recipe, options.run)
    with stop_on_signals() as should_stop:
        result = run_pipeline(
            _sources(options), recipe, _places(), name, seed=options.seed,
            ratios=options.ratios, rejected=_rejected(options), train_on=options.train_on, device=options.device,
            png=options.png, report=_reporter(options), should_stop=should_stop,
        )  # fmt: skip
    stages = ", ".join(f"{stage} {seconds:,.1f} s" for stage, seconds in result.seconds.items())
    _finish_training(options, result, stages)


def _models(options: argparse.Namespace) -> None:
    from extexify.model_library import list_models

    models = list_models()
    if options.json:
        print(json.dumps([model.to_json() for model in models], ensure_ascii=False))
        return
    width = max((len(model.name) for model in models), default=0)
    for model in models:
        figures = ", ".join(f"top-{k} {model.figures[f'top{k}']:.1%}" for k in (1, 5) if f"top{k}" in model.figures)
        about = model.problem or (f"{model.judged_on}: {figures}" if figures else "never judged")
        print(f"{'*' if model.serves else ' '} {model.name:<{width}}  {about}")


def _use(options: argparse.Namespace) -> None:
    from extexify.model_library import find_model

    model = find_model(options.model)
    if model.problem:
        raise ValueError(model.problem)
    workspace.choose_model(model.path)
    _print(options, {"model": str(model.path)}, f"{model.name} answers from now on")


# --- what they share ----------------------------------------------------------------------------


def _sources(options: argparse.Namespace) -> list[Source]:
    from extexify.sources import open_source

    return [open_source(address) for address in options.source]


def _rejected(options: argparse.Namespace) -> frozenset[tuple[str, int]]:
    """The drawings that an export leaves out because somebody marked them as mislabelled."""
    from extexify.review import ReviewList

    return frozenset() if options.ignore_review else ReviewList(workspace.review_file()).marks()


def _recipe(options: argparse.Namespace) -> Recipe:
    from extexify.recipes import recipe

    return recipe(
        options.recipe or "default",
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
    )


def _finish_training(options: argparse.Namespace, result: PipelineResult, *more: str) -> None:
    """Let the new model answer, if that was asked, and print its figures."""
    test = f"test {_shown(result.test.top)}" if result.test else "trained on all drawings, none are left to judge it on"
    text = "\n".join([f"{result.model}: {test}", *more])
    if options.use:
        workspace.choose_model(result.model)
        text += f"\n{result.model.stem} answers from now on"
    figures = {
        "model": str(result.model),
        "test": result.test.to_json() if result.test else None,
        "seconds": result.seconds,
    }
    _print(options, figures, text)


def _new_run(recipe: Recipe, name: str | None) -> str:
    """The name of a run that is to be begun, checked before anything else is done."""
    from extexify.model_library import check_new_run
    from extexify.runs import default_name

    name = name or default_name(recipe.name)
    check_new_run(name)
    return name


def _places() -> Places:
    from extexify.pipeline import Places

    return Places(
        dataset=workspace.dataset_folder(),
        images=workspace.images_folder(),
        runs=workspace.runs_folder(),
        models=workspace.models_folder(),
    )


def _reporter(options: argparse.Namespace) -> Reporter:
    listeners: list[Reporter] = [TerminalProgress()]
    if options.events is not None:
        listeners.insert(0, EventLog(options.events))

    def report(event: Progress) -> None:
        interruption.check()
        for listener in listeners:
            listener(event)

    return report


def _shown(top: dict[int, float]) -> str:
    return ", ".join(f"top-{k} {value:.1%}" for k, value in top.items())


def _print(options: argparse.Namespace, figures: dict[str, Any], text: str) -> None:
    print(json.dumps(figures, ensure_ascii=False) if options.json else text)
