"""What visitors and operators of a demo read of an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from extexify.contributions.moderation import LimitReached
from extexify.core.settings import SettingError
from extexify.drawing.link import BadLink
from extexify.model.description import ModelError
from extexify.ui.common.errors import HIDDEN, reason
from extexify.workspace.files import StorageError
from tests.demo import demo, operator

__all__ = ["demo"]  # a fixture of the tests below

SECRET = "/srv/secret/file is damaged"

OF_FILES = (ModelError, StorageError, SettingError, FileNotFoundError)


def test_visitors_do_not_read_what_is_wrong_with_files(demo: Path, caplog: pytest.LogCaptureFixture) -> None:
    for kind in OF_FILES:
        caplog.clear()
        assert reason(kind(SECRET), "loading a model") == HIDDEN
        assert caplog.messages == [f"Error while loading a model for a visitor: {SECRET}"]


def test_visitors_read_what_is_wrong_with_what_they_sent(demo: Path) -> None:
    for kind in (BadLink, LimitReached):
        assert reason(kind("it is too long"), "opening a link") == "it is too long"


def test_operators_read_everything(demo: Path) -> None:
    with operator():
        assert {reason(kind(SECRET), "loading a model") for kind in OF_FILES} == {SECRET}


def test_outside_of_a_demo_everybody_reads_everything() -> None:
    assert {reason(kind(SECRET), "loading a model") for kind in OF_FILES} == {SECRET}
