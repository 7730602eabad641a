"""Validation of JSON that was read from disk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from types import NoneType
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from extexify.core.errors import in_one_line

LARGEST = 2**63
"""Bound of whole numbers: they fit int64."""

T = TypeVar("T")


class SchemaError(ValueError):
    """A value doesn't fit its schema; the message is one line that names the place."""

    def __init__(self, message: str, place: str = "") -> None:
        place = place.removeprefix("$").removeprefix(".")
        super().__init__(in_one_line(f"{message} at {place}" if place else message))


def validate(data: object, kind: type[T]) -> T:
    """Convert decoded JSON to `kind`: a dataclass, a msgspec Struct, or a type made of builtins, such as
    dict[str, float].

    Types are strict (neither `true` nor `1.0` is an int; `1` is a float), unknown keys are ignored, and
    `Annotated[int, msgspec.Meta(ge=1)]` bounds a value. On top of what msgspec checks, text must be printable, floats
    finite, whole numbers within int64, and a datetime must have a time zone and a year from 1970 to 9998. A value
    declared `Any`, or an object of those, is not checked. Raises SchemaError, also for a ValueError of
    `__post_init__`.
    """
    try:
        value = msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).replace("`", "").partition(" - at ")
        raise SchemaError(message, place) from None
    _check(value, _type_info(kind), "")  # type: ignore[arg-type]
    return value


@lru_cache
def _type_info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


_Array = inspect.ListType | inspect.VarTupleType | inspect.TupleType | inspect.SetType | inspect.FrozenSetType
_Object = inspect.DataclassType | inspect.StructType


def _check(value: Any, kind: inspect.Type, place: str) -> None:
    """Check what msgspec doesn't, in an already converted value of type `kind`."""
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        # msgspec allows one array type and one object type in a union.
        nested = _Array if isinstance(value, list | tuple | set | frozenset) else _Object | inspect.DictType
        kind = next((option for option in kind.types if isinstance(option, nested)), kind)
    if value is None or isinstance(kind, inspect.AnyType):
        return
    if isinstance(value, str):
        if not value.isprintable():
            raise SchemaError("Expected printable text", place)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise SchemaError("Expected a finite number", place)
    elif isinstance(value, int):
        if not -LARGEST <= value < LARGEST:
            raise SchemaError("Expected a whole number within int64", place)
    elif isinstance(value, datetime):
        if value.tzinfo is None or not 1970 <= value.year < 9999:
            raise SchemaError("Expected a time with a time zone and a year from 1970 to 9998", place)
    elif isinstance(kind, _Object):
        for field in kind.fields:
            _check(getattr(value, field.name), field.type, f"{place}.{field.encode_name}")
    elif isinstance(kind, inspect.DictType) and not isinstance(kind.value_type, inspect.AnyType):
        for key, entry in value.items():
            _check(key, kind.key_type, f"a key of {place.removeprefix('.')}" if place else "a key")
            _check(entry, kind.value_type, f"{place}.{key}")
    elif isinstance(kind, _Array):
        types = kind.item_types if isinstance(kind, inspect.TupleType) else repeat(kind.item_type)
        for number, (entry, item) in enumerate(zip(value, types)):  # noqa: B905 (repeat has no end)
            _check(entry, item, f"{place}[{number}]")


# The former check, until its last user is gone.


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
