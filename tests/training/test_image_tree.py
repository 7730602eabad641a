"""Trees of pictures: ours, those of others, and what can't be trained from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from extexify.catalog.symbols import load_catalog
from extexify.cli.parser import main
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import class_folders, render_dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import PRESETS, preset, rasterize, rasterize_drawing
from extexify.evaluation.evaluate import evaluate_images
from extexify.model.classifier import Classifier
from extexify.training.augment import AugmentSettings
from extexify.training.augment_images import augment_images, resize_images
from extexify.training.image_tree import ImageTreeError, fit_ink, read_image_tree, read_ink
from extexify.training.recipes import RECIPES, RecipeError, for_pictures
from tests.tiny import SHAPES, tiny_dataset
from tests.training.test_loop import STILL, metrics

pytestmark = pytest.mark.usefixtures("one_thread")

RASTER = preset("default", size=32)
CIRCLE, SUM = "latex2e-OT1-_circ", "latex2e-OT1-_sum"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("drawings") / "dataset", each=8)


@pytest.fixture(scope="module")
def rendered(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that `render --png` writes."""
    folder = tmp_path_factory.mktemp("rendered") / "images"
    render_dataset(dataset, RASTER, folder, png=True)
    return folder / "png"


@pytest.fixture
def tree(rendered: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copytree(rendered, tmp_path / "tree"))


def circle(size: int = 100) -> NDArray[np.uint8]:
    """A thin circle in the middle of a picture, ink 255 on 0."""
    angles = np.linspace(0, 6.3, 50)
    return rasterize_drawing([np.stack([np.cos(angles), np.sin(angles)], 1)], preset("default", size=size, margin=0.2))


def one_level(folder: Path, count: int = 4) -> Path:
    """A tree of one level: rectangles and lines of different proportions on large white pictures."""
    for name, height in (("a", 60), ("b", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture = np.full((200, 300), 255, np.uint8)
            picture[50 : 50 + height, 50 : 150 + 10 * number] = 0
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


# --- reading ------------------------------------------------------------------------------------


def test_our_own_tree_is_the_rendered_dataset(dataset: Dataset, rendered: Path) -> None:
    tree = read_image_tree(rendered, RASTER)
    assert tree.classes == dataset.classes
    for split in SPLITS:
        indices = dataset.indices(split)
        # ImageFolder lists the files of a class by their names.
        order = np.lexsort((np.array([str(number) for number in dataset.ids[indices]]), dataset.labels[indices]))
        np.testing.assert_array_equal(tree.labels[split], dataset.labels[indices][order])
        np.testing.assert_array_equal(
            tree.images[split], rasterize(dataset.drawings.take(indices[order]), RASTER), err_msg=split
        )
    assert read_image_tree(rendered, RASTER).content_hash == tree.content_hash


def test_our_own_tree_at_another_size_resembles_drawings_of_that_size(dataset: Dataset, rendered: Path) -> None:
    larger = preset("default", size=64, stroke_width=2 * RASTER.stroke_width)
    tree = read_image_tree(rendered, larger)
    indices = dataset.indices("test")
    order = np.lexsort((np.array([str(number) for number in dataset.ids[indices]]), dataset.labels[indices]))
    drawn = rasterize(dataset.drawings.take(indices[order]), larger).astype(float)
    for picture, drawing in zip(tree.images["test"], drawn, strict=True):
        assert np.corrcoef(picture.ravel(), drawing.ravel())[0, 1] > 0.9  # also of dots, which stay small


def test_every_keys_folder_name_gives_the_key(tmp_path: Path) -> None:
    keys = tuple(sorted(load_catalog()))
    picture = one_level(tmp_path / "some") / "a" / "0.png"
    for name in class_folders(keys):
        for split in ("train", "val"):
            (tmp_path / "all" / split / name).mkdir(parents=True)
            shutil.copy(picture, tmp_path / "all" / split / name / "1.png")
    assert read_image_tree(tmp_path / "all", preset("default", size=8)).classes == keys


def test_folders_may_have_the_names_of_commands_and_characters(tmp_path: Path) -> None:
    tree = one_level(tmp_path / "tree")
    (tree / "a").rename(tree / "∑")
    (tree / "b").rename(tree / "my own symbol")
    shutil.copytree(tree / "∑", tree / SUM)
    shutil.copy(tree / "my own symbol" / "0.png", tree / SUM / "7.png")
    found = read_image_tree(tree, RASTER)
    assert found.classes == (SUM, "my own symbol")
    assert sum(len(labels) for labels in found.labels.values()) == 4 + 4 + 5


@pytest.mark.parametrize(
    "ink",
    [
        lambda: Image.fromarray(255 - np.pad(circle(), ((10, 40), (90, 0)))),
        lambda: Image.fromarray(np.pad(circle(), ((0, 0), (0, 300)))),
        lambda: Image.fromarray((200 - np.pad(circle(), 60) // 2).astype(np.uint8)),
        lambda: Image.fromarray(257 * np.pad(circle(), 10).astype(np.uint16)),
        lambda: Image.merge("RGBA", [Image.new("L", (100, 100))] * 3 + [Image.fromarray(circle())]),
        lambda: Image.fromarray(255 - circle()).convert("RGB").quantize(16),
    ],
    ids=["black on white, aside", "white on black, wide", "grey on grey", "16 bits", "on nothing", "with a palette"],
)
def test_ink_of_any_kind_is_fitted_as_drawings_are(ink: Callable[[], Image.Image], tmp_path: Path) -> None:
    ink().save(tmp_path / "picture.png")
    angles = np.linspace(0, 6.3, 50)
    # The circle's line has 1.333 of 100 pixels.
    drawn = rasterize_drawing([np.stack([np.cos(angles), np.sin(angles)], 1)], RASTER).astype(float)
    fitted = fit_ink(read_ink(tmp_path / "picture.png"), RASTER).astype(float)
    assert fitted.shape == drawn.shape
    assert np.corrcoef(fitted.ravel(), drawn.ravel())[0, 1] > 0.85


def test_a_dot_stays_small_and_a_line_thin(tmp_path: Path) -> None:
    dot, line = np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.uint8)
    dot[50:54, 50:54] = line[50:54, 10:90] = 255
    assert (fit_ink(dot, RASTER) > 128).mean() < 0.05
    for fit in ("aspect", "stretch"):
        assert (fit_ink(line, replace(RASTER, fit=fit)) > 128).any(0).mean() > 0.9
        assert (fit_ink(line, replace(RASTER, fit=fit)) > 128).any(1).mean() < 0.15


def test_a_tree_of_one_level_is_split_with_every_class_in_each_part(tmp_path: Path) -> None:
    tree = one_level(tmp_path / "tree", count=20)
    shutil.copy(tree / "a" / "3.png", tree / "a" / "copy.png")
    found = read_image_tree(tree, RASTER, seed=1)
    assert sum(len(images) for images in found.images.values()) == 41
    for split in SPLITS:
        assert set(found.labels[split].tolist()) == {0, 1}
    # A picture and its copy are in one split.
    distinct = [len(np.unique(images, axis=0)) for images in found.images.values()]
    assert sum(distinct) == len(np.unique(np.concatenate(list(found.images.values())), axis=0))
    assert read_image_tree(tree, RASTER, seed=1).content_hash == found.content_hash
    assert read_image_tree(tree, RASTER, seed=2).content_hash != found.content_hash


def _damaged(content: bytes) -> Callable[[Path], object]:
    return lambda tree: (tree / "train" / first(tree) / "bad.png").write_bytes(content)


def _without_classes(tree: Path) -> None:
    shutil.rmtree(tree / "train")
    (tree / "train").mkdir()


def first(tree: Path) -> str:
    return sorted(path.name for path in (tree / "train").iterdir())[0]


def png(tree: Path) -> bytes:
    return next((tree / "train" / first(tree)).iterdir()).read_bytes()


def save(pixels: NDArray[np.uint8]) -> Callable[[Path], None]:
    return lambda tree: Image.fromarray(pixels).save(tree / "train" / first(tree) / "bad.png")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (_damaged(b"hello"), "bad.png is not a picture that can be read"),
    "cut": (lambda tree: _damaged(png(tree)[:-30])(tree), "bad.png is not a picture that can be read"),
    "empty": (_damaged(b""), "bad.png is not a picture that can be read"),
    "blank": (save(np.full((32, 32), 200, np.uint8)), "bad.png is blank"),
    "huge": (save(np.zeros((1, (1 << 24) + 1), np.uint8)), "bad.png has 16777217 × 1 pixels, more than 16,777,216"),
    "no validation": (lambda tree: shutil.rmtree(tree / "val"), "has train and test, but no folder val"),
    "no class": (_without_classes, "find any class folder"),
    "empty class": (lambda tree: (tree / "train" / "0099_new").mkdir(), "Found no valid file for the classes 0099_new"),
    "only validated": (
        lambda tree: shutil.rmtree(tree / "train" / first(tree)),
        "has no pictures of latex2e-OT1-_circ to train on",
    ),
    "no key": (lambda tree: (tree / "val" / first(tree)).rename(tree / "val" / "0000_%0A"), "'0000_%0A' is no key"),
    "no folder": (lambda tree: shutil.rmtree(tree), "tree is not a folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cant_be_trained_from_is_named(case: str, tree: Path) -> None:
    damage, message = BAD[case]
    damage(tree)
    with pytest.raises(ImageTreeError) as refused:
        read_image_tree(tree, RASTER)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_class_of_two_pictures_cant_be_split(tmp_path: Path) -> None:
    with pytest.raises(ImageTreeError, match="fewer than three different pictures of a: "):
        read_image_tree(one_level(tmp_path / "tree", count=2), RASTER)


# --- augmentation -------------------------------------------------------------------------------


def test_an_image_is_augmented_by_its_number_alone() -> None:
    images, numbers = np.stack([circle(32)] * 3), np.array([5, 9, 700])
    settings = RECIPES["resnet"].augment
    assert settings is not None
    together = augment_images(images, numbers, RASTER, settings, seed=1, epoch=2)
    alone = augment_images(images[1:2], numbers[1:2], RASTER, settings, seed=1, epoch=2)
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[0] != together[1]).any()
    assert (augment_images(images, numbers, RASTER, settings, seed=1, epoch=3) != together).any((1, 2)).all()
    # It is still a circle around the middle.
    assert all(100 < np.hypot(*(np.argwhere(image > 100) - 15.5).T).mean() ** 2 * 3 < 400 for image in together)


def test_without_variation_an_image_is_only_resized() -> None:
    images, numbers = np.stack([circle(64)] * 2), np.arange(2)
    assert (augment_images(images, numbers, preset("default", size=64), STILL, seed=1, epoch=1) == images).all()
    smaller = augment_images(images, numbers, RASTER, STILL, seed=1, epoch=1)
    np.testing.assert_array_equal(smaller, resize_images(images, 32))


@pytest.mark.parametrize(("factor", "low", "high"), [(0.6, 0.3, 0.9), (1.4, 1.1, 1.7)])
def test_lines_become_thinner_and_wider(factor: float, low: float, high: float) -> None:
    raster = preset("default", size=64, stroke_width=3)
    images = rasterize_drawing([np.array([[0, 0], [1, 0.3]])], raster)[None]
    settings = AugmentSettings(**{**STILL.to_json(), "thin": factor, "thick": factor})
    changed = augment_images(images, np.arange(1), raster, settings, seed=1, epoch=1)
    assert low < changed.sum(dtype=float) / images.sum(dtype=float) < high


# --- training -----------------------------------------------------------------------------------


def test_recipes_that_read_strokes_are_refused() -> None:
    with pytest.raises(RecipeError, match="recipe quick reads strokes, which pictures don't have"):
        for_pictures(RECIPES["quick"])
    assert for_pictures(RECIPES["original"]) == RECIPES["original"]
    assert for_pictures(RECIPES["mobilenet"]).scribbles == 0


def test_a_model_of_pictures_answers_drawings(
    dataset: Dataset, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    train = ["train", "--images-tree", str(tree), "--run", "mine", "--json"]
    assert main([*train, "--recipe", "original", "--epochs", "20", "--batch-size", "8"]) == 0
    report = json.loads(capsys.readouterr().out)
    classifier = Classifier.load(report["model"])
    assert classifier.classes == tuple(sorted(SHAPES)) == dataset.classes
    assert classifier.raster == PRESETS["original"]
    assert classifier.metrics["test"]["n"] == len(dataset.indices("test"))
    assert {prediction.key for prediction in classifier.classify(dataset.drawings[0], 6)} == set(SHAPES)
    pictures = read_image_tree(tree, PRESETS["original"])
    assert evaluate_images(classifier, pictures.images["test"], pictures.labels["test"]).to_json() == report["test"]
    # (The model is that of an early epoch: five answers of six symbols are nearly always right.)
    assert metrics(tmp_path / "ws" / "runs" / "mine")[-1]["validation"]["top1"] > 0.8
    # It can go on with these pictures alone, and the test split may be missing.
    shutil.rmtree(tree / "test")
    assert main([*train, "--resume", "--epochs", "21"]) == 1
    assert "was begun with another dataset" in capsys.readouterr().err


def test_options_that_pictures_dont_go_with_are_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, message in (
        (["--recipe", "default"], "recipe default reads strokes"),
        (["--dataset", "x"], "leave --dataset and --images out"),
        (["--recipe", "original", "--train-on", "all"], "pictures are read split by split"),
    ):
        assert main(["train", "--images-tree", str(tree), *options]) == 1
        assert message in capsys.readouterr().err
