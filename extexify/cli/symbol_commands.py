"""The commands that name symbols: those of a drawing, and those of the catalogue and of the user's own."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from extexify.cli.options import print_result
from extexify.core.errors import UserError
from extexify.workspace import paths

# Each command imports what it needs when it runs: `symbols` doesn't wait for ONNX Runtime.
if TYPE_CHECKING:
    from collections.abc import Callable

    from extexify.catalog.document import Document
    from extexify.catalog.keys import Symbol
    from extexify.catalog.output import OutputFormat
    from extexify.model.answers import Result

SHOWN_ALIKE = 8
"""Commands of look-alikes that are listed with an answer."""


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
    print_result(options, {"key": symbol.key, "drawings": len(symbol.drawings)}, text)


def _remove_symbol(options: argparse.Namespace, command: str) -> None:
    from extexify.catalog.own import own_key, remove_symbol

    remove_symbol(command)
    print_result(options, {"removed": own_key(command)}, f"{command} is removed")


def _rename_symbol(options: argparse.Namespace, command: str, new: str) -> None:
    from extexify.catalog.own import own_key, rename_symbol

    rename_symbol(command, new)
    print_result(options, {"key": own_key(new)}, f"{command} is {new} from now on")


def _export_symbols(options: argparse.Namespace, file: str) -> None:
    from pathlib import Path

    from extexify.catalog.own import own_symbols, write_symbols

    symbols = list(own_symbols().values())
    write_symbols(Path(file), symbols)
    print_result(options, {"file": file, "symbols": len(symbols)}, f"{file}: {len(symbols):,} symbols of your own")


def _import_symbols(options: argparse.Namespace, file: str) -> None:
    from pathlib import Path

    from extexify.catalog.own import import_symbols, read_symbols

    added, extended = import_symbols(read_symbols(Path(file)))
    text = f"{file}: {added:,} symbols added, {extended:,} others got drawings"
    print_result(options, {"added": added, "extended": extended}, text)


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
