"""Training recipes: every hyperparameter of a training, by name, with the reason for its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from extexify.core.schema import Maybe, Named, check_form
from extexify.drawing.raster import PRESETS, RasterSettings, preset
from extexify.drawing.resample import SequenceSettings
from extexify.training.augment import AugmentSettings

MAX_EPOCHS = 10_000


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Without `augment`, training reads rendered images; with it, drawings are varied and rasterized anew every epoch.
    With `sequence` the network reads their points, too; auxiliary is what the mean loss of its parts by themselves
    counts beside its own. In the part `small` of the epochs, from the first on, pictures and sequences are made at
    `small_scale` of their size (Tan & Le, “EfficientNetV2”, ICML 2021). To a batch come scribbles, as the part
    `scribbles` of its size: drawings of no symbol (see `extexify.training.scribbles`), whose target is all classes
    alike.

    warmup is the part of all steps in which the learning rate rises; label_smoothing is spread evenly over all classes;
    alike is the part of a target that goes to the symbols drawn alike, by how many drawings each has;
    averaging is the decay of the exponential weight average (0: none); clip bounds the gradient's norm (0: none).

    balance raises the logits of rare classes when the network answers: by -balance · log(drawings of the class /
    drawings of the mean class), after training as in Menon et al., “Long-tail Learning via Logit Adjustment”, ICLR
    2021. temperature and doubt are the model's when no drawings are held out to fit them on.
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
    sequence: SequenceSettings | None = None
    auxiliary: float = 0.0
    small: float = 0.0
    small_scale: float = 2 / 3
    schedule: str = "constant"  # or "one-cycle"
    warmup: float = 0.0
    label_smoothing: float = 0.0
    alike: float = 0.0
    scribbles: float = 0.0
    averaging: float = 0.0
    clip: float = 0.0
    balance: float = 0.0
    temperature: float = 1.0
    doubt: float = 0.0

    def __post_init__(self) -> None:
        limits: list[tuple[str, float, float]] = [
            ("epochs", 1, MAX_EPOCHS), ("batch_size", 2, 65_536), ("learning_rate", 1e-9, 10), ("weight_decay", 0, 10),
            ("warmup", 0, 0.9), ("label_smoothing", 0, 0.9), ("averaging", 0, 0.99999), ("clip", 0, 1e6),
            ("auxiliary", 0, 10), ("small", 0, 1), ("small_scale", 0.25, 1), ("balance", 0, 2),
            ("scribbles", 0, 1), ("alike", 0, 1), ("temperature", 0.1, 10), ("doubt", 0, 1),
        ]  # fmt: skip
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name.replace('_', ' ')} must be {low:g} to {high:g}, not {getattr(self, name):g}")
        if self.small and self.augment is None:
            raise ValueError("rendered images have one size: a recipe with small epochs needs augment")

    def at(self, epoch: int) -> tuple[RasterSettings, SequenceSettings | None]:
        """How drawings are seen in an epoch (from 1)."""
        if epoch > int(self.small * self.epochs):
            return self.raster, self.sequence
        size = round(self.raster.size * self.small_scale)
        raster = replace(self.raster, size=size, stroke_width=self.raster.stroke_width * size / self.raster.size)
        return raster, self.sequence and SequenceSettings(round(self.sequence.points * self.small_scale))

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """The recipe of `to_json`'s object. Raises ValueError when it is damaged."""
        check_form(value, _FORM, "the recipe")
        try:
            known = {item.name for item in fields(cls)}
            plain = {name: entry for name, entry in value.items() if name in known}
            plain["raster"] = RasterSettings.from_json(value["raster"])
            # A run of before there were sequences says nothing of them.
            plain["sequence"] = SequenceSettings.from_json(value["sequence"]) if value.get("sequence") else None
            plain["augment"] = AugmentSettings(**value["augment"]) if value["augment"] else None
            return cls(**plain)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the recipe is damaged ({error})") from None


_FORM = {
    "name": str, "architecture": str, "optimizer": str, "schedule": str, "epochs": int, "batch_size": int,
    "options": {}, "augment": Maybe(Named(float)),
}  # fmt: skip
"""What comes of the numbers, `Recipe` itself checks."""


# Most drawings keep order and direction of their strokes: these stay evidence, but nothing rests on them.
_VARIATION = AugmentSettings(
    rotation=0.14, warp=0.03, stroke_shift=0.025, reverse=0.1, shuffle=0.1, coarse=0.1, blend=0.6
)

RECIPES: dict[str, Recipe] = {
    # The blog post's training. Its batch of 2 on a CPU is only a curiosity: 512 everywhere.
    "original": Recipe(
        name="original",
        architecture="original",
        options={"dark_on_light": True},
        raster=PRESETS["original"],
        epochs=20,
        batch_size=512,
        optimizer="adam",
        learning_rate=1e-3,  # Adam's default
        weight_decay=1e-4,
    ),
    "default": Recipe(
        name="default",
        architecture="fused",
        raster=PRESETS["default"],
        sequence=SequenceSettings(points=112),
        # Two narrow parts learn more than a wide one in the same time; together 5.8 M weights, 11.6 MB.
        options={
            "picture": {"channels": [32, 96, 192, 352], "blocks": [1, 1, 1, 1], "dropout": 0.2},
            "sequence": {"channels": [64, 128, 256, 352], "blocks": [1, 2, 2, 2], "dropout": 0.2},
        },
        auxiliary=0.5,  # each part must answer by itself, or the one that learns faster leaves the other behind
        augment=_VARIATION,
        epochs=24,
        batch_size=128,  # two steps of 128 learn more than one of 256, and take little longer
        optimizer="adamw",
        learning_rate=3e-3,  # high: the one-cycle schedule's peak, half of it already falls off
        weight_decay=0.05,
        schedule="one-cycle",
        warmup=0.1,
        alike=0.2,  # which of ten horizontal bars it was, a network can only learn by heart
        label_smoothing=0.1,  # labels are clicks of users, and look-alikes have no right answer
        averaging=0.999,  # about the last 1,000 steps, four epochs of the real data
        clip=2.0,
        scribbles=0.03,  # enough to know scribbles of these kinds from drawings, every time
        balance=0.5,  # networks underrate what they saw little of: on validation, 1.0 top-1 and 0.6 top-5
        small=0.6,  # the first epochs only find their way about, and take three quarters of the time
        small_scale=0.8,
        temperature=0.76,  # this and the next are fitted on validation by a training that held it out
        doubt=0.74,
    ),
}

# The same for a laptop: smaller pictures learn nearly as much, in a third of the time.
RECIPES["quick"] = replace(
    RECIPES["default"],
    name="quick",
    epochs=12,
    raster=preset("default", size=32, stroke_width=1.07),
    sequence=SequenceSettings(points=88),
    augment=replace(_VARIATION, shift=1.0),
    small=0.5,
    small_scale=2 / 3,
)


def recipe(name: str, **changes: Any) -> Recipe:
    """A recipe with some settings changed (those that are None stay). Raises ValueError for an unknown name."""
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}: there are {', '.join(sorted(RECIPES))}")
    return replace(RECIPES[name], **{key: value for key, value in changes.items() if value is not None})
