"""A disk that fills up in every stage: a one-line error, earlier files unchanged, and a retry succeeds."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from random import Random

from extexify.sources.sqlite import SqliteSource
from extexify.training.runs import list_runs
from tools.faults.breakage import Disk, fingerprint, leftovers, require, using
from tools.faults.writers import Stage

DISK_SIZE = 96 << 20
"""Bytes of the small disk: twice a training's checkpoint, and some reserve."""

_REASONS = (
    "no room left for", "would be larger than a file may be here", "could not be stored", "can't be used as a store"
)  # fmt: skip


def fill_disks(disk: Disk, stage: Stage, times: int, random: Random) -> Counter[str]:
    """Let a stage meet a disk with too little room, `times` times, in a workspace that `prepare` filled."""
    folder = disk.folder / "ws"
    own = tuple(made.partition("#")[0] for made in stage.makes)
    outcomes: Counter[str] = Counter()
    for number in range(1, times + 1):
        stage.ready(folder, number)
        before, drawings = files_of(folder), drawings_of(folder)
        # Free space from zero to almost enough.
        with disk.room(int(stage.needs * random.random() ** 2) if number > 1 else 0):
            error = stage.act(folder, number)
            with using(folder):
                list_runs()
            after = files_of(folder)
        require(drawings <= drawings_of(folder), f"{stage.name}: a drawing is lost")
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        foreign = {path for path in changed if not path.startswith(own)}
        require(not foreign, f"{stage.name}: other files have changed: {sorted(foreign)}")
        if error:
            require(not changed & before.keys(), f"{stage.name}: what was there has changed: {sorted(changed)}")
            require("\n" not in error and ".tmp" not in error, f"{stage.name}: unclear error: {error!r}")
            require(any(reason in error for reason in _REASONS), f"{stage.name}: another reason: {error!r}")
            again = stage.act(folder, number)
            require(not again, f"{stage.name}: the retry failed: {again}")
            outcomes["one-line error, nothing lost, retry worked"] += 1
        else:
            outcomes["there was room enough"] += 1
        require(not leftovers(folder), f"{stage.name}: left behind: {leftovers(folder)}")
        for made in stage.makes:
            if "#" in made:
                _remove(folder / made.replace("#", str(number)))
    return outcomes


def files_of(folder: Path) -> dict[str, str]:
    """All files but the database, which is compared by its rows, and the folders of jobs."""
    apart = ("drawings.sqlite3", "jobs/")
    return {path: digest for path, digest in fingerprint(folder).items() if not path.startswith(apart)}


def drawings_of(folder: Path) -> set[tuple[object, object, object]]:
    """The rows of the contributed drawings."""
    rows = SqliteSource(folder / "drawings.sqlite3").rows()
    return {(row.id, row.key, row.strokes) for row in rows}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
