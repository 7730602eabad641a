"""Settings come from the environment or from Streamlit's file of secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from extexify.core import settings


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(settings.WORKSPACE.name, raising=False)
    (tmp_path / ".streamlit").mkdir()
    return tmp_path / ".streamlit" / "secrets.toml"


def test_without_anything_set_the_value_is_empty(secrets_file: Path) -> None:
    assert settings.value_of(settings.WORKSPACE) == ""


def test_the_environment_goes_before_the_file(secrets_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets_file.write_text('EXTEXIFY_WORKSPACE = "of the file"\n[connections.main]\nurl = "x"')
    assert settings.value_of(settings.WORKSPACE) == "of the file"
    assert settings.secrets()["connections"] == {"main": {"url": "x"}}
    monkeypatch.setenv(settings.WORKSPACE.name, "of the environment")
    assert settings.value_of(settings.WORKSPACE) == "of the environment"


def test_a_changed_file_is_read_again(secrets_file: Path) -> None:
    for value in ("first", "the second one"):
        secrets_file.write_text(f'EXTEXIFY_WORKSPACE = "{value}"')
        assert settings.value_of(settings.WORKSPACE) == value


@pytest.mark.parametrize("text", ["EXTEXIFY_WORKSPACE = ", "\xff", '[EXTEXIFY_WORKSPACE]\na = "b"'])
def test_a_file_that_holds_something_else_sets_nothing(secrets_file: Path, text: str) -> None:
    secrets_file.write_text(text, "latin-1")
    assert settings.value_of(settings.WORKSPACE) == ""
