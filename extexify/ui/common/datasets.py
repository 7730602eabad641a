"""The workspace's dataset and images, opened once for all visitors, and again when they are replaced."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.workspace.paths import dataset_folder, images_folder

_Version = tuple[int, int, int]


def current_dataset() -> Dataset | None:
    """The exported dataset; None when there is none yet. Raises `StorageError` for a damaged one."""
    version = _version(dataset_folder())
    return None if version is None else _open_dataset(dataset_folder().resolve(), version)


def current_images() -> RenderedImages | None:
    """The rendered images; None when there are none yet. Raises `StorageError` for damaged ones."""
    version = _version(images_folder())
    return None if version is None else _open_images(images_folder().resolve(), version)


def _version(folder: Path) -> _Version | None:
    """Time, size and inode of the manifest, which differ after a folder is replaced as a whole; None without one."""
    try:
        status = (folder / "manifest.json").stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


@st.cache_resource(max_entries=1, show_spinner=False)
def _open_dataset(folder: Path, version: _Version) -> Dataset:
    return Dataset.open(folder)


@st.cache_resource(max_entries=1, show_spinner=False)
def _open_images(folder: Path, version: _Version) -> RenderedImages:
    return RenderedImages.open(folder)
