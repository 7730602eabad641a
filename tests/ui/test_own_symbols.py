"""Symbols of one's own on the Symbols page, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from extexify.access import permissions
from extexify.catalog import own
from extexify.catalog.own import Glyph
from extexify.drawing.strokes import Drawing
from extexify.ui.draw import serving
from extexify.ui.draw.fabric import canvas_from_drawing
from extexify.workspace import paths
from tests.drawings import zigzag
from tests.pages import errors, open_page, rerun, texts

Canvas = Callable[[AppTest, Drawing], AppTest]


@pytest.fixture(autouse=True)
def _workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(folder))


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Canvas:
    """Draw on the page's canvas, in place of what is on it."""
    sent: dict[str, Any] = {}

    def canvas(*, data: dict[str, Any], key: str, **_: Any) -> None:
        st.session_state[key] = dict(sent)

    def put(app: AppTest, drawing: Drawing) -> AppTest:
        monkeypatch.setattr("extexify.ui.draw.sketchpad._CANVAS", canvas)
        raw = canvas_from_drawing(drawing, color="#000", stroke_width=6)
        sent["drawing"] = {"raw": raw, "data": None}
        return rerun(app)

    return put


def opened() -> AppTest:
    """The Symbols page with the form open."""
    app = open_page("symbols")
    assert not app.exception
    app.session_state["own"] = True
    return rerun(app)


def button(app: AppTest, key: str) -> Any:
    return app.button(key=key)


def test_the_form_costs_nothing_until_it_is_opened() -> None:
    assert len(open_page("symbols").get("bidi_component")) == 1


def test_latex_prints_a_symbol_that_is_not_drawn_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    glyph = Glyph((0, -700, 700, 0), ("M0 0L700 0L700-700Z",), (((0, 0), (1000, 1000)),))
    printed: list[tuple[str, tuple[str, ...], bool]] = []

    def typeset(command: str, preamble: tuple[str, ...], *, text: bool) -> Glyph:
        printed.append((command, preamble, text))
        if command == r"\nosuch":
            raise own.OwnSymbolError("LaTeX can't print it: Undefined control sequence")
        return glyph

    monkeypatch.setattr("extexify.sources.typeset.typeset", typeset)
    monkeypatch.setattr("extexify.sources.typeset.is_available", lambda: True)
    app = opened()
    assert "LaTeX prints the symbol" in texts(app)
    app.text_input(key="own-command").set_value(r"\nosuch")
    rerun(app)
    button(app, "own-add").click()
    rerun(app)
    assert "Undefined control sequence" in errors(app)
    app.text_input(key="own-command").set_value(r"\boxtimes")
    app.text_area(key="own-preamble").set_value(r"\usepackage{amssymb}")
    rerun(app)
    button(app, "own-add").click()
    rerun(app)
    assert printed[-1] == (r"\boxtimes", (r"\usepackage{amssymb}",), False)
    assert own.own_symbols()["own-OT1-_boxtimes"].glyph == glyph
    assert "known by its glyph" in texts(app)


def test_without_latex_the_page_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    app = opened()
    assert "install TeX Live" in texts(app)
    app.text_input(key="own-command").set_value(r"\boxtimes")
    rerun(app)
    assert button(app, "own-add").disabled


def test_a_symbol_is_added_drawn_more_renamed_and_removed(draw: Canvas) -> None:
    app = draw(opened(), zigzag(2))
    app.text_input(key="own-command").set_value(r"\mysymbol")
    app.text_area(key="own-preamble").set_value("\\usepackage{stix2}\n")
    rerun(app)
    button(app, "own-add").click()
    rerun(app)
    (symbol,) = own.own_symbols().values()
    assert (symbol.command, symbol.preamble, len(symbol.drawings)) == (r"\mysymbol", (r"\usepackage{stix2}",), 1)
    assert "is found by drawing from now on" in texts(app)
    assert app.selectbox(key="own-symbol-1").value == r"\mysymbol"

    draw(app, zigzag(3))
    button(app, "own-more").click()
    rerun(app)
    assert len(own.own_symbols()[symbol.key].drawings) == 2

    app.text_input(key="own-new-command").set_value(r"\ourset")
    rerun(app)
    button(app, "own-rename-go").click()
    rerun(app)
    assert [one.command for one in own.own_symbols().values()] == [r"\ourset"]

    button(app, "own-remove-go").click()
    rerun(app)
    assert own.own_symbols() == {}


def test_the_draw_page_answers_with_it_at_once(draw: Canvas) -> None:
    plain = serving.model(paths.default_model()).result()
    own.add_symbol(own.checked(own.OwnSymbol, r"\mysymbol", drawings=((((0, 0), (9, 9), (0, 9), (9, 0)),),)))
    extended = serving.model(paths.default_model()).result()
    assert extended.classes == (*plain.classes, "own-OT1-_mysymbol")
    assert serving.model(paths.default_model()).result() is extended
    own.remove_symbol(r"\mysymbol")
    assert serving.model(paths.default_model()).result().classes == plain.classes


@pytest.mark.parametrize("command", [r"\input{x}", "x_1", r"<b>\bold</b> x"])
def test_a_wrong_command_is_one_sentence_and_adds_nothing(command: str, draw: Canvas) -> None:
    app = draw(opened(), zigzag(1))
    app.text_input(key="own-command").set_value(command)
    rerun(app)
    button(app, "own-add").click()
    rerun(app)
    assert "is no command that prints a symbol" in errors(app)
    assert own.own_symbols() == {}


def test_a_damaged_file_of_symbols_is_named_and_the_model_still_answers() -> None:
    paths.own_symbols_file().write_text("{}")
    assert "is no file of symbols" in errors(opened())
    assert serving.model(paths.default_model()).result().classes


def test_visitors_of_a_demo_have_no_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "is_operator", lambda: False)
    app = open_page("symbols")
    assert not app.expander
