"""Paths of the workspace: its folders and files, the available models, and the default one."""

from __future__ import annotations

from pathlib import Path

from extexify.access import permissions
from extexify.core import settings
from extexify.workspace.files import StorageError, read_json, write_json

SHIPPED_MODELS = Path(__file__).resolve().parents[1] / "model" / "shipped"
"""The folder with the model that comes with the package."""

MODEL_SUFFIX = ".onnx"

OLD_SUFFIX = ".safetensors"
"""Ending of the models of earlier versions, which `extexify.model.export.convert` makes new files of."""


class NoModel(StorageError, FileNotFoundError):
    """There is neither a model in the workspace nor a shipped one."""


def workspace() -> Path:
    """The workspace folder: what `EXTEXIFY_WORKSPACE` names, else `workspace/` in the current folder."""
    return Path(settings.value_of(settings.WORKSPACE) or "workspace")


def dataset_folder() -> Path:
    """The exported dataset."""
    return workspace() / "dataset"


def images_folder() -> Path:
    """The rendered images."""
    return workspace() / "images"


def runs_folder() -> Path:
    """The training runs, one folder each."""
    return workspace() / "runs"


def models_folder() -> Path:
    """The models of the workspace: trained, uploaded or copied."""
    return workspace() / "models"


def evaluations_folder() -> Path:
    """The saved evaluations, one folder each."""
    return workspace() / "evaluations"


def jobs_folder() -> Path:
    """The background jobs, one folder each."""
    return workspace() / "jobs"


def downloads_folder() -> Path:
    """The downloaded archives of drawings."""
    return workspace() / "downloads"


def uploads_folder() -> Path:
    """The uploaded files."""
    return workspace() / "uploads"


def store_file() -> Path:
    """The embedded SQLite store of drawings that users contribute."""
    return workspace() / "drawings.sqlite3"


def moderation_file() -> Path:
    """The SQLite file with visitors' drawings that an operator has yet to accept or reject."""
    return workspace() / "moderation.sqlite3"


def own_symbols_file() -> Path:
    """The symbols that users added, with their drawings."""
    return workspace() / "symbols.json"


def features_folder() -> Path:
    """What is known of the features of networks, one file each, made anew when it is missing."""
    return workspace() / "features"


def review_file() -> Path:
    """The list of drawings marked as mislabelled."""
    return workspace() / "review.jsonl"


def confirmed_file() -> Path:
    """The list of drawings that looked mislabelled, and whose labels an operator kept."""
    return workspace() / "confirmed.jsonl"


def cross_validation_folder() -> Path:
    """The trainings of a cross-validation, until all of them are done."""
    return workspace() / "cross-validation"


def available_models() -> list[Path]:
    """All model files: the workspace's, newest first, then the shipped ones."""
    return _own_models(MODEL_SUFFIX) + _shipped_models()


def old_models() -> list[Path]:
    """The workspace's models of earlier versions that no new file has been made of, newest first."""
    return [path for path in _own_models(OLD_SUFFIX) if not path.with_suffix(MODEL_SUFFIX).exists()]


def default_model() -> Path:
    """The model that classifies unless another is named: the chosen one, else the shipped one, else the newest.

    A choice whose file no longer exists is ignored.
    Raises `NoModel` if there is none.
    """
    chosen = chosen_model()
    if chosen is not None:
        return chosen
    models = _shipped_models() + _own_models(MODEL_SUFFIX)
    if not models:
        raise NoModel(
            f"no model in {models_folder()} or {SHIPPED_MODELS}: train one with `python -m extexify pipeline`"
        )
    return models[0]


def chosen_model() -> Path | None:
    """The model chosen by `choose_model`; None without a choice or if its file no longer exists.

    The choice of a model of an earlier version is that of the file that was made of it.
    """
    try:
        choice = read_json(_choice_file())
    except (OSError, StorageError):
        return None
    name = choice.get("model") if isinstance(choice, dict) else None
    if isinstance(name, str):
        name = name.removesuffix(OLD_SUFFIX).removesuffix(MODEL_SUFFIX) + MODEL_SUFFIX
    return next((path for path in available_models() if _choice(path) == name), None)


@permissions.operators_only
def choose_model(path: Path) -> None:
    """Make a model of the workspace, or a shipped one, the default model.

    Raises `StorageError` for any other file.
    """
    if path.resolve() not in [model.resolve() for model in available_models()]:
        raise StorageError(f"{path} is no model of this workspace: put it into {models_folder()}")
    write_json(_choice_file(), {"model": _choice(path)})


def editable_copy(model: Path) -> Path:
    """The file to write a changed model to: the model's own if it is in the workspace's models folder, else a copy
    in there of the same name."""
    return model if model.resolve().parent == models_folder().resolve() else models_folder() / model.name


def _own_models(suffix: str) -> list[Path]:
    dated: list[tuple[float, Path]] = []
    for path in models_folder().glob(f"*{suffix}"):
        if not path.name.isprintable():  # line breaks or undecodable bytes: pages can't show the name
            continue
        try:
            dated.append((path.stat().st_mtime, path))
        except FileNotFoundError:  # deleted since the listing
            continue
    return [path for _, path in sorted(dated, reverse=True)]


def _shipped_models() -> list[Path]:
    return sorted(SHIPPED_MODELS.glob(f"*{MODEL_SUFFIX}"))


def _choice_file() -> Path:
    return workspace() / "serving.json"


def _choice(path: Path) -> str:
    """The text that identifies a model in serving.json: folder and name, so that the workspace can be moved."""
    return f"{'shipped' if path.resolve().parent == SHIPPED_MODELS else 'workspace'}/{path.name}"
