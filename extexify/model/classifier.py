"""Classification of drawings with a model, by ONNX Runtime on the CPU.

Pages, command line and evaluations all classify with this module.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from extexify.catalog.lookalikes import groups_of
from extexify.catalog.symbols import symbol_for
from extexify.core.processes import available_cores
from extexify.drawing.inputs import ModelInputs, model_inputs
from extexify.drawing.raster import RasterSettings, rasterize_drawing
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.answers import Answers, Prediction, fold_look_alikes
from extexify.model.background import read_background
from extexify.model.description import ModelDescription, ModelError
from extexify.model.features import feature_tensors, with_outputs
from extexify.model.file import read_model
from extexify.model.ranking import USAGE, Ranking
from extexify.model.rejection import certainty

__all__ = ["Classifier", "ModelError", "Prediction"]

BATCH = 256
"""Drawings that are classified at once where there are many, unless a caller says otherwise."""

CHUNK = 32
"""Drawings that a thread classifies at a time: enough for large matrices, few enough for a core's own cache."""

_Float = TypeVar("_Float", bound=np.floating)

_ERRORS_ONLY = 3

_DOT = [np.array([[0, 0], [1, 1]], np.float32)]

_LARGEST_LOGIT = np.float32(1e30)  # still finite after division by the lowest temperature


class FurtherClasses(Protocol):
    """Classes besides those that a model was trained for."""

    @property
    def keys(self) -> tuple[str, ...]: ...

    def logits(self, logits: NDArray[np.float32], features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (n, keys) of drawings with the model's own logits (n, classes) and features (n, D)."""
        ...


class Classifier:
    """Classifies drawings with one model. Threads may share it."""

    def __init__(self, description: ModelDescription, model: ModelProto) -> None:
        """Load a model that `read_model` or `export_network` gives. Raises ValueError if it can't be run."""
        self.description = description
        self.classes = description.classes
        """The keys of the model's symbols, sorted, and those of `with_classes` behind them."""
        self._groups = groups_of(description.classes, "drawn")
        self._further: FurtherClasses | None = None
        self._features = feature_tensors(model.graph)
        options = onnxruntime.SessionOptions()
        # One drawing is too little work for several threads, and many are shared out by `logits`.
        options.intra_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                with_outputs(model, self._features), options, providers=["CPUExecutionProvider"]
            )
            self._inputs = [value.name for value in self._session.get_inputs()]
            # A graph's declared sizes are not binding.
            logits, *features = self._outputs(self._inputs_of(Drawings.pack([_DOT] * 2)), ["logits", *self._features])
        except Exception as error:  # the only common base of the runtime's errors
            raise ValueError(" ".join(str(error).split())) from None
        if logits.shape != (2, len(self.classes)):
            raise ValueError(f"it gives numbers of the shape {logits.shape} for two drawings")
        if any(feature.ndim != 2 or len(feature) != 2 or feature.dtype != np.float32 for feature in features):
            self._features, features = ("logits",), [logits]
        self.background = read_background(model, sum(feature.shape[1] for feature in features), len(self.classes))
        """How features of the model's training drawings are distributed; None if the file doesn't say."""

    @classmethod
    def load(cls, path: Path | str) -> Classifier:
        """The classifier of a model file. Raises `ModelError` unless it is a whole model."""
        description, model = read_model(Path(path))
        try:
            return cls(description, model)
        except ValueError as error:
            raise ModelError(f"{path} is not a model that Extexify can run: {error}") from None

    @property
    def name(self) -> str:
        return self.description.name

    def with_classes(self, further: FurtherClasses) -> Self:
        """A classifier that answers with further classes, too; it shares the model with this one."""
        other = copy.copy(self)
        other._further = further
        other.classes = self.description.classes + further.keys
        count = len(self.description.classes)
        other._groups = np.concatenate([self._groups[:count], np.arange(count, len(other.classes))])
        return other

    @property
    def raster(self) -> RasterSettings:
        return self.description.raster

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics by split, as stored in the model file."""
        return self.description.metrics

    def raster_of(self, drawing: Drawing) -> NDArray[np.uint8]:
        """The image that the model reads: uint8 (size, size), ink 255 on 0."""
        return rasterize_drawing(drawing, self.raster)

    def classify(self, drawing: Drawing, top: int = 5) -> list[Prediction]:
        """The `top` most probable symbols of a drawing, most probable first."""
        probabilities = self._softmax(self._logits(Drawings.pack([drawing])))[0]
        return self._predictions(probabilities, _highest(probabilities, top))

    def answers(self, drawing: Drawing, results: int, ranking: Ranking = USAGE) -> Answers:
        """The `results` most probable results of a drawing, as pages and command line show them.

        Probabilities are those that the symbols are wanted, by the drawing and the ranking's usage. Whether the model
        is sure depends on the drawing alone.
        """
        probabilities = self._softmax(self._logits(Drawings.pack([drawing])))
        sure = certainty(probabilities)[0] >= self.description.rejection_threshold
        predictions = self._candidates(ranking.apply(probabilities, self.classes)[0], results)
        return Answers(tuple(fold_look_alikes(predictions, ranking)[:results]), bool(sure))

    def _candidates(self, probabilities: NDArray[np.float32], results: int) -> list[Prediction]:
        """The members of the `results` most probable results, most probable first, by probabilities (classes,).

        `extexify.model.answers.fold_look_alikes` gives the same first `results` results for these as for the
        predictions of all symbols, which would take longer than the network.
        """
        groups = _highest(np.bincount(self._groups, probabilities), results)
        members = np.flatnonzero(np.isin(self._groups, groups))
        return self._predictions(probabilities, members[np.argsort(-probabilities[members], kind="stable")])

    def probabilities(self, drawings: Drawings, batch: int = BATCH) -> Iterator[NDArray[np.float32]]:
        """Yield probabilities of all classes, float32 (n, classes), of batches of n ≤ `batch` drawings in order."""
        for start in range(0, len(drawings), batch):
            part = drawings.take(np.arange(start, min(start + batch, len(drawings))))
            yield self._softmax(self.logits(part))

    def logits(self, drawings: Drawings) -> NDArray[np.float32]:
        """The network's logits, before the temperature: float32 (n, classes). All cores share the drawings."""
        if not len(drawings):
            return np.empty((0, len(self.classes)), np.float32)
        return _in_chunks(self._logits, drawings)

    def features(self, drawings: Drawings) -> NDArray[np.float32]:
        """The numbers that the network's last layers read, concatenated: float32 (n, D), n ≥ 1. All cores share the
        drawings. See `extexify.model.features`."""

        def features(part: Drawings) -> NDArray[np.float32]:
            return _joined(self._outputs(self._inputs_of(part), self._features))

        return _in_chunks(features, drawings)

    def image_probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of all classes, float32 (n, classes), of images (n, size, size) like those of `raster_of`.

        Raises ValueError if the model reads sequences, too.
        """
        if "sequences" in self._inputs:
            raise ValueError(f"{self.name} reads the strokes of a drawing, not only its image")
        chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
        logits = _pool(available_cores()).map(lambda chunk: self._run(ModelInputs(chunk)), chunks)
        return self._softmax(np.concatenate([np.empty((0, len(self.classes)), np.float32), *logits]))

    def warm_up(self) -> None:
        """Compile the kernels and load the weights, so that the first drawing is classified as fast as later ones."""
        self.classify(_DOT)

    def _predictions(self, probabilities: NDArray[np.float32], chosen: NDArray[np.intp]) -> list[Prediction]:
        return [
            Prediction(self.classes[index], symbol_for(self.classes[index]).command, float(probabilities[index]))
            for index in chosen
        ]

    def _logits(self, drawings: Drawings) -> NDArray[np.float32]:
        """`logits`, on the calling thread."""
        return self._run(self._inputs_of(drawings))

    def _run(self, inputs: ModelInputs) -> NDArray[np.float32]:
        if self._further is None:
            return _finite(self._outputs(inputs, ["logits"])[0])
        logits, *features = self._outputs(inputs, ["logits", *self._features])
        logits = _finite(logits)
        return np.concatenate([logits, _finite(self._further.logits(logits, _joined(features)))], 1)

    def _inputs_of(self, drawings: Drawings) -> ModelInputs:
        return model_inputs(drawings, self.raster, self.description.sequence, threads=1)

    def _outputs(self, inputs: ModelInputs, names: Sequence[str]) -> list[NDArray[np.float32]]:
        arrays = inputs._asdict()
        outputs: list[NDArray[np.float32]] = self._session.run(names, {name: arrays[name] for name in self._inputs})
        return outputs

    def _softmax(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return softmax(logits, self.description.temperature)


def _highest(values: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The positions of the `count` highest values, highest first, equal ones in their order."""
    if not 0 < count < len(values):
        return np.argsort(-values, kind="stable")[:count]
    # Sorting thousands of values takes a tenth of the network's time.
    positions = np.flatnonzero(values >= np.partition(values, -count)[-count])
    return positions[np.argsort(-values[positions], kind="stable")[:count]]


def _finite(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits without NaN and infinity, which arbitrary weights may give; probabilities must be finite all the same."""
    finite: NDArray[np.float32] = np.clip(np.nan_to_num(logits), -_LARGEST_LOGIT, _LARGEST_LOGIT)
    return finite


def _joined(features: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return features[0] if len(features) == 1 else np.concatenate(features, 1)


def _in_chunks(compute: Callable[[Drawings], NDArray[np.float32]], drawings: Drawings) -> NDArray[np.float32]:
    """What `compute` gives for each drawing, chunks of them on all cores; one chunk on the calling thread."""
    if len(drawings) <= CHUNK:
        return compute(drawings)
    starts = range(0, len(drawings), CHUNK)
    parts = (drawings.take(np.arange(start, min(start + CHUNK, len(drawings)))) for start in starts)
    return np.concatenate(list(_pool(available_cores()).map(compute, parts)))


def softmax(logits: NDArray[_Float], temperature: float) -> NDArray[_Float]:
    """Probabilities (n, classes) of logits (n, classes) divided by a temperature."""
    scaled = logits / logits.dtype.type(temperature)
    exponentials = np.exp(scaled - scaled.max(1, keepdims=True))
    probabilities: NDArray[_Float] = exponentials / exponentials.sum(1, keepdims=True)
    return probabilities


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="classify")
