"""The form of JSON that another program, an older one, a broken disk or somebody else may have written.

What has been checked here once needs no doubt where it is read: pages format it as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Any

LARGEST = 2**63
"""No number that is kept is beyond this; more digits than people can read are damage."""


@dataclass(frozen=True, slots=True)
class Maybe:
    """A form that may be missing or null."""

    form: Any


@dataclass(frozen=True, slots=True)
class Named:
    """An object of any names, each with a value of this form."""

    form: Any


def check_form(value: object, form: Any, where: str = "it") -> None:
    """Raise ValueError, naming the place, unless a JSON value has a form.

    A form is `int`, `float` (any finite number), `bool`, `str` (printable text), a list of one form, which means any
    number of them, a tuple of types, of which any will do, a dict of forms (other names are nobody's business),
    `Maybe`, `Named`, or `object` for anything.
    """
    if isinstance(form, Maybe):
        if value is not None:
            check_form(value, form.form, where)
    elif isinstance(form, Named):
        _check_object(value, where)
        for name, entry in value.items():  # type: ignore[attr-defined]
            check_form(name, str, f"a name in {where}")
            check_form(entry, form.form, f"{where}.{name}")
    elif isinstance(form, dict):
        _check_object(value, where)
        for name, wanted in form.items():
            if name not in value and not isinstance(wanted, Maybe):  # type: ignore[operator]
                raise ValueError(f"{where} has no {name}")
            check_form(value.get(name), wanted, name if where == "it" else f"{where}.{name}")  # type: ignore[attr-defined]
    elif isinstance(form, list):
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} is no list")
        for number, entry in enumerate(value, 1):
            check_form(entry, form[0], f"entry {number} of {where}")
    elif isinstance(form, tuple):
        if not any(_is_a(value, kind) for kind in form):
            raise ValueError(f"{where} is no {' or '.join(_NAMES[kind] for kind in form)}")
    elif not _is_a(value, form):
        raise ValueError(f"{where} is no {_NAMES[form]}")


def moment(text: object) -> datetime:
    """The time that ISO 8601 text with a time zone names. Raises ValueError for any other text, and for years in which
    nobody can have been here."""
    if not isinstance(text, str):
        raise ValueError("its time is no text")
    when = datetime.fromisoformat(text)
    if when.tzinfo is None or not 1970 <= when.year < 9999:
        raise ValueError(f"its time {text} has no time zone, or an odd year")
    return when


def _check_object(value: object, where: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object")


def _is_a(value: object, form: type) -> bool:
    if form is str:
        return isinstance(value, str) and value.isprintable()
    if form is int or (form is float and isinstance(value, int)):
        # bool is an int in Python, but no number is true.
        return isinstance(value, int) and not isinstance(value, bool) and -LARGEST <= value < LARGEST
    if form is float:
        return isinstance(value, float) and math.isfinite(value)
    return isinstance(value, form)


_NAMES = {str: "printable text", int: "whole number", float: "number", bool: "yes or no", NoneType: "null"}
