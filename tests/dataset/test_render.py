"""The render stage: packed images per split, and a tree that torchvision reads with our class numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import ImageFolder

from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.render import PNG_FOLDERS, RenderedImages, class_folders, render_dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import PRESETS, preset, rasterize_drawing
from extexify.workspace.files import StorageError, write_json
from tests.tiny import SHAPES, TinySource, tiny_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("images") / "dataset")


def test_each_split_holds_its_drawings_as_the_rasterizer_draws_them(dataset: Dataset, tmp_path: Path) -> None:
    images = render_dataset(dataset, preset("default", size=24), tmp_path / "images")
    assert images.classes == dataset.classes
    for split in SPLITS:
        indices = dataset.indices(split)
        np.testing.assert_array_equal(images.labels[split], dataset.labels[indices])
        np.testing.assert_array_equal(np.load(tmp_path / "images" / f"{split}_ids.npy"), dataset.ids[indices])
        for picture, index in zip(images.images[split], indices, strict=True):
            np.testing.assert_array_equal(picture, rasterize_drawing(dataset.drawings[int(index)], images.raster))


def test_torchvision_reads_the_tree_with_our_class_numbers(tmp_path: Path) -> None:
    # Keys that sort otherwise once their characters are made fit for a file name.
    odd = {f"latex2e-OT1-{command}": key for command, key in zip("/|_A~é", SHAPES, strict=True)}
    source = TinySource()
    source.rows = lambda: (  # type: ignore[method-assign]
        type(row)(row.id, next(name for name, key in odd.items() if key == row.key), row.strokes)
        for row in TinySource().rows()
    )
    dataset = export_dataset([source], tmp_path / "dataset")
    render_dataset(dataset, PRESETS["default"], tmp_path / "images", png=True)
    for number, split in enumerate(SPLITS):
        folder = ImageFolder(str(tmp_path / "images" / "png" / PNG_FOLDERS[split]))
        assert folder.classes == class_folders(dataset.classes)
        mine = {int(i): int(label) for i, label in zip(dataset.ids, dataset.labels, strict=True)}
        theirs = {int(Path(path).stem): label for path, label in folder.samples}
        assert theirs == {i: mine[i] for i in dataset.ids[dataset.split == number].tolist()}
        picture, _ = folder[0]
        index = int(np.flatnonzero(dataset.ids == int(Path(folder.samples[0][0]).stem))[0])
        wanted = 255 - rasterize_drawing(dataset.drawings[index], PRESETS["default"])
        np.testing.assert_array_equal(np.asarray(picture)[:, :, 0], wanted)


def test_rendering_again_replaces_the_whole_folder(dataset: Dataset, tmp_path: Path) -> None:
    render_dataset(dataset, PRESETS["default"], tmp_path / "images", png=True)
    images = render_dataset(dataset, PRESETS["original"], tmp_path / "images")
    assert images.raster == PRESETS["original"]
    assert not (tmp_path / "images" / "png").exists()


def test_every_file_and_folder_is_synced_before_the_images_take_their_name(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("extexify.workspace.files._sync", synced.append)
    render_dataset(dataset, preset("default", size=8), tmp_path / "images", png=True)
    temporary = synced[-1]  # the folder under its temporary name, after everything in it
    assert temporary.parent == tmp_path
    tree = {path.relative_to(tmp_path / "images") for path in (tmp_path / "images").rglob("*")}
    assert {path.relative_to(temporary) for path in synced if path.is_relative_to(temporary)} >= tree
    assert Path("png/val") in tree
    for number, path in enumerate(synced):
        assert not any(later.parent == path for later in synced[number:])


def test_a_folder_name_is_safe_unique_and_in_class_order() -> None:
    classes = tuple(sorted(["a/../../b", "a\\b", "-", ".", "x" * 255, "ü", "A", "a"]))
    names = class_folders(classes)
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert all(name.isascii() and not set(name) & set('/\\.:*?"<>|') and len(name) < 100 for name in names)


def test_missing_and_damaged_files_are_reported(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="extexify render"):
        RenderedImages.open(tmp_path / "nothing")
    render_dataset(dataset, PRESETS["default"], tmp_path / "images")
    (tmp_path / "images" / "train.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(StorageError, match=r"train\.npy"):
        RenderedImages.open(tmp_path / "images")
    render_dataset(dataset, PRESETS["default"], tmp_path / "images")
    labels = tmp_path / "images" / "test_labels.npy"
    np.save(labels, np.full(len(np.load(labels)), 99, np.int32))
    with pytest.raises(StorageError, match="do not fit together"):
        RenderedImages.open(tmp_path / "images")
    write_json(tmp_path / "images" / "manifest.json", {"format_version": 99})
    with pytest.raises(StorageError, match="version"):
        RenderedImages.open(tmp_path / "images")
