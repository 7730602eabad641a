"""Errors on pages: a `UserError` by its message, a fault of Extexify in one sentence with a traceback in the log.

Messages name paths, addresses and contents of files. Visitors of a public demo read only those in `_PUBLIC`; for any
other error `reason` refers them to the operators, who find it in the server's log.
"""

from __future__ import annotations

import logging

import streamlit as st

from extexify.access import permissions
from extexify.access.passwords import PasswordError
from extexify.access.permissions import NotPermitted
from extexify.access.sign_in import SignInRefused
from extexify.contributions.moderation import LimitReached
from extexify.core.errors import UserError, in_one_line
from extexify.drawing.link import BadLink
from extexify.drawing.strokes import BadDrawing
from extexify.ui.common.text import sentence

FAULT = (
    "This is a fault of Extexify, not yours. The log of the server, in the terminal or container that runs the "
    "dashboard, says what happened."
)

HIDDEN = "the operators of this demo can see why in the server’s log"

_PUBLIC = (BadDrawing, BadLink, LimitReached, NotPermitted, PasswordError, SignInRefused)
"""Errors about what a visitor sent; their messages hold nothing from files of the server."""

_log = logging.getLogger(__name__)


def reason(error: Exception, doing: str) -> str:
    """An error's message, without a full stop, for the visit that this thread runs for.

    `HIDDEN` for visitors of a demo unless the error is one of `_PUBLIC`; the log then says what failed (`doing`).
    """
    if isinstance(error, _PUBLIC) or permissions.is_operator():
        return in_one_line(str(error))
    _log.warning("Error while %s for a visitor: %s", doing, error)
    return HIDDEN


def show_error(error: Exception, doing: str = "running a page") -> None:
    """Show an error that the user can mend."""
    st.error(sentence(reason(error, doing)), icon=":material/error:")


def explain(error: Exception) -> bool:
    """Show an exception that a page didn't handle. Streamlit has logged it with its traceback.

    Passed to `st.App(on_script_error=…)`; True keeps Streamlit from showing the traceback on the page.
    """
    if isinstance(error, NotPermitted):
        st.error("Only this demo’s operators may do this. Sign in first.", icon=":material/lock:")
    elif isinstance(error, UserError):
        show_error(error)
    else:
        st.error(FAULT, icon=":material/bug_report:")
    return True


def show_fault(error: BaseException, doing: str) -> None:
    """Log an exception that was caught where something was done (`doing`), and say on the page that it is a fault."""
    _log.error("Unexpected error while %s", doing, exc_info=error)
    st.error(FAULT, icon=":material/bug_report:")
