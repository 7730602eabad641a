"""The blog post's method from drawings to a trained network, reimplemented from its description as the baseline.

"Training the Symbol Recognizer" (antiprojects.com/extexify, December 2021): each axis stretched to the middle 95 % of a
32×32 picture, one `draw.line` a segment; PNG files, read back by torchvision's ImageFolder through a DataLoader with
workers; five convolutions, Adam. Its database export is in `original_export`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor, nn
from tqdm import tqdm

from extexify.drawing.strokes import Drawing

SIZE = 32

# --- strokes → pictures -------------------------------------------------------------------------


def normalize(drawing: Drawing) -> Tensor:
    """The points of a drawing (n, 3): x and y, each axis stretched to 0.025 … 0.975, and 1 where a stroke ends."""
    rows = [np.column_stack([stroke, np.arange(len(stroke)) == len(stroke) - 1]) for stroke in drawing]
    points = torch.tensor(np.vstack(rows)).float()
    points[:, :2] -= points[:, :2].min(dim=0).values
    points[:, :2] /= points[:, :2].max(dim=0).values + 1e-15
    points[:, :2] *= 0.95
    points[:, :2] += 0.025
    return points


def draw(points: Tensor) -> NDArray[np.uint8]:
    """The 32×32 picture of a normalized drawing, one `draw.line` a segment, and a dot at the end of each stroke."""
    image = Image.new("L", (SIZE, SIZE))
    pen = ImageDraw.Draw(image)
    for number in range(len(points) - 1):
        here = (points[number, :2].numpy() * SIZE).tolist()
        if points[number, 2] == 1:
            pen.point(here, fill=255)
        else:
            there = (points[number + 1, :2].numpy() * SIZE).tolist()
            pen.line(here + there, fill=255, width=1)
    pen.point((points[-1, :2].numpy() * SIZE).tolist(), fill=255)
    return np.asarray(image)


def draw_plain(drawing: Drawing) -> NDArray[np.uint8]:
    """The same picture by the same calls of Pillow, from lists of numbers: the cost of the loop without tensors."""
    points = np.concatenate(drawing).astype(np.float64)
    low = points.min(axis=0)
    extent = points.max(axis=0) - low + 1e-15
    image = Image.new("L", (SIZE, SIZE))
    pen = ImageDraw.Draw(image)
    for stroke in drawing:
        places = (((stroke - low) / extent * 0.95 + 0.025) * SIZE).tolist()
        for here, there in pairwise(places):
            pen.line(here + there, fill=255, width=1)
        pen.point(places[-1], fill=255)
    return np.asarray(image)


# --- pictures → a network -----------------------------------------------------------------------


def network(classes: int) -> nn.Module:
    """Five convolutions, each ReLU and then batch normalization; averaged; one linear layer."""
    widths, strides = (3, 64, 64, 128, 256, 512), (1, 2, 2, 2, 2)
    layers: list[nn.Module] = []
    for before, width, stride in zip(widths[:-1], widths[1:], strides, strict=True):
        layers += [nn.Conv2d(before, width, 3, stride, 1), nn.ReLU(), nn.BatchNorm2d(width)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(widths[-1], classes))


def loaders(images: Path, batch_size: int) -> tuple[Any, Any]:
    """Training and validation pictures of an ImageFolder tree, as batches."""
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import ToTensor

    training, validation = (ImageFolder(str(images / name), transform=ToTensor()) for name in ("train", "val"))
    workers = os.cpu_count() or 1
    return (
        DataLoader(training, batch_size=batch_size, shuffle=True, num_workers=workers),
        DataLoader(validation, batch_size=batch_size, shuffle=False),
    )


def train_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Any) -> dict[str, float]:
    """An epoch of the post's loop; returns loss, top-1 and top-5 of its batches."""
    model.train()
    criterion = nn.CrossEntropyLoss()
    loss_sum, correct, correct5, total = 0.0, 0, 0, 0
    bar = tqdm(batches, disable=None)
    for x, y in bar:
        optimizer.zero_grad()
        out = model(x)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
        total += len(y)
        correct, correct5 = correct + _correct(out, y, 1), correct5 + _correct(out, y, 5)
        bar.set_postfix({"top1": 100 * correct / total, "top5": 100 * correct5 / total})
        loss_sum += loss.item() * len(y)
    return {"loss": loss_sum / total, "top1": correct / total, "top5": correct5 / total}


@torch.no_grad()
def validate(model: nn.Module, batches: Any) -> dict[str, float]:
    """Loss, top-1 and top-5 of the validation pictures."""
    model.eval()
    loss_sum, correct, correct5, total = 0.0, 0, 0, 0
    for x, y in batches:
        out = model(x)
        loss_sum += float(nn.functional.cross_entropy(out, y)) * len(y)
        correct, correct5, total = correct + _correct(out, y, 1), correct5 + _correct(out, y, 5), total + len(y)
    return {"loss": loss_sum / total, "top1": correct / total, "top5": correct5 / total}


def _correct(out: Tensor, y: Tensor, k: int) -> int:
    return int((torch.topk(out, k, dim=1).indices == y[:, None]).any(dim=1).sum().item())


def training(images: Path, classes: int, epochs: int, batch_size: int) -> Iterator[tuple[float, float, dict[str, Any]]]:
    """Train and validate; yields for each epoch the seconds of training, the total seconds and the metrics.

    The post validates before each epoch; here validation comes after it, so that the last epoch is included.
    """
    import time

    torch.manual_seed(0)
    model = network(classes)
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=1e-4)
    training_batches, validation_batches = loaders(images, batch_size)
    for _ in range(epochs):
        began = time.perf_counter()
        train_metrics = train_epoch(model, optimizer, training_batches)
        trained = time.perf_counter()
        validation_metrics = validate(model, validation_batches)
        yield trained - began, time.perf_counter() - began, {"train": train_metrics, "validation": validation_metrics}
