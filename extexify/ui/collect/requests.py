"""The requests of a visit: what is asked for, what was drawn, and the way back."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import streamlit as st

from extexify.access import permissions
from extexify.catalog.keys import OWN
from extexify.catalog.own import find_own, own_symbols
from extexify.catalog.symbols import load_catalog, symbol_for, symbols_by_rank
from extexify.contributions.moderation import KeyProbability
from extexify.contributions.requests import next_request
from extexify.contributions.store import drawings_by_key
from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing
from extexify.ui.common.contributions import Contributions, Saved, contributions_of_visit
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.errors import reason
from extexify.ui.draw import serving
from extexify.ui.draw.answers import STORED
from extexify.workspace.paths import default_model, evaluations_folder, workspace

MAX_UNDONE = 20
"""Answered requests that Undo leads back to."""

_REFRESH_SECONDS = 30.0
"""Seconds for which the visitors of a demo share one count of the drawings."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """A request that was answered: the symbol's key, what was on the canvas, and how it was saved; None if skipped."""

    key: str
    drawing: Drawing
    saved: Saved | None


@dataclass
class Requests:
    """The requests of a visit.

    contributions: saves the drawings. drawings: those that people made, by key, without what waits for moderation.
    errors: fractions of wrong answers by key, from the newest evaluation; empty if there is none, or for visitors of a
    demo. uncounted: a sentence if the drawings can't be counted.

    key: the symbol that is asked for. number: changes with every request, so that a key that is pressed twice concerns
    one. message: a sentence about the last request, or about a failure if `failed`.
    """

    contributions: Contributions = field(default_factory=Contributions)
    drawings: Counter[str] = field(default_factory=Counter)
    errors: Mapping[str, float] = field(default_factory=dict)
    uncounted: str = ""
    package: str = ""
    most_confused: bool = False
    key: str = ""
    number: int = 0
    message: str = ""
    failed: bool = False
    given: Counter[str] = field(default_factory=Counter)
    _asked: list[str] = field(default_factory=list)
    _answered: deque[_Answered] = field(default_factory=lambda: deque(maxlen=MAX_UNDONE))
    _seed: int = field(default_factory=lambda: secrets.randbits(32))

    @property
    def can_go_back(self) -> bool:
        return bool(self._answered)

    def ask(self) -> None:
        """Ask for the symbol that needs a drawing most."""
        errors = self.errors if self.most_confused else None
        keys = _keys_of(self.package)
        self.key = next_request(keys, self.drawings, self._asked, errors=errors, seed=self._seed) or ""
        self.number += 1

    def choose(self, package: str, most_confused: bool, drawing: Drawing) -> None:
        """Ask for symbols of a package ("": of all), the most confused or else the least drawn first.

        What was on the canvas counts as skipped, so that Undo brings it back.
        """
        self._say("")
        if drawing:
            self._answer(drawing, None)
        self.package, self.most_confused = package, most_confused
        self.ask()

    def keep(self, number: object, drawing: Drawing) -> Drawing:
        """Save the drawing for request `number` and ask for the next one; returns what stays on the canvas."""
        if number != self.number:
            return drawing
        if not drawing:
            self._say("Nothing is drawn yet.", failed=True)
            return []
        model, predictions = ("", []) if permissions.is_operator() else _predictions(drawing)
        try:
            saved = self.contributions.save(self.key, drawing, model, predictions)
        except UserError as error:
            self._say(f"This drawing could not be saved: {reason(error, 'saving a drawing')}.", failed=True)
            return drawing
        command = symbol_for(self.key).command
        self.given[self.key] += 1
        if saved.moderated:
            self._say(f"Sent as {command}: thank you. It is reviewed before it is added.")
        else:
            self.drawings[self.key] += 1
            self._say(f"Kept as {command}.")
        self._answer(drawing, saved)
        self.ask()
        return []

    def skip(self, number: object, drawing: Drawing) -> Drawing:
        """Ask for another symbol; returns what stays on the canvas."""
        if number != self.number:
            return drawing
        self._say(f"Skipped {symbol_for(self.key).command}.")
        self._answer(drawing, None)
        self.ask()
        return []

    def go_back(self) -> Drawing:
        """Ask for the last symbol again, and delete its drawing if it was saved; returns that drawing, for the canvas.

        An empty drawing, and no change, if there is none or it can't be deleted.
        """
        if not self._answered:
            return []
        last = self._answered[-1]
        if last.saved is not None:
            try:
                if not self.contributions.remove(last.saved):
                    self._say("It has been reviewed already, and can’t be taken back any more.", failed=True)
                    return []
            except UserError as error:
                self._say(f"This drawing could not be removed: {reason(error, 'removing a drawing')}.", failed=True)
                return []
            self.given[last.key] -= 1
            if not last.saved.moderated:
                self.drawings[last.key] -= 1
        self._say(f"Back to {symbol_for(last.key).command}.")
        self._answered.pop()
        self._asked.pop()
        self.key = last.key
        self.number += 1
        return last.drawing

    def _answer(self, drawing: Drawing, saved: Saved | None) -> None:
        self._asked.append(self.key)
        self._answered.append(_Answered(self.key, drawing, saved))

    def _say(self, message: str, *, failed: bool = False) -> None:
        self.message, self.failed = message, failed


def requests_of_visit() -> Requests:
    """The requests of this visit."""
    if "requests" not in st.session_state:
        st.session_state["requests"] = Requests(contributions_of_visit())
    requests: Requests = st.session_state["requests"]
    return requests


def prepare_requests() -> None:
    """Count drawings and errors anew, and begin a visit's requests: to be called in runs of the whole page.

    The page's address may name a package, and the symbol that is asked for first.
    """
    requests = requests_of_visit()
    requests.errors, requests.uncounted = _errors(), ""
    requests.most_confused &= bool(requests.errors)
    try:
        counts = drawings_by_key(current_dataset()) if permissions.is_operator() else _counts_for_visitors(workspace())
        drawn = {key: len(symbol.drawings) for key, symbol in own_symbols().items()}
        requests.drawings = Counter(counts) + Counter(drawn)
    except UserError as error:
        requests.uncounted = f"The drawings can’t be counted: {reason(error, 'counting drawings')}"
    if requests.key:
        return
    if (package := st.query_params.get("package", "")) in packages():
        requests.package = package
    requests.ask()
    if (symbol := st.query_params.get("symbol", "")) in load_catalog() or find_own(symbol):
        requests.key = symbol


def packages() -> tuple[str, ...]:
    """The packages of the catalogue, sorted, plain LaTeX first; before them `OWN`, if there are own symbols."""
    return (*((OWN,) if _own_keys() else ()), *_catalogued_packages())


@lru_cache(maxsize=1)
def _catalogued_packages() -> tuple[str, ...]:
    names = {symbol.package for symbol in load_catalog().values()}
    return tuple(sorted(names, key=lambda name: (name != "latex2e", name.casefold())))


def _keys_of(package: str) -> tuple[str, ...]:
    """The symbols of a package ("": of all) that requests choose from: own ones, then those that most documents can
    print first."""
    own = _own_keys() if package in ("", OWN) else ()
    return (*own, *_catalogued_keys(package))


def _own_keys() -> tuple[str, ...]:
    """The keys of the user's own symbols; none if they can't be read, which the Symbols page says."""
    try:
        return tuple(own_symbols())
    except UserError:
        return ()


@lru_cache(maxsize=256)
def _catalogued_keys(package: str) -> tuple[str, ...]:
    return tuple(symbol.key for symbol in symbols_by_rank() if package in ("", symbol.package))


@st.cache_data(ttl=_REFRESH_SECONDS, show_spinner=False)
def _counts_for_visitors(folder: Path) -> dict[str, int]:
    return drawings_by_key(current_dataset())


def _errors() -> dict[str, float]:
    """The error rates of the newest evaluation, with symbols that are drawn alike counted as right."""
    if not permissions.is_operator():
        return {}
    # Imported late: the first paint doesn't need to wait for what reads evaluations where there are none.
    from extexify.evaluation.records import list_evaluations

    stored = list_evaluations(evaluations_folder())
    if not stored:
        return {}
    from extexify.evaluation.error_analysis import error_rates
    from extexify.ui.evaluate.evaluations import open_evaluation

    try:
        return error_rates(open_evaluation(stored[0]), "drawn")
    except (OSError, UserError):  # deleted or damaged: the Evaluate page says so
        return {}


def _predictions(drawing: Drawing) -> tuple[str, Sequence[KeyProbability]]:
    """The name of the model that answers, and its best answers, for the moderation list; empty until one is loaded."""
    with suppress(OSError):
        loading = serving.model(default_model())
        if loading.done() and loading.exception() is None:
            classifier = loading.result()
            results = classifier.answers(drawing, STORED).results
            return classifier.name, [(result.head.key, result.probability) for result in results]
    return "", []
