"""Training recipes: every hyperparameter of a training, by name, with the reason for its value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.drawing.raster import PRESETS, RasterSettings, preset
from extexify.drawing.resample import SequenceSettings
from extexify.evaluation.calibration import SHIFT_LIMIT
from extexify.training.augment import AugmentSettings
from extexify.training.network_table import (
    PIXELS,
    NetworkCost,
    recipe_networks,
    torchvision_network,
)

MAX_EPOCHS = 10_000


class RecipeError(UserError, ValueError):
    """A recipe that doesn't exist, or a setting of one that is out of range."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Without `augment`, training reads rendered images; with it, drawings are augmented and rasterized anew every epoch.
    With `sequence` the network also reads their points; auxiliary is the weight of the mean loss of the network's parts
    beside the loss of the whole. In the fraction `small` of the epochs, from the first on, images and sequences are
    made at `small_scale` of their size (Tan & Le, “EfficientNetV2”, ICML 2021). `scribbles` is the number of scribbles
    added to a batch, as a fraction of its size: drawings of no symbol (see `extexify.training.scribbles`), with the
    uniform distribution over all classes as their target.

    warmup is the fraction of all steps in which the learning rate rises; label_smoothing is spread evenly over all
    classes; alike is the fraction of a target that is shared among the symbols that people draw alike, by their number
    of drawings; averaging is the decay of the exponential weight average (0: none); clip bounds the norm of the
    gradient (0: no bound).

    balance raises the logits of rare classes in the finished model: by -balance · log(drawings of the class / drawings
    of the mean class), after training as in Menon et al., “Long-tail Learning via Logit Adjustment”, ICLR 2021.
    temperature and rejection_threshold are the model's if no drawings are held out to fit them on.

    With starters, the shapes of the catalogue that the dataset lacks are classes, too (`extexify.training.starters`):
    that many starter drawings of each in an epoch, `borrowed` more of those that are another symbol mirrored or turned
    (`extexify.training.borrowed`), and of symbols with real drawings `drawn_starters`, or as many as make up `starters`
    with these. The finished model's logits of symbols without real drawings are shifted: by as much as lets them take
    the fraction `undrawn_loss` of the validation drawings from their places among the first five, or by undrawn_shift
    if none are held out. In a dataset with real drawings of fewer than `least_symbols` symbols its own symbols are all
    that is learnt.
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
    starters: int = 0
    drawn_starters: int = 0
    borrowed: int = 0
    least_symbols: int = 300
    undrawn_loss: float = 0.004
    undrawn_shift: float = 0.0
    temperature: float = 1.0
    rejection_threshold: float = 0.0

    def __post_init__(self) -> None:
        limits: list[tuple[str, float, float]] = [
            ("epochs", 1, MAX_EPOCHS), ("batch_size", 2, 65_536), ("learning_rate", 1e-9, 10), ("weight_decay", 0, 10),
            ("warmup", 0, 0.9), ("label_smoothing", 0, 0.9), ("averaging", 0, 0.99999), ("clip", 0, 1e6),
            ("auxiliary", 0, 10), ("small", 0, 1), ("small_scale", 0.25, 1), ("balance", 0, 2),
            ("scribbles", 0, 1), ("alike", 0, 1), ("starters", 0, 1000), ("drawn_starters", 0, 1000),
            ("borrowed", 0, 1000), ("least_symbols", 0, 1_000_000), ("undrawn_loss", 0, 1),
            ("undrawn_shift", -SHIFT_LIMIT, SHIFT_LIMIT), ("temperature", 0.1, 10), ("rejection_threshold", 0, 1),
        ]  # fmt: skip
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise RecipeError(f"{name.replace('_', ' ')} must be {low:g} to {high:g}, not {getattr(self, name):g}")
        if self.small and self.augment is None:
            raise RecipeError("rendered images have one size: a recipe with small epochs needs augment")
        if self.starters and self.augment is None:
            raise RecipeError("a recipe that reads rendered images has no starters: starter drawings need augment")
        if self.schedule == "one-cycle" and not self.warmup:
            raise RecipeError("a one-cycle schedule needs a warmup above 0")

    @property
    def network(self) -> str:
        """The network's name: torchvision's, or else its architecture."""
        return str(self.options["network"]) if self.architecture == "torchvision" else self.architecture

    @property
    def cost(self) -> NetworkCost:
        """What the network takes and costs, for one of `RECIPES` or of `network_recipe`."""
        if self.architecture == "torchvision":
            return torchvision_network(self.network)
        return recipe_networks()[self.name]

    @property
    def loss_is_cross_entropy(self) -> bool:
        """Whether the objective is the plain cross entropy of the drawings."""
        return not (self.label_smoothing or self.alike or self.scribbles)

    def inputs_at(self, epoch: int) -> tuple[RasterSettings, SequenceSettings | None]:
        """Settings of the model inputs in an epoch (from 1)."""
        if epoch > int(self.small * self.epochs):
            return self.raster, self.sequence
        size = round(self.raster.size * self.small_scale)
        raster = replace(self.raster, size=size, stroke_width=self.raster.stroke_width * size / self.raster.size)
        return raster, self.sequence and SequenceSettings(round(self.sequence.points * self.small_scale))

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Recipe:
        """The recipe of `to_json`'s object. Raises ValueError if it is damaged."""
        if isinstance(value, dict) and "doubt" in value:  # the threshold's name in earlier versions
            value = {**value, "rejection_threshold": value["doubt"]}
        return validate(value, cls)


# Order and direction of the strokes are changed in a tenth of the drawings: the network may use, but not rely on them.
# Joined and cut strokes help most with styles that a training has not seen; of the others a little: docs/recipe.md.
_OTHER_HANDS = {"connect": 0.1, "lift": 0.1, "double": 0.05, "loop": 0.05, "enlarge": 0.05}

_VARIATION = AugmentSettings(
    rotation=0.14, warp=0.03, stroke_shift=0.025, reverse=0.1, shuffle=0.1, coarse=0.1, blend=0.6, **_OTHER_HANDS
)

_RATE_WITHOUT_BATCH_NORM = 3e-4
"""Learning rate of networks without batch normalization, many of which don't learn at the others' rate."""

RECIPES: dict[str, Recipe] = {
    # The blog post's training, with a batch of 512; the post used 2 on a CPU.
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
        # Two narrow parts learn more than a wide one in the same time: 5 M weights, and 704 more for each class.
        options={
            "picture": {"channels": [32, 96, 192, 352], "blocks": [1, 1, 1, 1], "dropout": 0.2},
            "sequence": {"channels": [64, 128, 256, 352], "blocks": [1, 2, 2, 2], "dropout": 0.2},
        },
        auxiliary=0.5,  # without it the part that learns faster keeps the other one from learning
        augment=_VARIATION,
        epochs=20,
        batch_size=128,  # two steps of 128 learn more than one of 256, and take little longer
        optimizer="adamw",
        learning_rate=3e-3,  # the peak of the one-cycle schedule; half of it already costs accuracy
        weight_decay=0.05,
        schedule="one-cycle",
        warmup=0.1,
        alike=0.2,  # ten symbols are a horizontal bar: telling them apart is memorizing
        label_smoothing=0.1,  # labels are clicks of users, some of them wrong
        averaging=0.999,  # about the last 1,000 steps
        clip=2.0,
        scribbles=0.03,  # enough to tell scribbles of these kinds from drawings every time
        balance=0.5,  # networks underrate rare classes: on validation, 1.0 top-1 and 0.6 top-5
        starters=3,  # of a pool of 16: with 7,000 shapes that nobody drew these are already half of an epoch
        drawn_starters=8,  # so that how a drawing is made says little about whether people draw the symbol
        borrowed=6,
        undrawn_shift=3.8,  # this and the next two were fitted by a training that held validation out: docs/recipe.md
        small=0.6,  # early epochs need no detail, and small ones take three quarters of the time
        small_scale=0.8,
        temperature=0.82,
        rejection_threshold=0.76,
    ),
}

# For a laptop: smaller images reach nearly the same accuracy in a third of the time.
RECIPES["quick"] = replace(
    RECIPES["default"],
    name="quick",
    epochs=8,
    raster=preset("default", size=32, stroke_width=1.07),
    sequence=SequenceSettings(points=88),
    augment=replace(_VARIATION, shift=1.0),
    small=0.5,
    small_scale=2 / 3,
)


def _on_images_of(pixels: int) -> dict[str, Any]:
    """Settings for images of `pixels` a side, with lines and shifts as long as those of `default` in proportion."""
    raster, scale = PRESETS["default"], pixels / PRESETS["default"].size
    return {
        "raster": replace(raster, size=pixels, stroke_width=raster.stroke_width * scale),
        "augment": replace(_VARIATION, shift=_VARIATION.shift * scale),
    }


# Networks of torchvision, trained like `default` on images alone: larger ones, as most networks halve them five times.
RECIPES["resnet"] = replace(
    RECIPES["default"],
    name="resnet",
    architecture="torchvision",
    options={"network": "resnet18"},
    sequence=None,
    auxiliary=0.0,
    learning_rate=2e-3,
    **_on_images_of(PIXELS),
)
RECIPES["mobilenet"] = replace(RECIPES["resnet"], name="mobilenet", options={"network": "mobilenet_v3_small"})


def recipe(name: str, **changes: Any) -> Recipe:
    """A recipe with some settings changed (None: unchanged). Raises `RecipeError` for an unknown name or bad value."""
    if name not in RECIPES:
        raise RecipeError(f"no recipe {name!r}: there are {', '.join(sorted(RECIPES))}")
    return _changed(RECIPES[name], changes)


def network_recipe(name: str, **changes: Any) -> Recipe:
    """The recipe `resnet` with another classification network of torchvision, some settings changed (None: unchanged).

    Raises `NetworkError` for a name that torchvision doesn't have, and `RecipeError` for a bad value.
    """
    network = torchvision_network(name)
    base = replace(
        RECIPES["resnet"],
        name=name,
        options={"network": name, **({"size": network.pixels} if network.one_size else {})},
        **_on_images_of(network.pixels),
    )
    if network.one_size or base.inputs_at(1)[0].size < network.smallest:
        base = replace(base, small=0.0)
    if not network.batch_norm:
        base = replace(base, learning_rate=_RATE_WITHOUT_BATCH_NORM)
    return _changed(base, changes)


def for_pictures(recipe: Recipe) -> Recipe:
    """The recipe for pictures without strokes. Raises `RecipeError` if its network reads strokes."""
    if recipe.sequence is not None:
        raise RecipeError(
            f"recipe {recipe.name} reads strokes, which pictures don't have: train with --recipe resnet, mobilenet or "
            "original, or any --network"
        )
    # Scribbles would be told from pictures by how they are drawn, and so would every drawing later.
    return replace(recipe, scribbles=0.0, starters=0)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    return replace(recipe, **{key: value for key, value in changes.items() if value is not None})
