"""The model file: one `.safetensors` file with all that classifying needs; nothing in it can run code.

Its metadata holds one entry `extexify`, a JSON object: `format_version`, `name`, `architecture`
(`name`, `options`), `classes`, `raster`, `temperature`, `metrics`, `training`, and `sequence` for a network that
reads sequences beside pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from extexify.core.errors import UserError
from extexify.core.schema import Maybe, Named, check_form
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.model.rejection import limited_threshold
from extexify.workspace.files import atomic_file

# Who only reads a model needn't wait for torch.
if TYPE_CHECKING:
    from torch import Tensor

    from extexify.model.networks import Network

FORMAT_VERSION = 1

_METADATA = "extexify"


_FORM = {
    "name": str, "architecture": {"name": str, "options": {}}, "classes": [str], "temperature": float,
    "metrics": Named({}), "training": {}, "doubt": Maybe(float), "raster": {},
}  # fmt: skip

MAX_KEY = 255
"""Characters of a class's key, and of a model's name."""


class ModelError(UserError, ValueError):
    """A file that is not a usable model; the message is one sentence that names it."""


@dataclass(frozen=True)
class ModelDescription:
    """What a model file says of itself.

    architecture: a name and options for `models.build`. classes: the keys in the order of the logits.
    temperature: logits are divided by it before the softmax, so that probabilities are honest. doubt: what is less
    certain than that is likely no symbol (see `extexify.model.rejection`); 0: nothing is.
    metrics: figures by split, such as `{"test": {"top5": 0.95}}`. training: how it was made. sequence: None for a
    network that reads pictures alone.
    """

    name: str
    architecture: str
    options: dict[str, Any]
    classes: tuple[str, ...]
    raster: RasterSettings
    temperature: float = 1.0
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    sequence: SequenceSettings | None = None
    rejection_threshold: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file's metadata."""
        return {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "architecture": {"name": self.architecture, "options": self.options},
            "classes": list(self.classes),
            "raster": self.raster.to_json(),
            "temperature": self.temperature,
            "metrics": self.metrics,
            "training": self.training,
            **({"sequence": self.sequence.to_json()} if self.sequence else {}),
            **({"doubt": self.rejection_threshold} if self.rejection_threshold else {}),
        }


def write_model(path: Path, description: ModelDescription, weights: Mapping[str, NDArray[Any] | Tensor]) -> None:
    """Write a model file, atomically. Arrays of two dimensions or more are stored as float16: half the size, the same
    answers."""
    arrays = {}
    for name, value in weights.items():
        array = value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()
        narrow = array.ndim > 1 and np.issubdtype(array.dtype, np.floating)
        arrays[name] = np.asarray(array, np.float16 if narrow else None, order="C")
    with atomic_file(path) as temporary:
        # Not by safetensors' own writer, which raises an error of its own for a full disk.
        temporary.write_bytes(save(arrays, metadata={_METADATA: json.dumps(description.to_json(), ensure_ascii=False)}))


def read_model(path: Path) -> tuple[ModelDescription, dict[str, Tensor]]:
    """Read a model file, to go on with it in PyTorch. Raises `ModelError` unless it is a whole one of this version."""
    return _read(path, "pt")


def read_arrays(path: Path) -> tuple[ModelDescription, dict[str, NDArray[Any]]]:
    """The same without PyTorch: weights as arrays, float16 where the file has them so. Raises `ModelError`."""
    return _read(path, "numpy")


def _read(path: Path, framework: str) -> tuple[ModelDescription, dict[str, Any]]:
    try:
        with safe_open(path, framework=framework) as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not a model file, or is cut short ({error})") from None
    return _description(path, metadata.get(_METADATA)), weights


def read_description(path: Path) -> ModelDescription:
    """Read a model file's description without its weights. Raises `ModelError`."""
    try:
        with safe_open(path, framework="numpy") as file:
            return _description(path, (file.metadata() or {}).get(_METADATA))
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a model file, or is cut short ({error})") from None


def load_network(path: Path) -> tuple[ModelDescription, Network]:
    """The PyTorch network of a model file, on the CPU, in evaluation mode. Raises `ModelError`."""
    import torch

    from extexify.model import networks

    description, weights = read_model(path)
    try:
        _check_shapes(description, weights)
        network = networks.build(description.architecture, len(description.classes), description.options)
        network.load_state_dict({name: tensor.float() if tensor.dtype == torch.float16 else tensor
                                 for name, tensor in weights.items()})  # fmt: skip
    except (ValueError, TypeError, RuntimeError, MemoryError, ArithmeticError, LookupError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(f"the weights in {path} do not fit its architecture ({first})") from None
    return description, network.eval()


def _check_shapes(description: ModelDescription, weights: dict[str, Tensor]) -> None:
    """Raise ValueError unless the weights are those of the architecture; a file of a few bytes may describe a network
    that no memory holds, so the comparison takes none."""
    import torch

    from extexify.model import networks

    # Every layer has weights of its own. Of a million layers even empty ones would take their time.
    if _layers(description.options) > len(weights):
        raise ValueError("it has more layers than weights")
    with torch.device("meta"):
        network = networks.build(description.architecture, len(description.classes), description.options)
    if "sequences" in network.reads and description.sequence is None:
        raise ValueError("it reads sequences, but the settings for them are missing")
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if missing := sorted(wanted.keys() ^ weights.keys()):
        raise ValueError(f"{len(missing)} are missing or too many, such as {missing[0]}")
    for name, shape in wanted.items():
        if weights[name].shape != shape:
            raise ValueError(f"{name} has the shape {tuple(weights[name].shape)} instead of {tuple(shape)}")


def _layers(options: dict[str, Any]) -> int:
    """At least as many as options ask for, theirs and their parts'; what is no number is refused by whoever builds."""
    lists = [value for value in options.values() if isinstance(value, list)]
    parts = [value for value in options.values() if isinstance(value, dict)]
    blocks = [number for number in options.get("blocks", ()) if isinstance(number, int)] if lists else []
    return sum(map(len, lists)) + sum(blocks) + sum(map(_layers, parts))


def _check_metrics(metrics: dict[str, Any]) -> None:
    """Raise ValueError unless every top-k of every split is a part of 1."""
    for split, figures in metrics.items():
        for name, value in figures.items():
            if name.startswith("top") and not (isinstance(value, int | float) and 0 <= value <= 1):
                raise ValueError(f"{name} of {split} is not from 0 to 1")


def _description(path: Path, text: str | None) -> ModelDescription:
    if text is None:
        raise ModelError(f"{path} is a safetensors file, but not a model of Extexify")
    try:
        value = orjson.loads(text)  # stricter than Python's own: no NaN, no half of a character
        check_form(value, {"format_version": object})
        version = value["format_version"]
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{path} has format version {version!r}, this program reads {FORMAT_VERSION}: "
                "update the program or train the model anew"
            )
        check_form(value, _FORM)
        architecture, classes, temperature = value["architecture"], value["classes"], float(value["temperature"])
        if not classes or not all(0 < len(key) <= MAX_KEY for key in classes) or classes != sorted(set(classes)):
            raise ValueError("its class order is not a sorted list of keys")
        if len(value["name"]) > MAX_KEY:
            raise ValueError(f"its name has over {MAX_KEY} characters")
        if not 0.01 <= temperature <= 100:
            raise ValueError(f"its temperature is {temperature}")
        threshold = float(value.get("doubt") or 0.0)
        if not 0 <= threshold <= 1:
            raise ValueError(f"its rejection threshold (doubt) is {threshold}")
        _check_metrics(value["metrics"])
        return ModelDescription(
            name=value["name"],
            architecture=architecture["name"],
            options=architecture["options"],
            classes=tuple(classes),
            raster=RasterSettings.from_json(value["raster"]),
            temperature=temperature,
            metrics=value["metrics"],
            training=value["training"],
            sequence=SequenceSettings.from_json(value["sequence"]) if "sequence" in value else None,
            rejection_threshold=limited_threshold(threshold, len(classes)),
        )
    except ModelError:
        raise
    except ValueError as error:
        raise ModelError(f"the description in {path} is damaged ({error})") from None
