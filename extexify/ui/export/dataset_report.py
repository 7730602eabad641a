"""The report on the exported dataset: counts, origin, rows left out, drawings per symbol, and sample drawings."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from extexify.catalog.labels import unknown_labels
from extexify.catalog.symbols import symbol_for
from extexify.dataset.dataset import Dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import rasterize
from extexify.ui.common.charts import class_chart
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.drawing_grid import AS_DRAWN, Item, Picture, show_drawings
from extexify.ui.common.errors import show_error
from extexify.ui.common.pick import pick_drawings, symbol_choice
from extexify.ui.common.text import capital, escaped
from extexify.workspace.files import StorageError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SHOWN = 24
"""Drawings that are shown at a time."""

_MAX_NAMES = 30
"""Names that are listed before the rest is given as a number."""


def show_dataset() -> None:
    """Show the workspace's dataset, if there is one."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        show_error(error)
        return
    if dataset is None:
        return
    st.divider()
    st.header("The dataset", anchor=False)
    manifest = dataset.manifest
    _show_counts(manifest["counts"])
    st.caption(_origin(manifest))
    _show_left_out(manifest)
    _chart_and_drawings(dataset)


def _show_counts(counts: dict[str, Any]) -> None:
    shown = {"Drawings": "samples", "Symbols": "classes"} | {name.capitalize(): name for name in SPLITS}
    with st.container(horizontal=True, key="dataset-counts"):
        for label, name in shown.items():
            st.metric(label, f"{counts[name]:,}", width=130)


def _origin(manifest: dict[str, Any]) -> str:
    sources = [
        f"{escaped(short_name(entry['source']))} ({entry['usable']:,} of {entry['rows']:,} rows)"
        for entry in manifest["sources"]
    ]
    splits = manifest["splits"]
    ratios = " / ".join(f"{100 * ratio:g} %" for ratio in splits["ratios"])
    duplicates = manifest["counts"]["duplicates"]
    equal = f" · {duplicates:,} duplicates of another one, in the same split" if duplicates else ""
    return f"From {', '.join(sources)} · split {ratios} with seed {splits['seed']}{equal}"


def short_name(source: str) -> str:
    """A source's name; of a file, without its folders."""
    return source if "://" in source else PurePath(source).name


def _show_left_out(manifest: dict[str, Any]) -> None:
    for entry in manifest.get("mended", []):
        ids = escaped(_listed(entry["first_ids"]))
        st.caption(f"Mended {entry['count']:,}: {escaped(entry['meaning'])} (first ids: {ids}).")
    if unknown := unknown_labels(manifest["classes"]):
        st.caption(f"{len(unknown):,} labels are not in the catalogue and were kept: {escaped(_listed(unknown))}.")
    left_out = manifest["left_out"]
    renumbered = manifest["counts"]["renumbered"]
    if not left_out and not renumbered:
        st.caption("Nothing was left out.")
        return
    total = sum(entry["count"] for entry in left_out)
    what = [f"{total:,} row{'' if total == 1 else 's'} left out"] if total else []
    what += [f"{renumbered:,} given a new id"] if renumbered else []
    with st.expander(", ".join(what).capitalize(), icon=":material/filter_alt:", key="left-out"):
        if left_out:
            st.dataframe(
                {
                    "Rows": [entry["count"] for entry in left_out],
                    "Why": [capital(entry["meaning"]) for entry in left_out],
                    "First ids": [_listed(entry["first_ids"]) for entry in left_out],
                },
                hide_index=True,
                column_config={
                    "Rows": st.column_config.NumberColumn(width="small", format="localized"),
                    "Why": st.column_config.TextColumn(width="large"),
                },
            )
            st.caption("All of them are listed in `left_out.jsonl` in the dataset's folder.")
        if small := manifest["left_out_classes"]:
            names = ", ".join(escaped(symbol_for(key).command) for key in small[:_MAX_NAMES])
            more = f" and {len(small) - _MAX_NAMES:,} more" if len(small) > _MAX_NAMES else ""
            st.markdown(f"**Symbols left out** because they have fewer than three distinct drawings: {names}{more}.")
        if renumbered:
            ids = _listed([entry["id"] for entry in manifest["renumbered"][:5]])
            st.markdown(
                f"**New ids** for {renumbered:,} whose id another drawing already has; both are in the dataset (first "
                f"ids: {escaped(ids)}). All of them are listed in `renumbered.jsonl`."
            )


def _listed(values: list[Any]) -> str:
    return ", ".join("none" if value is None else str(value) for value in values)


# Building ten thousand bars takes a second; each rerun would do it again.
@st.cache_resource(max_entries=2, show_spinner=False)
def _class_chart(content_hash: str, _dataset: Dataset) -> tuple[Figure, list[str]]:
    return class_chart(_dataset.classes, _dataset.class_counts)


@st.fragment
def _chart_and_drawings(dataset: Dataset) -> None:
    """A fragment: choosing a symbol reruns only the chart and the drawings."""
    figure, keys = _class_chart(dataset.content_hash, dataset)

    def choose() -> None:
        points = st.session_state["class-chart"].selection.points
        if points:
            st.session_state[symbol_choice("dataset")] = keys[points[0]["point_index"]]

    st.subheader("Drawings of each symbol", anchor=False)
    st.caption("Point at a bar for its symbol; choose it to see its drawings below.")
    st.plotly_chart(
        figure,
        key="class-chart",
        on_select=choose,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Drawings of each of {len(keys):,} symbols: {int(dataset.class_counts.sum(1).min()):,} to "
        f"{int(dataset.class_counts.sum(1).max()):,}",
    )
    chosen = pick_drawings(dataset.labels, dataset.classes, SHOWN, key="dataset")
    pictures = rasterize(dataset.drawings.take(chosen), AS_DRAWN, threads=1)
    labels, splits, ids = (np.asarray(values)[chosen] for values in (dataset.labels, dataset.split, dataset.ids))
    show_drawings(
        [
            Item([Picture(picture)], dataset.classes[label], SPLITS[split], f"id {identifier}")
            for picture, label, split, identifier in zip(pictures, labels, splits, ids, strict=True)
        ],
        key="dataset-drawings",
    )
