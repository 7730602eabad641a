"""The command line: `python -m extexify COMMAND`. It calls the same functions as the pages.

Results go to standard output (as JSON with `--json`), progress and errors to standard error. Exit codes: 0 done,
1 an error, reported in one line, 2 a wrong option, 130 stopped. What the user can mend is a `UserError`; any other
exception is a fault of Extexify, whose traceback `--debug` shows.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from extexify.catalog.output import OutputFormat
from extexify.cli import commands, symbol_commands, training_commands
from extexify.core import interruption
from extexify.core.errors import UserError, fault_message, in_one_line
from extexify.core.interruption import STOPPED
from extexify.core.progress import Stopped

_HOW_TO_SEE = "--debug shows its traceback"

_EXTRAS = {
    "PIL": "train", "onnxscript": "train", "psycopg2": "train", "pyarrow": "dashboard", "safetensors": "train",
    "tensorboardX": "train", "torch": "train",
}  # fmt: skip
"""Packages that commands import and an installation may lack, and the extra of pyproject.toml that has each."""


def print_error(line: str) -> None:
    """Write a line for the user to standard error."""
    with suppress(OSError):  # a log on a full disk
        print(f"extexify: {line}", file=sys.stderr, flush=True)


def main(
    arguments: Sequence[str] | None = None, *, show_error: Callable[[str], None] = print_error, debug: bool = False
) -> int:
    """Run a command; returns the exit code.

    Unless it is 0, `show_error` gets one line that says why. `debug` is for a process whose standard error is a log:
    it gets the traceback of a fault, which --debug shows on a terminal.
    """
    options = parser().parse_args(arguments)
    options.command_line = sys.argv[1:] if arguments is None else list(arguments)
    code, line = 1, ""
    try:
        run: Callable[[argparse.Namespace], None] = options.run_command
        with interruption.interruptible():
            run(options)
        return 0
    except KeyboardInterrupt:
        code, line = STOPPED, "stopped"
    except Stopped as stop:
        code, line = STOPPED, str(stop)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the output has exited, as with `| head`
        return 1
    except UserError as error:
        line = f"error: {error}"
    except Exception as fault:
        if isinstance(fault, ModuleNotFoundError) and (extra := _EXTRAS.get(fault.name or "")):
            line = f"error: this needs the package {fault.name}: `pip install '.[{extra}]'` in the checkout installs it"
        else:
            how = "its traceback is in the log" if debug else "its traceback is above" if options.debug else _HOW_TO_SEE
            line = f"error: {fault_message(fault)}; {how}"
        if debug or options.debug:
            with suppress(OSError):
                traceback.print_exc()
    # Messages hold names of any origin, and terminals obey control characters.
    show_error(in_one_line(line))
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the documentation is checked against it."""
    top = argparse.ArgumentParser(
        prog="python -m extexify",
        description="Find a LaTeX symbol by drawing it; train the classifier behind that.",
    )
    _debug_option(top, default=False)
    subparsers = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], summary: str) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        sub.set_defaults(run_command=run)
        _debug_option(sub, default=argparse.SUPPRESS)
        return sub

    export = command("export", commands.export, "samples of one or several sources → a dataset, or a dataset → a file")
    _source_options(export, required=False)
    export.add_argument("--out", type=Path, metavar="DIR", help="the dataset folder (default: WORKSPACE/dataset)")
    export.add_argument(
        "--to", type=Path, metavar="FILE",
        help="write a dataset for other programs, by the name's ending: .sql, .jsonl, .inkml (also .gz), .parquet",
    )  # fmt: skip
    _dataset_option(export)
    _split_options(export)
    _review_option(export)
    _seed_option(export)
    _output_options(export)

    render = command("render", commands.render, "a dataset → images")
    _dataset_option(render)
    render.add_argument("--out", type=Path, metavar="DIR", help="the images folder (default: WORKSPACE/images)")
    render.add_argument("--preset", default="default", help="raster settings: default or original (default: default)")
    render.add_argument("--size", type=int, metavar="N", help="pixels a side, 8 to 512")
    render.add_argument("--stroke-width", type=float, metavar="PIXELS", help="line width")
    render.add_argument("--fit", choices=["aspect", "stretch"], help="keep the proportions, or stretch each axis")
    render.add_argument("--png", action="store_true", help="write PNG files for torchvision's ImageFolder too")
    _output_options(render)

    train = command("train", training_commands.train, "a dataset → a model")
    _dataset_option(train)
    train.add_argument("--images", type=Path, metavar="DIR", help="rendered images, for a recipe that reads them")
    train.add_argument(
        "--images-tree", type=Path, metavar="DIR",
        help="pictures in place of a dataset: DIR/train, val and test with a folder for each symbol (as ImageFolder "
        "reads and `render --png` writes them), or DIR with these folders; needs a recipe or network for images alone "
        "(default: resnet)",
    )  # fmt: skip
    _training_options(train)
    train.add_argument(
        "--processes", type=int, default=1, metavar="N",
        help="processes on this machine, each with a GPU of its own, or sharing the CPU (default: 1); torchrun starts "
        "them on several machines",
    )  # fmt: skip
    _seed_option(train)
    train.add_argument(
        "--resume", action="store_true",
        help="resume --run (default: the newest run), with more --epochs if given; its other settings stay",
    )  # fmt: skip
    train.set_defaults(seed=None, train_on=None)  # a resumed run has its own
    _use_option(train)
    _output_options(train)

    evaluate = command("evaluate", commands.evaluate, "top-1, -3, -5 and -10 of a model")
    _model_option(evaluate)
    _source_options(evaluate, required=False)
    _dataset_option(evaluate)
    evaluate.add_argument("--split", default="test", help="train, validation, test or all of a dataset (default: test)")
    evaluate.add_argument(
        "--out", type=Path, metavar="DIR", help="keep every answer in a folder, for the Evaluate page"
    )
    _output_options(evaluate)

    cross_validate = command(
        "cross-validate", training_commands.cross_validate,
        "metrics of a recipe by networks that each learn from a part, and drawings that are probably mislabelled",
    )  # fmt: skip
    _dataset_option(cross_validate)
    cross_validate.add_argument(
        "--recipe", default="quick", help="a recipe that doesn't read rendered images (default: quick)"
    )
    cross_validate.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    cross_validate.add_argument(
        "--folds", type=int, default=4, metavar="N",
        help="parts of the dataset: for each a network is trained on the others (default: 4)",
    )  # fmt: skip
    cross_validate.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    cross_validate.add_argument(
        "--out", type=Path, metavar="DIR", help="where to keep every answer (default: WORKSPACE/evaluations/TIME)"
    )
    _seed_option(cross_validate)
    _output_options(cross_validate)

    calibrate = command("calibrate", commands.calibrate, "fit the temperature of probabilities on validation")
    _model_option(calibrate)
    _dataset_option(calibrate)
    _output_options(calibrate)

    classify = command("classify", symbol_commands.classify, "a drawing → the most probable symbols")
    _model_option(classify)
    drawing = classify.add_mutually_exclusive_group()
    drawing.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="strokes JSON, or any other file with one drawing; - for standard input",
    )
    drawing.add_argument("--link", metavar="LINK", help="the Draw page's link to a drawing, in place of FILE")
    classify.add_argument("--top", type=int, default=5, metavar="K", help="how many answers (default: 5)")
    classify.add_argument(
        "--prior", choices=("usage", "none"), default="usage",
        help="rank by the drawing and by how often people want each symbol (usage, the default), or by the drawing "
        "alone (none)",
    )  # fmt: skip
    _format_option(classify)
    _document_option(classify)
    classify.add_argument("--json", action="store_true", help="print JSON")

    convert = command("convert", commands.convert, "models of earlier versions, or the weights of runs → model files")
    convert.add_argument(
        "files", type=Path, nargs="*", metavar="FILE",
        help="a .safetensors file (default: all models of earlier versions in the workspace), or a model file to which "
        "--dataset is to add what symbols of your own are compared with",
    )  # fmt: skip
    convert.add_argument(
        "--dataset", type=Path, metavar="DIR",
        help="what it was trained on (default: the workspace's dataset, if it is the same)",
    )  # fmt: skip
    convert.add_argument("--out", type=Path, metavar="FILE", help="the model file (default: FILE's name with .onnx)")
    _output_options(convert)

    export_page = command("export-page", commands.export_page, "a model → a page that answers in a browser, offline")
    _model_option(export_page)
    export_page.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the page")
    export_page.add_argument("--json", action="store_true", help="print the results as JSON")

    symbols = command("symbols", symbol_commands.symbols, "search the symbols, list them, and add symbols of your own")
    symbols.add_argument(
        "words", nargs="+", metavar="WORD",
        help="what to search for: a command, alias, package, character or name; or `list`; `add COMMAND`, which LaTeX "
        "prints if neither --drawing nor --glyph is given; `remove COMMAND`; `rename COMMAND NEW`; `export FILE` or "
        "`import FILE`, all of your own; `search WORD …` finds these words themselves",
    )  # fmt: skip
    symbols.add_argument("--top", type=int, metavar="K", help="how many symbols of a search (default: 10)")
    _document_option(symbols)
    symbols.add_argument(
        "--drawing", action="append", metavar="FILE",
        help="drawings of the symbol to add: strokes JSON, or any other file with drawings; - for standard input; may "
        "be given several times; a symbol that is there already gets more drawings",
    )  # fmt: skip
    symbols.add_argument(
        "--glyph",
        type=Path,
        metavar="FILE",
        help="the printed symbol to add, an SVG or PNG file: drawings aren't needed",
    )
    symbols.add_argument(
        "--package", action="append", metavar="NAME",
        help="a package that the symbol to add needs; may be given several times",
    )  # fmt: skip
    symbols.add_argument(
        "--preamble", action="append", metavar="LINE",
        help="another preamble line that it needs, such as its \\newcommand; may be given several times",
    )  # fmt: skip
    symbols.add_argument("--mode", choices=["math", "text", "both"], help="of the symbol to add (default: math)")
    _format_option(symbols)
    symbols.add_argument("--json", action="store_true", help="print JSON")

    pipeline = command("pipeline", training_commands.pipeline, "all of it: export, render, split, train, evaluate")
    _source_options(pipeline, required=True)
    _split_options(pipeline)
    _review_option(pipeline)
    _training_options(pipeline)
    pipeline.set_defaults(images_tree=None)
    _seed_option(pipeline)
    pipeline.add_argument("--png", action="store_true", help="write PNG files for torchvision's ImageFolder too")
    _use_option(pipeline)
    _output_options(pipeline)

    models = command("models", commands.models, "the models there are, and which one answers")
    models.add_argument("--json", action="store_true", help="print JSON")

    use = command("use", commands.use, "let another model answer from now on")
    use.add_argument("model", metavar="MODEL", help="its name, or its file in WORKSPACE/models")
    use.add_argument("--json", action="store_true", help="print JSON")

    command("hash-password", commands.hash_password, "a password, typed or piped in → what to keep of it")
    return top


def _debug_option(sub: argparse.ArgumentParser, *, default: Any) -> None:
    sub.add_argument("--debug", action="store_true", default=default, help="show the traceback of an internal error")


def _source_options(sub: argparse.ArgumentParser, *, required: bool) -> None:
    sub.add_argument(
        "--source", action="append", required=required, metavar="SOURCE",
        help="`detexify` for real drawings, which are downloaded; a file with drawings (a dump, JSON, CSV, InkML and "
        "others, also packed; - for standard input) or a folder of them; a postgresql:// address (env:NAME: the one in "
        "that environment variable); `starter` for synthetic drawings; `own` for those of your own symbols; may be "
        "given several times",
    )  # fmt: skip
    sub.add_argument("--table", metavar="NAME", help="the table with the drawings, of all sources (default: samples)")
    sub.add_argument(
        "--columns", metavar="NAMES", help="its columns, as id=NAME,key=NAME,strokes=NAME; those that are missing have "
        "these names",
    )  # fmt: skip


def _dataset_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--dataset", type=Path, metavar="DIR", help="a dataset folder (default: WORKSPACE/dataset)")


def _document_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--document", type=Path, metavar="FILE",
        help="your document, its preamble or a .sty file: tells what to type in it for each symbol, and what else it "
        "would have to load",
    )  # fmt: skip


def _model_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a model file (default: the one chosen to answer, else the shipped one)",
    )


def _format_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--output", choices=[output.value for output in OutputFormat], metavar="FORMAT",
        help="print the symbols as " + ", ".join(OutputFormat) + " (default: latex); one without such a form as its "
        "LaTeX command, marked as that",
    )  # fmt: skip


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
    sub.add_argument("--recipe", help="default, quick, original, resnet or mobilenet (default: default)")
    sub.add_argument(
        "--network", metavar="NAME",
        help="in place of a recipe: any classification network of torchvision, by its name there, such as resnet50",
    )  # fmt: skip
    sub.add_argument("--run", metavar="NAME", help="the run's name (default: recipe and time)")
    sub.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    sub.add_argument("--batch-size", type=int, metavar="N", help="instead of the recipe's")
    sub.add_argument("--learning-rate", type=float, metavar="RATE", help="instead of the recipe's")
    sub.add_argument(
        "--starters", type=int, metavar="N",
        help="starter drawings in an epoch of each symbol that the dataset lacks; 0: only the dataset's symbols are "
        "learnt (default: the recipe's, but 0 for a dataset of fewer than 300 symbols)",
    )  # fmt: skip
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
    sub.add_argument("--json", action="store_true", help="print the results as JSON")
    sub.add_argument("--events", type=Path, metavar="FILE", help="append progress as JSON lines to FILE")


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))
