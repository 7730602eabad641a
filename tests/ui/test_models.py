"""The Models page: models are chosen, used, renamed, deleted and added; runs are resumed and deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.testing.v1 import AppTest

from extexify.model.file import read_description
from extexify.ui.common.errors import FAULT, explain
from extexify.ui.models.runs import RUN_PARAMETER
from tests.pages import StartedJobs, component, errors, open_page, rerun, started, texts
from tests.tiny import make_run

__all__ = ["started"]  # a fixture


@pytest.fixture
def workspace(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with three models, one of them damaged, and runs in every state."""
    workspace = tmp_path / "ws"
    (workspace / "models").mkdir(parents=True)
    for name in ("alpha", "beta"):
        (workspace / "models" / f"{name}.onnx").write_bytes(tiny_model.read_bytes())
    (workspace / "models" / "broken.onnx").write_bytes(b"no model")
    make_run(workspace / "runs" / "whole", 0.2, 0.5, 0.4, began=3000)
    make_run(workspace / "runs" / "half", 0.25, began=2000)
    (make_run(workspace / "runs" / "odd", began=500) / "run.json").write_text("{")
    (workspace / "runs" / "odd" / "metrics.jsonl").write_text("<script>alert(1)</script>\n")
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(workspace))
    return workspace


def rows(page: AppTest, what: str) -> dict[str, dict[str, Any]]:
    """The rows of the list of models or runs, by their titles."""
    return {row["title"]: row for row in component(page, f"{what}-list")["rows"]}


def choose(page: AppTest, what: str, name: str) -> AppTest:
    """Choose a row, as a click on it does."""
    page.session_state[f"{what}-list-chosen"] = rows(page, what)[name]["id"]
    page = rerun(page)
    assert name in [heading.value.replace("\\", "") for heading in page.subheader]
    return page


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click()
    return rerun(page)


def confirm(page: AppTest, opener: str, key: str = "confirm-delete") -> AppTest:
    """Press a button in the dialog that `opener` opens. A browser reruns only the dialog; here it is opened again."""
    page = press(page, opener)
    page.button(key=opener).click()
    return press(page, key)


def rename(page: AppTest, name: str) -> AppTest:
    page = press(page, "model-rename")
    page.text_input[0].set_value(name)
    (submit,) = (button for button in page.button if button.label == "Rename" and button.key != "model-rename")
    submit.click()
    return press(page, "model-rename")


def test_the_model_that_answers_is_marked_and_another_can(workspace: Path) -> None:
    page = open_page("models")
    assert rows(page, "models")["extexify"]["badge"] == "answers"
    assert dict(rows(page, "models")["alpha"]["metrics"])["top-5"] == "92.3%"
    page = choose(page, "models", "alpha")
    assert "The right symbol is among the first k answers, on the test split." in texts(page)
    page = press(page, "use-model")
    assert rows(page, "models")["alpha"]["badge"] == "answers"
    assert rows(page, "models")["extexify"]["badge"] == ""
    assert json.loads((workspace / "serving.json").read_text()) == {"model": "workspace/alpha.onnx"}
    assert "Draw with it" in texts(page)


def test_a_model_is_renamed_in_its_file_too(workspace: Path) -> None:
    page = choose(open_page("models"), "models", "alpha")
    page = press(page, "use-model")
    page = rename(page, "gamma")
    assert "gamma" in rows(page, "models")
    assert "alpha" not in rows(page, "models")
    assert read_description(workspace / "models" / "gamma.onnx").name == "gamma"
    assert json.loads((workspace / "serving.json").read_text()) == {"model": "workspace/gamma.onnx"}
    page = rename(page, "../escape")
    assert "can't be the name of a model" in errors(page)
    assert not list(workspace.glob("escape*"))


def test_deleting_asks_first(workspace: Path) -> None:
    file = workspace / "models" / "beta.onnx"
    page = press(choose(open_page("models"), "models", "beta"), "model-delete")
    assert "will be deleted permanently" in texts(page)
    page = press(page, "confirm-keep")
    assert file.exists()
    page = confirm(page, "model-delete")
    assert "beta" not in rows(page, "models")
    assert not file.exists()


def test_the_shipped_model_can_not_be_deleted(workspace: Path) -> None:
    page = choose(open_page("models"), "models", "extexify")
    keys = {button.key for button in page.button}
    assert not keys & {"model-delete", "model-rename"}
    assert [button.proto.label for button in page.get("download_button")] == ["Download", "Page (.zip)"]


def test_a_model_is_taken_along_to_the_evaluate_page(workspace: Path) -> None:
    page = press(choose(open_page("models"), "models", "beta"), "evaluate-model-go")
    assert page.title[0].value == "Where the model errs"
    assert page.selectbox(key="evaluate-model").value == workspace / "models" / "beta.onnx"
    assert "Session State" not in texts(page)


def test_a_damaged_model_says_so_and_can_be_deleted(workspace: Path) -> None:
    page = choose(open_page("models"), "models", "broken")
    assert rows(page, "models")["broken"]["badge"] == "can't be read"
    assert "is not a model file" in errors(page)
    assert "use-model" not in {button.key for button in page.button}
    page = confirm(page, "model-delete")
    assert not (workspace / "models" / "broken.onnx").exists()


def test_a_model_file_is_added_and_anything_else_is_refused_in_one_sentence(workspace: Path) -> None:
    content = (workspace / "models" / "alpha.onnx").read_bytes()
    page = open_page("models")
    page.file_uploader[0].set_value(("alpha.onnx", content, "application/octet-stream"))
    page = rerun(page)
    assert component(page, "models-list")["chosen"] == "own/alpha-2"
    assert read_description(workspace / "models" / "alpha-2.onnx").name == "alpha-2"
    before = sorted(path.name for path in (workspace / "models").glob("*.onnx"))
    page.file_uploader[0].set_value(("evil.onnx", b"\x80\x04 pickled", "application/octet-stream"))
    page = rerun(page)
    assert "Evil.onnx was not added" in errors(page)
    assert str(workspace) not in errors(page)
    assert sorted(path.name for path in (workspace / "models").glob("*.onnx")) == before


def test_models_of_an_earlier_version_are_offered_to_be_converted(started: StartedJobs, workspace: Path) -> None:
    page = open_page("models")
    assert "of an earlier version" not in texts(page)
    # Two to convert, and one that has been.
    for name in ("old_1", "old_2", "alpha"):
        (workspace / "models" / f"{name}.safetensors").write_bytes(b"weights")
    page = rerun(page)
    assert set(rows(page, "models")) == {"alpha", "beta", "broken", "extexify"}
    (info,) = [info.value for info in page.info if "earlier version" in info.value]
    assert "2 models of an earlier version" in info
    assert "alpha" not in info
    press(page, "models-convert")
    assert started.last.kind == "convert"
    arguments = sorted(Path(path).name for path in started.last.arguments)
    assert arguments == ["old_1.safetensors", "old_2.safetensors"]
    # Both are gone when the new one is deleted.
    page = choose(open_page("models"), "models", "alpha")
    confirm(page, "model-delete")
    assert not list((workspace / "models").glob("alpha*"))


def test_a_run_on_all_drawings_shows_its_metrics_in_training(workspace: Path) -> None:
    metrics = make_run(workspace / "runs" / "all", 0.4, 0.5, 0.6) / "metrics.jsonl"
    entries = [json.loads(line) for line in metrics.read_text().splitlines()]
    metrics.write_text("".join(json.dumps({**entry, "validation": None}) + "\n" for entry in entries))
    models, train = choose(open_page("models"), "runs", "all"), open_page("train", run="all")
    assert rows(models, "runs")["all"]["metrics"] == [["training top-5", "60.0%"]]
    assert "On the training split." in texts(models)
    assert "Its top-5, training" in texts(train)
    for page in (models, train):
        assert "nan" not in texts(page)
        assert "60.0%" in texts(page)


def test_runs_show_their_state_and_can_be_resumed_or_deleted(started: StartedJobs, workspace: Path) -> None:
    page = open_page("models")
    found = rows(page, "runs")
    assert "3 of 3 epochs" in found["whole"]["line"]
    assert found["whole"]["metrics"] == [["best top-5", "50.0%"]]
    assert (found["half"]["badge"], found["half"]["tone"]) == ("interrupted", "wait")
    assert found["half"]["progress"] == pytest.approx(1 / 3)
    assert found["odd"]["badge"] == "damaged"
    page = choose(page, "runs", "odd")
    assert "damaged" in page.warning[0].value
    page = choose(page, "runs", "half")
    (link,) = (link for link in page.get("page_link") if link.proto.label == "Curves")
    assert link.proto.query_string == f"{RUN_PARAMETER}=half"
    page = press(page, "run-resume")
    assert started.last.arguments == ("--run=half", "--resume")
    assert rows(page, "runs")["half"]["badge"] == "running"
    assert page.button(key="run-delete").disabled
    page = confirm(choose(page, "runs", "whole"), "run-delete")
    assert not (workspace / "runs" / "whole").exists()
    assert (workspace / "runs" / "half").exists()


def test_a_fault_of_ours_is_not_shown_as_the_users_mistake(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("index 7 is out of bounds")

    monkeypatch.setattr("extexify.ui.models.models.add_model", fail)
    monkeypatch.setattr("extexify.ui.models.models.delete_model", fail)
    handler = property(lambda _: explain, lambda *_: None)  # app.py passes it to the server; AppTest has none
    monkeypatch.setattr(ScriptRunner, "_on_script_error", handler, raising=False)
    page = open_page("models")
    page.file_uploader[0].set_value(("a.onnx", b"x", "application/octet-stream"))
    page = rerun(page)
    assert FAULT in errors(page)
    page = choose(open_page("models"), "models", "beta")
    page = confirm(page, "model-delete")
    assert FAULT in errors(page)
    assert "index 7" not in texts(page)
    log = caplog.text + capfd.readouterr().err
    assert log.count("ValueError: index 7 is out of bounds") >= 2
    assert "Traceback" in log
