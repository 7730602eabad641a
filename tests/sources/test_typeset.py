"""Symbols printed by LaTeX: the real one (`make test-latex`), and what a machine without it is told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from extexify.access.permissions import NotPermitted
from extexify.catalog.own import OwnSymbol, OwnSymbolError, checked
from extexify.core import settings
from extexify.sources import typeset
from extexify.sources.typeset import is_available

AMSSYMB = r"\usepackage{amssymb}"


def test_without_latex_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_available()
    with pytest.raises(OwnSymbolError, match=r"install TeX Live.*or give drawings"):
        typeset.typeset(r"\boxtimes", (AMSSYMB,))


@pytest.mark.parametrize(
    ("command", "preamble"),
    [
        (r"\input{x}", ()),
        ("", ()),
        (r"\x", (r"\input{/etc/passwd}",)),
        (r"\x", (r"\usepackage{x}\immediate\write18{ls}",)),
        (r"\x", (r"\newcommand{\x}{\openin0=x}",)),
    ],
)
def test_what_no_symbol_needs_never_reaches_latex(
    command: str, preamble: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typeset, "_run", None)
    with pytest.raises(OwnSymbolError, match=r"is no (command|preamble line)"):
        typeset.typeset(command, preamble)


def test_a_demo_runs_no_latex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "_run", None)
    monkeypatch.setenv(settings.DEMO.name, "yes")
    # Nobody is signed in where a page runs.
    with pytest.raises((OwnSymbolError, NotPermitted), match=r"runs no LaTeX|public demo"):
        typeset.typeset(r"\alpha")


@pytest.mark.latex
class TestLaTeX:
    """With LaTeX."""

    def test_a_symbol_is_printed_on_the_baseline_in_its_size(self) -> None:
        glyph = typeset.typeset(r"\boxtimes", (AMSSYMB,))
        left, top, right, bottom = glyph.box
        assert 50 < left < 60
        assert -700 < top < -680
        assert 715 < right < 725
        assert bottom == 0
        assert len(glyph.ink) == 1
        symbol = checked(OwnSymbol, r"\boxtimes", preamble=(AMSSYMB,), glyph=glyph)
        assert "<path" in symbol.svg(None)
        _, _, _, below = typeset.typeset("g").box
        assert below > 150

    def test_text_macros_and_unicode_math_are_printed(self) -> None:
        assert typeset.typeset(r"\textcopyright", text=True).box[2] > 900
        own = (r"\newcommand{\mine}{\mathord{\circ\!\bullet}}",)
        assert typeset.typeset(r"\mine", own).box[2] > typeset.typeset(r"\circ").box[2]
        assert typeset.typeset(r"\leftwhitearrow", (r"\usepackage{unicode-math}",)).ink

    @pytest.mark.parametrize(
        ("command", "preamble", "why"),
        [
            (r"\nosuch", (), "Undefined control sequence"),
            (r"\x", (r"\usepackage{nosuchpackage}",), "File `nosuchpackage.sty' not found"),
            (r"\x", (r"\newcommand{\x}{x\x}",), "TeX capacity exceeded"),
            (r"\quad", (), "LaTeX prints nothing"),
            ("☃", (), "☃"),
        ],
    )
    def test_what_latex_complains_about_is_one_sentence(
        self, command: str, preamble: tuple[str, ...], why: str
    ) -> None:
        with pytest.raises(OwnSymbolError) as raised:
            typeset.typeset(command, preamble)
        assert why in str(raised.value)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 300

    def test_what_never_ends_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(typeset, "SECONDS", 2.0)
        began = time.monotonic()
        with pytest.raises(OwnSymbolError, match=r"longer than 2 s|stopped before"):
            typeset.typeset(r"\x", (r"\newcommand{\x}{\x}",))
        assert time.monotonic() - began < 20

    def test_other_files_are_neither_read_nor_written_and_no_program_is_run(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        secret, made = tmp_path / "secret.tex", tmp_path / "made.txt"
        secret.write_text("x")
        for source in (
            rf"\input{{{secret}}}",
            rf"\newwrite\out \immediate\openout\out={made} \immediate\write\out{{x}}",
            rf"\immediate\write18{{touch {made}}} \undefined",
        ):
            monkeypatch.setattr(typeset, "_DOCUMENT", typeset._DOCUMENT.replace("%(source)s", f"{source} %(source)s"))
            with pytest.raises(OwnSymbolError):
                typeset.typeset("x")
            monkeypatch.undo()
        assert not made.exists()
