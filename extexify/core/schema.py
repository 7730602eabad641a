"""Validation of JSON that was read from disk."""

from __future__ import annotations

import math
from datetime import datetime
from functools import lru_cache
from itertools import repeat
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
