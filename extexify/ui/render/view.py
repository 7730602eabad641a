"""The Render page's parts: the raster's settings with what they do to drawings, the start, the images."""

from __future__ import annotations

import numpy as np
import streamlit as st

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import PRESETS, RasterSettings, preset, rasterize
from extexify.training.recipes import RECIPES
from extexify.ui.common.datasets import current_dataset, current_images
from extexify.ui.common.drawing_grid import AS_DRAWN, Item, Picture, show_drawings
from extexify.ui.common.job_panel import PAGES, job_panel, recent_job, start_job
from extexify.ui.common.pick import pick_drawings
from extexify.ui.common.text import escaped, sentence
from extexify.workspace import jobs
from extexify.workspace.files import StorageError

IMAGES = "images"
"""What a rendering writes, relative to the workspace."""

PREVIEWED, SHOWN = 4, 24
"""Drawings that are shown at a time: before and after, and rendered."""

_SIZES = (8, 128)
_WIDTHS = (0.5, 6.0)
_FITS = {"aspect": "Proportions", "stretch": "Stretch"}
_PRESETS = {"default": "Default", "original": "Blog post"}


def choose_and_start() -> None:
    """Settings beside a preview, and the button that renders everything; without a dataset, the way to one."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        return
    if dataset is None:
        with st.container(border=True, key="welcome"):
            st.markdown("**No dataset yet.** Export one first, or start with the starter drawings.")
            st.page_link(PAGES["export"], label="Get drawings", icon=":material/arrow_forward:")
        return
    _settings_and_preview(dataset)


def show_job() -> None:
    """The job that renders, or did just now."""
    if job := recent_job("render"):
        job_panel(job, key="render-job")


def show_result() -> None:
    """The rendered images, if there are any."""
    try:
        images = current_images()
    except StorageError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        return
    if images is not None:
        st.divider()
        st.header("The images", anchor=False)
        _show_images(images)


@st.fragment
def _settings_and_preview(dataset: Dataset) -> None:
    """By itself, so that a setting reruns only this."""
    settings, preview = st.columns([2, 5], gap="large")
    with settings:
        name, raster, png = _choose_settings()
        st.caption(_use(raster))
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
        f"{' and the PNG files' if png else ''}. Images that are there are replaced when the new ones are whole, and "
        "not before."
    )
    in_the_way = jobs.running([IMAGES])
    if in_the_way:
        st.caption(f"“{escaped(in_the_way[0].title)}” is writing the images: wait for it or stop it.")
    if st.button("Render", type="primary", icon=":material/play_arrow:", disabled=bool(in_the_way), key="render-go"):
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
    """Show the settings; returns the preset's name, the raster they make of it, and whether to write PNG files."""
    name = st.segmented_control(
        "Start from", list(_PRESETS), default="default", required=True, format_func=_PRESETS.__getitem__,
        key="render-preset", on_change=_take_preset, persist_state="session", width="stretch",
        help="Default: what our own recipe sees. Blog post: as its authors did, lines of one pixel, hard-edged.",
    )  # fmt: skip
    start = PRESETS[name]
    turn = st.session_state.get("render-turn", 0)
    size = st.slider(
        "Size, pixels a side", *_SIZES, start.size, key=f"render-size-{turn}", persist_state="session",
        help="A larger picture keeps more detail and takes longer to learn from.",
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
        help="A tree of folders that torchvision's ImageFolder reads, for your own experiments; nothing here needs it.",
    )  # fmt: skip
    # The narrowest picture has no room for the widest line.
    fitting = min(width, size / 2) if start.antialias else start.stroke_width
    return name, preset(name, size=size, stroke_width=fitting, fit=fit), png


def _take_preset() -> None:
    """Give the settings new keys, so that they start from the preset's values: a value set under an old key is lost
    when the next click comes before the browser has heard of it."""
    st.session_state["render-turn"] = st.session_state.get("render-turn", 0) + 1


def _use(raster: RasterSettings) -> str:
    """What pictures of a raster are good for, in a sentence."""
    for recipe in RECIPES.values():
        if recipe.raster == raster and recipe.augment is None:
            return f"The recipe “{recipe.name}” trains on images like these."
        if recipe.raster == raster:
            return f"The recipe “{recipe.name}” sees drawings like this, and renders them by itself, anew every epoch."
    return "No recipe uses these settings: they are for experiments of your own."


def _show_images(images: RenderedImages) -> None:
    try:
        dataset = current_dataset()
    except StorageError:  # which the page has said already
        dataset = None
    raster = images.raster
    counts = ", ".join(f"{len(images.labels[split]):,} {split}" for split in SPLITS)
    st.caption(
        f"{raster.size} × {raster.size} pixels, lines of {raster.stroke_width:g}, "
        f"{'proportions kept' if raster.fit == 'aspect' else 'stretched'} · {counts}"
    )
    if dataset is None or images.dataset_hash != dataset.content_hash:
        st.warning(
            "These images were rendered from another dataset than the present one: render them anew before you train "
            "on them.",
            icon=":material/sync_problem:",
        )
    _image_grid(images)


@st.fragment
def _image_grid(images: RenderedImages) -> None:
    """By itself, so that another split or symbol reruns only this."""
    split = st.segmented_control(
        "Split", SPLITS, default=SPLITS[0], required=True, format_func=str.capitalize, key="images-split",
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    labels = images.labels[split]
    chosen = pick_drawings(labels, images.classes, SHOWN, key="images")
    if not len(chosen):
        st.caption("There is none of this symbol in this split.")
    show_drawings(
        [
            Item([Picture(np.asarray(images.images[split][index]), pixels=True)], images.classes[labels[index]])
            for index in chosen
        ],
        key="images-drawings",
    )
