"""A model file → predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from extexify.catalog import symbol_for
from extexify.modelfile import ModelDescription, ModelError, load_network
from extexify.models import Network, fold_normalisation, to_inputs
from extexify.raster import RasterSettings, rasterize_drawing
from extexify.seeing import Seen, see
from extexify.strokes import Drawing, Drawings

__all__ = ["Classifier", "ModelError", "Prediction"]

BATCH = 256


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer: a symbol's key, its LaTeX command, and how probable it is (0 to 1)."""

    key: str
    command: str
    probability: float


class Classifier:
    """Classifies drawings with one model, whose network it takes over. Threads may share it."""

    def __init__(self, description: ModelDescription, network: Network, device: str = "cpu") -> None:
        self.description = description
        self._device = torch.device(device)
        fold_normalisation(network)
        self._network = network.to(self._device)

    @classmethod
    def load(cls, path: Path | str, device: str = "cpu") -> Classifier:
        """The classifier of a model file. Raises `ModelError`, one sentence, unless it is a whole one."""
        return cls(*load_network(Path(path)), device=device)

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
        drawings = Drawings.pack([drawing])
        probabilities = self._probabilities(see(drawings, self.raster, self.description.sequence, threads=1))[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        return [
            Prediction(self.classes[index], symbol_for(self.classes[index]).command, float(probabilities[index]))
            for index in best
        ]

    def probabilities(self, drawings: Drawings, batch: int = BATCH) -> Iterator[NDArray[np.float32]]:
        """Probabilities of all classes, float32 (n, classes), for batches of n ≤ `batch` drawings in order."""
        for start in range(0, len(drawings), batch):
            part = drawings.take(np.arange(start, min(start + batch, len(drawings))))
            yield self._probabilities(see(part, self.raster, self.description.sequence))

    def logits(self, drawings: Drawings) -> Tensor:
        """What the network says of drawings (n), before the temperature: float32 (n, classes), on the CPU."""
        return self._logits(see(drawings, self.raster, self.description.sequence)).cpu()

    def warm_up(self) -> None:
        """Compile the kernels and touch the weights, so that the first drawing is as fast as the next."""
        self.classify([np.array([[0, 0], [1, 1]], np.float32)])

    def _probabilities(self, seen: Seen) -> NDArray[np.float32]:
        return torch.softmax(self._logits(seen) / self.description.temperature, 1).cpu().numpy()

    @torch.inference_mode()
    def _logits(self, seen: Seen) -> Tensor:
        logits: Tensor = self._network(*to_inputs(seen, self._network, self._device)).float()
        return logits
