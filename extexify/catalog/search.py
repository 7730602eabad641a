"""Searching the symbols: a few string comparisons a symbol, all of them in a few milliseconds."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from extexify.catalog.keys import Symbol

# How good a match is. Within each of the three ranges, the command beats the names, and these the package.
_AS_TYPED, _EXACT_CASE, _EXACT, _CHARACTER, _WHOLE_NAME = 100, 98, 95, 96, 90
_PREFIX, _FORM_OF_CHARACTER = 80, 75
_COMMAND_WORD, _NAME_WORD, _PACKAGE = 72, 70, 68
_WORD_PREFIX, _PACKAGE_PREFIX = 60, 58
_INSIDE_COMMAND, _INSIDE_NAME = 42, 40
_TYPO = 20

# Packages that most documents load already come first among equals.
_COMMON = {"latex2e": 0, "amsmath": 1, "amssymb": 1, "mathtools": 2}

_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    symbol: Symbol
    command: str  # without its first backslash
    folded: str  # the same, in small letters
    command_words: tuple[str, ...]
    names: tuple[str, ...]  # Unicode and Typst, in small letters
    name_words: tuple[str, ...]
    package: str
    plain: str | None  # the Unicode character without its variations
    rank: tuple[int, int, str]


class SearchIndex:
    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._entries = [_entry(symbol) for symbol in symbols]
        # Typos are looked up by the pairs of letters that two words share.
        self._words: dict[str, list[int]] = defaultdict(list)
        self._words_with: dict[str, list[str]] = defaultdict(list)
        for number, entry in enumerate(self._entries):
            for word in {entry.folded, *entry.command_words, *entry.name_words}:
                self._words[word].append(number)
        for word in self._words:
            for pair in _pairs(word):
                self._words_with[pair].append(word)

    def search(self, query: str, limit: int) -> list[Symbol]:
        """The best ``limit`` symbols for the query."""
        query = query.strip()
        if not query or limit < 1:
            return []
        everything = range(len(self._entries))
        scores = self._score(query, everything)
        words = query.split()
        if len(words) > 1:
            together = self._score(words[0], everything)
            for word in words[1:]:
                # As good as its worst word: one good match must not outweigh a poor one.
                found = self._score(word, together)
                together = {number: min(score, together[number]) for number, score in found.items()}
            for number, score in together.items():
                scores[number] = max(scores.get(number, 0), score)
        small = query == query.casefold()

        def order(number: int) -> tuple[float, bool, tuple[int, int, str]]:
            entry = self._entries[number]
            # Capitals are typed by those who mean them: \rightarrow before \Rightarrow for "rightarow".
            return -scores[number], small and entry.command != entry.folded, entry.rank

        return [self._entries[number].symbol for number in sorted(scores, key=order)[:limit]]

    def _score(self, term: str, among: Collection[int]) -> dict[int, float]:
        """How well each of these entries matches; those that don't are left out."""
        body = term[1:] if term.startswith("\\") and len(term) > 1 else term
        folded = body.casefold()
        plain = _plain_character(term)
        scores: dict[int, float] = {}
        for number in among:
            score = _match(self._entries[number], term, body, folded, plain)
            if score:
                scores[number] = score
        if not scores and len(folded) > 2 and " " not in folded:
            for word, distance in self._near_words(folded):
                for number in self._words[word]:
                    if number in among:
                        scores[number] = max(scores.get(number, 0), _TYPO - distance)
        return scores

    def _near_words(self, typed: str) -> list[tuple[str, int]]:
        allowed = 1 if len(typed) < 5 else 2 if len(typed) < 9 else 3
        shared: Counter[str] = Counter()
        for pair in _pairs(typed):
            shared.update(self._words_with.get(pair, ()))
        near = []
        for word, count in shared.items():
            # A letter changed spoils two pairs, two letters swapped three; most others must be shared.
            if count >= len(typed) - 2 * allowed and abs(len(word) - len(typed)) <= allowed:
                distance = _distance(typed, word, allowed)
                if distance <= allowed:
                    near.append((word, distance))
        return near


def _entry(symbol: Symbol) -> _Entry:
    command = symbol.command.removeprefix("\\")
    names = tuple(name.casefold() for name in (symbol.unicode_name, symbol.typst) if name)
    return _Entry(
        symbol=symbol,
        command=command,
        folded=command.casefold(),
        command_words=tuple(_WORDS.findall(command.casefold())),
        names=names,
        name_words=tuple(dict.fromkeys(word for name in names for word in _WORDS.findall(name))),
        package=symbol.package.casefold(),
        plain=_plain_character(symbol.unicode) if symbol.unicode else None,
        rank=(_COMMON.get(symbol.package, 3), len(command), symbol.key),
    )


def _match(entry: _Entry, term: str, body: str, folded: str, plain: str) -> float:
    if entry.symbol.command == term:
        return _AS_TYPED
    if entry.command == body:
        return _EXACT_CASE
    if entry.symbol.unicode == term:
        return _CHARACTER
    if entry.folded == folded:
        return _EXACT
    if folded in entry.names:
        return _WHOLE_NAME
    if entry.folded.startswith(folded):
        return _PREFIX
    if entry.plain == plain:
        return _FORM_OF_CHARACTER
    if folded in entry.command_words:
        return _COMMAND_WORD
    if folded in entry.name_words:
        return _NAME_WORD
    if folded == entry.package:
        return _PACKAGE
    if any(word.startswith(folded) for word in entry.name_words):
        return _WORD_PREFIX
    if entry.package.startswith(folded):
        return _PACKAGE_PREFIX
    if folded in entry.folded:
        return _INSIDE_COMMAND
    if any(folded in name for name in entry.names):
        return _INSIDE_NAME
    return 0


def _plain_character(text: str) -> str:
    """The text with compatible characters made equal (the micro sign is mu, a script B a B)."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(character for character in composed if not "\ufe00" <= character <= "\ufe0f")


def _pairs(word: str) -> set[str]:
    padded = f" {word} "
    return {padded[at : at + 2] for at in range(len(padded) - 1)}


def _distance(a: str, b: str, limit: int) -> int:
    """How many letters to insert, delete, change or swap with a neighbour to make one word the other.

    Counted no further than ``limit`` + 1.
    """
    before: list[int] = []
    previous = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        current = [i]
        for j, other in enumerate(b, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit and min(previous) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]
