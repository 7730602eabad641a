r"""The catalogue's Unicode against unicode-math's: ``python -m tools.catalog.unicode_check``.

``unicode_math.json`` keeps what unicode-math prints for each of Detexify's keys, so that a test can compare without
TeX.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from extexify.catalog.symbols import load_catalog
from tools.catalog.files import TOOLS, named_keys, write_lines
from tools.catalog.unicode_tables import in_unicode_math

UNICODE_MATH = TOOLS / "unicode_math.json"

ON_PURPOSE = {
    "latex2e-OT1-_setminus": "U+29F5, by its name a reverse solidus operator, is in few fonts; Unicode names U+2216 "
    "set minus, and hyperref and people type it",
    "latex2e-OT1-_bigcirc": "U+25EF is Unicode's large circle; unicode-math takes the medium one for its fonts' sake",
    "mathtools-OT1-_coloneq": "the key means mathtools' earlier sign, a colon and a minus, which Unicode doesn't have",
    "mathtools-OT1-_eqcolon": "the key means mathtools' earlier sign, a minus and a colon",
    "upgreek-OT1-_upvarrho": "upgreek prints Euler's only rho for it",
    "upgreek-OT1-_upvarsigma": "upgreek prints Euler's only sigma for it",
}
"""By key: why the catalogue has another character than unicode-math."""


def check_unicode() -> None:
    """Write `unicode_math.json`. SystemExit names the symbols with another character and no reason for it."""
    catalogue = load_catalog()
    found = {key: in_unicode_math(catalogue[key]) for key in sorted(named_keys())}
    theirs = {key: character for key, character in found.items() if character}
    write_lines(UNICODE_MATH, theirs)
    different = differences(theirs)
    if unexplained := different.keys() - ON_PURPOSE.keys():
        raise SystemExit("Other than unicode-math: " + "; ".join(different[key] for key in sorted(unexplained)))
    print(f"{len(theirs)} symbols compared with unicode-math, {len(different)} differ on purpose")


def stored() -> dict[str, str]:
    """The characters of `unicode_math.json` by key."""
    theirs: dict[str, str] = json.loads(UNICODE_MATH.read_text(encoding="utf-8"))
    return theirs


def differences(theirs: Mapping[str, str]) -> dict[str, str]:
    """A line for each symbol whose character isn't that of unicode-math, by key; variation selectors don't count."""
    catalogue = load_catalog()
    ours = {key: (catalogue[key].unicode or "").rstrip("\ufe00") for key in theirs}
    return {
        key: f"{key} is {_code_points(ours[key]) or 'nothing'}, in unicode-math {_code_points(character)}"
        for key, character in theirs.items()
        if ours[key] != character
    }


def _code_points(characters: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in characters)


if __name__ == "__main__":
    check_unicode()
