"""A model file → predictions.

ONNX Runtime answers, on the processor, with the graph that `extexify.model.onnx` makes of the model. All answers come
from here: those of the pages, of the command line, and of evaluations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from extexify.catalog.lookalikes import groups_of
from extexify.catalog.symbols import symbol_for
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import RasterSettings, available_threads, rasterize_drawing
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.answers import Prediction
from extexify.model.file import ModelDescription, ModelError, read_arrays
from extexify.model.onnx import to_onnx

__all__ = ["Classifier", "ModelError", "Prediction"]

BATCH = 256

CHUNK = 32
"""Drawings that a thread answers at a time: as many as make the matrices large, few enough for a core's own cache."""

_Float = TypeVar("_Float", bound=np.floating)

_ERRORS_ONLY = 3

_LARGEST_LOGIT = np.float32(1e30)  # what a temperature can still divide


class Classifier:
    """Classifies drawings with one model. Threads may share it; each answers on its own core."""

    def __init__(self, description: ModelDescription, weights: Mapping[str, NDArray[Any]]) -> None:
        """weights: float16 or float32 arrays by name. Raises ValueError unless they are those of the architecture."""
        self.description = description
        self._groups = groups_of(description.classes, "drawn")
        graph = to_onnx(description, weights)
        options = onnxruntime.SessionOptions()
        # A drawing is too little work to share out, and of many each thread takes some: the runtime's own threads
        # would only wait for each other.
        options.intra_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's errors have no class in common but this one
            raise ValueError(" ".join(str(error).split())) from None
        self._inputs = [value.name for value in self._session.get_inputs()]

    @classmethod
    def load(cls, path: Path | str) -> Classifier:
        """The classifier of a model file. Raises `ModelError`, one sentence, unless it is a whole one."""
        description, weights = read_arrays(Path(path))
        try:
            return cls(description, weights)
        except (ValueError, MemoryError, ArithmeticError, RuntimeError) as error:
            raise ModelError(f"the weights in {path} do not fit its architecture ({error})") from None

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The keys that it tells apart, sorted."""
        return self.description.classes

    @property
    def raster(self) -> RasterSettings:
        return self.description.raster

    @property
    def metrics(self) -> dict[str, Any]:
        """Figures by split, as they stood when the model was made."""
        return self.description.metrics

    def raster_of(self, drawing: Drawing) -> NDArray[np.uint8]:
        """What the model sees: uint8 (size, size), ink 255 on 0."""
        return rasterize_drawing(drawing, self.raster)

    def classify(self, drawing: Drawing, top: int = 5) -> list[Prediction]:
        """The `top` most probable symbols of a drawing, most probable first."""
        probabilities = self._softmax(self._logits(Drawings.pack([drawing])))[0]
        return self._predictions(probabilities, np.argsort(-probabilities, kind="stable")[:top])

    def candidates(self, drawing: Drawing, *, results: int, symbols: int) -> list[Prediction]:
        """What the first `results` results and the first `symbols` symbols of a drawing need, most probable first.

        `extexify.model.answers.fold_look_alikes` makes the same first `results` of it as of the predictions of all
        symbols, which would take twice as long as the network.
        """
        probabilities = self._softmax(self._logits(Drawings.pack([drawing])))[0]
        groups = np.argsort(-np.bincount(self._groups, probabilities), kind="stable")[:results]
        order = np.argsort(-probabilities, kind="stable")
        needed = np.isin(self._groups[order], groups)
        needed[:symbols] = True
        return self._predictions(probabilities, order[needed])

    def probabilities(self, drawings: Drawings, batch: int = BATCH) -> Iterator[NDArray[np.float32]]:
        """Probabilities of all classes, float32 (n, classes), for batches of n ≤ `batch` drawings in order."""
        for start in range(0, len(drawings), batch):
            part = drawings.take(np.arange(start, min(start + batch, len(drawings))))
            yield self._softmax(self.logits(part))

    def logits(self, drawings: Drawings) -> NDArray[np.float32]:
        """What the network says of drawings (n), before the temperature: float32 (n, classes). All cores share them."""
        starts = range(0, len(drawings), CHUNK)
        parts = (drawings.take(np.arange(start, min(start + CHUNK, len(drawings)))) for start in starts)
        if len(starts) == 1:
            return self._logits(drawings)
        nothing = np.empty((0, len(self.classes)), np.float32)
        return np.concatenate([nothing, *_pool(available_threads()).map(self._logits, parts)])

    def warm_up(self) -> None:
        """Compile the kernels and touch the weights, so that the first drawing is as fast as the next."""
        self.classify([np.array([[0, 0], [1, 1]], np.float32)])

    def _predictions(self, probabilities: NDArray[np.float32], chosen: NDArray[np.intp]) -> list[Prediction]:
        return [
            Prediction(self.classes[index], symbol_for(self.classes[index]).command, float(probabilities[index]))
            for index in chosen
        ]

    def _logits(self, drawings: Drawings) -> NDArray[np.float32]:
        """The same on the thread that asks."""
        inputs = model_inputs(drawings, self.raster, self.description.sequence, threads=1)._asdict()
        (logits,) = self._session.run(["logits"], {name: inputs[name] for name in self._inputs})
        # Weights that somebody made up may add up to what is no number; probabilities are numbers all the same.
        found: NDArray[np.float32] = np.clip(np.nan_to_num(logits), -_LARGEST_LOGIT, _LARGEST_LOGIT)
        return found

    def _softmax(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return softmax(logits, self.description.temperature)


def softmax(logits: NDArray[_Float], temperature: float) -> NDArray[_Float]:
    """Probabilities (n, classes) of logits (n, classes) divided by a temperature."""
    scaled = logits / logits.dtype.type(temperature)
    exponentials = np.exp(scaled - scaled.max(1, keepdims=True))
    probabilities: NDArray[_Float] = exponentials / exponentials.sum(1, keepdims=True)
    return probabilities


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="classify")
