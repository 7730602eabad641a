"""The Render page's form: the raster's settings beside a preview, and the button that renders the dataset."""

from __future__ import annotations

import numpy as np
import streamlit as st

from extexify.dataset.dataset import Dataset
from extexify.drawing.raster import PRESETS, RasterSettings, preset, rasterize
from extexify.training.recipes import RECIPES
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.drawing_grid import AS_DRAWN, Item, Picture, show_drawings
from extexify.ui.common.errors import show_error
from extexify.ui.common.job_panel import PAGES, start_job
from extexify.ui.common.pick import pick_drawings
from extexify.ui.common.text import escaped
from extexify.workspace import jobs
from extexify.workspace.files import StorageError

IMAGES = "images"
"""The folder that a rendering writes, relative to the workspace."""

PREVIEWED = 4
"""Drawings in the preview, each as drawn and as rendered."""

_SIZES = (8, 128)
_WIDTHS = (0.5, 6.0)
_FITS = {"aspect": "Proportions", "stretch": "Stretch"}
_PRESETS = {"default": "Default", "original": "Blog post"}


def render_form() -> None:
    """The settings beside a preview, and the button that starts the job; without a dataset, a link to Export."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        show_error(error)
        return
    if dataset is None:
        with st.container(border=True, key="welcome"):
            st.markdown("**No dataset yet.** Export one first, or start with the starter drawings.")
            st.page_link(PAGES["export"], label="Get drawings", icon=":material/arrow_forward:")
        return
    _settings_and_preview(dataset)


@st.fragment
def _settings_and_preview(dataset: Dataset) -> None:
    """A fragment: changing a setting reruns only the settings and the preview."""
    settings, preview = st.columns([2, 5], gap="large")
    with settings:
        name, raster, png = _choose_settings()
        st.caption(_used_by(raster))
    with preview:
        chosen = pick_drawings(dataset.labels, dataset.classes, PREVIEWED, key="preview")
        drawings = dataset.drawings.take(chosen)
        after = f"{raster.size} × {raster.size}"
        show_drawings(
            [
                Item([Picture(before, "as drawn"), Picture(image, after, pixels=True)], dataset.classes[label])
                for before, image, label in zip(
                    rasterize(drawings, AS_DRAWN, threads=1),
                    rasterize(drawings, raster, threads=1),
                    np.asarray(dataset.labels)[chosen],
                    strict=True,
                )
            ],
            width=17,
            key="preview-drawings",
        )
    megabytes = len(dataset) * raster.size**2 / 1e6
    size = f"{megabytes:,.0f} MB" if megabytes >= 1 else "less than 1 MB"
    st.caption(
        f"Reads the dataset ({len(dataset):,} drawings); writes the folder “{IMAGES}” of the workspace, {size}"
        f"{' and the PNG files' if png else ''}. Existing images are replaced only once the new "
        "ones are complete."
    )
    conflicting = jobs.running([IMAGES])
    if conflicting:
        st.caption(f"“{escaped(conflicting[0].title)}” is writing the images: wait for it or stop it.")
    if st.button("Render", type="primary", icon=":material/play_arrow:", disabled=bool(conflicting), key="render-go"):
        job = start_job(
            "render",
            [
                f"--preset={name}", f"--size={raster.size}", f"--stroke-width={raster.stroke_width:g}",
                f"--fit={raster.fit}", *(["--png"] if png else []),
            ],
            title=f"Rendering at {raster.size} × {raster.size}",
            writes=[IMAGES],
        )  # fmt: skip
        if job is not None:
            st.rerun()


def _choose_settings() -> tuple[str, RasterSettings, bool]:
    """Show the settings; returns the preset's name, the raster settings, and whether to write PNG files too."""
    name = st.segmented_control(
        "Start from", list(_PRESETS), default="default", required=True, format_func=_PRESETS.__getitem__,
        key="render-preset", on_change=_take_preset, persist_state="session", width="stretch",
        help="Default: as the recipe “default” sees drawings. Blog post: lines one pixel wide, hard-edged.",
    )  # fmt: skip
    start = PRESETS[name]
    turn = st.session_state.get("render-turn", 0)
    size = st.slider(
        "Size, pixels a side", *_SIZES, start.size, key=f"render-size-{turn}", persist_state="session",
        help="A larger image has more detail, and training on it takes longer.",
    )  # fmt: skip
    width = st.slider(
        "Stroke width, pixels", *_WIDTHS, float(start.stroke_width), step=0.1, format="%.1f",
        disabled=not start.antialias, key=f"render-width-{turn}", persist_state="session",
        help="Lines are soft-edged, so parts of pixels count. The blog post's are one pixel wide, whatever the size.",
    )  # fmt: skip
    fit = st.segmented_control(
        "Fit", list(_FITS), default=start.fit, required=True, format_func=_FITS.__getitem__,
        key=f"render-fit-{turn}", persist_state="session", width="stretch",
        help="Whether a drawing keeps its proportions, or each axis is stretched by itself, which makes a flat "
        "drawing tall.",
    )  # fmt: skip
    png = st.toggle(
        "PNG files too", key="render-png", persist_state="session",
        help="A folder tree that torchvision's ImageFolder reads, for your own experiments; Extexify doesn't need it.",
    )  # fmt: skip
    # RasterSettings refuses a line wider than half the image.
    fitting = min(width, size / 2) if start.antialias else start.stroke_width
    return name, preset(name, size=size, stroke_width=fitting, fit=fit), png


def _take_preset() -> None:
    """Give the settings' widgets new keys, so that they start from the preset's values.

    Setting values under the old keys would lose them if the next click comes before the browser has received them.
    """
    st.session_state["render-turn"] = st.session_state.get("render-turn", 0) + 1


def _used_by(raster: RasterSettings) -> str:
    """A sentence that names the recipe that uses these raster settings."""
    for recipe in RECIPES.values():
        if recipe.raster == raster and recipe.augment is None:
            return f"The recipe “{recipe.name}” trains on images like these."
        if recipe.raster == raster:
            return f"The recipe “{recipe.name}” uses these settings, and renders drawings itself in every epoch."
    return "No recipe uses these settings: they are for your own experiments."
