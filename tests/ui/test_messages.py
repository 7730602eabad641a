"""Which of a browser's messages reach Streamlit in a demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from extexify.ui.server import messages
from extexify.ui.server.messages import DemoMessages
from tests.demo import demo
from tools.visitor import run_apart

__all__ = ["demo"]  # a fixture of the tests below

SCRIPT = "/srv/extexify/app.py"


def operation(kind: str) -> BackMsg:
    message = BackMsg()
    getattr(message.backend_operation_request, kind).SetInParent()
    return message


def flag(kind: str) -> BackMsg:
    return BackMsg(**{kind: True})  # type: ignore[arg-type]


def page() -> BackMsg:
    message = BackMsg()
    message.rerun_script.page_name = "symbols"
    return message


def run(**request: Any) -> BackMsg:
    return BackMsg(rerun_script=ClientState(**request))


def states(*values: str) -> BackMsg:
    """A request with a widget for each value."""
    message = BackMsg()
    for number, value in enumerate(values):
        message.rerun_script.widget_states.widgets.add(id=str(number), json_value=value)
    return message


def names(count: int) -> BackMsg:
    message = BackMsg()
    message.file_urls_request.file_names.extend(["x"] * count)
    return message


LARGE = [
    run(query_string="x" * messages.MAX_TEXT),
    run(cached_message_hashes=["x"] * messages.MAX_NAMES),
    names(messages.MAX_NAMES),
    states(*["0"] * messages.MAX_STATES),
    states("[]" * (messages.MAX_LISTS // 2), "{}" * (messages.MAX_LISTS // 2)),
    states('"":0' * messages.MAX_FIELDS),
]

TOO_LARGE = [
    run(query_string="x" * (messages.MAX_TEXT + 1)),
    run(cached_message_hashes=["x"] * (messages.MAX_NAMES + 1)),
    names(messages.MAX_NAMES + 1),
    states(*["0"] * (messages.MAX_STATES + 1)),
    states("[]" * (messages.MAX_LISTS // 2), "{}" * (messages.MAX_LISTS // 2 + 1)),
    states('"":0' * (messages.MAX_FIELDS + 1)),
]

NEEDED = [page(), flag("stop_script"), flag("app_heartbeat"), operation("deferred_file")]

REFUSED = [
    *map(flag, ("clear_cache", "load_git_info", "set_run_on_save", "debug_shutdown_runtime")),
    *map(operation, ("install_skills", "dismiss_skills_nudge")),
    BackMsg(),
]


def passed(sent: list[Message], answers: list[bytes]) -> tuple[list[Message], list[bytes]]:
    """What arrives at Streamlit of the messages sent, and in the browser of the answers."""
    arrived: list[Message] = []
    received: list[bytes] = []
    waiting = iter(sent)

    async def receive() -> Message:
        return next(waiting, {"type": "websocket.disconnect"})

    async def send(message: Message) -> None:
        received.append(message["bytes"])

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            arrived.append(message)
        for data in answers:
            await send({"type": "websocket.send", "bytes": data})

    run_apart(DemoMessages(streamlit, SCRIPT)({"type": "websocket"}, receive, send))
    return arrived, received


def as_received(*messages: bytes) -> list[Message]:
    return [{"type": "websocket.receive", "bytes": data} for data in messages]


@pytest.mark.parametrize("message", NEEDED, ids=str)
def test_messages_that_pages_send_pass(message: BackMsg, demo: Path) -> None:
    sent = as_received(message.SerializeToString())
    assert passed(sent, [])[0] == sent


@pytest.mark.parametrize("message", REFUSED, ids=str)
def test_other_messages_are_dropped(message: BackMsg, demo: Path) -> None:
    sent = as_received(message.SerializeToString())
    assert passed([*sent, {"type": "websocket.receive", "text": "x"}], [])[0] == []


@pytest.mark.parametrize(("large", "larger"), zip(LARGE, TOO_LARGE, strict=True), ids=range(len(LARGE)))
def test_messages_larger_than_pages_send_are_dropped(large: BackMsg, larger: BackMsg, demo: Path) -> None:
    sent = as_received(large.SerializeToString())
    assert passed([*sent, *as_received(larger.SerializeToString())], [])[0] == sent


def test_what_is_no_message_is_refused_by_streamlit(demo: Path) -> None:
    sent = as_received(b"\xff\xff")
    assert passed(sent, [])[0] == sent


def test_the_scripts_folder_is_not_told(demo: Path) -> None:
    start, other = ForwardMsg(), ForwardMsg()
    start.new_session.main_script_path = SCRIPT
    start.new_session.name = "app"
    other.delta.new_element.text.body = "x"
    first, second = passed([], [start.SerializeToString(), other.SerializeToString()])[1]
    assert ForwardMsg.FromString(first).new_session.main_script_path == "app.py"
    assert ForwardMsg.FromString(first).new_session.name == "app"
    assert second == other.SerializeToString()


def test_without_a_demo_everything_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXTEXIFY_DEMO", raising=False)
    sent = as_received(*(message.SerializeToString() for message in REFUSED))
    assert passed(sent, [])[0] == sent
