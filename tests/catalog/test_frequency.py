"""How often people ask for a symbol."""

from __future__ import annotations

import pytest

from extexify.catalog.frequency import count_of, estimated_count
from extexify.catalog.symbols import detexify_keys, load_catalog


def test_the_counts_are_of_symbols_that_detexify_has() -> None:
    counts = {key: count_of(key) for key in detexify_keys()}
    assert len([count for count in counts.values() if count]) == 1097
    assert counts["latex2e-OT1-_int"] == 3937
    assert count_of("MnSymbol-OT1-_Diamond") is None
    assert count_of("nonsense") is None


@pytest.mark.parametrize("key", ["latex2e-OT1-_alpha", "tipa-OT1-_textbarb"])
def test_a_count_that_is_known_is_the_estimate(key: str) -> None:
    assert estimated_count(key) == count_of(key)


def test_unknown_counts_are_what_the_package_suggests_and_never_0() -> None:
    common, rare = estimated_count("latex2e-OT1-_mathsf{A}"), estimated_count("tipa-OT1-_textctturnt")
    assert 10 <= rare < common < 289  # the mean of plain LaTeX's math symbols
    assert min(map(estimated_count, load_catalog())) >= 4
    assert estimated_count("a-key-of-nowhere") > 0


def test_an_own_symbol_is_wanted_like_those_of_plain_latex() -> None:
    assert estimated_count("own-OT1-_mysymbol") == 300
