"""LaTeX documents as JavaScript reads them: as Python does, for every symbol."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.document import Document, catalogue_packages, read_document
from extexify.catalog.document_table import document_table
from extexify.catalog.lookalikes import look_alike_groups
from extexify.catalog.packages import LOADING_OPTIONS, keys_by_command, loads_by_file
from extexify.catalog.preamble import MAX_LENGTH, Font, Load, Statement, statements
from extexify.catalog.symbols import aliases_of, load_catalog
from extexify.core.errors import UserError
from tests.catalog.test_document import HOSTILE, MACROS, OTHER_MACROS, PAPER, PIECES
from tests.node import Node, running

WEB = Path(__file__).parents[2] / "extexify" / "web"

FOREIGN = ("foo-OT1-_bar", "amssymb-T1-_alpha", "own-OT1-_alpha", r"a b\write18", "latex2e-OT1-_leq_geq", "-")
"""Keys that the catalogue lacks, as classes of other people's models may be."""

KEYS = (*load_catalog(), *FOREIGN)

SOME_KEYS = [*KEYS[::97], *FOREIGN, *(key for number, key in enumerate(KEYS) if number % 7 == 0 and aliases_of(key))]
"""Keys that generated documents are asked for."""

PROGRAM = """
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DocumentReader } from "./document.js";
import { statements } from "./preamble.js";

const reader = new DocumentReader(JSON.parse(readFileSync("documents.json", "utf-8")));
const plain = (statement) => (statement.options ? { ...statement, options: [...statement.options].sort() } : statement);

function answer({ texts, keys, groups }) {
  const began = process.cpuUsage();
  const document = reader.read(...texts);
  const { user } = process.cpuUsage(began);
  return {
    milliseconds: user / 1000,
    statements: texts.flatMap((text) => statements(text).map(plain)),
    packages: [...document.packages].sort(),
    unknown: document.unknown,
    macros: Object.fromEntries(document.macros),
    redefined: [...document.redefined],
    defined: [...document.defined].sort(),
    mathFont: document.mathFont,
    unicodeMath: document.unicodeMath,
    needsOpentype: document.needsOpentype,
    macroMeanings: document.macroMeanings(),
    clashes: document.clashes,
    symbols: keys.map((key) => [document.has(key), document.needs(key), document.typed(key), document.weight(key)]),
    ordered: groups.map((group) => document.ordered(group)),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  let found;
  try {
    found = answer(JSON.parse(line));
  } catch (error) {
    found = { error: error.message };
  }
  console.log(JSON.stringify(found));
}
"""

Reader = Node


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A process that reads documents, each a line of JSON, and answers each by another one."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "documents.json").write_text(json.dumps(document_table(KEYS)))
    with running(folder, PROGRAM, [WEB / "document.js", WEB / "preamble.js"]) as process:
        yield process


def read(reader: Reader, *texts: str, keys: Sequence[str] = (), groups: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
    """What JavaScript says of a document, of the symbols of `keys`, and of the order of groups of look-alikes."""
    assert reader.stdin is not None
    assert reader.stdout is not None
    print(json.dumps({"texts": texts, "keys": keys, "groups": groups}), file=reader.stdin, flush=True)
    answer: dict[str, Any] = json.loads(reader.stdout.readline())
    return answer


def expected(*texts: str, keys: Sequence[str] = (), groups: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
    """What Python says, in the same form."""
    document: Document = read_document(*texts)
    return {
        "statements": [as_json(one) for text in texts for one in statements(text)],
        "packages": sorted(document.packages),
        "unknown": list(document.unknown),
        "macros": dict(document.macros),
        "redefined": [list(pair) for pair in document.redefined.items()],
        "defined": sorted(document.defined),
        "mathFont": document.math_font,
        "unicodeMath": document.unicode_math,
        "needsOpentype": document.needs_opentype,
        "macroMeanings": [list(pair) for pair in document.macro_meanings()],
        "clashes": list(document.clashes),
        "symbols": [
            [document.has(key), document.needs(key), document.typed(key), document.weight(key)] for key in keys
        ],
        "ordered": [document.ordered(group) for group in groups],
    }


def as_json(statement: Statement) -> dict[str, Any]:
    if isinstance(statement, Load):
        return {"loads": statement.kind, "name": statement.name, "options": sorted(statement.options)}
    if isinstance(statement, Font):
        return {"font": statement.name}
    return {"defines": statement.command, "body": statement.body, "ifNew": statement.if_new}


def check(reader: Reader, *texts: str, keys: Sequence[str] = (), groups: Sequence[Sequence[str]] = ()) -> None:
    found = read(reader, *texts, keys=keys, groups=groups)
    assert found.pop("milliseconds") >= 0, found
    wanted = expected(*texts, keys=keys, groups=groups)
    symbols = zip(keys, found.pop("symbols"), wanted.pop("symbols"), strict=True)
    assert [(key, one, other) for key, one, other in symbols if one != other] == []
    assert found == wanted


ASTRONOMY = r"\usepackage{mathabx,marvosym,wasysym,ifsym}[2001/01/01]"

DOCUMENTS = [
    "",
    PAPER,
    "\\usepackage{amssymb}" + "\n".join([*MACROS, *OTHER_MACROS]),
    r"\documentclass[noamssymb]{beamer}",
    r"\documentclass[amssymb]{revtex4-2}\RequirePackage[T1]{fontenc}\usepackage[T2A,OT2]{fontenc}",
    r"\usepackage{unicode-math}",
    r"\usepackage{unicode-math}\setmathfont[Scale=1]{STIXTwoMath-Regular.otf}\let\oldphi=\phi",
    r"\usepackage[legacycolonsymbols]{mathtools}\usepackage{physics}",
    r"\let\temp\phi \let\phi\varphi \let\varphi\temp \providecommand\bar{\alpha} \providecommand{\phi}{\beta}",
    ASTRONOMY + r"\renewcommand{\epsilon}{\varepsilon}\def\lightning{\Lightning}",
    r"\usepackage{newtxmath,stmaryrd}\newcommand\iff{\Leftrightarrow}\newcommand{\yes}{\checkmark}",
    r"\usepackage{pxfonts,fontspec,logix}\newcommand{\bar}{}",
]


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_every_symbol_is_what_it_is_in_python(reader: Reader, number: int) -> None:
    check(reader, DOCUMENTS[number], keys=KEYS, groups=look_alike_groups("drawn"))


@pytest.mark.parametrize("packages", [catalogue_packages()[at::4] for at in range(4)])
def test_packages_and_classes_are_known_alike(reader: Reader, packages: Sequence[str]) -> None:
    for name in packages:
        check(reader, rf"\usepackage{{{name}}}", keys=SOME_KEYS)
    check(reader, rf"\usepackage{{{','.join(packages)}}}", keys=KEYS, groups=look_alike_groups("drawn"))


def test_files_load_the_same(reader: Reader) -> None:
    for file in loads_by_file():
        name, _, kind = file.rpartition(".")
        options = ",".join([*LOADING_OPTIONS.get(name, ()), "noamsfonts"])
        check(reader, rf"\{'documentclass' if kind == 'cls' else 'usepackage'}[{options}]{{{name}}}")


@pytest.mark.parametrize("preamble", ["", r"\usepackage{unicode-math}", r"\usepackage{amssymb,mathabx,kpfonts}"])
def test_a_macro_for_any_command_stands_for_the_same_symbols(reader: Reader, preamble: str) -> None:
    macros = [rf"\newcommand{{\{_letters(at)}}}{{{command}}}" for at, command in enumerate(keys_by_command())]
    for begin in range(0, len(macros), 8000):
        check(reader, preamble + "\n".join(macros[begin : begin + 8000]))


def _letters(number: int) -> str:
    return "macro" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


LINES = [
    *PAPER.splitlines(),
    *MACROS,
    *OTHER_MACROS,
    *(line for document in DOCUMENTS for line in document.splitlines()),
    *(rf"\usepackage{{{name}}}" for name in catalogue_packages()),
    r"\providecommand{\alpha}{\beta}",
    r"\renewcommand{\epsilon}" + "{x}" * 300,
    r"\def\epsilon{é" + "\x07 \u202e \U0001d538" * 300 + "}",
    r"\DeclareMathSymbol{\sum}{\mathop}{largesymbols}{80}",
    r"\newcommand{\é}{\é x}",
    "\\usepackage{\u2003amssymb\x1f,\ufeffskull}",
]

NOISE = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20)

GENERATED = st.lists(
    st.one_of(st.sampled_from(LINES), PIECES, NOISE, st.sampled_from(list(keys_by_command()))), max_size=30
)


@given(GENERATED, st.sampled_from(["", " ", "\n", "\r\n", "%\n"]))
def test_generated_documents_are_read_alike(reader: Reader, parts: list[str], between: str) -> None:
    check(reader, between.join(parts), keys=SOME_KEYS)


@given(GENERATED, GENERATED)
def test_of_two_texts_the_second_comes_later(reader: Reader, one: list[str], other: list[str]) -> None:
    check(reader, "".join(one), "".join(other), keys=SOME_KEYS[:40])


# ---- time and size ----


def test_the_preamble_of_a_long_document_is_read_in_a_few_milliseconds(reader: Reader) -> None:
    text = PAPER + "Some text of a line of usual length, with a formula $x$.\n" * 17_000
    assert min(read(reader, text)["milliseconds"] for _ in range(5)) < 10


@pytest.mark.parametrize("piece", [*HOSTILE, " ", r"\usepackage[a]{x}", "a,", r"\usepackage{a} * "])
def test_time_grows_with_the_length_alone(reader: Reader, piece: str) -> None:
    assert read(reader, piece * (MAX_LENGTH // 2 // len(piece)))["milliseconds"] < 5000


def test_a_text_that_is_too_long_is_refused_in_the_same_sentence(reader: Reader) -> None:
    assert read(reader, "\U0001d538" * MAX_LENGTH)["statements"] == []
    with pytest.raises(UserError) as refused:
        read_document("x" * (MAX_LENGTH + 1))
    assert read(reader, "x" * (MAX_LENGTH + 1)) == {"error": str(refused.value)}


def test_a_key_that_the_table_lacks_is_refused(reader: Reader) -> None:
    assert read(reader, "", keys=["nothing"]) == {"error": "no symbol has the key nothing"}
