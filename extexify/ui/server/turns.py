"""Middleware: the visits' runs of pages take turns.

All runs share one interpreter. Many at once are all slow, and switching between them costs time: with a hundred
visitors, turns cut the time within which 99 % of the answers come to a third (`make hostile`). A run that takes long,
because it waits for something, gives its turn up.
"""

from __future__ import annotations

import asyncio

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

RUNS = 2
"""Runs at a time: while the network of one computes, which needs no interpreter, another one goes on."""

LONGEST = 0.25
"""Seconds after which a run gives up its turn."""

_SMALL = 100
"""Bytes that the message at the end of a run doesn't have."""


class Turns:
    """The middleware: a request for a run reaches Streamlit when it is its turn, in the order in which they come."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(RUNS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        turn: asyncio.TimerHandle | None = None

        def end_turn() -> None:
            nonlocal turn
            if turn is not None:
                turn.cancel()
                turn = None
                self._turns.release()

        async def receive_in_turn() -> Message:
            nonlocal turn
            message = await receive()
            if message["type"] == "websocket.receive" and _asks_for_run(message.get("bytes") or b""):
                await self._turns.acquire()
                end_turn()  # of a run that this request interrupts
                turn = asyncio.get_running_loop().call_later(LONGEST, end_turn)
            return message

        async def send_and_end_turn(message: Message) -> None:
            if turn is not None and message["type"] == "websocket.send" and _ends_run(message.get("bytes") or b""):
                end_turn()
            await send(message)

        try:
            await self._app(scope, receive_in_turn, send_and_end_turn)
        finally:
            end_turn()


def _asks_for_run(data: bytes) -> bool:
    """Whether a message of the browser has the server run a page, or a part of one."""
    try:
        return BackMsg.FromString(data).WhichOneof("type") == "rerun_script"
    except DecodeError:  # Streamlit closes the connection
        return False


def _ends_run(data: bytes) -> bool:
    """Whether a message of the server says that a run has ended, and not for the sake of another one."""
    if len(data) > _SMALL:
        return False
    message = ForwardMsg.FromString(data)
    return message.HasField("script_finished") and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
