"""The Draw page without a browser: models, answers, shared links, damaged input, faults."""

from __future__ import annotations

import json
import logging
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from extexify.catalog.comparison import spacing_class
from extexify.catalog.output import forms, labels
from extexify.catalog.symbols import symbol_for
from extexify.contributions.sqlite_store import SqliteStore
from extexify.drawing.link import LINK_PARAMETER, encode
from extexify.drawing.raster import PRESETS, rasterize_drawing
from extexify.drawing.strokes import Drawing
from extexify.model.classifier import Classifier
from extexify.model.ranking import SHAPE, USAGE, Ranking
from extexify.ui.common.errors import FAULT
from extexify.ui.draw import serving
from extexify.ui.draw.contribute import ENOUGH
from extexify.ui.draw.fabric import canvas_from_drawing, drawing_from_canvas
from extexify.ui.draw.share import _Sharing, with_corners
from extexify.workspace import paths
from tests.drawings import drawing, zigzag
from tests.visits import DIVISION, PLUS, SUM
from tools.dashboard import ROOT

SENT = encode([np.array(stroke, np.float32) for stroke in DIVISION])

DOTS = [np.array([[8 * column, 8 * row]], np.float32) for row in range(36) for column in range(30)]
DAMAGED = "The link is damaged: a part of it is missing or has changed."
SUM_KEY = "latex2e-OT1-_sum"


class DrawPage:
    """A visit to the Draw page, with a canvas that sends what `draw` is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: object = None
        self.clicked = ""
        self.shown: dict[str, Any] = {}
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        self._monkeypatch = monkeypatch

    def run(self) -> AppTest:
        # By name: the canvas can only be imported where Streamlit is running.
        if "extexify.ui.draw.sketchpad" not in sys.modules:
            self.app.run()
        self._monkeypatch.setattr("extexify.ui.draw.sketchpad._CANVAS", self._canvas)
        self.app.run()
        assert not self.app.exception
        return self.app

    def _canvas(self, *, data: dict[str, Any], key: str, **_: Any) -> None:
        self.shown = data["initialDrawing"]
        # As the component does.
        st.session_state[key] = {} if self.sent is None else {"drawing": {"raw": self.sent, "data": None}}
        if self.clicked:
            getattr(st.session_state["sketch"], self.clicked)()
            self.clicked = ""

    def draw(self, strokes: Drawing) -> AppTest:
        """Draw in place of what is on the canvas."""
        self.sent = canvas_from_drawing(strokes, color="#000", stroke_width=6)
        return self.run()

    def click(self, command: str) -> AppTest:
        """Undo, redo or clear."""
        self.clicked = command
        return self.run()

    def data(self, component: str) -> Any:
        """What a component was last sent. Raises StopIteration when the page doesn't show it."""
        elements = [element.proto for element in self.app.get("bidi_component")]
        return json.loads(next(one.json for one in elements if one.component_name == f"extexify_{component}"))

    @property
    def commands(self) -> list[str]:
        return [answer["command"] for answer in self.data("predictions")["answers"]]


def strokes_of(meant: list[list[tuple[float, float]]]) -> Drawing:
    return [np.array(stroke, np.float32) for stroke in meant]


@pytest.fixture
def workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace of the dashboard, in which the tiny model answers."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(folder))
    return folder


@pytest.fixture
def draw_page(monkeypatch: pytest.MonkeyPatch) -> DrawPage:
    return DrawPage(monkeypatch)


def test_without_a_model_the_page_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draw_page: DrawPage
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(paths, "SHIPPED_MODELS", tmp_path / "shipped")
    app = draw_page.run()
    assert "No model yet" in app.info[0].value
    assert "python -m extexify pipeline" in app.info[0].value


def test_answers_are_those_of_the_library_and_more_on_demand(
    workspace: Path, tiny_model: Path, draw_page: DrawPage
) -> None:
    app = draw_page.draw(strokes_of(SUM))
    classifier = Classifier.load(tiny_model)

    def expected(ranking: Ranking) -> list[str]:
        return [result.head.command for result in classifier.answers(strokes_of(SUM), 25, ranking).results]

    assert draw_page.commands == expected(USAGE)[:5]
    app.button(key="more").click()
    draw_page.run()
    assert draw_page.commands == expected(USAGE)
    assert app.button(key="more").label == "Show fewer"
    app.button_group(key="rank-by").set_value("Shape alone")
    draw_page.run()
    assert draw_page.commands == expected(SHAPE) != expected(USAGE)


def test_answers_carry_their_forms_and_what_tells_them_apart(workspace: Path, draw_page: DrawPage) -> None:
    draw_page.draw(strokes_of(SUM))
    sent = draw_page.data("predictions")
    assert sent["formats"] == labels()
    symbols = [symbol for answer in sent["answers"] for symbol in (answer, *answer["alike"])]
    for symbol in symbols:
        assert symbol["forms"] == forms(symbol_for(symbol["key"]))
        assert symbol["facts"].get("spacing") == spacing_class(symbol["key"])


def test_nonsense_from_the_canvas_is_a_message(workspace: Path, draw_page: DrawPage) -> None:
    assert not draw_page.run().warning
    sent: list[Any] = [[], {"objects": [{"type": "Image"}]}, {"objects": [{"type": "Path"}]}]
    for nonsense in sent:
        draw_page.sent = nonsense
        app = draw_page.run()
        assert "This drawing can't be read" in app.warning[0].value
        # Clear is the way out of it.
        assert not draw_page.click("clear").warning


# --- models ---------------------------------------------------------------------------------------


def test_a_model_that_is_broken_vanishes_or_is_replaced(workspace: Path, tiny_model: Path, draw_page: DrawPage) -> None:
    models = workspace / "models"
    for name in ("first", "second"):
        (models / f"{name}.onnx").write_bytes(tiny_model.read_bytes())
    (models / "tiny.onnx").write_bytes(tiny_model.read_bytes()[:2000])
    app = draw_page.draw(strokes_of(PLUS))
    assert "This model can't answer" in app.error[0].value
    assert r"tiny\.onnx" in app.error[0].value
    app.selectbox(key="model").set_value(models / "first.onnx")
    draw_page.run()
    assert "29 symbols, right within five for 92%" in draw_page.data("raster")["lines"][1]
    random = draw_page.commands
    # The default model and the chosen one have no file any more: the shipped one answers.
    for name in ("tiny", "first"):
        (models / f"{name}.onnx").unlink()
    draw_page.run()
    assert draw_page.commands != random
    assert "Model “extexify”" in draw_page.data("raster")["lines"][1]
    app.selectbox(key="model").set_value(models / "second.onnx")
    draw_page.run()
    assert draw_page.commands == random
    broken = workspace / "new"
    broken.write_bytes(tiny_model.read_bytes()[:2000])
    broken.replace(models / "second.onnx")
    assert r"second\.onnx" in draw_page.run().error[0].value
    # After a visit to another page, the choice of this visit still holds.
    app.switch_page("pages/symbols.py").run()
    (models / "second.onnx").write_bytes(tiny_model.read_bytes())
    app.switch_page("pages/draw.py")
    draw_page.draw(strokes_of(PLUS))
    assert draw_page.commands == random


def test_a_fault_is_named_as_one_and_logged_with_its_traceback(
    workspace: Path, draw_page: DrawPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed: Future[Classifier] = Future()
    failed.set_exception(ValueError("boom /etc/passwd"))
    monkeypatch.setattr(serving, "model", lambda path: failed)
    with caplog.at_level(logging.ERROR, "extexify"):
        app = draw_page.draw(strokes_of(PLUS))
    assert [error.value for error in app.error] == [FAULT]
    (record,) = [record for record in caplog.records if record.name == "extexify.ui.common.errors"]
    assert record.getMessage() == "Unexpected error while loading a model"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "boom /etc/passwd"


def test_exceptions_that_a_page_raises_are_explained() -> None:
    def script(kind: str) -> None:
        from extexify.access.permissions import NotPermitted
        from extexify.ui.common.errors import explain
        from extexify.workspace.files import StorageError

        kinds = {"user": StorageError, "fault": ValueError, "os": OSError, "operator": NotPermitted}
        assert explain(kinds[kind]("the <b>disk</b> is full"))

    messages = {"user": "The \\<b\\>disk\\<\\/b\\> is full.", "fault": FAULT, "os": FAULT}
    for kind, message in messages.items():
        app = AppTest.from_function(script, args=(kind,)).run()
        assert [error.value for error in app.error] == [message]
    app = AppTest.from_function(script, args=("operator",)).run()
    assert "Sign in first" in app.error[0].value


def test_the_server_holds_a_few_models_and_descriptions(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_DESCRIPTIONS", 3)
    monkeypatch.setattr(serving, "_descriptions", type(serving._descriptions)())
    for number in range(5):
        path = folder / "models" / f"m{number}.onnx"
        path.write_bytes(tiny_model.read_bytes())
        serving.description(path)
    assert [version[0].stem for version in serving._descriptions] == ["m2", "m3", "m4"]


# --- links ----------------------------------------------------------------------------------------


def test_a_bad_link_is_one_sentence_and_an_empty_canvas(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, sentence in (
        (SENT[:-2], DAMAGED),
        ("1<script>alert(1)</script>", DAMAGED),
        ("1\ufffd\0", DAMAGED),
        (encode(DOTS), "The link’s drawing has over 1,000 strokes, too many for the canvas."),
        ("2" + SENT, "The link was made by a newer version of Extexify: update this one to open it."),
        ("1" * 3000, "The link is too long to be a drawing's: 3,000 characters, over 1,900."),
    ):
        visit = DrawPage(monkeypatch)
        visit.app.query_params[LINK_PARAMETER] = text
        app = visit.run()
        assert app.warning[0].value.replace("\\", "") == sentence
        assert visit.shown["objects"] == []
        assert visit.commands == []
        assert visit.data("share")["text"] == ""
        # Gone with the next drawing.
        assert not visit.draw(strokes_of(SUM)).warning
        assert visit.data("share")["text"] == encode(strokes_of(SUM))


def test_a_link_shows_its_drawing_with_the_model_that_it_names(workspace: Path, draw_page: DrawPage) -> None:
    draw_page.app.query_params[LINK_PARAMETER] = SENT
    draw_page.app.query_params["model"] = "extexify"
    app = draw_page.run()
    assert "Model “extexify”" in draw_page.data("raster")["lines"][1]
    assert encode(drawing_from_canvas(draw_page.shown)) == SENT
    share = draw_page.data("share")
    assert (share["text"], share["model"], share["named"]) == (SENT, "extexify", True)
    assert not app.info


def test_a_model_that_is_not_here_is_named_with_the_one_that_answers(workspace: Path, draw_page: DrawPage) -> None:
    draw_page.app.query_params[LINK_PARAMETER] = SENT
    draw_page.app.query_params["model"] = "<b>**x**</b>"
    app = draw_page.run()
    while not app.info:  # until the model has been loaded
        draw_page.run()
    message = app.info[0].value.replace("\\", "")
    assert message == "The link asks for the model “<b>**x**</b>”, which isn't here: “tiny” answers."
    assert not draw_page.draw(strokes_of(PLUS)).info


def test_corners_stay_corners_on_the_canvas_and_arcs_stay_arcs() -> None:
    def picture(strokes: Drawing) -> np.ndarray:
        return rasterize_drawing(strokes, PRESETS["default"]).astype(int)

    turns = np.linspace(0, 3, 20)
    arc = np.stack([200 + 100 * np.cos(turns), 200 + 100 * np.sin(turns)], axis=1)
    sent = drawing([[300, 90], [100, 85], [215, 200], [95, 320]], [[10, 10]], [[1, 1], [9, 9]], arc.tolist())
    shown = with_corners(sent)
    assert [len(stroke) for stroke in shown] == [6, 1, 2, 20]
    back = drawing_from_canvas(canvas_from_drawing(shown, color="#000", stroke_width=6))
    assert encode(back) == encode(sent)
    np.testing.assert_array_equal(picture(back), picture(sent))


def test_an_address_that_the_visit_set_itself_opens_nothing() -> None:
    sharing = _Sharing()
    assert not sharing.is_opened("")
    assert sharing.is_opened("1a")
    assert not sharing.is_opened("1a")
    sharing.history.extend(["1a", "1b"])
    assert not sharing.is_opened("1b")
    # However much was drawn since, the browser's address may still be the last one.
    sharing.history.extend(str(number) for number in range(1000))
    assert not sharing.is_opened("1b")
    assert not sharing.is_opened("")
    assert sharing.is_opened("1c")


# --- drawings that are saved ----------------------------------------------------------------------


def keep_first(draw_page: DrawPage) -> Any:
    """Keep the drawing under its first answer; returns what the page says about it then."""
    draw_page.app.session_state["contributor"].keep(draw_page.data("predictions")["answers"][0]["key"])
    draw_page.run()
    return draw_page.data("contribute")


def test_enough_drawings_lead_to_another_training(workspace: Path, draw_page: DrawPage) -> None:
    store = SqliteStore(workspace / "drawings.sqlite3")
    for number in range(ENOUGH - 1):
        store.add(SUM_KEY, zigzag(number))
    draw_page.draw(strokes_of(SUM))
    assert draw_page.data("contribute")["waiting"] == 0
    assert keep_first(draw_page)["waiting"] == ENOUGH


def test_a_store_that_cannot_be_written_is_one_sentence(workspace: Path, draw_page: DrawPage) -> None:
    (workspace / "drawings.sqlite3").write_text("no database at all, but a text that is long enough to look like one")
    draw_page.draw(strokes_of(SUM))
    shown = keep_first(draw_page)
    assert "could not be saved" in shown["problem"]
    assert shown["line"] == ""
    assert len(draw_page.commands) == 5
    # The message is about this drawing only.
    draw_page.draw(strokes_of(PLUS))
    assert draw_page.data("contribute")["problem"] == ""
