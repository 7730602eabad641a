"""The review list on the page: drawings marked as mislabelled, each with a note and a button that removes the mark."""

from __future__ import annotations

import streamlit as st

from extexify.catalog.symbols import symbol_for
from extexify.core.errors import UserError
from extexify.dataset.review import MAX_NOTE, Mark, Rejected, ReviewList, mark_of
from extexify.drawing.strokes import Drawing, Drawings
from extexify.ui.common.errors import show_error
from extexify.ui.common.pictures import pictures
from extexify.ui.common.text import sentence
from extexify.ui.evaluate.labelled_drawings import Notes, Section, Tile, show_sections
from extexify.workspace.files import StorageError
from extexify.workspace.paths import review_file

SHOWN = 48
"""Drawings shown at a time, the most recently marked first."""

_PROBLEM = "review-problem"


def review_marks() -> frozenset[Mark]:
    """The marks. Raises `StorageError` for a damaged list."""
    return _review().marks()


def set_marked(key: str, identifier: int, drawing: Drawing, marked: bool) -> None:
    """Mark a drawing as mislabelled, or remove its mark; an error is shown by the next run of `show_review`."""
    try:
        if marked:
            _review().reject(key, identifier, drawing)
        else:
            _review().restore(mark_of(key, drawing))
    except UserError as error:
        report_problem(error)


def report_problem(error: UserError) -> None:
    """Let the next run of `show_review` show an error."""
    st.session_state[_PROBLEM] = str(error)


def show_review() -> None:
    """Show the review list in an expander, each drawing with a field for a note and a button that removes its mark."""
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(sentence(problem), icon=":material/error:")
    try:
        entries = _review().entries()[::-1]
    except StorageError as error:
        show_error(error)
        return
    with st.expander(f"Review list ({len(entries):,})", icon=":material/flag:", key="review"):
        if not entries:
            st.caption(
                "Drawings that you mark as mislabelled are listed here. Exports leave them out; their source isn't "
                "changed."
            )
            return
        st.caption(
            "The next export leaves these out; their source isn't changed. Restore what was marked by mistake. A note "
            "is saved when you leave its field."
        )
        shown = st.session_state.get("review-shown", SHOWN)
        by_id = {_id_of(entry): entry for entry in entries[:shown]}
        images = pictures(Drawings.pack(entry.drawing for entry in by_id.values()))
        tiles = [_tile(name, entry, image) for (name, entry), image in zip(by_id.items(), images, strict=True)]

        def set_mark(name: str, marked: bool) -> None:
            if entry := by_id.get(name):
                set_marked(entry.key, entry.id, entry.drawing, marked)

        def save_note(name: str, note: str) -> None:
            _save_note(by_id.get(name), note)

        show_sections(
            [Section("", tiles)], set_mark=set_mark, mark="Reject", restore="Restore", fading=False,
            notes=Notes(save_note, MAX_NOTE), key="review-list",
        )  # fmt: skip
        if len(entries) > shown:
            st.button("Show more", type="tertiary", key="review-more", on_click=_show_more, args=(2 * shown,))


def _save_note(entry: Rejected | None, note: str) -> None:
    try:
        if entry is None or not _review().annotate(entry.mark, note):
            st.session_state[_PROBLEM] = f"The drawing is no longer in the review list: its note “{note}” wasn't saved"
    except UserError as error:
        report_problem(error)


def _show_more(count: int) -> None:
    st.session_state["review-shown"] = count


def _id_of(entry: Rejected) -> str:
    key, digest = entry.mark
    return f"{digest:016x} {key}"


def _tile(name: str, entry: Rejected, image: object) -> Tile:
    when = entry.when.astimezone()
    about = f"Drawing {entry.id}, labelled {symbol_for(entry.key).command}, marked on {when.day} {when:%b %Y, %H:%M}"
    return Tile(name, image, about, taken_for=entry.key, marked=True, note=entry.note)  # type: ignore[arg-type]


def _review() -> ReviewList:
    return ReviewList(review_file())
