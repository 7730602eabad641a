"""The workspace's dataset, opened once and shared by all visitors for as long as it stays the same."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from extexify.dataset import Dataset
from extexify.workspace import dataset_folder


def current_dataset() -> Dataset | None:
    """The exported dataset; None when there is none yet. Raises `StorageError`, one sentence, for a damaged one."""
    manifest = dataset_folder() / "manifest.json"
    try:
        status = manifest.stat()
    except OSError:
        return None
    return _open(manifest.parent.resolve(), (status.st_mtime_ns, status.st_size, status.st_ino))


# An export replaces the whole folder, so its manifest tells a new dataset from the old one.
@st.cache_resource(max_entries=1, show_spinner=False)
def _open(folder: Path, version: tuple[int, int, int]) -> Dataset:
    return Dataset.open(folder)
