"""The gallery of all symbols: one component that fetches the catalogue once and then works in the browser.

A choice goes to the server, which puts it into the address and sends drawings of the symbol.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import streamlit as st

from extexify.access import permissions
from extexify.catalog.keys import derive_symbol
from extexify.catalog.output import labels
from extexify.catalog.own import find_own
from extexify.catalog.symbols import load_catalog
from extexify.dataset.dataset import Dataset, Examples, examples_of
from extexify.drawing.raster import RasterSettings, rasterize
from extexify.drawing.strokes import Drawings
from extexify.sources.own import drawings_of
from extexify.sources.rows import MAX_KEY
from extexify.ui.common import catalog_routes
from extexify.ui.common.components import assets
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.errors import reason
from extexify.ui.common.pictures import ink_url
from extexify.ui.symbols.own import change_symbol, pop_changed
from extexify.workspace.files import StorageError

_COMPONENT = st.components.v2.component(
    "extexify_gallery",
    html=assets("ui/symbols/gallery.html"),
    css=assets("web/page.css", "ui/symbols/gallery.css"),
    js=assets("web/page.js", "web/output_format.js", "ui/symbols/gallery.js", "ui/symbols/symbol.js"),
)

EXAMPLES = 20
"""Drawings of a symbol that are shown."""

# The line width of the default raster, relative to the picture, at twice the size on the page, for sharp screens.
_PICTURE = RasterSettings(size=112, stroke_width=3.8)

_TITLE = "How people draw it"

MAX_SHOWN_KEY = 60
"""Characters of an unknown key from the address that the page repeats."""


def show_gallery(*, key: str) -> None:
    """Show all symbols, the one that the address names in full; choosing one changes the address."""

    def choose() -> None:
        choice = st.session_state[key].choice
        if isinstance(choice, str) and 0 < len(choice) <= MAX_KEY:
            st.query_params["symbol"] = choice
        else:
            st.query_params.pop("symbol", None)

    def change() -> None:
        if mine := find_own(str(st.session_state[key].change)):
            change_symbol(mine.command)

    if pop_changed():
        st.rerun()
    dataset, problem = _dataset()
    counts = {} if dataset is None else dict(zip(dataset.classes, dataset.class_counts.sum(1).tolist(), strict=True))
    listed = (*load_catalog(), *catalog_routes.own_symbols())
    known = set(listed)
    unlisted = [name for name in counts if name not in known and name.isprintable()]
    chosen = st.query_params.get("symbol", "")
    exists = chosen in known or chosen in unlisted
    data = {
        "addresses": catalog_routes.addresses(),
        "formats": labels(),
        # Of the symbols that the dataset has, by position: a few among thousands.
        "counts": {number: counts[name] for number, name in enumerate((*listed, *unlisted)) if name in counts} or None,
        "changes_own": permissions.is_operator(),
        # Classes of the dataset that aren't in the catalogue: their keys are all that is known of them.
        "unlisted": [_derived(name) for name in unlisted],
        "opened": chosen if exists else "",
        "notice": "" if exists or not chosen else _unknown(chosen),
        "drawings": _shown_drawings(dataset, chosen, problem) if exists else None,
    }
    _COMPONENT(data=data, key=key, on_choice_change=choose, on_change_change=change)


@lru_cache(maxsize=1 << 15)  # called for each of them at every click
def _derived(key: str) -> dict[str, Any]:
    return catalog_routes.complete_entry(derive_symbol(key))


def _dataset() -> tuple[Dataset | None, str]:
    """The dataset, or None and a sentence if it can't be read."""
    try:
        return current_dataset(), ""
    except StorageError as error:
        return None, f"The drawings can't be shown: {reason(error, 'opening the dataset')}."


def _unknown(key: str) -> str:
    shown = key if len(key) <= MAX_SHOWN_KEY else f"{key[:MAX_SHOWN_KEY]}…"
    return f"No symbol has the key “{shown}”. Search for it, or choose one below."


def _shown_drawings(dataset: Dataset | None, key: str, problem: str) -> dict[str, Any]:
    """Pictures of the user's drawings of an own symbol, of the dataset's drawings of another."""
    mine = find_own(key)
    if mine is None:
        return _drawings(dataset, key, problem)
    if not mine.drawings:
        line = "None yet: it is known by its printed form, and found more surely with a few drawings."
        return {"title": "How you draw it", "pictures": [], "line": line, "invite": False}
    count = len(mine.drawings)
    line = f"{count} drawings of yours" if count > 1 else "1 drawing of yours"
    line += f", {EXAMPLES} of them here." if count > EXAMPLES else "."
    return {
        "title": "How you draw it",
        "pictures": _pictures(Drawings.pack(drawings_of(mine)[:EXAMPLES])),
        "line": line,
        "invite": False,
    }


def _pictures(drawings: Drawings) -> list[str]:
    return [ink_url(image) for image in rasterize(drawings, _PICTURE, threads=1)]


def _drawings(dataset: Dataset | None, key: str, problem: str) -> dict[str, Any]:
    """Pictures of drawings of a symbol, with a title and a line about them."""
    if dataset is None:
        return {"title": _TITLE, "pictures": [], "line": problem, "invite": not problem}
    examples = examples_of(dataset, key, EXAMPLES)
    title = "Synthetic drawings of it" if examples.synthetic and not examples.people else _TITLE
    return {"title": title, "pictures": _pictures(examples.drawings), "line": _line(examples), "invite": False}


def _line(examples: Examples) -> str:
    """The number of drawings, and whether people made them."""
    if not examples.people and not examples.synthetic:
        return "The dataset has no drawing of this symbol."
    count = examples.people or examples.synthetic
    text = f"{count:,} drawings in the dataset" if count > 1 else "1 drawing in the dataset"
    if count > EXAMPLES:
        text += f", {EXAMPLES} of them here"
    if not examples.people:
        return f"{text}: starter drawings, made by a program from the printed symbol."
    return f"{text}, besides {examples.synthetic:,} synthetic starter drawings." if examples.synthetic else f"{text}."
