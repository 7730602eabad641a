"""A visitor who speaks Streamlit's protocol by hand and sends what no page would, for tests of the public demo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

PATIENCE = 60.0  # seconds


class Intruder:
    """A session without a browser, from `with Intruder(address)` on."""

    def __init__(self, address: str, *, cookie: str = "", session: str = "") -> None:
        """`session` is the id of a session to take up again, of one's own or of somebody else."""
        subprotocols = ["streamlit", "x", session] if session else ["streamlit"]
        self._socket = connect(
            f"ws{address.removeprefix('http')}/_stcore/stream",
            subprotocols=subprotocols,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie} if cookie else None,
            max_size=None,
        )
        self.session = ""
        self.pages: dict[str, str] = {}
        """The hashes of the pages that the server has told of, by their addresses."""
        self.listed: set[str] = set()
        """The addresses that the navigation shows."""
        self.deltas: list[Delta] = []
        """What came with the last run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def run(
        self, page: str = "", *, values: Mapping[str, Any] | Iterable[WidgetState] = (), query: str = "", **more: Any
    ) -> str:
        """Have the server run a page (its address, or in `more` another choice); returns all that it sent as text.

        `values` are widgets' values: those of buttons by their ids, or whole states.
        """
        self.send(page, values=values, query=query, **more)
        return self._until_finished()

    def send(
        self, page: str = "", *, values: Mapping[str, Any] | Iterable[WidgetState] = (), query: str = "", **more: Any
    ) -> None:
        """The same without waiting: what the server takes for nonsense, it doesn't answer."""
        pressed = isinstance(values, Mapping)
        states = [WidgetState(id=name, trigger_value=True) for name in values] if pressed else values
        state = ClientState(page_name=page, query_string=query, **more)
        state.widget_states.widgets.extend(states)
        self._socket.send(BackMsg(rerun_script=state).SerializeToString())

    def buttons(self) -> dict[str, str]:
        """The ids of the buttons that the last run showed, by their labels."""
        return {
            delta.new_element.button.label: delta.new_element.button.id
            for delta in self.deltas
            if delta.new_element.HasField("button")
        }

    def field(self, label: str) -> str:
        """The id of a text field. Raises StopIteration when there is none."""
        found = (delta.new_element.text_input for delta in self.deltas if delta.new_element.HasField("text_input"))
        return next(one.id for one in found if one.label == label)

    def fragments(self) -> set[str]:
        """The ids of the fragments of the last run."""
        return {delta.fragment_id for delta in self.deltas if delta.fragment_id}

    def _until_finished(self) -> str:
        text: list[str] = []
        self.deltas = []
        while True:
            payload = self._socket.recv(timeout=PATIENCE)
            message = ForwardMsg()
            message.ParseFromString(payload if isinstance(payload, bytes) else payload.encode())
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id or self.session
                text, self.deltas = [], []  # of a run that gave way to this one
            elif kind == "navigation":
                self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                self.listed = {page.url_pathname for page in message.navigation.app_pages if not page.is_hidden}
            elif kind == "delta":
                self.deltas.append(message.delta)
                text.append(str(message.delta))
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return "\n".join(text)
