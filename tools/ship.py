"""Makes a model the shipped one, with its date and its metrics in its description.

    python -m tools.ship workspace/models/extexify.onnx [--test test.json | --metrics held-out.json]
                         [--calibration held-out.onnx] [--date 2026-11-30]

Its metrics are those of its test split, as its training stored them, or as `test.json` has them: what `python -m
extexify evaluate --json` prints of it on that split. A model that learned from all drawings has none: `held-out.json`
is then the same of a model of its recipe on drawings that were held out from that one. A model that learned from its
validation split takes its temperature and rejection threshold from `held-out.onnx`, a model of its recipe that didn't.
The weights are not changed. models/README.md is the model's card.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from extexify.model.file import read_model, write_model
from extexify.workspace.paths import MODEL_SUFFIX, SHIPPED_MODELS

NAME = "extexify"

KEPT = ("n", "top1", "top3", "top5", "top10", "prints_alike", "drawn_alike", "page")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a model the shipped one.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--test", type=Path, help="the JSON of `evaluate` of the model on its test split")
    parser.add_argument("--metrics", type=Path, help="the JSON of `evaluate` of a model of its recipe")
    parser.add_argument("--calibration", type=Path, help="a model of its recipe that held a validation split out")
    parser.add_argument("--date", type=date.fromisoformat, default=date.today(), help="when it was trained")
    options = parser.parse_args()
    description, content = read_model(options.model)
    metrics = {"test": description.metrics.get("test")}
    if options.test or options.metrics:
        measured = json.loads((options.test or options.metrics).read_text(encoding="utf-8"))
        metrics = {"test" if options.test else "same_recipe": {name: measured[name] for name in KEPT}}
    elif not metrics["test"]:
        parser.error(f"{options.model} was not evaluated on a test split: name --metrics of a model of its recipe")
    calibrated = read_model(options.calibration)[0] if options.calibration else description
    shipped = replace(
        description,
        temperature=calibrated.temperature,
        rejection_threshold=calibrated.rejection_threshold,
        name=NAME,
        metrics=metrics,
        training={**description.training, "date": options.date.isoformat()},
    )
    write_model(SHIPPED_MODELS / f"{NAME}{MODEL_SUFFIX}", shipped, content)


if __name__ == "__main__":
    main()
