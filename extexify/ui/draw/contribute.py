"""“It was this one”: keeps a visitor's drawing under the symbol that it was meant to be, once, with a way back.

In a public demo a visitor's drawing waits in the moderation list instead, until an operator accepts it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import streamlit as st

from extexify.access import permissions
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.contributions.moderation import KeyProbability, LimitReached, ModerationList
from extexify.contributions.store import ContributionStore, count_unexported, open_store, store_description
from extexify.core import settings
from extexify.drawing.strokes import BadDrawing, Drawing
from extexify.ui.common import catalog_routes
from extexify.ui.common.components import assets
from extexify.workspace.files import StorageError
from extexify.workspace.paths import moderation_file

ENOUGH = 20
"""Drawings since the last export from which on the page offers another export and training."""

_SAME = 0.1
"""Canvas pixels by which a drawing that comes back from another page may differ from what it was."""

_HTML = """
<p class="note" role="status"></p>
<button type="button" class="open">Something else? Search all symbols</button>
<form class="chooser" role="search" hidden>
  <input type="search" aria-label="Search the symbol that you drew" autocomplete="off" autocapitalize="off"
    spellcheck="false" maxlength="100" placeholder="\\alpha, arrow, ∮, amssymb">
  <div class="found"></div>
</form>
"""


@dataclass(frozen=True, eq=False)
class _Kept:
    """A drawing that the visitor has named.

    number: how many drawings the store held with it; waiting: how many of them the dataset hasn't got; 0 for unknown.
    offered: it is in the moderation list, and identifier its number there.
    """

    drawing: Drawing
    key: str
    identifier: int
    number: int = 0
    waiting: int = 0
    offered: bool = False


@dataclass
class Keeping:
    """What a visitor has named so far, and the drawing that the page shows answers for.

    model and said are who answered and what; offers counts the drawings that the visit sent to the moderation list.
    """

    drawing: Drawing = field(default_factory=list)
    known: Collection[str] = ()
    model: str = ""
    said: Sequence[KeyProbability] = ()
    kept: list[_Kept] = field(default_factory=list)
    offers: int = 0
    problem: str = ""

    def answer(
        self, drawing: Drawing, known: Collection[str], model: str = "", said: Sequence[KeyProbability] = ()
    ) -> str:
        """Say which drawing is answered now, by a model that knows these keys; returns the key it is kept under."""
        if not _same(drawing, self.drawing):
            self.problem = ""
        self.drawing, self.known, self.model, self.said = drawing, known, model, said
        kept = self._found()
        return "" if kept is None else kept.key

    @property
    def word(self) -> str:
        """What has become of the drawing, if it was named, in a word."""
        kept = self._found()
        return "Sent" if kept is not None and kept.offered else "Kept"

    def keep(self, key: object) -> None:
        """Store the drawing under a key, unless it is stored already."""
        self.problem = ""
        if not self.drawing or self._found() is not None:
            return
        # What a browser sends may be anything.
        if not isinstance(key, str) or not (key in load_catalog() or key in self.known):
            self.problem = "This drawing could not be kept: the page named no symbol. Reload it and try again."
            return
        try:
            self.kept.append(self._store(key) if permissions.is_operator() else self._offer(key))
        except (StorageError, BadDrawing, LimitReached, settings.SettingError) as error:
            self.problem = f"This drawing could not be kept: {error}."

    def take_back(self) -> None:
        """Take the drawing out of the store again."""
        self.problem = ""
        kept = self._found()
        if kept is None:
            return
        try:
            if not kept.offered:
                open_store().remove(kept.identifier)
            elif not _moderation().withdraw(kept.identifier):
                self.problem = "This drawing has been looked at already, and can’t be taken back any more."
                return
        except (StorageError, permissions.NotPermitted) as error:
            self.problem = f"This drawing is still kept: {error}."
            return
        self.kept.remove(kept)

    def shown(self) -> dict[str, Any]:
        """What the page says about the drawing."""
        kept = self._found()
        return {
            "line": "" if kept is None else _line(kept),
            "waiting": kept.waiting if kept is not None and kept.waiting >= ENOUGH else 0,
            "offered": kept is not None and kept.offered,
            "problem": self.problem,
            "find": catalog_routes.FIND,
        }

    def _store(self, key: str) -> _Kept:
        store = open_store()
        identifier = store.add(key, self.drawing)
        return _Kept(self.drawing, key, identifier, *_counts(store))

    def _offer(self, key: str) -> _Kept:
        most = settings.count_of(settings.VISIT_LIMIT)
        if self.offers >= most:
            raise LimitReached(f"one visit can send {most:,} drawings" if most else "no drawings are taken here")
        number = _moderation().submit(key, self.drawing, self.model, self.said)
        self.offers += 1
        return _Kept(self.drawing, key, number, offered=True)

    def _found(self) -> _Kept | None:
        return next((kept for kept in self.kept if _same(kept.drawing, self.drawing)), None)


def keeping() -> Keeping:
    """The visitor's."""
    found: Keeping = st.session_state.setdefault("keeping", Keeping())
    return found


def show_keeping(mine: Keeping, *, key: str) -> None:
    """Show what has become of the drawing, or else a search for the symbol that it was meant to be.

    A click lands in the component's triggers, `keep` with a symbol's key and `take_back`.
    """

    def keep() -> None:
        mine.keep(st.session_state[key].keep)

    _component()(data=mine.shown(), key=key, on_keep_change=keep, on_take_back_change=mine.take_back)


def _same(a: Drawing, b: Drawing) -> bool:
    return len(a) == len(b) and all(
        one.shape == other.shape and np.allclose(one, other, rtol=0, atol=_SAME)
        for one, other in zip(a, b, strict=True)
    )


def _counts(store: ContributionStore) -> tuple[int, int]:
    """The numbers of a `_Kept`. The drawing is stored by now: whatever fails here must not say otherwise."""
    # Imported here and not above: what opens datasets takes its time, and the first paint needn't wait for it.
    from extexify.ui.common.datasets import current_dataset

    try:
        return store.count(), count_unexported(store, current_dataset())
    except StorageError:
        return 0, 0


def _line(kept: _Kept) -> str:
    """What has become of a drawing."""
    if kept.offered:
        return f"Sent as {symbol_for(kept.key).command}: thank you. Somebody will look at it before it is kept."
    number = f", drawing number {kept.number:,}" if kept.number else ""
    return f"Kept as {symbol_for(kept.key).command}{number} in {store_description()}."


def _moderation() -> ModerationList:
    return ModerationList(moderation_file())


# Registered once a process: registering anew makes the browser load the code anew.
@cache
def _component() -> Any:
    return st.components.v2.component(
        "extexify_keeping",
        html=_HTML,
        css=assets("web/page.css", "ui/draw/contribute.css"),
        js=assets("web/page.js", "ui/draw/contribute.js"),
    )
