"""Merging what packages print into the catalogue."""

from __future__ import annotations

from extexify.catalog.keys import Symbol, derive_symbol
from tools.catalog.found import Found
from tools.catalog.merge import merge
from tools.catalog.outlines import Outline, Path
from tools.catalog.packages import Package

SQUARE: Path = (("M", ((0, 0),)), ("L", ((500, 0),)), ("L", ((500, 500),)), ("L", ((0, 500),)), ("Z", ()))
TRIANGLE: Path = (("M", ((0, 0),)), ("L", ((500, 0),)), ("L", ((250, 500),)), ("Z", ()))

AMS, OTHER = Package("amssymb"), Package("other")


def found(package: Package, **paths: Path) -> tuple[Package, Found]:
    """What a package prints: paths by the letters of their commands."""
    symbols = [derive_symbol(package.key(f"\\{name}")) for name in paths]
    outlines = {symbol.key: Outline([path]) for symbol, path in zip(symbols, paths.values(), strict=True)}
    return package, Found(package.name, len(paths), symbols, outlines)


def catalogue(**paths: Path) -> tuple[dict[str, Symbol], dict[str, Outline]]:
    _, start = found(AMS, **paths)
    return {symbol.key: symbol for symbol in start.symbols}, start.outlines


def test_a_command_that_prints_the_same_is_added_once() -> None:
    merged = merge(*catalogue(Box=SQUARE), [found(OTHER, Box=SQUARE, box=SQUARE)], [])
    assert list(merged.symbols) == ["amssymb-OT1-_Box", "other-OT1-_box"]
    assert merged.coverage == [("other", 2, 1, 1, {})]


def test_a_command_that_prints_another_shape_is_a_symbol_of_its_own() -> None:
    merged = merge(*catalogue(Box=SQUARE), [found(OTHER, Box=TRIANGLE)], [])
    assert list(merged.symbols) == ["amssymb-OT1-_Box", "other-OT1-_Box"]
    assert merged.outlines["other-OT1-_Box"].ink == [TRIANGLE]


def test_listed_aliases_are_no_symbols() -> None:
    merged = merge(*catalogue(Box=SQUARE), [found(OTHER, sq=SQUARE)], [(r"\sq", r"\Box", "other")])
    assert list(merged.symbols) == ["amssymb-OT1-_Box"]


def test_aliases_name_the_symbol_that_is_in_the_catalogue() -> None:
    package, other = found(OTHER, Box=SQUARE)
    other.aliases = {r"\sq": r"\Box", r"\gone": r"\nothing"}
    other.left_out["prints nothing"] += [r"\nothing", r"\void"]
    merged = merge(*catalogue(Box=SQUARE), [(package, other)], [])
    assert merged.aliases == [(r"\sq", "amssymb-OT1-_Box", "other")]
    assert merged.coverage == [("other", 1, 0, 3, {"prints nothing": 2})]
