"""Symbols of one's own on the Symbols page: add one by drawing it, draw more, rename, remove, export and import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import orjson
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from extexify.access import permissions
from extexify.catalog import own
from extexify.catalog.own import MAX_DRAWINGS, Glyph, OwnSymbol
from extexify.core.errors import UserError
from extexify.drawing.raster import rasterize
from extexify.drawing.strokes import BadDrawing, Drawing, Drawings
from extexify.sources import typeset
from extexify.sources.glyphs import read_glyph
from extexify.sources.own import drawings_of, strokes_for
from extexify.ui.common.drawing_grid import AS_DRAWN, Item, Picture, show_drawings
from extexify.ui.common.errors import show_error
from extexify.ui.common.frame import side_by_side
from extexify.ui.common.receive import file_receiver
from extexify.ui.common.text import escaped, sentence
from extexify.ui.draw.sketchpad import sketchpad, take_from_canvas

_SKETCH = "own-sketch"
_NEW = ""
_NOTICE = "own-notice"
_CHOICE = "own-choice"
_CHANGED = "own-changed"

_MODES = {"math": "Formulas (math)", "text": "Text", "both": "Both"}

ENOUGH = 5
"""Drawings from which on more of them gain little."""

_ADVICE = f"with {ENOUGH} drawings it is found more surely"


def show_own_symbols() -> None:
    """An expander with the user's own symbols; nothing for visitors of a demo."""
    if not permissions.is_operator():
        return
    if pop_changed():
        st.rerun()
    expander = st.expander("Add a symbol of your own", icon=":material/add_circle:", key="own", on_change="rerun")
    if not expander.open:
        return
    with expander:
        try:
            symbols = own.own_symbols()
        except UserError as error:
            show_error(error)
            return
        _show_notice()
        st.caption(
            "A symbol that isn't in the list, or a macro of yours: draw it a few times, and the Draw page answers with "
            "it at once, without training."
        )
        _show_form({symbol.command: symbol for symbol in symbols.values()})


def _show_form(symbols: dict[str, OwnSymbol]) -> None:
    with side_by_side("own"):
        with st.container(width="content"):
            drawing: Drawing = []
            try:
                drawing = sketchpad(_SKETCH)
            except BadDrawing as error:
                st.warning(sentence(f"This drawing can't be read: {error}; clear the canvas and draw it again"))
        with st.container(key="own-fields"):
            command = _NEW
            if symbols:
                # A new widget for each choice that isn't the user's: the browser goes on showing the old choice of one
                # that begins with another value than its first option.
                names = [_NEW, *symbols]
                chosen, turn = st.session_state.get(_CHOICE, (_NEW, 0))
                command = st.selectbox(
                    "Symbol", names, index=names.index(chosen) if chosen in names else 0, key=f"own-symbol-{turn}",
                    format_func=lambda name: name or "A new symbol",
                )  # fmt: skip
            if command in symbols:
                _show_symbol(symbols[command], drawing)
            else:
                _show_new(drawing)
            _show_file(list(symbols.values()))


def _show_new(drawing: Drawing) -> None:
    command = st.text_input("Command", placeholder=r"\mysymbol", key="own-command", max_chars=100).strip()
    lines = st.text_area(
        "Preamble lines, if it needs any", placeholder=r"\usepackage{stix2}", key="own-preamble", height=70,
        max_chars=2_000,
    )  # fmt: skip
    mode = st.segmented_control(
        "Where it is used", list(_MODES), default="math", format_func=_MODES.__getitem__, key="own-mode"
    )
    preamble = tuple(line.strip() for line in lines.splitlines() if line.strip())
    picture = st.file_uploader(
        "In place of a drawing: the printed symbol, SVG or PNG", type=["svg", "png"],
        key=f"own-glyph-{st.session_state.setdefault('own-turn', 0)}", max_upload_size=1,
    )  # fmt: skip

    printed = not drawing and not picture and typeset.is_available() and not permissions.is_demo()

    def add() -> None:
        glyph = None
        if picture:
            glyph = _glyph(picture)
        elif printed:
            glyph = typeset.typeset(command, preamble, text=mode == "text")
        symbol = own.checked(
            OwnSymbol, command, mode=mode or "math", preamble=preamble,
            drawings=(strokes_for(drawing),) if drawing else (), glyph=glyph,
        )  # fmt: skip
        own.add_symbol(symbol)
        st.session_state["own-turn"] += 1
        _choose(command)
        for field in ("own-command", "own-preamble"):
            st.session_state[field] = ""

    is_shown = bool(drawing or picture or printed)
    st.button(
        "Add the symbol", type="primary", icon=":material/add:", disabled=not (command and is_shown),
        on_click=_apply, args=(add, f"{command} is found by drawing from now on. Draw it again, a little differently."),
        key="own-add",
    )  # fmt: skip
    if printed:
        st.caption("Without a drawing, LaTeX prints the symbol, and it is found by its printed form.")
    elif not drawing and not picture and permissions.is_demo():
        st.caption("Draw the symbol in the box first.")
    elif not drawing and not picture:
        st.caption(f"Draw the symbol in the box first, or upload it. {typeset.INSTALL}.")


def _glyph(picture: BinaryIO) -> Glyph:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "glyph"
        file.write_bytes(picture.read())
        return read_glyph(file)


def _show_symbol(symbol: OwnSymbol, drawing: Drawing) -> None:
    command, count = symbol.command, len(symbol.drawings)
    if symbol.glyph and not count:
        st.markdown(f"**{escaped(command)}**, known by its glyph; {_ADVICE}.")
    else:
        st.markdown(f"**{escaped(command)}**: {count} drawing{'' if count == 1 else 's'}" + _advice(count))
    if symbol.drawings:
        packed = Drawings.pack(drawings_of(symbol))
        items = [Item([Picture(image)], symbol.key) for image in rasterize(packed, AS_DRAWN, threads=1)]
        show_drawings(items, width=4.2, key="own-drawings")
    with st.container(horizontal=True):
        st.button(
            "Add this drawing", type="primary", icon=":material/add:", disabled=not drawing or count >= MAX_DRAWINGS,
            on_click=_apply, args=(lambda: own.add_drawings(command, [strokes_for(drawing)]), "The drawing is added."),
            key="own-more",
        )  # fmt: skip
        with st.popover("Rename", icon=":material/edit:", key="own-rename"):
            new = st.text_input("New command", command, key="own-new-command", max_chars=100).strip()

            def rename() -> None:
                own.rename_symbol(command, new)
                _choose(new)

            st.button("Rename", on_click=_apply, args=(rename, f"{command} is {new} now."), key="own-rename-go")
        with st.popover("Remove", icon=":material/delete:", key="own-remove"):
            st.markdown(f"{escaped(command)} and its drawings will be removed.")

            def remove() -> None:
                own.remove_symbol(command)
                _choose(_NEW)

            st.button(
                "Remove", type="primary", on_click=_apply, args=(remove, f"{command} is removed."), key="own-remove-go"
            )


def change_symbol(command: str) -> None:
    """Open the form with a symbol, at the next run of the page."""
    _choose(command)
    st.session_state["own"] = True
    st.session_state[_CHANGED] = True


def pop_changed() -> bool:
    """Whether the page has to run as a whole, because its other part changed something; once."""
    return bool(st.session_state.pop(_CHANGED, False))


def _choose(command: str) -> None:
    """Choose a symbol in place of the user."""
    st.session_state[_CHOICE] = (command, st.session_state.get(_CHOICE, (_NEW, 0))[1] + 1)


def _advice(count: int) -> str:
    return "" if count >= ENOUGH else f"; {_ADVICE}."


def _show_file(symbols: list[OwnSymbol]) -> None:
    """One small file, for the symbols of a group."""
    with st.popover("Share as a file", icon=":material/share:", key="own-file"):
        if symbols:
            st.download_button(
                f"Download {len(symbols):,} symbol{'' if len(symbols) == 1 else 's'}",
                lambda: orjson.dumps(own.document(symbols)), "symbols.json", "application/json",
                icon=":material/download:", on_click="ignore", key="own-download",
            )  # fmt: skip
        file_receiver(
            "A file of symbols (.json)",
            _receive,
            key="own-upload",
            help="Its symbols are added to yours, and new drawings to those that you have already.",
        )


def _receive(file: UploadedFile) -> None:
    def add() -> None:
        own.import_symbols(own.parse_symbols(file.getvalue(), file.name))

    _apply(add, f"The symbols of {file.name} are added.")


def _apply(change: Callable[[], object], done: str) -> None:
    """Make a change and empty the canvas; the next run shows `done`, or why the change was refused."""
    try:
        change()
    except UserError as error:
        st.session_state[_NOTICE] = (str(error), True)
    else:
        st.session_state[_NOTICE] = (done, False)
        st.session_state[_CHANGED] = True
        take_from_canvas(_SKETCH)


def _show_notice() -> None:
    text, failed = st.session_state.pop(_NOTICE, ("", False))
    if text and failed:
        st.error(sentence(text), icon=":material/error:")
    elif text:
        st.success(sentence(text), icon=":material/check_circle:")
