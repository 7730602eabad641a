"""“Your document” on the Draw page: what is understood, what answers then say, and what gets into links."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from extexify.drawing.link import encode
from tests.pages import component, rerun, texts
from tests.ui.test_draw import DrawPage, draw_page, strokes_of, workspace  # noqa: F401
from tests.visits import SUM
from tools.dashboard import ROOT

PREAMBLE = r"\usepackage{mathabx,marvosym,ourmacros} \newcommand{\total}{\sum}"


@pytest.mark.usefixtures("workspace", "tiny_model")
def test_a_preamble_is_understood_and_answers_name_its_macros(draw_page: DrawPage) -> None:  # noqa: F811
    app = draw_page.draw(strokes_of(SUM))
    assert all("typed" not in answer for answer in draw_page.data("predictions")["answers"])
    app.text_area(key="document_text").input(PREAMBLE)
    draw_page.run()
    shown = texts(app)
    assert "Loaded: marvosym, mathabx" in shown
    assert "Not known here: ourmacros" in shown
    assert r"total for sum" in shown
    assert "marvosym and mathabx define Aries" in shown
    symbols = [one for answer in draw_page.data("predictions")["answers"] for one in (answer, *answer["alike"])]
    typed = {symbol["key"]: symbol["typed"] for symbol in symbols}
    assert typed["latex2e-OT1-_sum"] == r"\total"
    needed = [symbol["needs"] for symbol in symbols if symbol["needs"]]
    assert all(line.startswith(r"\usepackage") for line in needed)


@pytest.mark.usefixtures("workspace", "tiny_model")
def test_a_file_is_read_up_to_its_text(draw_page: DrawPage) -> None:  # noqa: F811
    app = draw_page.run()
    source = b"\\documentclass{beamer}\n\\begin{document}na\xefve \\usepackage{skull}"
    app.file_uploader[0].set_value(("talk.tex", source, "text/plain"))
    app.text_area(key="document_text").input(r"\usepackage{stmaryrd}")
    draw_page.run()
    assert "Loaded: amsfonts, amsmath, amssymb, stmaryrd" in texts(app)
    app.button(key="document_forget").click()
    draw_page.run()
    assert "Loaded: stmaryrd" in texts(app)


@pytest.mark.usefixtures("workspace", "tiny_model")
def test_packages_get_into_links_only_when_asked_for(draw_page: DrawPage) -> None:  # noqa: F811
    app = draw_page.draw(strokes_of(SUM))
    app.multiselect(key="document_packages").select("wasysym").select("stmaryrd")
    draw_page.run()
    assert draw_page.data("share")["packages"] == ""
    app.toggle(key="document_in_links").set_value(True)
    draw_page.run()
    assert draw_page.data("share")["packages"] == "stmaryrd,wasysym"


@pytest.mark.usefixtures("tiny_model")
def test_a_link_ticks_the_packages_that_it_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(folder))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["d"] = encode(strokes_of(SUM))
    app.query_params["packages"] = r"stmaryrd,\write18,amssymb"
    rerun(app)
    assert app.multiselect(key="document_packages").value == ["amssymb", "stmaryrd"]
    assert component(app, "share_panel")["packages"] == "amssymb,stmaryrd"


@pytest.mark.usefixtures("workspace", "tiny_model")
def test_a_text_that_is_too_long_is_refused_in_one_sentence(draw_page: DrawPage) -> None:  # noqa: F811
    app = draw_page.run()
    app.file_uploader[0].set_value(("long.tex", b"x" * 1_000_001, "text/plain"))
    draw_page.run()
    assert app.warning[0].value.startswith("A document may have 1")
