"""Starter drawings: synthetic samples made by varying each symbol's printed centre lines.

They serve to train a first model without real drawings and to add samples of rare symbols. `tools/starter` has traced
the centre lines into `extexify/catalog/data/skeletons.json`.

A drawing is a pure function of (seed, key, number): the first ten of a symbol don't depend on how many are made, nor
on the other symbols.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Generator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import orjson

from extexify.catalog.symbols import detexify_keys
from extexify.drawing.strokes import Drawing
from extexify.sources.base import Row, SourceError
from extexify.sources.handwriting import Points, handwritten

SCHEME = "starter"
DEFAULT_EACH = 40
EVERY_SHAPE = "all"
MAX_EACH = 100_000
MAX_SEED = 2**63 - 1

NAME = "starter drawings"
"""Prefix of the names of starter sources in reports and manifests."""

MIN_STARTER_ID = 2**52
"""Ids are hashes from 2^52 to 2^53 - 1: exact in JSON, and above those of dumps and of the embedded store. As splits
depend on lower ids only, adding starter drawings moves no real drawing to another split."""

_SKELETONS = Path(__file__).parents[1] / "catalog" / "data" / "skeletons.json"
_GRID = 250  # the longer side of a skeleton in its file


class StarterSource:
    """Synthetic drawings of the catalogue's symbols: `each` of every one, one symbol after the other."""

    unit = "rows"

    def __init__(self, symbols: Sequence[str] | None = None, each: int = DEFAULT_EACH, seed: int = 0) -> None:
        """`symbols` are keys, in the order of the rows; None means those of Detexify's data.

        Raises `SourceError` for a symbol without a skeleton, for one named twice, and for numbers out of range.
        """
        known = symbols_with_skeletons()
        self.symbols = detexify_keys() if symbols is None else tuple(symbols)
        if not self.symbols:
            raise SourceError("starter drawings of no symbol: name at least one")
        unknown = [key for key in self.symbols if key not in known]
        if unknown:
            more = f" (nor of {len(unknown) - 1:,} others)" if len(unknown) > 1 else ""
            raise SourceError(f"there are no starter drawings of {unknown[0]!r}{more}: give keys of the catalogue")
        if len(set(self.symbols)) < len(self.symbols):
            raise SourceError("a symbol of the starter drawings is named twice")
        if not 1 <= each <= MAX_EACH:
            raise SourceError(f"each, the starter drawings of a symbol, must be 1 to {MAX_EACH:,}, not {each}")
        if not 0 <= seed <= MAX_SEED:
            raise SourceError(f"the seed of the starter drawings must be 0 to {MAX_SEED}, not {seed}")
        self.each = each
        self.seed = seed
        chosen = "Detexify's symbols" if symbols is None else f"{len(self.symbols):,} symbols"
        self.name = f"{NAME} (synthetic; {each} each of {chosen}, seed {seed})"
        self._read = 0

    @classmethod
    def from_address(cls, address: str) -> StarterSource:
        """The source of an address: `starter`, or `starter:each=40,seed=1,symbols=KEY;KEY`; `symbols=all` is one symbol
        of each shape.

        In keys, `%`, `,` and `;` are written as in web addresses: `%25`, `%2C`, `%3B`.
        Raises `SourceError` naming the option that is wrong.
        """
        scheme, colon, rest = address.partition(":")
        if scheme != SCHEME or (colon and not rest):
            raise SourceError(f"{address!r} is no address of starter drawings: write starter or starter:each=40,seed=1")
        options: dict[str, Any] = {}
        for part in rest.split(",") if rest else ():
            name, _, value = part.partition("=")
            if name not in ("each", "seed", "symbols"):
                raise SourceError(f"starter drawings have no option {name!r}: there are each, seed and symbols")
            if name in options:
                raise SourceError(f"the option {name} of the starter drawings is given twice")
            if name == "symbols":
                keys = [unquote(key) for key in value.split(";") if key]
                options[name] = shapes_with_skeletons() if keys == [EVERY_SHAPE] else keys
            elif not (value.isascii() and value.isdigit() and len(value) <= 20):
                raise SourceError(f"the option {name} of the starter drawings needs a whole number, not {value!r}")
            else:
                options[name] = int(value)
        return cls(**options)

    def rows(self) -> Generator[Row]:
        """All rows: ids are hashes of (seed, key, number), strokes are JSON of whole pixels."""
        self._read = 0
        for key in self.symbols:
            for number, drawing in enumerate(starter_drawings(key, self.each, self.seed)):
                self._read += 1
                yield Row(drawing_id(self.seed, key, number), key, _json(drawing))

    def position(self) -> tuple[int, int | None]:
        return self._read, len(self.symbols) * self.each


def _json(drawing: Drawing) -> bytes:
    # As whole numbers, which need half the bytes of floats.
    return orjson.dumps([stroke.astype(np.int32) for stroke in drawing], option=orjson.OPT_SERIALIZE_NUMPY)


def drawing_id(seed: int, key: str, number: int) -> int:
    """The id of a starter drawing."""
    digest = hashlib.blake2b(f"starter:{seed}:{key}:{number}".encode(), digest_size=8).digest()
    return MIN_STARTER_ID + int.from_bytes(digest, "little") % MIN_STARTER_ID


_Skeleton = dict[str, list[list[int]]]


@cache
def _stored() -> dict[str, _Skeleton | str]:
    """By key, the skeleton, or the key of a symbol that prints alike and has it."""
    skeletons: dict[str, _Skeleton | str] = json.loads(_SKELETONS.read_text(encoding="utf-8"))
    return skeletons


def _skeleton(key: str) -> _Skeleton:
    stored = _stored()[key]
    return _skeleton(stored) if isinstance(stored, str) else stored


def symbols_with_skeletons() -> Collection[str]:
    """The keys of all symbols that there are starter drawings of."""
    return _stored().keys()


@cache
def shapes_with_skeletons() -> tuple[str, ...]:
    """The same without symbols that have another one's skeleton, because they print alike."""
    return tuple(key for key, skeleton in _stored().items() if isinstance(skeleton, dict))


def skeleton_lines(key: str, parts: Sequence[str] = ("lines", "areas", "serifs")) -> list[tuple[Points, str]]:
    """The centre lines, outlines of areas and serifs of a printed symbol, each with its part's name.

    A line is an array of points (n, 2), the longer side of all about 1. Raises KeyError for a key without a skeleton.
    """
    skeleton = _skeleton(key)
    return [(np.array(flat, float).reshape(-1, 2) / _GRID, part) for part in parts for flat in skeleton.get(part, ())]


def starter_drawings(key: str, each: int, seed: int = 0) -> list[Drawing]:
    """Drawings of a symbol, in whole pixels. Raises KeyError for a key without a skeleton."""
    raw = skeleton_lines(key)
    everything = np.vstack([points for points, _ in raw])
    middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
    return handwritten([(points - middle, part) for points, part in raw], key=key, each=each, seed=seed)
