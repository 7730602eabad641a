"""A workspace in which everything that users can name has a hostile name."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from extexify.dataset.export import export_dataset
from extexify.dataset.render import render_dataset
from extexify.dataset.review import ReviewList
from extexify.drawing.raster import RasterSettings
from extexify.drawing.strokes import strokes_json
from extexify.evaluation.evaluate import evaluate_dataset
from extexify.evaluation.records import EvaluationContext, save_evaluation
from extexify.model.classifier import Classifier
from extexify.model.description import ModelDescription
from extexify.workspace.files import write_json
from tests.drawings import ListSource, zigzag
from tests.models import write_linear
from tests.tiny import make_run

HTML = "<img src=x onerror=window.broken=1>"
MARKDOWN = (
    "**bold** `code` [link](javascript:window.broken=1) ![i](http://example.org/i.png) $x^2$ :red[r] :material/delete:"
)
LINKS = "www.example.org http:⁄⁄example.org a@example.org"
LATEX = r"\immediate\write18{ls} \input{x}"

ALL = f"{HTML} {MARKDOWN} {LATEX} www.example.org http://example.org a@example.org -> :heart:"
"""What titles and sources are called; the names of files have no slash."""

FILE = f"{HTML} **bold** `code` [l](x) $x^2$ :material_delete: {LINKS}"

KEYS = (
    f"a-OT1-_{HTML}",
    r"b-OT1-_immediate\write18{ls}",
    "c}\\input{x}%-OT1-_c",
    "d-OT1-**bold** $x^2$ [l](javascript:window.broken=1)",
    "latex2e-OT1-_alpha",
)

_KINDS = ("export", "render", "train", "evaluate")


def make_hostile_workspace(place: Path) -> Path:
    """Fill the folder `place`; returns it."""
    rows = [(number, KEYS[number % len(KEYS)].encode(), strokes_json(zigzag(number))) for number in range(40)]
    dataset = export_dataset([ListSource(rows, ALL)], place / "dataset")
    raster = RasterSettings(size=8)
    render_dataset(dataset, raster, place / "images")
    description = ModelDescription(
        ALL[:255], "linear", {}, dataset.classes, raster,
        metrics={"test": {f"top{k}": 0.5 for k in (1, 3, 5, 10)}},
        training={"recipe": {"name": ALL}, "run": FILE, "dataset": {"content_hash": ALL}},
    )  # fmt: skip
    model = place / "models" / f"{FILE}.onnx"
    write_linear(model, description)
    (place / "models" / f"no model {HTML}.onnx").write_bytes(b"x")
    write_json(place / "serving.json", {"model": f"workspace/{FILE}.onnx"})
    run = make_run(place / "runs" / FILE, 0.2, 0.4)
    (run / "model.safetensors").write_bytes(b"x")
    (make_run(place / "runs" / f"damaged {HTML}", 0.3) / "run.json").write_text("{")
    classifier = Classifier.load(model)
    about = EvaluationContext(ALL, str(model), "0" * 32, 1.0, "", (ALL,))
    save_evaluation(
        place / "evaluations" / "20260101-120000-0123abcd", about, classifier.classes,
        lambda keep: evaluate_dataset(classifier, dataset, "all", sink=keep),
    )  # fmt: skip
    ReviewList(place / "review.jsonl").reject(KEYS[0], 1, [np.array(stroke) for stroke in zigzag(1)], ALL[:400])
    for number, kind in enumerate(_KINDS):
        _make_job(place / "jobs" / f"20260101-120000-00{number}-{kind}-0123abcd", kind, failed=number % 2 == 1)
    upload = place / "uploads" / "0123abcd" / f"{HTML}.sql"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"COPY samples (id, key, strokes) FROM stdin;\n1\tk\t[[[1,2]]]\n\\.\n")
    return place


def _make_job(folder: Path, kind: str, *, failed: bool) -> None:
    """A job that has ended just now."""
    now = time.time()
    job = {
        "kind": kind, "title": f"{kind} {ALL}", "arguments": [ALL], "writes": [f"runs/{FILE}"], "began": now - 9,
        "clock": 1.0, "boot": "x",
    }  # fmt: skip
    write_json(folder / "job.json", job)
    (folder / "lock").write_bytes(b"")
    (folder / "log.txt").write_text(f"{ALL}\n")
    write_json(folder / "end.json", {"code": int(failed), "time": now, "seconds": 9.0, "error": ALL if failed else ""})
