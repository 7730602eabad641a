"""Fuzzing: LaTeX documents whose packages and macros are read."""

from __future__ import annotations

from pathlib import Path
from random import Random

from extexify.catalog.document import open_document
from extexify.catalog.symbols import load_catalog
from extexify.core.errors import UserError
from tests.fuzz.harness import Case, check_message, fuzz
from tests.fuzz.hostile import damaged, text

_TOKENS = (
    rb"\usepackage{", rb"\usepackage[", rb"\newcommand{\a}{", rb"\def\a#1{", rb"\let\a=", rb"\iffalse", rb"\fi",
    rb"\begin{", rb"\begin{comment}", rb"\begin{document}", rb"\setmathfont", b"%", b"^^M", b"{", b"}", b"[", b"]",
    b"\x00", b"\xff",
)  # fmt: skip

_SYMBOLS = ("latex2e-OT1-_alpha", "amssymb-OT1-_mathbb{R}", "stmaryrd-OT1-_llbracket", "ifsym-OT1-_Mountain")


def _document(rng: Random) -> Case:
    packages = [symbol.usepackage for symbol in rng.choices(list(load_catalog().values()), k=rng.randrange(6))]
    command = rng.choice((r"\R", r"\epsilon", text(rng)))
    body = rng.choice((r"\mathbb{R}", r"\varepsilon", text(rng)))
    macro = rf"\newcommand{{{command}}}{{{body}}}"
    source = "\n".join([*packages, macro, rf"\begin{{document}}{text(rng)}"]).encode("utf-8", "replace")
    return {"paper.tex": damaged(rng, source, _TOKENS) * rng.choice((1, 1, 1, 100))}


@fuzz(_document, UserError)
def test_documents(case: Case, folder: Path) -> None:
    (folder / "paper.tex").write_bytes(case["paper.tex"])
    document = open_document(folder / "paper.tex")
    for key in _SYMBOLS:
        assert document.typed(key)
        assert document.needs(key) != ""
    for sentence in document.clashes:
        check_message(sentence)
