"""Errors on pages: a `UserError` by its message, a fault of Extexify in one sentence with a traceback in the log."""

from __future__ import annotations

import logging

import streamlit as st

from extexify.access.permissions import NotPermitted
from extexify.core.errors import UserError
from extexify.ui.common.text import sentence

FAULT = (
    "This is a fault of Extexify, not yours. The log of the server, in the terminal or container that runs the "
    "dashboard, says what happened."
)

_log = logging.getLogger(__name__)


def explain(error: Exception) -> bool:
    """Show an exception that a page didn't handle. Streamlit has logged it with its traceback.

    Passed to `st.App(on_script_error=…)`; True keeps Streamlit from showing the traceback on the page.
    """
    if isinstance(error, NotPermitted):
        st.error("Only this demo’s operators may do this. Sign in first.", icon=":material/lock:")
    elif isinstance(error, UserError):
        st.error(sentence(str(error)), icon=":material/error:")
    else:
        st.error(FAULT, icon=":material/bug_report:")
    return True


def show_fault(error: BaseException, doing: str) -> None:
    """Log an exception that was caught where something was done (`doing`), and say on the page that it is a fault."""
    _log.error("Unexpected error while %s", doing, exc_info=error)
    st.error(FAULT, icon=":material/bug_report:")
