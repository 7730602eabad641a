"""Answers by PyTorch, as the program gave them before ONNX Runtime did: what the benchmarks put ours beside."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from extexify.drawing.inputs import model_inputs
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.networks import load_network, to_tensors


class PyTorchClassifier:
    """Classifies drawings with a model's network, its batch normalisation folded into the convolutions."""

    def __init__(self, path: Path) -> None:
        self.description, self._network = load_network(path)
        for module in list(self._network.modules()):
            for (name, before), (after_name, after) in pairwise(list(module.named_children())):
                if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                    setattr(module, name, fuse_conv_bn_eval(before, after))
                    setattr(module, after_name, nn.Identity())

    def classify(self, drawing: Drawing, top: int = 5) -> list[str]:
        """The keys of the most probable symbols, most probable first."""
        logits = self.logits(Drawings.pack([drawing]), threads=1)[0]
        return [self.description.classes[index] for index in np.argsort(-logits, kind="stable")[:top]]

    @torch.inference_mode()
    def logits(self, drawings: Drawings, *, threads: int | None = None) -> NDArray[np.float32]:
        """What the network says of drawings (n): float32 (n, classes)."""
        inputs = model_inputs(drawings, self.description.raster, self.description.sequence, threads=threads)
        logits: NDArray[np.float32] = self._network(*to_tensors(inputs, self._network, torch.device("cpu"))).numpy()
        return logits
