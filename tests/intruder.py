"""A visitor who sends requests that no page would, for tests of the public demo: `tools.visitor` without `async`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tools.visitor import Visitor

_T = TypeVar("_T")

Values = Mapping[str, Any] | Iterable[WidgetState]
"""Widgets' values: buttons that are pressed by their ids, or whole states."""


class Intruder:
    """A session without a browser, from `with Intruder(address)` on."""

    def __init__(self, address: str, *, cookie: str = "", session: str = "", client: str = "") -> None:
        """`session` is the id of a session to take up again, of this visitor or of another one.

        `client` is the visitor's address, as a proxy would report it: the server trusts proxies on its own machine.
        """
        self.received: list[bytes] = []
        """All messages from the server, as they came."""
        self._visitor = Visitor(
            address, page=None, cookie=cookie, session=session, client=client, on_data=self.received.append
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(self._visitor.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._visitor.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def run(self, page: str = "", *, values: Values = (), query: str = "", **more: Any) -> str:
        """Have the server run a page; returns all deltas as text. `more` are further fields of the request."""
        return self._wait(self._visitor.request(page, _states(values), query, **more))

    def send(self, page: str = "", *, values: Values = (), query: str = "", **more: Any) -> None:
        """The same without waiting, for requests that the server ignores."""
        self._wait(self._visitor.send(page, _states(values), query, **more))

    def send_message(self, message: BackMsg) -> None:
        """Send a message of any kind."""
        self._wait(self._visitor.send_message(message))

    def heartbeat(self) -> None:
        """Wait until the server has received all that was sent."""
        self._wait(self._visitor.heartbeat())

    def download_address(self, label: str) -> str:
        """The address of the file that a download button of the last run makes."""
        return self._wait(self._visitor.download_address(label))

    @property
    def session(self) -> str:
        return self._visitor.session

    @property
    def pages(self) -> dict[str, str]:
        """The hashes of all pages by their addresses."""
        return self._visitor.pages

    @property
    def listed(self) -> set[str]:
        """The addresses in the navigation."""
        return self._visitor.listed

    @property
    def deltas(self) -> list[Delta]:
        """The deltas of the last run."""
        return self._visitor.deltas

    def buttons(self) -> dict[str, str]:
        """The ids of the buttons of the last run, by their labels."""
        buttons = (delta.new_element.button for delta in self.deltas if delta.new_element.HasField("button"))
        return {button.label: button.id for button in buttons}

    def field(self, label: str) -> str:
        """The id of a text field. Raises StopIteration when there is none."""
        fields = (delta.new_element.text_input for delta in self.deltas if delta.new_element.HasField("text_input"))
        return next(one.id for one in fields if one.label == label)

    def fragments(self) -> set[str]:
        """The ids of the fragments of the last run."""
        return {delta.fragment_id for delta in self.deltas if delta.fragment_id}


def _states(values: Values) -> Iterable[WidgetState]:
    if isinstance(values, Mapping):
        return [WidgetState(id=name, trigger_value=True) for name in values]
    return values
