"""kill -9 at random moments, and several processes that want the same at once; `make faults` does it many times."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from extexify.model.library import check_new_run
from extexify.workspace.files import StorageError
from tools.faults import crowds, kills
from tools.faults.breakage import using

KILLS = 3


@pytest.fixture
def random() -> Random:
    """Of the moments; any will do."""
    return Random()


def test_a_killed_export_leaves_the_earlier_dataset_or_the_new_one(tmp_path: Path, random: Random) -> None:
    assert kills.kill_exports(tmp_path, KILLS, random).total() == KILLS


def test_a_killed_render_leaves_the_earlier_images_or_the_new_ones(tmp_path: Path, random: Random) -> None:
    assert kills.kill_renders(tmp_path, KILLS, random).total() == KILLS


def test_a_killed_training_goes_on_to_the_model_of_one_that_nobody_killed(
    tmp_path: Path, random: Random, one_thread: None
) -> None:
    assert kills.kill_trainings(tmp_path, KILLS, random).total() >= KILLS


def test_the_name_of_a_training_that_was_killed_before_it_noted_anything_is_free(tmp_path: Path) -> None:
    with using(tmp_path):
        run = tmp_path / "runs" / "first"
        run.mkdir(parents=True)
        (run / ".run.json.4711.0.tmp").touch()
        check_new_run("first")
        (run / "metrics.jsonl").touch()
        with pytest.raises(StorageError, match="exists already"):
            check_new_run("first")


def test_two_exports_at_once_make_the_dataset_of_one(tmp_path: Path) -> None:
    assert crowds.two_exports(tmp_path, 2).total() == 2


def test_of_two_trainings_of_one_name_one_trains(tmp_path: Path) -> None:
    assert crowds.two_trainings(tmp_path, 1, same_name=True).total() == 1


def test_two_trainings_at_once_end_as_each_would_by_itself(tmp_path: Path) -> None:
    assert crowds.two_trainings(tmp_path, 1, same_name=False) == {"both did it": 1}


def test_fifty_contributions_from_five_processes_are_all_there(tmp_path: Path) -> None:
    assert crowds.many_contributions(str(tmp_path / "drawings.sqlite3")).total() == 50
