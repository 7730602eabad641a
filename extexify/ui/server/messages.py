"""Streamlit's messages over the websocket in a demo: only those that pages send get in, no path of the server out.

Streamlit takes more from any browser. Some of it acts for all visits (`clear_cache`), names files beside the
dashboard's or holds up the server while Git looks for them (`load_git_info`: 75 ms each). And within the 1 MB of
`server.maxWidgetStateSize` fit messages that take seconds to process: 480,000 names of files (1.4 s, and an answer of
80 MB), 110,000 widgets (up to 1.4 s), JSON of 330,000 lists (0.4 s).
"""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.runtime_util import get_max_widget_state_size_bytes

from extexify.access import permissions

_NEEDED = {"stop_script", "app_heartbeat"}
"""Besides those with limits (see `is_needed`)."""

_NEEDED_OPERATIONS = {"deferred_file", "dataframe_chunk"}
"""Of `backend_operation_request`: files of download buttons, and parts of large tables."""


MAX_STATES = 300
"""Maximum widgets in a message; the page with the most has some 50."""

MAX_NAMES = 1_000
"""Maximum names of uploads, and of large elements that the browser holds in its cache."""

MAX_TEXT = 1 << 16
"""Maximum bytes of a query string; the server takes no longer address over HTTP either."""

MAX_LISTS, MAX_FIELDS = 60_000, 50_000
"""Maximum opening brackets, and colons, of all JSON in a message. The canvas sends a list a point and 42 fields a
stroke, of which 45,000 and 1,300 fit into 1 MB."""


class DemoMessages:
    """Middleware: drop messages that no page sends, and leave the folder of the dashboard's script out of answers."""

    def __init__(self, app: ASGIApp, script: str) -> None:
        self._app = app
        self._script = Path(script)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or not permissions.is_demo():
            await self._app(scope, receive, send)
            return

        folder = str(self._script.parent).encode()

        async def receive_needed() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or is_needed(message.get("bytes") or b""):
                    return message

        async def send_without_path(message: Message) -> None:
            data = message.get("bytes") or b""
            if message["type"] == "websocket.send" and folder in data:
                message = {**message, "bytes": self._without_path(data)}
            await send(message)

        await self._app(scope, receive_needed, send_without_path)

    def _without_path(self, data: bytes) -> bytes:
        """A message without the path in it that Streamlit tells to every browser, which only hashes it."""
        message = ForwardMsg.FromString(data)
        if not message.HasField("new_session"):
            return data
        message.new_session.main_script_path = self._script.name
        return message.SerializeToString()


def is_needed(data: bytes) -> bool:
    """Whether a message is one that pages send, or none at all: then Streamlit closes the connection."""
    if len(data) > get_max_widget_state_size_bytes():
        return True  # another message that it closes the connection for
    try:
        message = BackMsg.FromString(data)
    except DecodeError:
        return True
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        return message.backend_operation_request.WhichOneof("payload") in _NEEDED_OPERATIONS
    if kind == "file_urls_request":
        return len(message.file_urls_request.file_names) <= MAX_NAMES
    if kind == "rerun_script":
        return _is_bounded(message.rerun_script)
    return kind in _NEEDED


def _is_bounded(request: ClientState) -> bool:
    """Whether a request for a run of a page is no larger than pages send."""
    widgets = request.widget_states.widgets
    if (
        len(widgets) > MAX_STATES
        or len(request.cached_message_hashes) > MAX_NAMES
        or len(request.query_string) > MAX_TEXT
    ):
        return False
    texts = [text for widget in widgets for text in (widget.json_value, widget.json_trigger_value)]
    return (
        sum(text.count("[") + text.count("{") for text in texts) <= MAX_LISTS
        and sum(text.count(":") for text in texts) <= MAX_FIELDS
    )
