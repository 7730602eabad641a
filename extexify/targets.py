"""What a network learns to answer: the right symbol, softened towards the symbols that its drawings are taken for.

Zhang et al., “Delving Deep into Label Smoothing” (IEEE Transactions on Image Processing, 2021), with a running mean
in the place of theirs over each epoch. Many symbols are drawn alike, and which of them a user clicked can't be seen in
the drawing: a target that says so keeps the network from learning single drawings by heart.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


class SoftTargets:
    """Targets of which the part `confusion` is the mean answer that drawings of the class got, the part `smoothing`
    is spread evenly over all classes, and the rest is the right class.

    answers, float32 (classes, classes), holds the mean answers, a row a class; a row moves by the part `RATE` with
    every drawing, from the right class alone at the start.
    """

    RATE = 0.02  # about the last fifty drawings of a class, an epoch or two

    def __init__(self, classes: int, smoothing: float, confusion: float, device: torch.device) -> None:
        self.smoothing, self.confusion = smoothing, confusion
        self.answers = torch.eye(classes, device=device) if confusion else torch.empty(0, device=device)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross entropy of logits (B, classes) with the targets of labels (B,)."""
        plain = F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
        if not self.confusion:
            return plain
        soft = -(self.answers[labels] * F.log_softmax(logits, 1)).sum(1).mean()
        return (1 - self.confusion) * plain + self.confusion * soft

    @torch.no_grad()
    def learn(self, logits: Tensor, labels: Tensor) -> None:
        """Move the mean answers towards those that a batch got."""
        if not self.confusion:
            return
        answers = torch.softmax(logits, 1)
        classes, counts = labels.unique(return_counts=True)
        sums = torch.zeros_like(self.answers[classes]).index_add_(0, torch.searchsorted(classes, labels), answers)
        kept = (1 - self.RATE) ** counts[:, None]
        self.answers[classes] = kept * self.answers[classes] + (1 - kept) * sums / counts[:, None]
