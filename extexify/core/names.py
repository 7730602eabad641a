"""Names that users give to runs and models: they become names of files and folders."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

from extexify.core.errors import UserError

MAX_NAME = 80
"""Characters of a name; file systems allow 255, and temporary files put something around it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class InvalidName(UserError, ValueError):
    """A name that can't be one of a file; the message is one sentence that says what can."""


def checked_name(name: str, what: str) -> str:
    """The name of `what` (a run, a model), as it is. Raises `InvalidName` for one that could lead elsewhere."""
    if len(name) > MAX_NAME:
        raise InvalidName(f"the name of a {what} has at most {MAX_NAME} characters, this one has {len(name):,}")
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{name!r} can't be the name of a {what}: letters from a to z, digits, dots, dashes and underscores can, "
            "and it begins with a letter or digit"
        )
    return name


def usable_name(text: str, otherwise: str) -> str:
    """The name that is nearest to any text, such as that of an uploaded file; `otherwise` where nothing is left."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")[:MAX_NAME].rstrip("._-")
    return kept or otherwise


def free_name(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """`wanted`, or the first of `wanted-2`, `wanted-3`, … that is not taken."""
    if not is_taken(wanted):
        return wanted
    stem = wanted[: MAX_NAME - 8]
    return next(name for number in count(2) if not is_taken(name := f"{stem}-{number}"))
