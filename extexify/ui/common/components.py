"""Reads the style sheets, scripts and HTML of components, which lie beside their Python code.

Modules register their components as they are imported, once a process: a second registration makes browsers load the
code anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_PACKAGE = Path(__file__).parents[2]


_LAST = "last-message-of-"
"""Prefix of the session state with the number of the last message of a component that was handled in this session."""


def last_message(key: str) -> int:
    """The number of the last message of the component `key` that was handled; 0 before the first."""
    number: int = st.session_state.get(_LAST + key, 0)
    return number


def handle_messages(key: str, state: str, handle: Callable[[str, str], None]) -> None:
    """Call `handle` with the name and the content of each message that has arrived since the last call.

    The browser sends all messages that aren't confirmed by `last_message`, as [number, content] by name, in the
    component's state `state`: of two triggers, a busy server may receive only the second.
    """
    messages, last = st.session_state[key][state], last_message(key)
    for name, (number, content) in messages.items():
        if number > last:
            handle(name, content)
    st.session_state[_LAST + key] = max([last, *(number for number, _ in messages.values())])


def assets(*names: str) -> str:
    """The concatenated text of files, named by their paths below `extexify/`; shared files come first."""
    return "\n".join((_PACKAGE / name).read_text("utf-8") for name in names)
