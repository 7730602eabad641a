"""Find a LaTeX symbol by drawing it, and train the classifier behind that.

This module is the public API. Each name is loaded on first use, so that importing it is cheap; only `extexify.ui`
imports Streamlit.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extexify.catalog.lookalikes import drawn_alike, prints_alike
    from extexify.catalog.symbols import Symbol, load_catalog, search, symbol_for
    from extexify.core.errors import UserError
    from extexify.dataset.dataset import Dataset
    from extexify.dataset.export import export_dataset
    from extexify.dataset.render import render_dataset
    from extexify.drawing.raster import RasterSettings, rasterize, rasterize_drawing
    from extexify.drawing.strokes import Drawing, Drawings, parse_strokes, strokes_json
    from extexify.evaluation.calibration import calibrate
    from extexify.evaluation.evaluate import evaluate_dataset, evaluate_sources
    from extexify.model.classifier import Classifier, Prediction
    from extexify.model.export import convert
    from extexify.model.offline import write_page
    from extexify.sources.open import open_source
    from extexify.training.pipeline import run_pipeline
    from extexify.training.pipeline import train_on_dataset as train
    from extexify.training.recipes import Recipe, network_recipe, recipe
    from extexify.workspace.paths import default_model

__all__ = [
    "Classifier", "Dataset", "Drawing", "Drawings", "Prediction", "RasterSettings", "Recipe", "Symbol", "UserError",
    "calibrate", "convert", "default_model", "drawn_alike", "evaluate_dataset", "evaluate_sources", "export_dataset",
    "load_catalog", "network_recipe", "open_source", "parse_strokes", "prints_alike", "rasterize",
    "rasterize_drawing", "recipe", "render_dataset", "run_pipeline", "search", "strokes_json", "symbol_for", "train",
    "write_page",
]  # fmt: skip

__version__ = "0.1.0"

_MODULES = {
    "catalog.lookalikes": ("drawn_alike", "prints_alike"),
    "catalog.symbols": ("Symbol", "load_catalog", "search", "symbol_for"),
    "core.errors": ("UserError",),
    "dataset.dataset": ("Dataset",),
    "dataset.export": ("export_dataset",),
    "dataset.render": ("render_dataset",),
    "drawing.raster": ("RasterSettings", "rasterize", "rasterize_drawing"),
    "drawing.strokes": ("Drawing", "Drawings", "parse_strokes", "strokes_json"),
    "evaluation.calibration": ("calibrate",),
    "evaluation.evaluate": ("evaluate_dataset", "evaluate_sources"),
    "model.classifier": ("Classifier", "Prediction"),
    "model.export": ("convert",),
    "model.offline": ("write_page",),
    "sources.open": ("open_source",),
    "training.pipeline": ("run_pipeline", "train_on_dataset"),
    "training.recipes": ("Recipe", "network_recipe", "recipe"),
    "workspace.paths": ("default_model",),
}

# From 1.29 on, onnxruntime's builds for Linux report every model that is loaded to their maker, unless this is set
# before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


if not TYPE_CHECKING:  # or else type checkers would accept any name

    def __getattr__(name: str) -> Any:
        """Import a name of the public API on first use (PEP 562)."""
        if name in __all__:
            original = "train_on_dataset" if name == "train" else name
            module = next(module for module, names in _MODULES.items() if original in names)
            value = globals()[name] = getattr(import_module(f"extexify.{module}"), original)
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
