"""Which model is the default."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from extexify.workspace import paths
from extexify.workspace.files import StorageError


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace with the models old and new, and a shipped one."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.setattr(paths, "SHIPPED_MODELS", tmp_path / "shipped")
    for age, name in enumerate(("shipped/base", "ws/models/old", "ws/models/new")):
        path = tmp_path / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        os.utime(path, (age, age))


def names(files: list[Path]) -> list[str]:
    return [file.stem for file in files]


def test_the_shipped_model_answers_until_another_is_chosen() -> None:
    assert names(paths.available_models()) == ["new", "old", "base"]
    assert paths.default_model().stem == "base"
    paths.choose_model(paths.models_folder() / "old.onnx")
    assert paths.default_model().stem == "old"
    paths.choose_model(paths.SHIPPED_MODELS / "base.onnx")
    assert paths.default_model().stem == "base"


def test_a_choice_survives_a_move_of_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.choose_model(paths.models_folder() / "old.onnx")
    shutil.move(tmp_path / "ws", tmp_path / "moved")
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "moved"))
    assert paths.default_model().stem == "old"


def test_a_missing_or_damaged_choice_is_ignored() -> None:
    chosen = paths.models_folder() / "old.onnx"
    paths.choose_model(chosen)
    chosen.unlink()
    assert paths.default_model().stem == "base"
    for text in ("", "[]", '{"model": 3}', '{"model": "../../etc/passwd"}'):
        (paths.workspace() / "serving.json").write_text(text)
        assert paths.default_model().stem == "base"


def test_without_a_shipped_model_the_newest_answers() -> None:
    (paths.SHIPPED_MODELS / "base.onnx").unlink()
    assert paths.default_model().stem == "new"


def test_only_a_model_of_the_workspace_can_be_chosen(tmp_path: Path) -> None:
    stray = tmp_path / "stray.onnx"
    stray.write_bytes(b"")
    with pytest.raises(StorageError, match="is no model of this workspace"):
        paths.choose_model(stray)
    with pytest.raises(StorageError, match="is no model of this workspace"):
        paths.choose_model(paths.models_folder() / "none.onnx")
