"""The rendered images on the Render page, by split and symbol."""

from __future__ import annotations

import numpy as np
import streamlit as st

from extexify.dataset.render import RenderedImages
from extexify.dataset.splits import SPLITS
from extexify.ui.common.datasets import current_dataset, current_images
from extexify.ui.common.drawing_grid import Item, Picture, show_drawings
from extexify.ui.common.errors import show_error
from extexify.ui.common.pick import pick_drawings
from extexify.workspace.files import StorageError

SHOWN = 24
"""Images shown at a time."""


def show_images() -> None:
    """Show the workspace's rendered images, if there are any."""
    try:
        images = current_images()
    except StorageError as error:
        show_error(error)
        return
    if images is None:
        return
    st.divider()
    st.header("The images", anchor=False)
    _show_settings(images)
    _image_grid(images)


def _show_settings(images: RenderedImages) -> None:
    """The raster settings and counts of images, and a warning if they don't show the present dataset."""
    try:
        dataset = current_dataset()
    except StorageError:  # the form above shows it
        dataset = None
    raster = images.raster
    counts = ", ".join(f"{len(images.labels[split]):,} {split}" for split in SPLITS)
    st.caption(
        f"{raster.size} × {raster.size} pixels, lines of {raster.stroke_width:g}, "
        f"{'proportions kept' if raster.fit == 'aspect' else 'stretched'} · {counts}"
    )
    if dataset is None or images.dataset_hash != dataset.content_hash:
        st.warning(
            "These images were rendered from another dataset than the present one: render again before you train on "
            "them.",
            icon=":material/sync_problem:",
        )


@st.fragment
def _image_grid(images: RenderedImages) -> None:
    """A fragment: choosing another split or symbol reruns only the images."""
    split = st.segmented_control(
        "Split", SPLITS, default=SPLITS[0], required=True, format_func=str.capitalize, key="images-split",
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    labels = images.labels[split]
    chosen = pick_drawings(labels, images.classes, SHOWN, key="images")
    if not len(chosen):
        st.caption("This split has no image of this symbol.")
    show_drawings(
        [
            Item([Picture(np.asarray(images.images[split][index]), pixels=True)], images.classes[labels[index]])
            for index in chosen
        ],
        key="images-drawings",
    )
