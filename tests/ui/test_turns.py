"""The order in which the runs of visits begin."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from extexify.ui.server import turns
from extexify.ui.server.turns import RUNS, Turns
from tools.visitor import run_apart

RUN = BackMsg(rerun_script=ClientState(page_name="")).SerializeToString()
HEARTBEAT = BackMsg(app_heartbeat=True).SerializeToString()
FINISHED = ForwardMsg(hash="0" * 64, script_finished=ForwardMsg.FINISHED_SUCCESSFULLY).SerializeToString()
INTERRUPTED = ForwardMsg(hash="0" * 64, script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN).SerializeToString()


class Visits:
    """Websockets behind the middleware. taken: (visit, message) that have reached the application, in order."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, bytes]] = []
        self._middleware = Turns(self._application)
        self._sent: dict[int, asyncio.Queue[bytes | None]] = {}
        self._sending: dict[int, Send] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def open(self, *visits: int) -> None:
        for visit in visits:
            self._sent[visit] = asyncio.Queue()
            self._tasks[visit] = asyncio.create_task(self._serve(visit))

    async def send(self, visit: int, data: bytes = RUN) -> None:
        """Send a message of the browser, and let all that can happen then happen."""
        self._sent[visit].put_nowait(data)
        await settle()

    async def answer(self, visit: int, data: bytes = FINISHED) -> None:
        """Send a message of the server."""
        await self._sending[visit]({"type": "websocket.send", "bytes": data})
        await settle()

    async def close(self, *visits: int) -> None:
        for visit in visits:
            self._sent[visit].put_nowait(None)
            await self._tasks[visit]
        await settle()

    @property
    def running(self) -> list[int]:
        """The visits whose requests have reached the application, in order."""
        return [visit for visit, data in self.taken if data == RUN]

    async def _serve(self, visit: int) -> None:
        async def receive() -> Message:
            data = await self._sent[visit].get()
            if data is None:
                return {"type": "websocket.disconnect"}
            return {"type": "websocket.receive", "bytes": data}

        async def send(message: Message) -> None:
            pass

        await self._middleware({"type": "websocket", "visit": visit}, receive, send)

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._sending[scope["visit"]] = send
        while (message := await receive())["type"] == "websocket.receive":
            self.taken.append((scope["visit"], message["bytes"]))


async def settle() -> None:
    """Let all tasks go on until each waits for something from outside."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def no_turn_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 1e6)


def test_so_many_runs_go_on_at_a_time_and_the_next_begins_when_one_ends() -> None:
    async def check() -> None:
        visits = Visits()
        visits.open(*range(5))
        for visit in range(5):
            await visits.send(visit)
        assert visits.running == [0, 1]
        await visits.answer(1)
        assert visits.running == [0, 1, 2]
        await visits.answer(0, b"\0" * 5_000)  # some other message
        assert visits.running == [0, 1, 2]
        await visits.answer(0)
        await visits.answer(2)
        assert visits.running == [0, 1, 2, 3, 4]

    run_apart(check())


def test_a_visit_that_goes_leaves_its_turn_to_another() -> None:
    async def check() -> None:
        visits = Visits()
        visits.open(*range(RUNS + 1))
        for visit in range(RUNS + 1):
            await visits.send(visit)
        await visits.close(0)
        assert visits.running == [*range(RUNS + 1)]

    run_apart(check())


def test_a_run_that_takes_long_gives_its_turn_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.0)

    async def check() -> None:
        visits = Visits()
        visits.open(*range(4 * RUNS))
        for visit in range(4 * RUNS):
            await visits.send(visit)
        while len(visits.running) < 4 * RUNS:
            await asyncio.sleep(0.001)
        await visits.answer(0)  # its turn has ended already
        await visits.close(*range(4 * RUNS))
        visits.open(*range(RUNS + 1))
        monkeypatch.setattr(turns, "LONGEST", 1e6)
        for visit in range(RUNS + 1):
            await visits.send(visit)
        assert len(visits.running) == 5 * RUNS, "each turn was given up once"

    run_apart(check())


def test_a_run_that_is_interrupted_for_another_of_its_visit_keeps_the_turn() -> None:
    async def check() -> None:
        visits = Visits()
        visits.open(*range(RUNS + 1))
        for _ in range(3):
            await visits.send(0)
        await visits.answer(0, INTERRUPTED)
        assert visits.running == [0, 0, 0]
        for visit in range(1, RUNS + 1):
            await visits.send(visit)
        assert visits.running == [0, 0, 0, *range(1, RUNS)]

    run_apart(check())


def test_other_messages_wait_for_no_turn() -> None:
    async def check() -> None:
        visits = Visits()
        visits.open(*range(RUNS + 2))
        for visit in range(RUNS):
            await visits.send(visit)
        await visits.send(RUNS, HEARTBEAT)
        await visits.send(RUNS + 1, b"none")
        assert visits.taken[RUNS:] == [(RUNS, HEARTBEAT), (RUNS + 1, b"none")]

    run_apart(check())
