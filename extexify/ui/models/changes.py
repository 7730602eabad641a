"""Changes on the Models page: a confirmation before, and a notice after the rerun that follows."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from extexify.core.errors import UserError
from extexify.ui.common.text import escaped, sentence

_NOTICE = "models-notice"


def confirmed() -> bool:
    """Show the buttons of a dialog that confirms a deletion; True when the deletion is confirmed."""
    with st.container(horizontal=True):
        delete = st.button("Delete", type="primary", icon=":material/delete:", key="confirm-delete")
        if st.button("Keep it", key="confirm-keep"):
            st.rerun()
    return delete


def apply_change(change: Callable[[], object], done: str) -> None:
    """Call `change`; the next run shows `done`, or the message of the `UserError` that it raised."""
    try:
        change()
    except UserError as error:
        set_notice(str(error), failed=True)
    else:
        set_notice(done)


def set_notice(text: str, *, failed: bool = False) -> None:
    """Set the text that the next run of the page shows once."""
    st.session_state[_NOTICE] = (text, failed)


def show_notice() -> None:
    """Show the text that the last change has set, if there is one."""
    text, failed = st.session_state.pop(_NOTICE, ("", False))
    if text and failed:
        st.error(sentence(text), icon=":material/error:")
    elif text:
        st.toast(escaped(text), icon=":material/check_circle:")
