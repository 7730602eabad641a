"""Saving a visitor's drawing as an example of the symbol that it was meant to be, once, with undo.

In a public demo a visitor's drawing goes to the moderation list instead, until an operator accepts it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.contributions.moderation import KeyProbability
from extexify.contributions.store import count_unexported, open_store, store_description
from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing
from extexify.ui.common import catalog_routes
from extexify.ui.common.components import assets
from extexify.ui.common.contributions import Contributions, Saved, contributions_of_visit
from extexify.ui.common.errors import reason
from extexify.workspace.files import StorageError

_COMPONENT = st.components.v2.component(
    "extexify_contribute",
    html=assets("ui/draw/contribute.html"),
    css=assets("web/page.css", "ui/draw/contribute.css"),
    js=assets("web/page.js", "ui/draw/contribute.js"),
)

ENOUGH = 20
"""The page offers another export and training from this many drawings since the last export on."""

_TOLERANCE = 0.1
"""Canvas pixels by which a drawing may change when its page is left and opened again."""


@dataclass(frozen=True, eq=False)
class _Kept:
    """A drawing that was saved.

    number: drawings in the store, with it; waiting: those of them that the dataset doesn't hold. 0 for unknown.
    """

    drawing: Drawing
    saved: Saved
    number: int = 0
    waiting: int = 0


@dataclass
class Contributor:
    """The drawings that a visit has saved, and the drawing that the page shows answers for.

    contributions: saves them. classes: keys of the model's classes. model, predictions: the name of the model and its
    best (key, probability). problem: a sentence for the page.
    """

    contributions: Contributions = field(default_factory=Contributions)
    drawing: Drawing = field(default_factory=list)
    classes: Collection[str] = ()
    model: str = ""
    predictions: Sequence[KeyProbability] = ()
    kept: list[_Kept] = field(default_factory=list)
    problem: str = ""

    def answer(
        self, drawing: Drawing, classes: Collection[str], model: str = "", predictions: Sequence[KeyProbability] = ()
    ) -> str:
        """Set the drawing that is answered; returns the key that it is saved under, or an empty string."""
        if not _is_same(drawing, self.drawing):
            self.problem = ""
        self.drawing, self.classes, self.model, self.predictions = drawing, classes, model, predictions
        kept = self._find()
        return "" if kept is None else kept.saved.key

    @property
    def label(self) -> str:
        """What has become of a saved drawing, in a word."""
        kept = self._find()
        return "Sent" if kept is not None and kept.saved.moderated else "Kept"

    def keep(self, key: object) -> None:
        """Save the drawing under a key, which comes from the browser, unless it is saved already."""
        self.problem = ""
        if not self.drawing or self._find() is not None:
            return
        if not isinstance(key, str) or not (key in load_catalog() or key in self.classes):
            self.problem = "This drawing could not be saved: the page named no symbol. Reload it and try again."
            return
        try:
            saved = self.contributions.save(key, self.drawing, self.model, self.predictions)
        except UserError as error:
            self.problem = f"This drawing could not be saved: {reason(error, 'saving a drawing')}."
            return
        counts = (0, 0) if saved.moderated else _counts()
        self.kept.append(_Kept(self.drawing, saved, *counts))

    def take_back(self) -> None:
        """Delete the saved drawing."""
        self.problem = ""
        kept = self._find()
        if kept is None:
            return
        try:
            if not self.contributions.remove(kept.saved):
                self.problem = "This drawing has been reviewed already, and can’t be taken back any more."
                return
        except UserError as error:
            self.problem = f"This drawing could not be removed: {reason(error, 'removing a drawing')}."
            return
        self.kept.remove(kept)

    def as_data(self) -> dict[str, Any]:
        """The component's data: the state of the saved drawing."""
        kept = self._find()
        return {
            "line": "" if kept is None else _line(kept),
            "waiting": kept.waiting if kept is not None and kept.waiting >= ENOUGH else 0,
            "moderated": kept is not None and kept.saved.moderated,
            "problem": self.problem,
            "find": catalog_routes.FIND,
        }

    def _find(self) -> _Kept | None:
        return next((kept for kept in self.kept if _is_same(kept.drawing, self.drawing)), None)


def contributor() -> Contributor:
    """The contributor of this visit."""
    if "contributor" not in st.session_state:
        st.session_state["contributor"] = Contributor(contributions_of_visit())
    current: Contributor = st.session_state["contributor"]
    return current


def show_contribution(current: Contributor, *, key: str) -> None:
    """Show what has become of the drawing, or else a search for the symbol that it was meant to be.

    The component's triggers are `keep`, with a symbol's key, and `take_back`.
    """

    def keep() -> None:
        current.keep(st.session_state[key].keep)

    _COMPONENT(data=current.as_data(), key=key, on_keep_change=keep, on_take_back_change=current.take_back)


def _is_same(a: Drawing, b: Drawing) -> bool:
    if [len(stroke) for stroke in a] != [len(stroke) for stroke in b]:
        return False
    return not a or bool(np.allclose(np.concatenate(a), np.concatenate(b), rtol=0, atol=_TOLERANCE))


def _counts() -> tuple[int, int]:
    """`number` and `waiting` of a `_Kept`. A failure here is not reported: the drawing itself has been stored."""
    # Imported late: what opens datasets takes its time, which the first paint doesn't need to wait for.
    from extexify.ui.common.datasets import current_dataset

    try:
        store = open_store()
        return store.count(), count_unexported(store, current_dataset())
    except StorageError:
        return 0, 0


def _line(kept: _Kept) -> str:
    """What has become of a drawing, as a sentence or two."""
    command = symbol_for(kept.saved.key).command
    if kept.saved.moderated:
        return f"Sent as {command}: thank you. It is reviewed before it is added."
    number = f", drawing number {kept.number:,}" if kept.number else ""
    return f"Kept as {command}{number} in {store_description()}."
