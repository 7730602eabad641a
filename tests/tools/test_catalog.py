"""The catalogue's data against the tables that it comes from."""

from __future__ import annotations

from extexify.catalog.symbols import load_catalog
from tools.catalog.unicode_check import ON_PURPOSE, differences, stored


def test_unicode_is_that_of_unicode_math_but_for_reasons() -> None:
    theirs = stored()
    assert len(theirs) > 550
    assert theirs.keys() <= load_catalog().keys()
    assert differences(theirs).keys() == ON_PURPOSE.keys()
    assert all(ON_PURPOSE.values())


def test_a_wrong_character_is_found() -> None:
    found = differences({"latex2e-OT1-_alpha": "β", "latex2e-OT1-_beta": "β"})
    assert found == {"latex2e-OT1-_alpha": "latex2e-OT1-_alpha is U+03B1, in unicode-math U+03B2"}
