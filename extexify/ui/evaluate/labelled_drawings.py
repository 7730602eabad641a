"""Evaluated drawings as pictures: those of a symbol, right and wrong, and those of confused pairs side by side.

Two small components: one message to the browser for a hundred drawings and more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.symbols import symbol_summary
from extexify.ui.common.components import assets, handle_messages, last_message
from extexify.ui.common.pictures import ink_url

_LABELLED_DRAWINGS = st.components.v2.component(
    "extexify_labelled_drawings",
    html='<div class="labelled"><div class="head"></div><div class="sections"></div></div>',
    css=assets("ui/common/tiles.css", "ui/evaluate/labelled_drawings.css", "ui/evaluate/note.css"),
    js=assets("web/page.js", "ui/evaluate/note.js", "ui/evaluate/labelled_drawings.js"),
)

_CONFUSIONS = st.components.v2.component(
    "extexify_confusions",
    html='<ol class="confusions"></ol>',
    css=assets("ui/common/tiles.css", "ui/evaluate/confusions.css"),
    js=assets("web/page.js", "ui/evaluate/confusions.js"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A drawing in a grid.

    id is passed to the handlers; picture is uint8 (H, W), ink 255; about is its description for screen readers;
    taken_for is the key of the symbol below the picture, with `percent` beside it, or empty; marked is whether it is in
    the review list; note is the text of its note field, None for no field.
    """

    id: str
    picture: NDArray[np.uint8]
    about: str
    taken_for: str = ""
    percent: str = ""
    marked: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """How notes are saved: `save` is called with a drawing's id and its note; limit is in characters."""

    save: Callable[[str, str], None]
    limit: int


@dataclass(frozen=True, slots=True)
class Section:
    """Drawings below a title; `empty` is the text shown when there are none."""

    title: str
    tiles: Sequence[Tile]
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two keys of which the first was taken for the second: how often, its mistaken drawings, the second's drawings."""

    key: str
    taken_for: str
    count: str
    mistaken: Sequence[NDArray[np.uint8]]
    others: Sequence[NDArray[np.uint8]]


def show_sections(
    sections: Sequence[Section],
    *,
    set_mark: Callable[[str, bool], None],
    mark: str,
    restore: str,
    notes: Notes | None = None,
    head: tuple[str, str] | None = None,
    fading: bool = True,
    key: str,
) -> None:
    """Show drawings in sections, below a symbol (its key and a line about it) if `head` names one.

    `mark` and `restore` are on the buttons of drawings that aren't marked and that are (without `mark` there are no
    buttons); pressing one calls `set_mark` with the drawing's id and whether it is to be marked. With `fading`, marked
    ones are pale.
    """

    def pressed() -> None:
        if chosen := st.session_state[key].mark:
            set_mark(str(chosen["id"]), bool(chosen["marked"]))

    def written() -> None:
        if notes:
            handle_messages(key, "notes", notes.save)

    data = {
        "head": None if head is None else {"symbol": symbol_summary(head[0]), "line": head[1]},
        "fading": fading,
        "labels": {"mark": mark, "restore": restore},
        "limit": notes.limit if notes else 0,
        "done": last_message(key),
        "sections": [
            {
                "title": section.title,
                "empty": section.empty,
                "drawings": [
                    {
                        "id": tile.id,
                        "url": ink_url(tile.picture),
                        "about": tile.about,
                        "symbol": symbol_summary(tile.taken_for) if tile.taken_for else None,
                        "percent": tile.percent,
                        "marked": tile.marked,
                        "note": tile.note,
                    }
                    for tile in section.tiles
                ],
            }
            for section in sections
        ],
    }
    _LABELLED_DRAWINGS(data=data, key=key, on_mark_change=pressed, default={"notes": {}}, on_notes_change=written)


def show_confusions(pairs: Sequence[Pair], *, open_symbol: Callable[[str], None], key: str) -> None:
    """Show confused pairs; `open_symbol` is called with the key of a pair's first symbol when its button is pressed."""

    def pressed() -> None:
        if chosen := st.session_state[key].open:
            open_symbol(str(chosen))

    data = {
        "pairs": [
            {
                "symbol": symbol_summary(pair.key),
                "takenFor": symbol_summary(pair.taken_for),
                "count": pair.count,
                "mistaken": [ink_url(picture) for picture in pair.mistaken],
                "others": [ink_url(picture) for picture in pair.others],
            }
            for pair in pairs
        ]
    }
    _CONFUSIONS(data=data, key=key, on_open_change=pressed)
