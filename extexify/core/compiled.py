"""Numba's `njit` for machines on which compiled code can't be kept.

Numba keeps it beside the source, or else in the user's cache folder, or where NUMBA_CACHE_DIR says, and refuses to
compile where none of these can be written: code that is read-only, and a user without a home. There every process
compiles anew. It is not kept in the workspace: Numba reads it as pickles, and a workspace may come from anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numba

_Decorator = Callable[[Callable[..., Any]], Any]


def njit(**options: Any) -> _Decorator:
    """`numba.njit` with these options. With `cache=True` the compiled code is kept, if there is a place for it."""

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(**options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
        _warn()
        return numba.njit(**{**options, "cache": False})(function)

    return compiled


@cache
def _warn() -> None:
    """Say once that code is compiled anew."""
    print(
        "extexify: there is no place to keep compiled code, so every start compiles it anew, which takes some seconds: "
        "let NUMBA_CACHE_DIR name a folder that can be written",
        file=sys.stderr,
        flush=True,
    )
