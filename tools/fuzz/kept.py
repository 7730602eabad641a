"""Targets: what the workspace keeps and pages read back, names that people choose, and searches."""

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
from tools.fuzz.hostile import changed, damaged, json_bytes, text, times
from tools.fuzz.markup import tags_of
from tools.fuzz.target import Case, Escape, Fault, Target, check_sentence, check_text, put

# --- runs ----------------------------------------------------------------------------------------

_FIGURES = {"loss": 2.0, "top1": 0.25, "top5": 0.5}
_EPOCH = {
    "epoch": 1, "train": _FIGURES, "validation": _FIGURES, "learning_rate": 0.001, "seconds": 2.0,
    "drawings_per_second": 100.0,
}  # fmt: skip


def _make_run(rng: Random) -> Case:
    asked = {"recipe": rng.choice(tuple(RECIPES.values())).to_json(), "seed": 7, "dataset": {"content_hash": "cafe"}}
    if rng.random() < 0.7:
        asked = times(rng, changed, asked)
    lines = []
    for number in range(rng.randrange(4)):
        line = times(rng, changed, {**_EPOCH, "epoch": number + 1})
        lines.append(json_bytes(rng, line).replace(b"\n", b" "))
    return {
        "runs/r/run.json": json_bytes(rng, asked),
        "runs/r/metrics.jsonl": b"\n".join(lines) + rng.choice((b"\n", b"")),
    }


def _read_run(case: Case, folder: Path) -> None:
    from extexify.training.run_files import recipe_of_run, splits_of_run
    from extexify.ui.models.runs import _run_row
    from extexify.ui.train.charts import Curve, _axis_end

    put(case, folder)
    runs = list_runs()
    for run in runs:
        row = _run_row(run)
        check_text(row.title, row.line, row.badge, *(value for metric in row.metrics for value in metric))
        json.dumps(row.progress, allow_nan=False)
        check_text(run.state, run.dataset_hash, run.recipe.name if run.recipe else "", str(run.seed))
        if run.problem:
            check_sentence(run.problem)
        frame = _axis_end(Curve.of(run, "red"))
        if not 0 < frame < 10**9:
            raise Fault(f"a chart of {frame} epochs")
        for epoch in run.epochs:
            check_text(
                f"{epoch.number:,} {epoch.train.loss:.3f} {epoch.learning_rate:.2e} {epoch.drawings_per_second:,.0f}"
            )
    typical_speed(runs, RECIPES["default"])
    if find_run("r") != (runs[0] if runs else None):
        raise Fault("a run is found that isn't listed, or the other way round")
    recipe_of_run(folder / "runs" / "r")
    splits_of_run(folder / "runs" / "r")


# --- jobs ----------------------------------------------------------------------------------------

_JOB = "20260101-120000-000-train-0123abcd"
_ASKED = {
    "kind": "train", "title": "Training x", "arguments": ["--run=x", "--json"], "writes": ["runs/x", "models/x"],
    "began": 1_767_268_800.0, "clock": 1000.0, "boot": "0123abcd",
}  # fmt: skip
_EVENT = {
    "time": 1_767_268_810.0, "clock": 1010.0, "stage": "train epoch 2/20", "done": 50, "total": 100,
    "unit": "drawings", "rate": 12.5, "message": "epoch 1", "metrics": {"loss": 1.5},
}  # fmt: skip


def _end(rng: Random) -> dict[str, object]:
    return {"code": rng.choice((0, 1, 130)), "time": 1_767_268_900.0, "seconds": 100.0, "error": "it failed"}


def _make_job(rng: Random) -> Case:
    events = [json_bytes(rng, times(rng, changed, _EVENT)).replace(b"\n", b" ") for _ in range(rng.randrange(4))]
    files = {
        "job.json": json_bytes(rng, times(rng, changed, _ASKED, 1)),
        "events.jsonl": b"".join(event + b"\n" for event in events),
        "output.json": json_bytes(
            rng, times(rng, changed, {"model": "x.safetensors", "test": {"top1": 0.5}, "seconds": 1.0})
        ),
        "log.txt": f"extexify: error: {text(rng)}\n".encode("utf-8", "surrogatepass"),
        "lock": rng.choice((b"", b"1", b"-1", b"x", b"99999999999999999999")),
    }
    if rng.random() < 0.7:
        files["end.json"] = json_bytes(rng, times(rng, changed, _end(rng)))
    if rng.random() < 0.1:
        files["stop"] = b""
    return {f"jobs/{_JOB}/{name}": content for name, content in files.items() if rng.random() < 0.98}


def _read_job(case: Case, folder: Path) -> None:
    from extexify.ui.common.job_panel import _pace, _stage, duration, is_recent
    from extexify.ui.common.text import escaped
    from extexify.ui.train.outcome import run_of

    put(case, folder)
    for job in jobs.list_jobs():
        check_text(job.title, job.kind, job.state, duration(job.seconds), run_of(job), *job.writes)
        if job.error:
            check_text(escaped(job.error))
        if job.ended is None or (job.process is not None and job.process < 2):
            raise Fault("a job without a process runs, or has the number of another one")
        is_recent(job.ended, 60)
        check_text(_stage(job), _pace(job), _said(job))
        for part in (job.done, job.time_left):
            if part is not None and not 0 <= part < float("inf"):
                raise Fault(f"a job of which {part} is done or left")
        find_run(run_of(job))
        if not isinstance(job.figures, dict) or not all(isinstance(line, str) for line in job.log()):
            raise Fault("figures or log of a job are something else")
    if jobs.running(["dataset"]):
        raise Fault("a job runs that nobody started")


def _said(job: jobs.Job) -> str:
    latest = job.latest()
    return latest.progress.message if latest else ""


# --- the review list, the choice of a model ------------------------------------------------------


def _make_review(rng: Random) -> Case:
    lines = []
    for _ in range(rng.randrange(4)):
        entry = {
            "key": "a", "id": 3, "when": "2026-01-01T12:00:00+01:00", "note": text(rng) if rng.random() < 0.3 else "",
            "strokes": [[[1, 2], [3, 4]]],
        }  # fmt: skip
        lines.append(json_bytes(rng, times(rng, changed, entry)).replace(b"\n", b" "))
    return {"review.jsonl": b"\n".join(lines) + b"\n"}


def _read_review(case: Case, folder: Path) -> None:
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


def _make_choice(rng: Random) -> Case:
    name = text(rng)[:200].replace("/", "") if rng.random() < 0.5 else "x"
    usable = name.encode("utf-8", "surrogatepass").replace(b"\0", b"")[:200]
    files = {
        "serving.json": json_bytes(
            rng, times(rng, changed, {"model": rng.choice(("workspace/x.safetensors", text(rng)))})
        ),
        f"models/{usable.decode('utf-8', 'surrogateescape')}.safetensors": b"no model",
    }
    return {name: content for name, content in files.items() if rng.random() < 0.95}


def _read_choice(case: Case, folder: Path) -> None:
    from extexify.model.library import list_models
    from extexify.ui.models.models import _model_row

    put(case, folder)
    if paths.default_model() not in paths.available_models():
        raise Fault("a model answers that isn't there")
    for model in list_models():
        row = _model_row(model)
        check_text(model.name, row.id, row.title, row.line, row.badge)
        if model.problem:
            check_sentence(model.problem)
        paths.choose_model(model.path)
        if paths.default_model() != model.path:
            raise Fault(f"{model.path} was chosen, and another answers")


# --- names and texts -----------------------------------------------------------------------------


def _make_name(rng: Random) -> Case:
    name = text(rng).encode("utf-8", "surrogatepass")
    return {"name.txt": damaged(rng, name, (b"..", b"/", b"\\", b"\x00", b"%2f", b"~")) if rng.random() < 0.3 else name}


def _read_name(case: Case, folder: Path) -> None:
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
            check_sentence(str(error))
        else:
            raise Fault(f"something is called {name!r} in an empty workspace")
    check_new_run(checked_name(name, "run"))
    if Path(paths.runs_folder() / name).resolve().parent != (folder / "runs").resolve():
        raise Escape(f"the run {name!r} lies outside the folder of runs")


def _check_markup(name: str) -> None:
    """Raise `Fault` when a name makes other elements of a page than any name does."""
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


def _make_symbol(rng: Random) -> Case:
    return {"symbol.txt": text(rng).encode("utf-8", "surrogatepass")}


def _read_symbol(case: Case, folder: Path) -> None:
    from extexify.catalog.symbols import symbol_summary
    from extexify.ui.common.catalog_routes import MAX_QUERY

    key = case["symbol.txt"].decode("utf-8", "replace")
    symbol = symbol_for(key)
    if any(bad in symbol.command + symbol.usepackage for bad in (r"\input", r"\write", r"\csname", "^^", "\n\n")):
        raise Fault(f"the key {key!r} gives the command {symbol.command!r} with {symbol.usepackage!r}")
    json.dumps(symbol_summary(key))
    search(key[:MAX_QUERY], 50)


TARGETS: tuple[Target, ...] = (
    Target("runs", 40_000, _make_run, _read_run, (StorageError,), "runs/r/run.json"),
    Target("jobs", 40_000, _make_job, _read_job, (), f"jobs/{_JOB}/job.json"),
    Target("review list", 30_000, _make_review, _read_review, (StorageError,), "review.jsonl"),
    Target("chosen model", 25_000, _make_choice, _read_choice, (), "serving.json"),
    Target("names", 50_000, _make_name, _read_name, (InvalidName, StorageError), "name.txt"),
    Target("symbols", 8_000, _make_symbol, _read_symbol, (), "symbol.txt"),
)
