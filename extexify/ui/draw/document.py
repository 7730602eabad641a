"""“Your document” on the Draw page: what the visitor's document loads and defines.

It stays in the visit's session, in memory. Only the names of ticked packages get into links, and only if asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from extexify.access import permissions
from extexify.catalog.document import Document, catalogue_packages, read_document, text_of
from extexify.catalog.preamble import MAX_LENGTH
from extexify.core.errors import UserError
from extexify.ui.common.text import escaped, sentence

PACKAGES = "packages"
"""The query parameter for the packages of a link, separated by commas."""

LONGEST_FIELD = 100_000
"""Characters of the text field: browsers send fields and canvas in one message, which Streamlit limits to 1 MB."""

SHOWN = 12
"""Names, macros or warnings that the page lists; the number of the others is given."""

_TEXT, _TICKED, _IN_LINKS = "document_text", "document_packages", "document_in_links"

_EXAMPLE = r"""\usepackage{amssymb, stmaryrd}
\newcommand{\R}{\mathbb{R}}"""


@dataclass
class _Visit:
    """What a visitor has given, which outlives the page's widgets, and the document that it makes; None: nothing.

    file: an uploaded file's name and text. problem: a sentence about a text that can't be read. uploads: how many files
    were received.
    """

    text: str = ""
    file: tuple[str, str] = ("", "")
    packages: tuple[str, ...] = ()
    in_links: bool = False
    document: Document | None = None
    problem: str = ""
    uploads: int = 0

    def read(self) -> None:
        self.document, self.problem = None, ""
        try:
            if self.text.strip() or self.file[0] or self.packages:
                self.document = read_document(self.file[1], self.text, packages=self.packages)
        except UserError as error:
            self.problem = str(error)


def document_of_visit() -> Document | None:
    """The visitor's document; None if they haven't given any."""
    return _visit().document


def packages_of_links() -> str:
    """The value of the query parameter PACKAGES in links to this visit's drawings; empty: no such parameter."""
    visit = _visit()
    return ",".join(sorted(visit.packages)) if visit.in_links else ""


def tick_packages(parameter: str) -> None:
    """Tick the packages that a link names, and keep them in links. Names that the catalogue lacks are ignored."""
    named = frozenset(parameter[:MAX_LENGTH].split(","))
    found = tuple(name for name in catalogue_packages() if name in named)
    if found:
        visit = _visit()
        visit.packages, visit.in_links = found, True
        for key in (_TICKED, _IN_LINKS):
            st.session_state.pop(key, None)
        visit.read()


def show_document() -> None:
    """Show the fields for the document, and what was understood of it."""
    visit = _visit()
    state = st.session_state
    # Streamlit forgets the state of widgets when another page is visited.
    for key, value in ((_TEXT, visit.text), (_TICKED, list(visit.packages)), (_IN_LINKS, visit.in_links)):
        state.setdefault(key, value)
    with st.expander("Your document", icon=":material/description:", key="document"):
        st.markdown(
            "What you load and define decides which symbols come first, what others would need, and what to type. It "
            "is read, never compiled, and forgotten when you close the page."
        )
        st.text_area(
            "Preamble", key=_TEXT, on_change=_take_fields, placeholder=_EXAMPLE, height=140, max_chars=LONGEST_FIELD
        )
        if permissions.is_operator():  # visitors of a demo upload nothing
            st.file_uploader("Or a .tex or .sty file", key=_upload_key(visit), on_change=_take_file, max_upload_size=4)
        if visit.file[0]:
            st.button(f"Forget {escaped(visit.file[0])}", type="tertiary", on_click=_forget_file, key="document_forget")
        st.multiselect("Or packages", catalogue_packages(), key=_TICKED, on_change=_take_fields)
        st.toggle("Put these packages in links", key=_IN_LINKS, on_change=_take_fields)
        if visit.problem:
            st.warning(sentence(visit.problem))
        if visit.document is not None:
            _show_understood(visit.document)


def _show_understood(document: Document) -> None:
    lines = {
        "Loaded": sorted(document.packages, key=str.casefold),
        "Not known here": document.unknown,
        "Macros": [f"{macro} for {meaning}" for macro, meaning in document.macro_meanings()],
    }
    for name, values in lines.items():
        if values:
            st.markdown(f"{name}: {escaped(_few(values))}")
    if not document.packages and not document.macros:
        st.markdown("No packages with symbols, and no macros for one.")
    if document.needs_opentype:
        st.markdown("XeLaTeX or LuaLaTeX is needed.")
    for clash in document.clashes[:SHOWN]:
        st.warning(escaped(clash))


def _few(values: Sequence[str]) -> str:
    more = len(values) - SHOWN
    return ", ".join(values[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _take_fields() -> None:
    visit, state = _visit(), st.session_state
    visit.text = state[_TEXT][:LONGEST_FIELD]
    visit.packages, visit.in_links = tuple(state[_TICKED]), state[_IN_LINKS]
    visit.read()


def _take_file() -> None:
    visit = _visit()
    file = st.session_state[_upload_key(visit)]
    if file is not None:
        visit.uploads += 1  # a new key, so that the same file can be chosen again
        visit.file = file.name, text_of(file)
        visit.read()


def _forget_file() -> None:
    visit = _visit()
    visit.file = "", ""
    visit.read()


def _upload_key(visit: _Visit) -> str:
    return f"document_file_{visit.uploads}"


def _visit() -> _Visit:
    visit: _Visit = st.session_state.setdefault("document_of_visit", _Visit())
    return visit
