"""A field for a file that is taken at once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile


def file_receiver(label: str, receive: Callable[[UploadedFile], None], *, key: str, help: str) -> None:
    """Show a field for a file, which is empty again after `receive` was called with one."""
    counter = f"{key}-turn"
    turn = st.session_state.setdefault(counter, 0)

    def received() -> None:
        file = st.session_state.get(f"{key}-{turn}")
        if file is not None:
            st.session_state[counter] = turn + 1  # a new field: the same one would give the file again
            receive(file)

    st.file_uploader(label, key=f"{key}-{turn}", on_change=received, help=help)
