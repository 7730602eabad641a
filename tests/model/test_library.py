"""The list of models: read from headers; models are renamed, deleted, and added after a check."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from extexify.cli import parser
from extexify.core.names import InvalidName
from extexify.drawing.raster import preset
from extexify.model import library
from extexify.model.classifier import Classifier
from extexify.model.description import ModelDescription, ModelError
from extexify.model.file import read_description, read_model
from extexify.model.library import (
    Model,
    add_model,
    delete_model,
    find_model,
    list_models,
    model_of_run,
    name_for_run,
    rename_model,
)
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError
from tests.models import write_linear


@pytest.fixture(autouse=True)
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setattr(paths, "SHIPPED_MODELS", shipped)
    make_model(shipped / "shipped.onnx")


def make_model(path: Path, **changes: Any) -> Path:
    description = ModelDescription(
        name=path.stem, architecture="linear", options={}, classes=("a", "b", "c"),
        raster=preset("default", size=16), temperature=0.9, metrics={"test": {"top1": 0.5, "top5": 0.9}},
        training={"recipe": {"name": "default"}, "dataset": {"content_hash": "cafe"}},
    )  # fmt: skip
    write_linear(path, description)
    if changes:
        _, model = read_model(path)
        model.metadata_props[0].value = json.dumps({**description.to_json(), **changes})
        path.write_bytes(model.SerializeToString())
    return path


def own(name: str, **changes: Any) -> Model:
    make_model(paths.models_folder() / f"{name}.onnx", **changes)
    return find_model(name)


def names() -> list[str]:
    return [model.name for model in list_models()]


def test_a_model_is_described_by_its_header() -> None:
    model = own("mine")
    assert (model.shipped, model.serves, model.problem) == (False, False, "")
    assert (model.evaluated_split, model.metrics["top5"]) == ("test", 0.9)
    assert (model.recipe, model.dataset_hash) == ("default", "cafe")
    assert model.size == model.path.stat().st_size
    assert names() == ["mine", "shipped"]
    assert find_model("shipped").serves


def test_a_model_that_was_never_tested_shows_its_validation() -> None:
    model = own("new", metrics={"validation": {"top5": 0.25}, "test": {}})
    assert (model.evaluated_split, dict(model.metrics)) == ("validation", {"top5": 0.25})
    assert own("blank", metrics={}).evaluated_split == ""


def test_a_model_of_all_drawings_shows_what_its_recipe_reached(capsys: pytest.CaptureFixture[str]) -> None:
    model = own("all", metrics={"same_recipe": {"top1": 0.25, "top5": 0.75}}, training={"train_on": "all"})
    assert (model.evaluated_split, model.metrics["top5"]) == ("same_recipe", 0.75)
    assert parser.main(["models"]) == 0
    assert (
        "all      a model of the same recipe on held-out drawings: top-1 25.0%, top-5 75.0%" in capsys.readouterr().out
    )


def test_the_date_of_a_shipped_model_is_its_own() -> None:
    shipped = paths.SHIPPED_MODELS / "shipped.onnx"
    for date, expected in (("2026-11-23", datetime(2026, 11, 23).timestamp()), ("soon", 1e9), (3, 1e9)):
        make_model(shipped, training={"date": date})
        os.utime(shipped, (1e9, 1e9))
        assert find_model("shipped").date == expected
    # That of others is when they came into the workspace.
    make_model(paths.models_folder() / "mine.onnx", training={"date": "2026-11-23"})
    os.utime(paths.models_folder() / "mine.onnx", (1e9, 1e9))
    assert find_model("mine").date == 1e9


def test_a_damaged_file_is_listed_with_its_problem() -> None:
    own("good")
    (paths.models_folder() / "bad.onnx").write_bytes(b"no model")
    bad = find_model("bad")
    assert bad.description is None
    assert "is not a model file" in bad.problem
    assert (bad.evaluated_split, dict(bad.metrics), bad.recipe, bad.run) == ("", {}, "", "")
    assert len(list_models()) == 3
    delete_model(bad)
    assert names() == ["good", "shipped"]


def test_training_metadata_of_other_types_is_ignored() -> None:
    model = own("odd", training={"recipe": 3, "dataset": [], "run": {}})
    assert (model.recipe, model.dataset_hash, model.run) == ("", "", "")


def test_renaming_changes_file_and_description_and_keeps_date_and_place() -> None:
    model = own("before")
    os.utime(model.path, (1e9, 1e9))
    model = find_model("before")
    target = rename_model(model, "after")
    assert names() == ["after", "shipped"]
    assert read_description(target).name == "after"
    assert Classifier.load(target).description.temperature == 0.9
    assert find_model("after").date == 1e9


def test_the_default_model_stays_the_default_under_its_new_name() -> None:
    model = own("before")
    own("newer")
    paths.choose_model(model.path)
    target = rename_model(find_model("before"), "after")
    assert paths.default_model() == target


def test_a_model_can_not_be_renamed_out_of_its_folder() -> None:
    model = own("mine")
    for name in ("", "..", "../up", "a/b", ".hidden", "x" * 100):
        with pytest.raises(InvalidName):
            rename_model(model, name)
        assert names() == ["mine", "shipped"]


def test_a_taken_name_is_refused() -> None:
    own("one")
    two = own("two")
    before = two.path.read_bytes()
    with pytest.raises(StorageError, match="there is a model one already"):
        rename_model(two, "one")
    assert two.path.read_bytes() == before
    assert rename_model(two, "two") == two.path


def test_the_shipped_model_stays() -> None:
    shipped = find_model("shipped")
    with pytest.raises(StorageError, match="came with Extexify and can't be renamed"):
        rename_model(shipped, "mine")
    with pytest.raises(StorageError, match="came with Extexify and can't be deleted"):
        delete_model(shipped)
    assert shipped.path.exists()


def test_a_model_that_a_job_writes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = own("busy")
    job = jobs.Job("id", Path(), "train", "Training busy", (), ("models/busy",), 0.0, 0.0, "")
    monkeypatch.setattr(jobs, "running", lambda writes=(): [job] if "models/busy" in writes else [])
    with pytest.raises(StorageError, match="can't be deleted while “Training busy” is running"):
        delete_model(model)
    with pytest.raises(StorageError, match="can't be renamed while “Training busy” is running"):
        rename_model(model, "other")


def test_another_model_is_the_default_after_the_default_was_deleted() -> None:
    model = own("mine")
    paths.choose_model(model.path)
    delete_model(find_model("mine"))
    assert find_model("shipped").serves


def upload(path: Path, name: str = "") -> Path:
    return add_model(io.BytesIO(path.read_bytes()), name or path.name)


def test_an_uploaded_model_gets_a_free_name(tmp_path: Path) -> None:
    path = make_model(tmp_path / "mine.onnx")
    first, second = upload(path), upload(path)
    assert (first.name, second.name) == ("mine.onnx", "mine-2.onnx")
    assert read_description(second).name == "mine-2"
    assert first.read_bytes() == path.read_bytes()  # nothing is lost on the way
    assert sorted(names()) == ["mine", "mine-2", "shipped"]


def test_an_uploads_name_leads_nowhere_else(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m.onnx")
    for name in ("../../up.onnx", "/etc/x.onnx", ".onnx", "ä ö.onnx"):
        added = upload(model, name)
        assert added.parent == paths.models_folder()
        assert added in paths.available_models()


def test_a_file_that_is_no_model_is_refused_in_one_sentence_that_names_it(tmp_path: Path) -> None:
    """What can be wrong with a model file is tested in test_file.py."""
    whole = make_model(tmp_path / "m.onnx").read_bytes()
    make_model(tmp_path / "m.onnx", classes=["a", "b"])
    for content in (b"", b"PK\x03\x04 not a model", whole[:-100], (tmp_path / "m.onnx").read_bytes()):
        with pytest.raises(ModelError) as refused:
            add_model(io.BytesIO(content), "evil.onnx")
        message = str(refused.value)
        assert "evil.onnx" in message
        assert str(tmp_path) not in message
        assert "\n" not in message
        assert names() == ["shipped"]
        assert not [path for path in paths.models_folder().iterdir() if path.suffix != ".lock"]


def test_a_file_of_another_kind_is_not_even_read() -> None:
    with pytest.raises(ModelError, match=r"notes\.txt is no model: model files end in \.onnx"):
        add_model(io.BytesIO(b""), "notes.txt")


def test_a_runs_model_is_found_under_any_name() -> None:
    own("first")
    assert model_of_run("first", list_models()) is not None
    model = own("second", training={"run": "first"})
    assert model_of_run("first", list_models()) == model
    rename_model(model, "third")
    found = model_of_run("first", list_models())
    assert found is not None
    assert found.name == "third"
    assert model_of_run("shipped", list_models()) is None


def test_the_best_model_so_far_is_put_beside_one_of_that_name() -> None:
    own("run")
    assert name_for_run("run") == "run-2"
    assert name_for_run("other") == "other"


def test_the_command_line_lists_models_and_chooses_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    own("mine")
    assert parser.main(["use", "mine"]) == 0
    assert "mine answers from now on" in capsys.readouterr().out
    assert parser.main(["models", "--json"]) == 0
    mine, shipped = json.loads(capsys.readouterr().out)
    assert (mine["name"], mine["answers"], mine["top5"], mine["judged_on"]) == ("mine", True, 0.9, "test")
    assert (shipped["answers"], shipped["shipped"]) == (False, True)
    assert parser.main(["models"]) == 0
    assert "* mine     test: top-1 50.0%, top-5 90.0%" in capsys.readouterr().out
    assert parser.main(["use", str(find_model("shipped").path)]) == 0
    assert find_model("shipped").serves


def test_only_a_whole_model_can_be_chosen_as_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["use", "nothing"]) == 1
    assert capsys.readouterr().err == "extexify: error: there is no model nothing: there are shipped\n"
    paths.models_folder().mkdir(parents=True)
    (paths.models_folder() / "bad.onnx").write_bytes(b"x")
    assert parser.main(["use", "bad"]) == 1
    assert "is not a model file" in capsys.readouterr().err
    assert find_model("shipped").serves


def test_a_list_of_hundreds_reads_each_header_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = own("m0").path
    for number in range(1, 300):
        shutil.copy(first, first.with_name(f"m{number}.onnx"))
    assert len(list_models()) == 301
    monkeypatch.setattr(library, "read_description", None)  # nothing more is read
    assert len(list_models()) == 301


def test_descriptions_of_files_that_are_gone_are_dropped() -> None:
    for name in ("one", "two"):
        own(name)
    assert {path.stem for path in library._descriptions} == {"one", "two", "shipped"}
    delete_model(find_model("one"))
    rename_model(find_model("two"), "three")
    list_models()
    assert {path.stem for path in library._descriptions} == {"three", "shipped"}


def test_a_model_that_is_renamed_during_a_look_at_the_list_stays_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = own("before")
    read = library._model

    def rename_first(path: Path, serving: Path | None) -> Model | None:
        if path == model.path and path.exists():
            path.rename(path.with_stem("after"))
        return read(path, serving)

    monkeypatch.setattr(library, "_model", rename_first)
    assert names() == ["after", "shipped"]


def test_a_server_without_pytorch_lists_renames_adds_and_deletes_models(tmp_path: Path) -> None:
    """docs/deploy.md proposes such servers."""
    own("mine")
    make_model(tmp_path / "other.onnx")
    script = f"""
import sys
from pathlib import Path

sys.modules["torch"] = None  # importing it is an ImportError now
from extexify.core.errors import UserError
from extexify.evaluation import calibration
from extexify.model import library, offline
from extexify.workspace import paths

paths.SHIPPED_MODELS = Path({str(paths.SHIPPED_MODELS)!r})
other = Path({str(tmp_path / "other.onnx")!r})
library.rename_model(library.find_model("mine"), "renamed")
with other.open("rb") as file:
    library.add_model(file, "added.onnx")
assert {{model.name for model in library.list_models()}} == {{"renamed", "added", "shipped"}}
assert offline.page_files(library.find_model("added").path)
library.delete_model(library.find_model("renamed"))
assert not [model.problem for model in library.list_models() if model.problem]
print(*sorted(model.name for model in library.list_models()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("added shipped\n", "")
