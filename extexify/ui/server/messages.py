"""Streamlit's messages over the websocket in a demo: only those that pages send get in, no path of the server out.

Streamlit takes more from any browser. Some of it acts for all visits (`clear_cache`), names files beside the
dashboard's or holds up the server while Git looks for them (`load_git_info`: 75 ms each).
"""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from extexify.access import permissions

_NEEDED = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request"}

_NEEDED_OPERATIONS = {"deferred_file", "dataframe_chunk"}
"""Of `backend_operation_request`: files of download buttons, and parts of large tables."""


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
    try:
        message = BackMsg.FromString(data)
    except DecodeError:
        return True
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        return message.backend_operation_request.WhichOneof("payload") in _NEEDED_OPERATIONS
    return kind in _NEEDED
