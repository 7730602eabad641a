"""Permissions in a public demo (setting EXTEXIFY_DEMO): visitors use Draw, Symbols and Draw what is asked, operators
everything.

Functions that change the workspace, start jobs, or read paths, databases and logs are marked `operators_only`. The
functions that write files (`extexify.workspace.files`) check, too, so that a function without the mark can't write.

Command line and jobs run with all permissions. Importing `extexify.ui` makes a process the dashboard's: it sets the
function that decides whether the current visit is signed in (`set_operator_check`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from extexify.core import settings
from extexify.core.errors import UserError

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_operator_check: Callable[[], bool] | None = None
_demo_is_fixed = False


class NotPermitted(UserError, PermissionError):
    """The action is reserved for operators of the demo."""


def set_operator_check(is_signed_in: Callable[[], bool]) -> None:
    """In a demo, `is_signed_in()` decides from now on whether the visit of the calling thread is an operator's."""
    global _operator_check
    _operator_check = is_signed_in


def is_demo() -> bool:
    """Whether this is a public demo. Settings that can't be read count as a demo: an error opens nothing."""
    try:
        return _demo_is_fixed or settings.is_on(settings.DEMO)
    except settings.SettingError:
        return True


def fix_demo_mode() -> None:
    """Make this process a demo until it ends, even if the setting changes."""
    global _demo_is_fixed
    _demo_is_fixed = True


def is_operator() -> bool:
    """Whether the calling thread may do everything."""
    return _operator_check is None or not is_demo() or _operator_check()


def check() -> None:
    """Raise `NotPermitted` unless `is_operator()`."""
    if not is_operator():
        raise NotPermitted("this is a public demo, where only its operators may do this: sign in first")


def operators_only(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Decorator: call `check` before the function."""

    @wraps(function)
    def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        check()
        return function(*args, **kwargs)

    return checked
