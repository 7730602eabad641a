"""A workspace that can't be written: everything is read and answered, and writing raises a user-facing error."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.evaluation.records import list_evaluations
from extexify.model.library import delete_model, find_model, list_models
from extexify.training.runs import delete_run, list_runs
from extexify.workspace import paths
from extexify.workspace.files import StorageError, remove_folder
from extexify.workspace.uploads import list_uploads
from tools.dashboard import serving
from tools.faults.breakage import read_only, require, using
from tools.faults.full_disks import drawings_of, files_of
from tools.faults.samples import made_up
from tools.faults.writers import STAGES
from tools.visitor import Visitor, run_apart

PAGES = ("", "symbols", "collect", "export", "render", "train", "evaluate", "models")
"""Every page's address."""

_NUMBER = 1_000_000
"""A number that no earlier write has used."""

_REASONS = ("can't be written (", "can't be started (", "could not be stored", "can't be used as a store")


def write_nowhere(folder: Path) -> Counter[str]:
    """Try everything that writes, in a prepared workspace that can't be written."""
    outcomes: Counter[str] = Counter()
    for stage in STAGES:
        stage.ready(folder, _NUMBER)
    before, drawings = files_of(folder), drawings_of(folder)
    deletions: dict[str, Callable[[], object]] = {
        "delete a run": lambda: delete_run("first"),
        "delete a model": lambda: delete_model(find_model("first")),
        "delete an evaluation": lambda: remove_folder(folder / "evaluations" / "first"),
    }
    with read_only(folder):
        for stage in STAGES:
            _check(stage.name, stage.act(folder, _NUMBER))
            outcomes["one-line error, nothing changed"] += 1
        with using(folder):
            for name, delete in deletions.items():
                try:
                    delete()
                    message = ""
                except StorageError as error:
                    message = str(error)
                _check(name, message)
                outcomes["one-line error, nothing changed"] += 1
            for look in (_dataset, _images, list_runs, list_models, _evaluations, list_uploads):
                require(look(), f"can't be read: {look}")
                outcomes["read as ever"] += 1
    require(files_of(folder) == before and drawings_of(folder) == drawings, "something has been written")
    return outcomes


def _check(name: str, error: str) -> None:
    require(error, f"{name} wrote into a read-only workspace")
    require("\n" not in error and ".tmp" not in error and "[Errno" not in error, f"{name}: unclear error: {error!r}")
    require(any(reason in error for reason in _REASONS), f"{name}: another reason: {error!r}")


def _dataset() -> bool:
    return len(Dataset.open(paths.dataset_folder())) > 0


def _images() -> bool:
    return bool(RenderedImages.open(paths.images_folder()).classes)


def _evaluations() -> bool:
    return bool(list_evaluations(paths.evaluations_folder()))


def serve_read_only(folder: Path) -> Counter[str]:
    """Serve such a workspace: every page shows; the Draw page answers, and reports that a drawing can't be stored."""
    with (
        tempfile.TemporaryDirectory() as elsewhere,
        read_only(folder),
        serving(folder, log_file=Path(elsewhere) / "server.log") as server,
    ):
        return run_apart(_visit(server.address))


async def _visit(address: str) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for page in PAGES:
        async with Visitor(address, page) as visitor:
            require(not visitor.failed, f"page {page or 'draw'} fails: {visitor.text}")
            outcomes["page shown"] += 1
            if not page:
                await visitor.draw(made_up(0, 0))
                await visitor.wait_until_idle()
                answers = visitor.component("predictions")["answers"]
                require(answers, "no answer")
                await visitor.trigger("predictions", "keep", answers[0]["key"])
                await visitor.until(
                    lambda: visitor.component("contribute_panel")["problem"], "what became of the drawing"
                )
                problem = visitor.component("contribute_panel")["problem"]
                require("could not be saved" in problem and "\n" not in problem, f"unclear error: {problem!r}")
                outcomes["answered, and error that the drawing could not be saved"] += 1
    return outcomes
