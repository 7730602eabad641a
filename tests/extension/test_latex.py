"""What the extension reads in a LaTeX document, and the changes that it makes to one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.symbols import load_catalog
from tests.node import Node, running

MODULE = Path(__file__).parents[2] / "extension" / "latex.js"

PROGRAM = """
import { createInterface } from "node:readline";
import { insertionOf, isFormula, preambleInsertion } from "./latex.js";

const functions = {
  areFormulas: (text, positions) => positions.map((position) => isFormula(text, position)),
  insertions: (changes) => changes.map(insertionOf),
  preambleInsertion,
};
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  console.log(JSON.stringify(functions[name](...given)));
}
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A process that calls the module's functions, each call a line of JSON, as each answer is."""
    with running(tmp_path_factory.mktemp("latex"), PROGRAM, [MODULE]) as process:
        yield process


def call(node: Node, function: str, *given: Any) -> Any:
    assert node.stdin is not None
    assert node.stdout is not None
    print(json.dumps([function, *given]), file=node.stdin, flush=True)
    return json.loads(node.stdout.readline())


CURSOR = "‸"


def split(marked: str) -> tuple[str, list[int]]:
    """A text without the cursors in it, and their positions."""
    parts = marked.split(CURSOR)
    positions = [sum(map(len, parts[:number])) for number in range(1, len(parts))]
    return "".join(parts), positions


def are_formulas(node: Node, marked: str) -> list[bool]:
    text, positions = split(marked)
    found: list[bool] = call(node, "areFormulas", text, positions)
    return found


def insertion(node: Node, text: str, begin: int, end: int, source: str, mode: str, wrap: str = "\\(") -> dict[str, Any]:
    change = {"text": text, "from": begin, "to": end, "insert": source, "mode": mode, "wrap": wrap}
    found: dict[str, Any] = call(node, "insertions", [change])[0]
    return found


def changed(text: str, change: dict[str, Any]) -> str:
    return str(text[: change["from"]] + change["insert"] + text[change["to"] :])


# ---- where formulas are ----


@pytest.mark.parametrize(
    "marked",
    [
        r"a $‸x‸$ b",
        r"a \(‸x‸\) b",
        r"\[‸x‸\]",
        r"$$‸x‸$$",
        r"$‸$",  # as it is when one has typed two dollars
        r"\(‸\)",
        r"\[‸\]",
        r"$$‸$$",
        r"$‸",
        r"a $x$ $‸y",
        r"$x$$y‸$",
        r"$x$$$y‸$$",
        r"$\frac{‸a‸}{b}‸$",
        r"$x \$ ‸$",
        r"\\[2pt] $‸",
        r"\\\(‸",
        r"$\{‸\}‸$",
        r"$a % b$ ‸",
        "$a % b$\n‸c$",
        r"$\al‸pha‸$",
        r"\begin{equation}‸ x ‸\end{equation}",
        r"\begin{equation} x \e‸nd{equation}",
        r"\begin{align*}‸ x ‸\\[2pt] ‸y \end{align*}",
        r"\begin {gather}‸\end {gather}",
        r"\begin{subequations}\begin{flalign}‸\end{flalign}\end{subequations}",
        r"\begin{alignat}{2}‸\end{alignat}",
        r"\begin{math}‸\end{math}\begin{displaymath}‸\end{displaymath}",
        r"\begin{IEEEeqnarray}{rCl}‸\end{IEEEeqnarray}\begin{dmath*}‸\end{dmath*}",
        r"\begin{multline}‸\end{multline}\begin{eqnarray*}‸\end{eqnarray*}",
        r"\begin{empheq}[box=\fbox]{align}‸\end{empheq}",
        r"$\begin{array}{cc}‸ 1 & ‸2\end{array}‸$",
        r"\[\begin{cases} ‸x & \text{if } ‸y \end{cases}\]",
        r"\[\left\{\begin{matrix}‸\end{matrix}\right.‸\]",
        r"\[\text{for all $‸x$}‸\]",
        r"\[\text{a}‸\textcolor{red}{‸b}{\textstyle{‸x}}\]",
        r"\[\mbox{a \(‸\) b}\]",
        r"\[\mathrm{‸}\operatorname{‸}\]",
        r"\ensuremath{‸x}",
        r"\textbf{a $‸$}",
        r"$\mbox{\ensuremath{‸x}}$",
        r"\begin{tikzcd} ‸A \arrow[r] & ‸B \end{tikzcd}",
        r"$$\begin{tikzcd} ‸A \end{tikzcd}‸$$",
        r"\verb|$| $‸",
        r"\url{a_$%} $‸",
        "\\[\n\na‸\\]",  # an error, of which nothing else comes
        r"\begin{equation} \frac{a}} ‸ \end{equation}",
        r"\begin{equation} a $ ‸ \end{equation}",
        r"\begin{equation} \(x\) ‸ \end{equation}",
        r"5$ a \begin{equation} x ‸ \end{equation}",
        r"\begin{equation} x \begin{equation} y ‸ \end{equation}",
    ],
)
def test_these_are_formulas(node: Node, marked: str) -> None:
    assert set(are_formulas(node, marked)) == {True}


@pytest.mark.parametrize(
    "marked",
    [
        "‸",
        r"‸a ‸$x$‸ b‸",
        r"a‸\(x\)‸ b",
        r"‸\[x\]‸",
        r"‸$$x$$‸",
        r"$x$‸$y$",
        r"\$‸",
        r"\\‸[2pt]‸ \\‸(‸",
        "% $\n‸",
        r"a % \(‸",
        r"\% ‸\\% $‸",
        r"\alph‸a",
        r"{$x}‸",
        r"\begin{itemize} $x \end{itemize}‸",
        r"\[ \frac{a \]‸",
        r"$\frac{a$‸",
        r"\(\left\{ {x \)‸",
        r"$x\begin{array}{c}$‸",
        "$x\n\n‸",
        "\\(x\n \t\n‸",
        "$$x\n\n‸",
        "$\\frac{a\n\n‸",
        "$x %\n\n‸",
        "5$ a\n\nb $x$‸ c",
        r"\begin{align}x\end{align}‸",
        r"\begin{align} $x \end{align}‸",
        r"\begin{alignment}‸\end{alignment}",
        r"\begin{subequations}‸\end{subequations}",
        r"\begin{center}\begin{tabular}{c}‸\end{tabular}\end{center}",
        r"\[\text{‸a}\]",
        r"$\text{a $x$‸}$",
        r"$\mbox {‸}$",
        r"\[\hbox{‸}\textrm{‸}\textnormal{‸}\intertext{‸}\tag*{‸}\]",
        r"\[\parbox[t]{3cm}{‸}\makebox[3cm][l]{‸}\]",
        r"\[\begin{minipage}{3cm}‸\end{minipage}\]",
        r"\[\text{if \]‸",
        r"\textbf{‸}",
        r"\verb|$|‸ \verb*+$+‸",
        r"\verb|\(‸|",
        "\\verb|$x\n‸",
        r"\lstinline[language=C]!$!‸ \lstinline{${$}}‸",
        r"\mintinline{c}|$|‸ \mintinline[x=y]{c}{$‸}‸",
        r"\href{a%b$}{‸a}",
        "\\begin{verbatim}\n$‸\n\\[‸\n\\end{verbatim}‸",
        "\\begin{verbatim}\\begin{equation}‸",
        r"\begin{lstlisting}[x]$‸\end{lstlisting}‸",
        r"\begin{minted}{latex}\begin{align}‸\end{minted}‸",
        r"\begin{comment}$‸\end{comment}‸",
        r"\begin{filecontents*}{a.tex}\begin{document}$\end{filecontents*}‸",
        r"\newcommand{\money}{$}‸",
        r"\newcommand{\be}{\begin{equation}}\newcommand{\ee}{\end{equation}}‸",
        r"\documentclass{article} \def\x#1{\ifx$#1} $ \[ \begin{equation} { \begin{document}‸ x",
        r"\begin{document} $x \end{document}‸",
        r"\end{equation}‸ \) ‸ \] ‸ } ‸ \end{document}‸",
        r"\begin‸ \end‸ \begin{‸",
        "\\",
        r"5$ a \[x\] b‸",
        r"\[ x \[ y \] ‸",
        r"\begin{tikzcd}\end{tikzcd}‸",
    ],
)
def test_these_are_text(node: Node, marked: str) -> None:
    assert not any(are_formulas(node, marked))


TEXT, MATH, VERBATIM = "\ue000\ue001\ue002"  # a position in generated documents, and its mode
IN_TEXT_COMMENT, IN_MATH_COMMENT = "\ue003\ue004"
POSITION = re.compile(f"[{TEXT}-{IN_MATH_COMMENT}]")


def spread(mode: str, pieces: Sequence[str]) -> str:
    """Pieces with a position before, between and behind them."""
    return mode + "".join(piece + mode for piece in pieces)


def within(content: st.SearchStrategy[str], *around: tuple[str, str]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(around), content).map(lambda both: both[0][0] + both[1] + both[0][1])


def environments(content: st.SearchStrategy[str], names: str) -> st.SearchStrategy[str]:
    return within(content, *((rf"\begin{{{name}}}", rf"\end{{{name}}}") for name in names.split()))


TEXT_PIECES: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["a b", "\n", "\n\n", r"\$", r"\%", r"\\", r"\\[2pt]", r"\{", r"\LaTeX ", "5 [", "] ", "é"]),
        st.just(f"% $ {IN_TEXT_COMMENT} }} \\(\n"),
        st.sampled_from([rf"\verb|{VERBATIM}$\(|", rf"\url{{{VERBATIM}$%{{}}}}", rf"\lstinline[x]+\[{VERBATIM}+"]),
        st.just(rf"\begin{{verbatim}}{VERBATIM}$ \[ % {{ \begin{{align}}{VERBATIM}\end{{verbatim}}"),
        within(TEXTS, ("{", "}"), (r"\emph{", "}"), (r"\textbf{", "}"), (r"\footnote[1]{", "}")),
        environments(TEXTS, "itemize subequations tabular minipage figure"),
        within(MATHS, ("$", "$"), ("$$", "$$"), (r"\(", r"\)"), (r"\[", r"\]"), (r"\ensuremath{", "}")),
        environments(MATHS, "equation align* gather multline alignat eqnarray displaymath IEEEeqnarray tikzcd"),
    )
)
MATH_PIECES: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x", r"\alpha ", "^2", r"\$", r"\\", r"\\[2pt]", r"\{", r"\left[", r"\right]", "&", " \n x"]),
        st.just(f"x% $ {IN_MATH_COMMENT} }} \\)\n x"),
        within(MATHS, ("{", "}"), (r"\frac{a}{", "}"), (r"\textcolor{red}{", "}"), (r"\ensuremath{", "}")),
        environments(MATHS, "array cases aligned pmatrix* split"),
        within(TEXTS, (r"\text{", "}"), (r"\mbox{", "}"), (r"\textrm {", "}"), (r"\parbox[t]{1cm}{", "}")),
        environments(TEXTS, "minipage tabular"),
    )
)
TEXTS: st.SearchStrategy[str] = st.lists(TEXT_PIECES, max_size=4).map(lambda pieces: spread(TEXT, pieces))
MATHS: st.SearchStrategy[str] = st.lists(MATH_PIECES, min_size=1, max_size=4).map(lambda pieces: spread(MATH, pieces))


def positions_in(document: str) -> tuple[str, list[tuple[int, str]]]:
    """A generated document's text, and its positions, each with its mode."""
    found = [(match.start() - number, match[0]) for number, match in enumerate(POSITION.finditer(document))]
    return POSITION.sub("", document), found


@given(TEXTS)
def test_the_mode_of_generated_documents(node: Node, document: str) -> None:
    text, positions = positions_in(document)
    modes = call(node, "areFormulas", text, [position for position, _ in positions])
    assert modes == [mode in (MATH, IN_MATH_COMMENT) for _, mode in positions]


OPEN = st.text(st.sampled_from("${([abc \n"), max_size=20)


@given(OPEN, TEXTS)
def test_nothing_before_the_document_matters(node: Node, preamble: str, document: str) -> None:
    text, positions = positions_in(document)
    before = preamble.replace("(", r"\(") + r"\begin{document}"
    modes = call(node, "areFormulas", before + text, [len(before) + position for position, _ in positions])
    assert modes == [mode in (MATH, IN_MATH_COMMENT) for _, mode in positions]


HOSTILE = [
    *("{", "}", "$", "$$ ", "$\n\n", "\\", "\\(", "\\[", "{\\]", "\\begin", "\\begin{", "\\begin{a}", "\\end{a}"),
    *("\\begin{equation}", "\\begin{verbatim}", "\\verb", "\\verb|", "\\url{a{b}", "\\lstinline[", "\\mintinline{"),
    *("$\\text{", "\\text[", "\\parbox{a}[b]", "\\ensuremath{", "%", "\n", " ", "\\usepackage[", "\\usepackage{a}["),
    *("\\if", "\\if\\usepackage{a}", "\\fi", "é"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_documents_of_one_piece_are_read(node: Node, piece: str) -> None:
    for begin in ("", r"\documentclass{a}", r"\begin{equation}", r"\url{", r"\verb|", r"\usepackage["):
        text = begin + piece * (200_000 // len(piece))
        assert len(call(node, "areFormulas", text, [len(text)])) == 1
        assert insertion(node, text, len(text), len(text), r"\sum", "math")["to"] == len(text)
        assert (call(node, "preambleInsertion", text, "x") is None) == (begin != r"\documentclass{a}")


# ---- symbols ----


SELECTED = re.compile("‹(.*?)›", re.DOTALL)


@pytest.mark.parametrize(
    ("before", "source", "mode", "after"),
    [
        ("$‹›$", r"\sum", "math", r"$\sum‸$"),
        ("a ‹› b", r"\sum", "math", r"a \(\sum\)‸ b"),
        ("a ‹x› b", r"\sum", "math", r"a \(\sum\)‸ b"),
        ("a‹›b", r"\sum", "math", r"a\(\sum\)‸b"),
        ("a‹›b", r"\S", "both", r"a\S ‸b"),
        ("a‹›é", r"\S", "text", r"a\S ‸é"),
        ("a‹›\U0001d538", r"\S", "text", "a\\S ‸\U0001d538"),
        ("a‹›2", r"\S", "text", r"a\S‸2"),
        ("a‹› b", r"\S", "text", r"a\S‸ b"),
        ("a‹›", r"\S", "text", r"a\S‸"),
        ("a‹›b", "--", "text", "a--‸b"),
        ("$‹›x$", r"\alpha", "math", r"$\alpha ‸x$"),
        ("$‹y›x$", r"\alpha", "math", r"$\alpha ‸x$"),
        ("$‹›x$", r"\not\approx", "math", r"$\not\approx ‸x$"),
        ("$‹›x$", r"\|", "math", r"$\|‸x$"),
        ("$‹›x$", r"\mathbb{R}", "math", r"$\mathbb{R}‸x$"),
        ("a ‹› b", r"\mathbb{R}", "math", r"a \(\mathbb{R}\)‸ b"),
        ("$‹›x$", r"\hat{}", "math", r"$\hat{‸}x$"),
        ("a ‹› b", r"\hat{}", "math", r"a \(\hat{‸}\) b"),
        ("$‹›$", r"\frac{}{}", "math", r"$\frac{‸}{}$"),
        ("$‹›x$", r"\textcopyright", "text", r"$\mbox{\textcopyright}‸x$"),
        ("$‹›x$", r"\labvel{}", "text", r"$\mbox{\labvel{‸}}x$"),
        ("$‹›$", r"\{", "both", r"$\{‸$"),
        ("a \\‹› b", r"\sum", "math", r"a \(\sum\)‸ b"),
        ("$\\‹›$", r"\sum", "math", r"$\sum‸$"),
        ("$x \\\\‹›$", r"\sum", "math", r"$x \\\sum‸$"),
        ("$x \\\\\\‹›x$", r"\sum", "math", r"$x \\\sum ‸x$"),
        ("$\\‹alpha›$", r"\sum", "math", r"$\sum‸$"),
        (r"\(\‹›\)", r"\sum", "math", r"\(\sum‸\)"),
        ("\\‹›begin", "--", "text", "--‸begin"),
        (r"\verb|‹›|", r"\sum", "math", r"\verb|\sum‸|"),
        ("\\verb|\\‹›x|", r"\sum", "math", r"\verb|\\sum‸x|"),
        (r"\begin{verbatim}‹›x\end{verbatim}", r"\hat{}", "math", r"\begin{verbatim}\hat{}‸x\end{verbatim}"),
    ],
)
def test_a_symbol_is_inserted(node: Node, before: str, source: str, mode: str, after: str) -> None:
    check_insertion(node, before, source, mode, "\\(", after)


@pytest.mark.parametrize(
    ("before", "source", "after"),
    [
        ("a ‹› b", r"\sum", r"a $\sum$‸ b"),
        ("a ‹› b", r"\hat{}", r"a $\hat{‸}$ b"),
        ("$x$‹›$y$", r"\sum", r"$x$$\sum$‸$y$"),
        ("$‹›$", r"\sum", r"$\sum‸$"),
    ],
)
def test_dollars_surround_a_formula(node: Node, before: str, source: str, after: str) -> None:
    check_insertion(node, before, source, "math", "$", after)


def check_insertion(node: Node, before: str, source: str, mode: str, wrap: str, after: str) -> None:
    selection = SELECTED.search(before)
    assert selection is not None
    text = before.replace("‹", "").replace("›", "")
    change = insertion(node, text, selection.start(), selection.end() - 2, source, mode, wrap)
    assert (changed(text, change), [change["cursor"]]) == split(after)


def test_every_symbol_of_the_catalogue_is_inserted(node: Node) -> None:
    symbols = sorted({(symbol.command, symbol.mode) for symbol in load_catalog().values()})
    for text, position, around in (("a b", 2, "text"), ("$x$", 1, "math")):
        changes = [
            {"text": text, "from": position, "to": position, "insert": command, "mode": mode, "wrap": "$"}
            for command, mode in symbols
        ]
        found = call(node, "insertions", changes)
        for (command, mode), change in zip(symbols, found, strict=True):
            inserted = command
            if (around, mode) == ("text", "math"):
                inserted = f"${command}$"
            elif (around, mode) == ("math", "text"):
                inserted = rf"\mbox{{{command}}}"
            elif command[-1].isalpha() and "\\" in command:
                inserted = f"{command} "
            cursor = inserted.index("{}") + 1 if "{}" in command else len(inserted)
            assert change == {"from": position, "to": position, "insert": inserted, "cursor": position + cursor}


SOURCES = st.sampled_from([r"\sum", r"\hat{}", r"\mathbb{R}", r"\|", "--"])
MODES = st.sampled_from(["math", "text", "both"])
WRAPS = st.sampled_from(["\\(", "$"])
NOISE = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))),
    max_size=8,
).map("".join)


@given(NOISE, NOISE, NOISE, SOURCES, MODES, WRAPS)
def test_only_the_selection_changes(
    node: Node, before: str, selected: str, after: str, source: str, mode: str, wrap: str
) -> None:
    begin, end = len(before), len(before + selected)
    change = insertion(node, before + selected + after, begin, end, source, mode, wrap)
    assert change["to"] == end
    assert change["from"] == begin or (change["from"] == begin - 1 and before.endswith("\\"))
    assert source in change["insert"]
    assert change["from"] < change["cursor"] <= change["from"] + len(change["insert"])


@given(TEXTS, st.data(), WRAPS)
def test_a_math_symbol_is_in_a_formula_and_all_else_stays_in_its_mode(
    node: Node, document: str, data: st.DataObject, wrap: str
) -> None:
    text, positions = positions_in(document)
    at, mode = data.draw(st.sampled_from([one for one in positions if one[1] in (TEXT, MATH)]))
    change = insertion(node, text, at, at, r"\sum", "math", wrap)
    assert (change["from"], change["to"]) == (at, at)
    assert change["insert"].startswith(r"\sum" if mode == MATH else wrap)
    inside = at + change["insert"].index(r"\sum") + 2
    grown = len(change["insert"])
    others = [(other if other < at else other + grown, mode) for other, mode in positions if other != at]
    modes = call(node, "areFormulas", changed(text, change), [inside, *(other for other, _ in others)])
    assert modes == [True, *(mode in (MATH, IN_MATH_COMMENT) for _, mode in others)]


# ---- lines of the preamble ----

LINE = r"\usepackage{stmaryrd}"


@pytest.mark.parametrize(
    "marked",
    [
        r"\documentclass{article}‸",
        "\\documentclass{article}‸\n\\begin{document}\n\\usepackage{a}",
        "\\documentclass{article}\n\\usepackage{a}‸\n\\newcommand{\\x}{y}\n\\begin{document}",
        "\\documentclass{article}\n\\usepackage{a} % why {‸\n\n",
        "\\documentclass{article}\n\\RequirePackage{a}  ‸\n\n",
        "\\documentclass{article}\n\\usepackage[a,\n  b={c}, % ]{x}\n  d=\\textwidth\n]{e,\n  f % }\n}[2020/01/01]‸\nx",
        "\\documentclass{article}\\usepackage{a}\\usepackage{b}‸\n",
        "\\RequirePackage{a}\n\\documentclass[x]{article}‸\n",
        "% \\documentclass{a}\n\\documentclass{b}‸\n% \\usepackage{c}\n",
        "\\documentclass{article}‸\n\\begin{comment}\n\\usepackage{a}\n\\end{comment}\n",
        "\\begin{filecontents}{a}\n\\documentclass{x}\\begin{document}\n\\end{filecontents}\n\\documentclass{article}‸",
        "\\documentclass{article}‸\n\\AtBeginDocument{\\usepackage{a}}\n",
        "\\documentclass{article}\n\\usepackage{a}‸\n\\ifxetex\n\\usepackage{b}\n\\else\n\\usepackage{c}\n\\fi\n",
        "\\documentclass{article}‸\n\\ifa\\ifb\\usepackage{b}\\fi\\usepackage{c}\\fi\n",
        "\\ifa\n\\documentclass{a}\n\\else\n\\documentclass{b}\n\\fi‸\n",
        "\\RequirePackage{a}\n\\ifa\n\\documentclass{a}\n\\fi‸\n",
        "\\documentclass{article}\n\\newif\\ifdraft\n\\ifthenelse{a}{b}{c}\n\\usepackage{a}‸\n",
        "\\documentclass{article}\n\\newif\\ifdraft\n\\usepackage{a}‸\n\\ifdraft\\usepackage{b}\\fi\n",
        "\\documentclass{article}\n\\usepackage{a}‸\n\\let\\load\\usepackage \\newcommand{\\x}{y}\n",
        "\\documentclass{article}\n\\usepackage{a}‸\n\\usepackage\n",
        "\\documentclass{article}}\n\\usepackage{a}‸\n",
        "\\documentclass{article}\n\\usepackage{a}‸\n{\\catcode1=2 }\n",
        "\\documentclass{article}\n\\let\\open=[\n\\usepackage{a}‸\n",
        "\\documentclass{article}\n\\usepackage{unicode-math}‸\n\\setmathfont{x}\n",
    ],
)
def test_lines_come_behind_what_is_loaded(node: Node, marked: str) -> None:
    text, [at] = split(marked)
    for lines in (LINE, f"\\usepackage[T1]{{fontenc}}\n{LINE}"):
        assert call(node, "preambleInsertion", text, lines) == {"from": at, "to": at, "insert": f"\n{lines}"}


@pytest.mark.parametrize(
    "marked",
    [
        "\\documentclass{article}\\usepackage{a}‸ \\hypersetup{\n  a}",
        "\\documentclass{article}‸\\makeatletter\n",
        "\\documentclass{article}‸\\begin{document}\n",
    ],
)
def test_what_follows_in_the_line_comes_in_another_one(node: Node, marked: str) -> None:
    text, [at] = split(marked)
    assert call(node, "preambleInsertion", text, LINE) == {"from": at, "to": at, "insert": f"\n{LINE}\n"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        r"\chapter{A}\usepackage{a}",
        r"% \documentclass{article}",
        r"\verb|\documentclass{article}|",
        r"\begin{document}\documentclass{article}",
        r"\begin{verbatim}\documentclass{article}\end{verbatim}",
        r"\documentclass",
    ],
)
def test_a_file_without_a_class_has_no_preamble(node: Node, text: str) -> None:
    assert call(node, "preambleInsertion", text, LINE) is None


LOADING = st.sampled_from(
    [
        r"\usepackage{a}",
        r"\usepackage[b]{c} % {",
        r"\RequirePackage [d={e}]{f} [2020]",
        "\\usepackage[\n  g, % ]\n]{%\n  h}",
        r"\usepackage{i}\usepackage{j}",
    ]
)
OTHER = st.sampled_from(
    [
        "",
        r"% \usepackage{a}",
        r"\newcommand{\x}[1]{\usepackage{#1}}",
        r"\AtBeginDocument{\usepackage{a}}",
        r"\iffalse\usepackage{a}\fi",
        "\\ifpdf\n\\usepackage{a}\n\\else\n\\ifx ab\\RequirePackage{b}\\fi\\usepackage{c}\n\\fi",
        r"\newif\ifdraft",
        r"\hypersetup{a=[}",
        "\\begin{comment}\n\\usepackage{a}\n\\end{comment}",
        r"\def\x#1{$[#1}",
        r"\PassOptionsToPackage{a}{b}",
    ]
)
BODY = st.one_of(
    st.just(""), TEXTS.map(lambda body: "\n\\begin{document}" + POSITION.sub("", body) + r"\usepackage{a}")
)


@given(st.lists(OTHER, max_size=4), st.lists(st.one_of(LOADING, OTHER), max_size=8), BODY)
def test_lines_in_generated_preambles(node: Node, begin: list[str], rest: list[str], body: str) -> None:
    pieces = [*begin, r"\documentclass[a]{article}", *rest]
    loading = [number for number, piece in enumerate(pieces) if re.match(r"\\(usepackage|Require|documentc)", piece)]
    text = "\n".join(pieces) + body
    at = len("\n".join(pieces[: loading[-1] + 1]))
    change = call(node, "preambleInsertion", text, LINE)
    assert change == {"from": at, "to": at, "insert": f"\n{LINE}"}
    again = call(node, "preambleInsertion", changed(text, change), LINE)
    assert again == {"from": at + len(LINE) + 1, "to": at + len(LINE) + 1, "insert": f"\n{LINE}"}
