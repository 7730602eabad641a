"""Validation of the names of runs and models, which become names of files and folders."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

from extexify.core.errors import UserError

MAX_NAME = 80
"""Maximum length of a name; file systems allow 255, and names of temporary files are longer than the name."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class InvalidName(UserError, ValueError):
    """A name that is too long or has invalid characters; the message says which names are valid."""


def checked_name(name: str, what: str) -> str:
    """The name, unchanged. `what` it names, such as "run", is for the message. Raises `InvalidName`."""
    if len(name) > MAX_NAME:
        raise InvalidName(f"the name of a {what} has at most {MAX_NAME} characters, this one has {len(name):,}")
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{name!r} can't be the name of a {what}: letters from a to z, digits, dots, dashes and underscores can, "
            "and it begins with a letter or digit"
        )
    return name


def usable_name(text: str, otherwise: str) -> str:
    """A valid name made from any text, such as the name of an uploaded file; `otherwise` if nothing is left of it."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")[:MAX_NAME].rstrip("._-")
    return name or otherwise


def free_name(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """`wanted`, or the first of `wanted-2`, `wanted-3`, … that is not taken."""
    if not is_taken(wanted):
        return wanted
    stem = wanted[: MAX_NAME - 8]
    return next(name for number in count(2) if not is_taken(name := f"{stem}-{number}"))
