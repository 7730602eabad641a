"""Saving a visitor's drawing as an example of the symbol that it was meant to be, once, with undo.

In a public demo a visitor's drawing goes to the moderation list instead, until an operator accepts it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from extexify.access import permissions
from extexify.access.limits import RateLimiter, wait_text
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.contributions.moderation import KeyProbability, LimitReached, ModerationList
from extexify.contributions.store import ContributionStore, count_unexported, open_store, store_description
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing
from extexify.ui.common import catalog_routes
from extexify.ui.common.components import assets
from extexify.ui.common.errors import reason
from extexify.ui.sign_in.access import client_key
from extexify.workspace.files import StorageError
from extexify.workspace.paths import moderation_file

_COMPONENT = st.components.v2.component(
    "extexify_contribute",
    html=assets("ui/draw/contribute.html"),
    css=assets("web/page.css", "ui/draw/contribute.css"),
    js=assets("web/page.js", "ui/draw/contribute.js"),
)

_submitted_by_address = RateLimiter(3600.0)
"""Drawings that this server's visitors have sent to the moderation list in the last hour, by address."""

ENOUGH = 20
"""The page offers another export and training from this many drawings since the last export on."""

_TOLERANCE = 0.1
"""Canvas pixels by which a drawing may change when its page is left and opened again."""


@dataclass(frozen=True, eq=False)
class _Saved:
    """A drawing that was saved under a key.

    identifier: its id in the store or in the moderation list. moderated: it is in the moderation list.
    number: drawings in the store, with it; waiting: those of them that the dataset doesn't hold. 0 for unknown.
    """

    drawing: Drawing
    key: str
    identifier: int
    number: int = 0
    waiting: int = 0
    moderated: bool = False


@dataclass
class Contributor:
    """The drawings that a visit has saved, and the drawing that the page shows answers for.

    classes: keys of the model's classes. model, predictions: the name of the model and its best (key, probability).
    offers: drawings that the visit has sent to the moderation list. problem: a sentence for the page.
    """

    drawing: Drawing = field(default_factory=list)
    classes: Collection[str] = ()
    model: str = ""
    predictions: Sequence[KeyProbability] = ()
    saved: list[_Saved] = field(default_factory=list)
    offers: int = 0
    problem: str = ""

    def answer(
        self, drawing: Drawing, classes: Collection[str], model: str = "", predictions: Sequence[KeyProbability] = ()
    ) -> str:
        """Set the drawing that is answered; returns the key that it is saved under, or an empty string."""
        if not _is_same(drawing, self.drawing):
            self.problem = ""
        self.drawing, self.classes, self.model, self.predictions = drawing, classes, model, predictions
        saved = self._find()
        return "" if saved is None else saved.key

    @property
    def label(self) -> str:
        """What has become of a saved drawing, in a word."""
        saved = self._find()
        return "Sent" if saved is not None and saved.moderated else "Kept"

    def keep(self, key: object) -> None:
        """Save the drawing under a key, which comes from the browser, unless it is saved already."""
        self.problem = ""
        if not self.drawing or self._find() is not None:
            return
        if not isinstance(key, str) or not (key in load_catalog() or key in self.classes):
            self.problem = "This drawing could not be saved: the page named no symbol. Reload it and try again."
            return
        try:
            self.saved.append(self._store(key) if permissions.is_operator() else self._offer(key))
        except UserError as error:
            self.problem = f"This drawing could not be saved: {reason(error, 'saving a drawing')}."

    def take_back(self) -> None:
        """Delete the saved drawing."""
        self.problem = ""
        saved = self._find()
        if saved is None:
            return
        try:
            if not saved.moderated:
                open_store().remove(saved.identifier)
            elif not _moderation().withdraw(saved.identifier):
                self.problem = "This drawing has been reviewed already, and can’t be taken back any more."
                return
        except (UserError, permissions.NotPermitted) as error:
            self.problem = f"This drawing could not be removed: {reason(error, 'removing a drawing')}."
            return
        self.saved.remove(saved)

    def as_data(self) -> dict[str, Any]:
        """The component's data: the state of the saved drawing."""
        saved = self._find()
        return {
            "line": "" if saved is None else _line(saved),
            "waiting": saved.waiting if saved is not None and saved.waiting >= ENOUGH else 0,
            "moderated": saved is not None and saved.moderated,
            "problem": self.problem,
            "find": catalog_routes.FIND,
        }

    def _store(self, key: str) -> _Saved:
        store = open_store()
        identifier = store.add(key, self.drawing)
        return _Saved(self.drawing, key, identifier, *_counts(store))

    def _offer(self, key: str) -> _Saved:
        limit = settings.count_of(settings.VISIT_LIMIT)
        if self.offers >= limit:
            raise LimitReached(f"one visit can send {limit:,} drawings" if limit else "no drawings are taken here")
        address = client_key()
        if wait := _submitted_by_address.take(address, settings.count_of(settings.ADDRESS_LIMIT)):
            raise LimitReached(
                f"your network has sent as many drawings as can be taken from it in an hour: try again in "
                f"{wait_text(wait)}"
            )
        try:
            number = _moderation().submit(key, self.drawing, self.model, self.predictions)
        except UserError:
            _submitted_by_address.give_back(address)
            raise
        self.offers += 1
        return _Saved(self.drawing, key, number, moderated=True)

    def _find(self) -> _Saved | None:
        return next((saved for saved in self.saved if _is_same(saved.drawing, self.drawing)), None)


def contributor() -> Contributor:
    """The contributor of this visit."""
    current: Contributor = st.session_state.setdefault("contributor", Contributor())
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


def _counts(store: ContributionStore) -> tuple[int, int]:
    """`number` and `waiting` of a `_Saved`. A failure here is not reported: the drawing itself has been stored."""
    # Imported late: what opens datasets takes its time, which the first paint doesn't need to wait for.
    from extexify.ui.common.datasets import current_dataset

    try:
        return store.count(), count_unexported(store, current_dataset())
    except StorageError:
        return 0, 0


def _line(saved: _Saved) -> str:
    """What has become of a drawing, as a sentence or two."""
    command = symbol_for(saved.key).command
    if saved.moderated:
        return f"Sent as {command}: thank you. It is reviewed before it is added."
    number = f", drawing number {saved.number:,}" if saved.number else ""
    return f"Kept as {command}{number} in {store_description()}."


def _moderation() -> ModerationList:
    return ModerationList(moderation_file())
