"""What visitors of a demo with damaged files learn of the server: no path, and no markup of the files' takes effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from onnx import ModelProto
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from extexify.core import settings
from extexify.drawing.link import LINK_PARAMETER, encode
from extexify.model.file import read_model, write_model
from tests.demo import HASH, PASSWORD
from tests.drawings import zigzag
from tests.intruder import Intruder
from tests.tiny import tiny_dataset
from tools.dashboard import ROOT, dashboard

MARKUP = "**bold** <img src=x onerror=a()> [l](http://example.org) $x^2$ :red[r]"

CAN_SEE_WHY = "the operators of this demo can see why in the server’s log"

QUERY = f"{LINK_PARAMETER}={encode(zigzag(5))}"
"""Of a link with a drawing, which a model is to answer."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A workspace with damaged models, a model full of markup, and a damaged dataset."""
    workspace = tmp_path_factory.mktemp("secret-place")
    models = workspace / "models"
    models.mkdir()
    (models / "cut.onnx").write_bytes(tiny_model.read_bytes()[:2_000])
    description, content = read_model(tiny_model)
    foreign = ModelProto()
    foreign.CopyFrom(content)
    foreign.graph.output[0].name = MARKUP
    write_model(models / "unknown.onnx", description, foreign)
    classes = tuple(sorted((f"a-OT1-_{MARKUP}", *description.classes[1:])))
    write_model(models / "**markup** $x$.onnx", replace(description, name=MARKUP, classes=classes), content)
    data = tiny_model.read_bytes()
    (models / "other.onnx").write_bytes(data.replace(b'"format_version": 2', b'"format_version": 7'))
    tiny_dataset(workspace / "dataset", each=5)
    manifest = json.loads((workspace / "dataset" / "manifest.json").read_text())
    manifest["format_version"] = MARKUP
    (workspace / "dataset" / "manifest.json").write_text(json.dumps(manifest))
    return workspace


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with dashboard(folder, **{settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}) as running:
        yield running


def choose(visit: Intruder, model: str) -> str:
    """Open a link with a drawing that names the model; returns what the page shows once the model has been loaded."""
    query = f"{QUERY}&model={model}"
    visit.run(query=query)
    return visit.run(query=query)


def sent(visit: Intruder) -> str:
    """Everything that the server has sent."""
    return b"".join(visit.received).decode("utf-8", "replace")


MODELS = ("cut", "unknown", "other")


@pytest.mark.parametrize("model", MODELS)
def test_visitors_read_that_a_model_is_damaged_and_no_path(model: str, address: str, folder: Path) -> None:
    with Intruder(address) as visit:
        choose(visit, model)
        text = sent(visit)
    assert CAN_SEE_WHY in text
    assert str(folder) not in text
    assert folder.name not in text
    assert str(ROOT) not in text
    assert "onerror=a" not in text
    assert f"{model}.onnx" in (folder / "server.log").read_text()


@pytest.mark.parametrize("model", MODELS)
def test_operators_read_what_is_wrong_and_where(model: str, address: str) -> None:
    with Intruder(address) as visit:
        visit.run("models")
        password = WidgetState(id=visit.field("Password"), string_value=PASSWORD)
        visit.run("models", values=[password, WidgetState(id=visit.buttons()["Sign in"], trigger_value=True)])
        choose(visit, model)
        errors = [alert.body for alert in alerts(visit) if "answer" in alert.body]
    (error,) = errors
    assert f"{model}\\.onnx" in error
    assert "**bold**" not in error
    assert "<img" not in error.replace("\\<img", "")


def alerts(visit: Intruder) -> list[Alert]:
    return [delta.new_element.alert for delta in visit.deltas if delta.new_element.HasField("alert")]


def test_markup_in_a_models_name_and_classes_is_text(address: str) -> None:
    with Intruder(address) as visit:
        choose(visit, "**markup** $x$")
        elements = [delta.new_element for delta in visit.deltas]
    for element in elements:
        shown = f"{element.markdown.body}{element.alert.body}{element.heading.body}{element.html.body}"
        assert "**bold" not in shown
        assert "**markup**" not in shown
        assert "<img" not in shown.replace("\\<img", "")


def test_visitors_read_that_the_dataset_is_damaged_and_no_path(address: str, folder: Path) -> None:
    with Intruder(address) as visit:
        visit.run("symbols", query="symbol=latex2e-OT1-_alpha")
        text = sent(visit)
    assert "The drawings can't be shown" in text
    assert "can see why in the server" in text
    assert folder.name not in text
    assert "onerror=a" not in text
    assert "the dataset in" in (folder / "server.log").read_text()


def test_only_messages_that_pages_send_are_answered(address: str) -> None:
    with Intruder(address) as visit:
        visit.run()
        before = len(visit.received)
        for _ in range(20):
            visit.send_message(BackMsg(load_git_info=True))  # each would hold up the server for some 75 ms
        visit.send_message(BackMsg(set_run_on_save=True))
        visit.run()
        answers = [ForwardMsg.FromString(data) for data in visit.received[before:]]
    assert "git_info_changed" not in {answer.WhichOneof("type") for answer in answers}
    assert not any(answer.session_status_changed.run_on_save for answer in answers)
