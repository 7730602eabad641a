"""Who may do what in a public demo (setting EXTEXIFY_DEMO): visitors draw and look symbols up, operators do the rest.

Whatever acts on the workspace, starts work, or reads paths, databases and logs is marked `operators_only`, and the
functions that everything on disk is written with (`extexify.workspace.files`) check by themselves, so that a new
function that nobody marked can write nothing either.

Nothing is closed in a process that isn't the dashboard's: commands and jobs are the operator's own. A process becomes
the dashboard's with the import of `extexify.ui`, which names its judge of the visit that is asking (`judge_by`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from extexify.core import settings

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_judge: Callable[[], bool] | None = None
_stays_a_demo = False


class NotPermitted(PermissionError):
    """Only an operator of the demo may do this; the message is one sentence."""


def judge_by(judge: Callable[[], bool]) -> None:
    """In a demo, let `judge` say from now on whether who is asking (in this thread, at this moment) is signed in."""
    global _judge
    _judge = judge


def is_demo() -> bool:
    """Whether this is a public demo. Where the settings can't be understood, it is: nothing opens by a mistake."""
    try:
        return _stays_a_demo or settings.is_on(settings.DEMO)
    except settings.SettingError:
        return True


def stay_a_demo() -> None:
    """Keep this process a demo until it ends, whatever becomes of the file that says so."""
    global _stays_a_demo
    _stays_a_demo = True


def is_operator() -> bool:
    """Whether who is asking may do everything."""
    return _judge is None or not is_demo() or _judge()


def check() -> None:
    """Raise `NotPermitted` unless `is_operator`."""
    if not is_operator():
        raise NotPermitted("this is a public demo, where only its operators may do this: sign in first")


def operators_only(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Have `check` stand before a function, whoever calls it."""

    @wraps(function)
    def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        check()
        return function(*args, **kwargs)

    return checked
