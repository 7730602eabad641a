"""Training recipes: every hyperparameter of a training, by name, with the reason for its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from extexify.augment import AugmentSettings
from extexify.raster import PRESETS, RasterSettings


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Without `augment`, training reads rendered images; with it, drawings are varied and rasterized anew
    every epoch. warmup is the part of all steps in which the learning rate rises; averaging is the
    decay of the exponential weight average (0: none); clip bounds the gradient's norm (0: none).
    """

    name: str
    architecture: str
    raster: RasterSettings
    epochs: int
    batch_size: int
    optimizer: str  # "adam" (L2 penalty in the gradient) or "adamw" (decoupled decay, matrices only)
    learning_rate: float
    weight_decay: float
    options: dict[str, Any] = field(default_factory=dict)
    augment: AugmentSettings | None = None
    schedule: str = "constant"  # or "one-cycle"
    warmup: float = 0.0
    label_smoothing: float = 0.0
    averaging: float = 0.0
    clip: float = 0.0

    def __post_init__(self) -> None:
        limits: list[tuple[str, float, float]] = [
            ("epochs", 1, 10_000), ("batch_size", 2, 65_536), ("learning_rate", 1e-9, 10), ("weight_decay", 0, 10),
            ("warmup", 0, 0.9), ("label_smoothing", 0, 0.9), ("averaging", 0, 0.99999), ("clip", 0, 1e6),
        ]  # fmt: skip
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name.replace('_', ' ')} must be {low:g} to {high:g}, not {getattr(self, name):g}")

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """The recipe of `to_json`'s object. Raises ValueError when it is damaged."""
        try:
            known = {item.name for item in fields(cls)}
            plain = {name: entry for name, entry in value.items() if name in known}
            plain["raster"] = RasterSettings.from_json(value["raster"])
            plain["augment"] = AugmentSettings(**value["augment"]) if value["augment"] else None
            return cls(**plain)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the recipe is damaged ({error})") from None


RECIPES: dict[str, Recipe] = {
    # The blog post's training. Its batch of 2 on a CPU is only a curiosity: 512 everywhere.
    "original": Recipe(
        name="original",
        architecture="original",
        raster=PRESETS["original"],
        epochs=20,
        batch_size=512,
        optimizer="adam",
        learning_rate=1e-3,  # Adam's default
        weight_decay=1e-4,
    ),
    "default": Recipe(
        name="default",
        architecture="residual",
        raster=PRESETS["default"],
        augment=AugmentSettings(),
        epochs=16,
        batch_size=256,  # two steps of 256 learn more than one of 512, and two cores are busy with either
        optimizer="adamw",
        learning_rate=3e-3,  # high: the one-cycle schedule's peak, half of it already falls off
        weight_decay=0.05,
        schedule="one-cycle",
        warmup=0.15,
        label_smoothing=0.1,  # labels are clicks of users, and look-alikes have no right answer
        averaging=0.998,  # about the last 500 steps, five epochs of the real data
        clip=2.0,
    ),
}


def recipe(name: str, **changes: Any) -> Recipe:
    """A recipe with some settings changed (those that are None stay). Raises ValueError for an unknown name."""
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}: there are {', '.join(sorted(RECIPES))}")
    return replace(RECIPES[name], **{key: value for key, value in changes.items() if value is not None})
