"""Saving a visit's labelled drawings, on the Draw page and where drawings are asked for.

They go into the store, those of an own symbol into that symbol; in a public demo a visitor's drawings go to the
moderation list instead, until an operator accepts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from extexify.access import permissions
from extexify.access.limits import RateLimiter, wait_text
from extexify.catalog.own import Strokes, add_drawings, find_own, remove_drawing
from extexify.contributions.moderation import KeyProbability, LimitReached, ModerationList
from extexify.contributions.store import open_store
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing
from extexify.sources.own import strokes_for
from extexify.ui.sign_in.access import client_key
from extexify.workspace.paths import moderation_file

_submitted_by_address = RateLimiter(3600.0)
"""Drawings that this server's visitors have sent to the moderation list in the last hour, by address."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved drawing: its key, its id in the store, or on the moderation list if `moderated`; `own` if it is one of an
    own symbol, without an id."""

    key: str
    identifier: int
    moderated: bool
    own: Strokes | None = None


@dataclass
class Contributions:
    """Saves the drawings of a visit. sent: those that it has sent to the moderation list, also if taken back since."""

    sent: int = 0

    def save(self, key: str, drawing: Drawing, model: str = "", predictions: Sequence[KeyProbability] = ()) -> Saved:
        """Save a drawing under a key; on the moderation list with a model's name and predictions.

        Raises `LimitReached` if a visitor may send no more, `BadDrawing` for a drawing that an export would leave out,
        `StorageError` if nothing can be written, `OwnSymbolError` if an own symbol has as many as it can.
        """
        if permissions.is_operator():
            if symbol := find_own(key):
                strokes = strokes_for(drawing)
                add_drawings(symbol.command, [strokes])
                return Saved(key, 0, moderated=False, own=strokes)
            return Saved(key, open_store().add(key, drawing), moderated=False)
        limit = settings.count_of(settings.VISIT_LIMIT)
        if self.sent >= limit:
            raise LimitReached(f"one visit can send {limit:,} drawings" if limit else "no drawings are taken here")
        address = client_key()
        if wait := _submitted_by_address.take(address, settings.count_of(settings.ADDRESS_LIMIT)):
            raise LimitReached(
                f"your network has sent as many drawings as can be taken from it in an hour: try again in "
                f"{wait_text(wait)}"
            )
        try:
            number = _moderation().submit(key, drawing, model, predictions)
        except UserError:
            _submitted_by_address.give_back(address)
            raise
        self.sent += 1
        return Saved(key, number, moderated=True)

    def remove(self, saved: Saved) -> bool:
        """Delete a saved drawing; False if an operator has reviewed it already.

        Raises `StorageError`, and `NotPermitted` for a stored drawing of an operator who has signed out since.
        """
        if saved.moderated:
            return _moderation().withdraw(saved.identifier)
        if saved.own is None:
            open_store().remove(saved.identifier)
        elif symbol := find_own(saved.key):
            remove_drawing(symbol.command, saved.own)
        return True


def contributions_of_visit() -> Contributions:
    """The contributions of this visit: one object for all pages, so that limits hold for them together."""
    contributions: Contributions = st.session_state.setdefault("contributions", Contributions())
    return contributions


def _moderation() -> ModerationList:
    return ModerationList(moderation_file())
