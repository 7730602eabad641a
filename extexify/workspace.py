"""Where a user's work lies: the workspace folder, its parts, and the models that can answer."""

from __future__ import annotations

import os
from pathlib import Path

SHIPPED_MODELS = Path(__file__).resolve().parent.parent / "models"
"""The folder with the model that comes with the project."""


def workspace() -> Path:
    """The workspace folder: what `EXTEXIFY_WORKSPACE` names, else `workspace/` in the current folder."""
    return Path(os.environ.get("EXTEXIFY_WORKSPACE") or "workspace")


def dataset_folder() -> Path:
    """The exported dataset."""
    return workspace() / "dataset"


def images_folder() -> Path:
    """The rendered images."""
    return workspace() / "images"


def runs_folder() -> Path:
    """One folder a training run."""
    return workspace() / "runs"


def models_folder() -> Path:
    """The models that the user's runs made."""
    return workspace() / "models"


def store_file() -> Path:
    """The embedded SQLite store of drawings that users contribute."""
    return workspace() / "drawings.sqlite3"


def available_models() -> list[Path]:
    """All model files: the workspace's, newest first, then the shipped ones."""
    own = sorted(models_folder().glob("*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True)
    return own + sorted(SHIPPED_MODELS.glob("*.safetensors"))


def default_model() -> Path:
    """The model that answers unless another is named: the newest of the workspace, else the shipped one.

    Raises FileNotFoundError, saying what to do, when there is none.
    """
    models = available_models()
    if not models:
        raise FileNotFoundError(
            f"no model in {models_folder()} or {SHIPPED_MODELS}: train one with `python -m extexify pipeline`"
        )
    return models[0]
