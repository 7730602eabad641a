"""Fuzzing: runs, jobs, the review list, the choice of a model, names and searches."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from extexify.catalog.symbols import glyph_svg, search, symbol_for
from extexify.core.names import InvalidName, checked_name, free_name, usable_name
from extexify.dataset.review import Rejected, ReviewList
from extexify.model.library import check_new_run, find_model
from extexify.training.recipes import RECIPES
from extexify.training.runs import delete_run, find_run, list_runs, typical_speed
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError
from extexify.workspace.uploads import delete_upload
from tests.fuzz.harness import Case, Fault, check_message, check_text, fuzz, put
from tests.fuzz.hostile import changed_json, damaged, text, text_bytes
from tests.fuzz.markup import tags_of

# --- runs ----------------------------------------------------------------------------------------

_FIGURES = {"loss": 2.0, "top1": 0.25, "top5": 0.5}
_EPOCH = {
    "epoch": 1, "train": _FIGURES, "validation": _FIGURES, "learning_rate": 0.001, "seconds": 2.0,
    "drawings_per_second": 100.0,
}  # fmt: skip
_BATCHES = {"epoch": 1, "batch": 3, "batches": 9, "train": _FIGURES, "drawings_per_second": 100.0}


def _lines(rng: Random, entry: dict[str, object]) -> bytes:
    """Up to three lines of JSON like `entry`."""
    return b"".join(changed_json(rng, entry).replace(b"\n", b" ") + b"\n" for _ in range(rng.randrange(4)))


def run(rng: Random) -> Case:
    config = {"recipe": rng.choice(tuple(RECIPES.values())).to_json(), "seed": 7, "dataset": {"content_hash": "cafe"}}
    metrics = b"".join(_lines(rng, {**_EPOCH, "epoch": number}) for number in range(1, rng.randrange(1, 4)))
    return {
        "runs/r/run.json": changed_json(rng, config, rng.choice((0, 3, 3))),
        "runs/r/metrics.jsonl": metrics[: len(metrics) - rng.randrange(2)],
        "runs/r/batches.jsonl": _lines(rng, _BATCHES),
    }


@fuzz(run, StorageError)
def test_runs(case: Case, folder: Path) -> None:
    from extexify.training.runs import read_config
    from extexify.ui.models.runs import _run_row
    from extexify.ui.train.charts import Curve, _axis

    put(case, folder)
    runs = list_runs()
    for one in runs:
        row = _run_row(one)
        check_text(row.title, row.line, row.badge, *(value for metric in row.metrics for value in metric))
        json.dumps(row.progress, allow_nan=False)
        check_text(one.state, one.dataset_hash, one.recipe.name if one.recipe else "", str(one.seed))
        if one.problem:
            check_message(one.problem)
        start, end = _axis((Curve.of(one, "red"),))
        if not 0 <= start < end < 10**9:
            raise Fault(f"a chart of the epochs {start} to {end}")
        for batches in one.batches:
            if not one.epochs_done < batches.position <= one.epochs_done + 1:
                raise Fault(f"batches at {batches.position} after {one.epochs_done} epochs")
        for epoch in one.epochs:
            check_text(
                f"{epoch.number:,} {epoch.train.loss:.3f} {epoch.learning_rate:.2e} {epoch.drawings_per_second:,.0f}"
            )
    typical_speed(runs, RECIPES["default"])
    if find_run("r") != (runs[0] if runs else None):
        raise Fault("a run is found that isn't listed, or the other way round")
    read_config(folder / "runs" / "r")


# --- jobs ----------------------------------------------------------------------------------------

_JOB = "20260101-120000-000-train-0123abcd"
_CONFIG = {
    "kind": "train", "title": "Training x", "arguments": ["--run=x", "--json"], "writes": ["runs/x", "models/x"],
    "began": 1_767_268_800.0, "clock": 1000.0, "boot": "0123abcd",
}  # fmt: skip
_EVENT = {
    "time": 1_767_268_810.0, "clock": 1010.0, "stage": "train epoch 2/20", "done": 50, "total": 100,
    "unit": "drawings", "rate": 12.5, "message": "epoch 1", "metrics": {"loss": 1.5},
}  # fmt: skip


_END = {"code": 1, "time": 1_767_268_900.0, "seconds": 100.0, "error": "it failed"}
_OUTPUT = {"model": "x.onnx", "test": {"top1": 0.5}, "seconds": 1.0}


def job(rng: Random) -> Case:
    files = {
        "job.json": changed_json(rng, _CONFIG, 1),
        "events.jsonl": _lines(rng, _EVENT),
        "output.json": changed_json(rng, _OUTPUT),
        "log.txt": b"extexify: error: " + text_bytes(rng),
        "lock": rng.choice((b"", b"1", b"-1", b"x", b"99999999999999999999")),
    }
    if rng.random() < 0.7:
        files["end.json"] = changed_json(rng, {**_END, "code": rng.choice((0, 1, 130))})
    if rng.random() < 0.1:
        files["stop"] = b""
    return {f"jobs/{_JOB}/{name}": content for name, content in files.items() if rng.random() < 0.98}


@fuzz(job)
def test_jobs(case: Case, folder: Path) -> None:
    from extexify.ui.common.job_panel import _pace, _stage, duration, is_recent
    from extexify.ui.common.text import escaped
    from extexify.ui.train.outcome import run_of

    put(case, folder)
    for one in jobs.list_jobs():
        latest = one.latest()
        check_text(one.title, one.kind, one.state, duration(one.seconds), run_of(one), *one.writes)
        if one.error:
            check_text(escaped(one.error))
        if one.ended is None or (one.process is not None and one.process < 2):
            raise Fault("a job without a process runs, or has the process id of another program")
        is_recent(one.ended, 60)
        check_text(_stage(one), _pace(one), latest.progress.message if latest else "")
        for part in (one.done, one.time_left):
            if part is not None and not 0 <= part < float("inf"):
                raise Fault(f"a job of which {part} is done or left")
        find_run(run_of(one))
        if not isinstance(one.output, dict) or not all(isinstance(line, str) for line in one.log()):
            raise Fault("output or log of a job have another type")
    if jobs.running(["dataset"]):
        raise Fault("a job runs that was not started")


# --- the review list, the choice of a model ------------------------------------------------------


def review_list(rng: Random) -> Case:
    entry = {"key": "a", "id": 3, "when": "2026-01-01T12:00:00+01:00", "note": "", "strokes": [[[1, 2], [3, 4]]]}
    return {"review.jsonl": _lines(rng, {**entry, "note": text(rng)} if rng.random() < 0.3 else entry)}


@fuzz(review_list, StorageError)
def test_review_list(case: Case, folder: Path) -> None:
    from extexify.ui.evaluate.review_list import _id_of, _tile

    reviews = ReviewList(put(case, folder) / "review.jsonl")
    entries = reviews.entries()
    for entry in entries:
        tile = _tile(_id_of(entry), entry, None)
        check_text(entry.key, tile.id, tile.about, f"{entry.id}")
    if entries:
        last: Rejected = entries[-1]
        reviews.reject(last.key, last.id, last.drawing, "again")
        reviews.restore(last.mark)
        if last.mark in reviews.marks():
            raise Fault("a drawing is on the review list after it was taken off")


def choice(rng: Random) -> Case:
    name = text_bytes(rng).replace(b"\0", b"").replace(b"/", b"")[:200] if rng.random() < 0.5 else b"x"
    files = {
        "serving.json": changed_json(rng, {"model": rng.choice(("workspace/x.onnx", text(rng)))}),
        f"models/{name.decode('utf-8', 'surrogateescape')}.onnx": b"no model",
    }
    return {name: content for name, content in files.items() if rng.random() < 0.95}


@fuzz(choice)
def test_chosen_model(case: Case, folder: Path) -> None:
    from extexify.model.library import list_models
    from extexify.ui.models.models import _model_row

    put(case, folder)
    if paths.default_model() not in paths.available_models():
        raise Fault("a model answers that isn't there")
    for model in list_models():
        row = _model_row(model)
        check_text(model.name, row.id, row.title, row.line, row.badge)
        if model.problem:
            check_message(model.problem)
        paths.choose_model(model.path)
        if paths.default_model() != model.path:
            raise Fault(f"{model.path} was chosen, and another answers")


# --- names and texts -----------------------------------------------------------------------------


def _name(rng: Random) -> Case:
    tokens = (b"..", b"/", b"\\", b"\x00", b"%2f", b"~")
    return {"name.txt": damaged(rng, text_bytes(rng), tokens) if rng.random() < 0.3 else text_bytes(rng)}


@fuzz(_name, InvalidName, StorageError)
def test_names(case: Case, folder: Path) -> None:
    name = case["name.txt"].decode("utf-8", "replace")
    (folder / "runs").mkdir()
    checked_name(usable_name(name, "x"), "run")
    checked_name(free_name(usable_name(name, "x"), lambda taken: len(taken) < 3), "run")
    _check_markup(name)
    if jobs.find(name) is not None or find_run(name) is not None:
        raise Fault(f"something is called {name!r} in an empty workspace")
    for look in (find_model, delete_run, lambda wanted: delete_upload(Path(wanted))):
        try:
            look(name)
        except StorageError as error:
            check_message(str(error))
        else:
            raise Fault(f"something is called {name!r} in an empty workspace")
    check_new_run(checked_name(name, "run"))
    if Path(paths.runs_folder() / name).resolve().parent != (folder / "runs").resolve():
        raise Fault(f"the run {name!r} lies outside the folder of runs")


def _check_markup(name: str) -> None:
    """Raise `Fault` when a name changes the elements of the HTML that shows it."""
    from extexify.training.runs import Epoch, SplitMetrics
    from extexify.ui.common.frame import facts_html
    from extexify.ui.common.text import escaped, sentence
    from extexify.ui.train.charts import Curve
    from extexify.ui.train.curves import _legend

    epoch = Epoch(1, SplitMetrics(1, 0.5, 0.5), SplitMetrics(1, 0.5, 0.5), 0.1, 1, 1)
    for html, plain in (
        (facts_html([(name, name)]), facts_html([("a", "b")])),
        (_legend([Curve(name, "red", (epoch,), 1, epoch)]), _legend([Curve("a", "red", (epoch,), 1, epoch)])),
    ):
        if name and tags_of(html) != tags_of(plain):
            raise Fault(f"{name!r} makes HTML of its own")
    for markdown in (escaped(name), sentence(name)):
        check_text(markdown)
    glyph = glyph_svg("latex2e-OT1-_alpha", title=name)
    if glyph is None or len(tags_of(glyph)) != 2:
        raise Fault(f"{name!r} makes SVG of its own")


@fuzz(lambda rng: {"symbol.txt": text_bytes(rng)})
def test_symbols(case: Case, folder: Path) -> None:
    from extexify.catalog.symbols import symbol_summary
    from extexify.ui.common.catalog_routes import MAX_QUERY

    key = case["symbol.txt"].decode("utf-8", "replace")
    symbol = symbol_for(key)
    if any(bad in symbol.command + symbol.usepackage for bad in (r"\input", r"\write", r"\csname", "^^", "\n\n")):
        raise Fault(f"the key {key!r} gives the command {symbol.command!r} with {symbol.usepackage!r}")
    json.dumps(symbol_summary(key))
    search(key[:MAX_QUERY], 50)
