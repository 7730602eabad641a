"""Search for symbols: every entry is scored by a few string comparisons, typos by edit distance (rapidfuzz)."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from extexify.catalog.keys import Alias, Symbol

# Scores by kind of match, in four ranges: the whole text, its start or a word, its inside, a typo. Within a range, the
# command comes before the names and these before the package.
_AS_TYPED, _EXACT_CASE, _ALIAS, _CHARACTER = 100, 98, 97, 96
_EXACT, _FOLDED_ALIAS, _WHOLE_NAME = 95, 94, 90
_PREFIX, _FORM_OF_CHARACTER = 80, 75
_COMMAND_WORD, _NAME_WORD, _PACKAGE = 72, 70, 68
_ALIAS_PREFIX, _WORD_PREFIX, _PACKAGE_PREFIX = 65, 60, 58
_INSIDE_COMMAND, _INSIDE_NAME = 42, 40
_TYPO = 20

# Among equal scores, packages that most documents load already come first, and those last that replace a document's
# fonts or need another engine.
COMMON = {"latex2e": 0, "amsmath": 1, "amssymb": 1, "mathtools": 2}
_FONTS = ("mathabx", "MnSymbol", "fdsymbol", "mdsymbol", "boisik", "txfonts", "pxfonts", "newtxmath", "newpxmath")
_RANKS = {**COMMON, **dict.fromkeys((*_FONTS, "kpfonts", "stix2"), 4), "unicode-math": 5, "logix": 6}

_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    symbol: Symbol
    command: str  # without its first backslash
    folded: str  # the command, case-folded
    defined: frozenset[str]  # aliases that common packages define: what most people mean by them
    aliases: frozenset[str]  # commands also without their backslash
    command_words: tuple[str, ...]
    names: tuple[str, ...]  # Unicode and Typst, case-folded
    name_words: tuple[str, ...]
    package: str
    plain: str | None  # the Unicode character, NFKC-normalized
    rank: tuple[int, int, str]  # order among equal scores
    text: str  # all of these, case-folded: what isn't in it doesn't match


class SearchIndex:
    """Symbols prepared for search."""

    def __init__(self, symbols: Iterable[Symbol], aliases: Iterable[Alias] = ()) -> None:
        aliases_of: dict[str, list[Alias]] = defaultdict(list)
        for alias in aliases:
            aliases_of[alias.key].append(alias)
        self._entries = [_entry(symbol, aliases_of[symbol.key]) for symbol in symbols]
        self._numbers_by_word: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(self._entries):
            for word in {entry.folded, *entry.command_words, *entry.name_words}:
                self._numbers_by_word[word].append(number)
        self._words = list(self._numbers_by_word)

    def ranked(self) -> list[Symbol]:
        """All symbols, in the order of those that match a query equally well."""
        return [entry.symbol for entry in sorted(self._entries, key=lambda entry: entry.rank)]

    def search(self, query: str, limit: int) -> list[Symbol]:
        """The symbols that match the query, best first, at most ``limit``."""
        words = query.split()
        query = " ".join(words)
        if not query or limit < 1:
            return []
        all_numbers = range(len(self._entries))
        scores = self._score(query, all_numbers)
        if len(words) > 1:
            # An entry that all words match has the score of its worst word.
            combined = self._score(words[0], all_numbers)
            for word in dict.fromkeys(words[1:]):  # in a repeated word nothing new can match
                word_scores = self._score(word, combined)
                combined = {number: min(score, combined[number]) for number, score in word_scores.items()}
            for number, score in combined.items():
                scores[number] = max(scores.get(number, 0), score)
        lower_case = query == query.casefold()

        def order(number: int) -> tuple[float, bool, tuple[int, int, str]]:
            entry = self._entries[number]
            # A lower-case query prefers lower-case commands: \rightarrow before \Rightarrow for "rightarow".
            return -scores[number], lower_case and entry.command != entry.folded, entry.rank

        return [self._entries[number].symbol for number in sorted(scores, key=order)[:limit]]

    def _score(self, term: str, numbers: Collection[int]) -> dict[int, float]:
        """The score of each of these entries that matches; of those with a typo only if nothing else matches."""
        body = term[1:] if term.startswith("\\") and len(term) > 1 else term
        folded = body.casefold()
        plain = _plain_character(term)
        scores: dict[int, float] = {}
        for number in numbers:
            entry = self._entries[number]
            if (folded in entry.text or plain in entry.text) and (score := _match(entry, term, body, folded, plain)):
                scores[number] = score
        if not scores and len(folded) > 2 and " " not in folded:
            allowed = 1 if len(folded) < 5 else 2 if len(folded) < 9 else 3
            # Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
            near = process.extract(folded, self._words, scorer=OSA.distance, score_cutoff=allowed, limit=None)
            for word, distance, _ in near:
                for number in self._numbers_by_word[word]:
                    if number in numbers:
                        scores[number] = max(scores.get(number, 0), _TYPO - distance)
        return scores


def package_rank(package: str) -> int:
    """The place of a package among others whose symbols match a query equally well, first place 0."""
    return _RANKS.get(package, 3)


def _entry(symbol: Symbol, aliases: Collection[Alias]) -> _Entry:
    command = symbol.command.removeprefix("\\")
    folded, plain = command.casefold(), _plain_character(symbol.unicode) if symbol.unicode else None
    names = tuple(name.casefold() for name in (symbol.unicode_name, symbol.typst) if name)
    package = symbol.package.casefold()
    return _Entry(
        symbol=symbol,
        command=command,
        folded=folded,
        defined=frozenset(alias.alias for alias in aliases if alias.package in COMMON),
        aliases=frozenset(
            name for alias in aliases for name in (alias.alias, alias.alias.removeprefix("\\" if alias.package else ""))
        ),
        command_words=tuple(_WORDS.findall(folded)),
        names=names,
        name_words=tuple(dict.fromkeys(word for name in names for word in _WORDS.findall(name))),
        package=package,
        plain=plain,
        rank=(package_rank(symbol.package), len(command), symbol.key),
        text="\n".join(
            [symbol.command.casefold(), *names, package, *(alias.alias.casefold() for alias in aliases)]
            + ([symbol.unicode or "", plain] if plain else [])
        ),
    )


def _match(entry: _Entry, term: str, body: str, folded: str, plain: str) -> float:
    if entry.symbol.command == term or term in entry.defined:
        return _AS_TYPED
    if entry.command == body:
        return _EXACT_CASE
    if term in entry.aliases:
        return _ALIAS
    if entry.symbol.unicode == term:
        return _CHARACTER
    if entry.folded == folded:
        return _EXACT
    if term.casefold() in entry.aliases:
        return _FOLDED_ALIAS
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
    begun = [len(alias) - len(term) for alias in entry.aliases if alias.startswith(term)]
    if begun:
        return _ALIAS_PREFIX - min(begun) / 100
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
    """The text without variation selectors and with compatibility characters replaced (micro sign by mu)."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(character for character in composed if not "\ufe00" <= character <= "\ufe0f")
