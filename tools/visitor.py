"""A client of the dashboard without a browser: Streamlit's messages over a websocket.

`Visitor` does what the browser does: it opens a page, stores its elements, sends the canvas's value after every stroke,
clicks buttons, and reruns the fragments with an interval (the sidebar polls for jobs). With `page=None` it opens
nothing and sends only the requests that it is given, also ones that no page would send.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from streamlit.components.v2.bidi_component.constants import EVENT_DELIM
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest, BackMsg, DeferredFileRequestPayload
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from extexify.drawing.strokes import Drawing
from extexify.ui.draw.fabric import canvas_from_drawing

_T = TypeVar("_T")


def run_apart(visit: Coroutine[Any, Any, _T]) -> _T:
    """Run a visit in a thread of its own, because the caller's may run a browser's event loop; returns its result."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, visit).result()


PATIENCE = 60.0
"""Seconds that a visitor waits for anything."""

_ESCAPED = re.compile(r"\\([^\w\s])")
"""A character that Markdown escapes."""

_CACHED = 32
"""Large deltas in the cache."""

_INK, _PEN = "#606ce0", 6.0


class NoAnswer(RuntimeError):
    """The server did not answer in time, or closed the connection."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An element on the page, the fragment that it belongs to ("": none), and the run that it came with."""

    delta: Delta
    fragment: str
    run: int


@dataclass
class Visitor:
    """A browser session, used as `async with Visitor(address, page)`.

    page: its address below the server's, "" for Draw, None to open none. session: the id of a session to take up again,
    or "" for a new one; afterwards the id that the server gave. client: its address, as a proxy would report it; "" for
    the connection's own. received: bytes from the server. pages: hashes of all pages by their addresses. listed: the
    addresses in the navigation. deltas: those of the last run. on_data: is called with every message from the server.
    """

    address: str
    page: str | None = ""
    patience: float = PATIENCE
    session: str = ""
    cookie: str = ""
    client: str = ""
    received: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    deltas: list[Delta] = field(default_factory=list)
    on_data: Callable[[bytes], object] | None = None

    _shown: dict[tuple[int, ...], Shown] = field(default_factory=dict)
    _downloads: dict[str, str] = field(default_factory=dict)
    """Addresses of files that were made for the visitor, by the ids of the requests."""
    _states: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _choices: dict[str, list[str]] = field(default_factory=dict)
    _runs: int = 0
    _is_running: bool = False
    _fragments: frozenset[str] = frozenset()
    _answers: int = 0
    _heartbeats: int = 0
    _page_hash: str = ""
    _cache: OrderedDict[str, Delta] = field(default_factory=OrderedDict)
    """Large deltas by their hash, the newest last: the server sends only the hash of these again."""
    _repeats: dict[str, tuple[float, asyncio.Task[None]]] = field(default_factory=dict)
    """For each fragment with an interval, the seconds and the task that reruns it."""

    async def __aenter__(self) -> Self:
        self._news = asyncio.Condition()
        self._socket: ClientConnection = await connect(
            f"ws{self.address.removeprefix('http')}/_stcore/stream",
            subprotocols=["streamlit", *(("x", self.session) if self.session else ())],  # type: ignore[list-item]
            additional_headers={
                name: value for name, value in (("Cookie", self.cookie), ("X-Forwarded-For", self.client)) if value
            },
            max_size=None,
            compression=None,
            open_timeout=PATIENCE,
        )
        self._reading = asyncio.create_task(self._read())
        if self.page is not None:
            await self._rerun(page_name=self.page)
            await self.until(lambda: self._runs > 0, "the page")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [self._reading, *(task for _, task in self._repeats.values())]
        for task in tasks:
            task.cancel()
        with suppress(ConnectionClosed):
            await self._socket.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- elements on the page ------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The text on the page, a line an element."""
        return "\n".join(filter(None, (_words(shown.delta) for shown in self._shown.values())))

    @property
    def failed(self) -> bool:
        """Whether the page shows an exception."""
        return any(shown.delta.new_element.HasField("exception") for shown in self._shown.values())

    def component(self, key: str) -> Any:
        """The data of the component with a key. Raises LookupError when it isn't there."""
        return json.loads(self._component(key).delta.new_element.bidi_component.json)

    def element_id(self, key: str) -> str:
        """The widget id of the component with a key. Raises LookupError when it isn't there."""
        return self._component(key).delta.new_element.bidi_component.id

    def offers(self, label: str) -> bool:
        """Whether there is an enabled button with this label."""
        buttons = (shown.delta.new_element.button for shown in self._shown.values())
        return any(button.label == label and not button.disabled for button in buttons)

    def _component(self, key: str) -> Shown:
        for shown in reversed(self._shown.values()):
            if shown.delta.new_element.bidi_component.id.endswith(f"-{key}"):
                return shown
        raise LookupError(f"there is no component {key} on the page")

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open."""
        return not self._reading.done()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds, testing it at every message. Raises `NoAnswer` after `patience` seconds."""
        try:
            async with asyncio.timeout(self.patience), self._news:
                while not condition():
                    if self._reading.done():
                        raise NoAnswer(f"the server has gone, before {what}") from self._reading.exception()
                    await self._news.wait()
        except TimeoutError:
            raise NoAnswer(f"no {what} within {self.patience:g} s") from None

    async def wait_until_idle(self) -> None:
        """Wait until the current run has ended."""
        await self.until(lambda: not self._is_running, "end of a run")

    # --- requests of any kind -----------------------------------------------------------------

    async def request(self, page: str = "", states: Iterable[WidgetState] = (), query: str = "", **more: Any) -> str:
        """Have the server run a page with these widget states; returns all deltas of the run as text.

        `more` are further fields of the `ClientState`.
        """
        runs = self._runs
        await self.send(page, states, query, **more)
        await self.until(lambda: self._runs > runs and not self._is_running, "end of a run")
        return "\n".join(map(str, self.deltas))

    async def send(self, page: str = "", states: Iterable[WidgetState] = (), query: str = "", **more: Any) -> None:
        """The same without waiting, for requests that the server ignores."""
        request = ClientState(page_name=page, query_string=query, **more)
        request.widget_states.widgets.extend(states)
        await self.send_message(BackMsg(rerun_script=request))

    async def send_message(self, message: BackMsg) -> None:
        """Send a message of any kind."""
        await self._socket.send(message.SerializeToString())

    async def heartbeat(self) -> None:
        """Send a heartbeat and wait for the answer: the server has then received all that was sent before."""
        acknowledged = self._heartbeats
        await self.send_message(BackMsg(app_heartbeat=True))
        await self.until(lambda: self._heartbeats > acknowledged, "answer to a heartbeat")

    async def download_address(self, label: str) -> str:
        """The address of the file that the download button with this label of the last run makes."""
        buttons = (delta.new_element.download_button for delta in self.deltas)
        identifier = next(button.deferred_file_id for button in buttons if button.label == label)
        payload = DeferredFileRequestPayload(file_id=identifier)
        request = BackendOperationRequest(request_id=identifier, session_id=self.session, deferred_file=payload)
        await self.send_message(BackMsg(backend_operation_request=request))
        await self.until(lambda: identifier in self._downloads, "file")
        return self._downloads[identifier]

    # --- the actions of a visitor -------------------------------------------------------------

    async def draw(self, drawing: Drawing) -> float:
        """Put strokes (canvas pixels) on the canvas; returns the seconds until the list of answers has come."""
        began = time.perf_counter()
        await self._send_canvas(drawing)
        seconds = time.perf_counter() - began
        if self.component("predictions")["strokes"] != len(drawing):
            raise NoAnswer("the answer is one to another drawing")
        return seconds

    async def clear(self) -> None:
        """Click Clear, and wait until the list is empty."""
        await self.trigger("canvas_buttons", "clear", True)
        await self.until(lambda: self.component("predictions")["strokes"] == 0, "empty list")
        await self._send_canvas([])

    async def _send_canvas(self, drawing: Drawing) -> None:
        """Send what is on the canvas, and wait for the answer."""
        canvas, answers = self._component("canvas"), self._answers
        raw = canvas_from_drawing(drawing, color=_INK, stroke_width=_PEN)
        state = json.dumps({"drawing": {"raw": raw, "data": None}}, separators=(",", ":"))
        self._states[canvas.delta.new_element.bidi_component.id] = state
        await self._rerun(fragment_id=canvas.fragment)
        await self.until(lambda: self._answers > answers, "answer")

    async def fill(self, label: str, text: str) -> None:
        """Enter a text into the field with this label."""
        for shown in self._shown.values():
            field_ = shown.delta.new_element.text_input
            if field_.id and field_.label == label:
                self._texts[field_.id] = text
                await self._rerun(fragment_id=shown.fragment)
                return
        raise LookupError(f"there is no field {label} on the page")

    async def choose(self, label: str, option: str) -> None:
        """Choose one option of the buttons with this label, and no other."""
        for shown in self._shown.values():
            group = shown.delta.new_element.button_group
            if group.id and group.label == label:
                chosen = next(choice for choice in group.options if choice.content == option)
                self._choices[group.id] = [f"{chosen.content_icon} {chosen.content}".strip()]
                await self._rerun(fragment_id=shown.fragment)
                return
        raise LookupError(f"there are no buttons {label} on the page")

    async def click(self, label: str) -> None:
        """Click the button with this label."""
        for shown in self._shown.values():
            button = shown.delta.new_element.button
            if button.label == label and not button.disabled:
                await self._rerun(WidgetState(id=button.id, trigger_value=True), fragment_id=shown.fragment)
                return
        raise LookupError(f"there is no button {label} on the page")

    async def trigger(self, key: str, event: str, value: object) -> None:
        """Send an event of the component with a key, as its script does with `setTriggerValue`."""
        shown = self._component(key)
        identifier = f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{shown.delta.new_element.bidi_component.id}{EVENT_DELIM}events"
        happened = WidgetState(id=identifier, json_trigger_value=json.dumps([{"event": event, "value": value}]))
        await self._rerun(happened, fragment_id=shown.fragment)

    # --- messages -----------------------------------------------------------------------------

    async def _rerun(self, *triggers: WidgetState, **how: Any) -> None:
        """Request a run of the page, or of one fragment, with the states of all widgets."""
        request = ClientState(page_script_hash=self._page_hash, cached_message_hashes=list(self._cache), **how)
        request.widget_states.widgets.extend(
            [
                *triggers,
                *(WidgetState(id=name, json_value=value) for name, value in self._states.items()),
                *(WidgetState(id=name, string_value=value) for name, value in self._texts.items()),
                *(
                    WidgetState(id=name, string_array_value=StringArray(data=value))
                    for name, value in self._choices.items()
                ),
            ]
        )
        with suppress(ConnectionClosed):  # `until` raises NoAnswer
            await self._socket.send(BackMsg(rerun_script=request).SerializeToString())

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                assert isinstance(data, bytes)
                self.received += len(data)
                if self.on_data is not None:
                    self.on_data(data)
                async with self._news:
                    self._take(ForwardMsg.FromString(data))
                    self._news.notify_all()
        finally:
            async with self._news:
                self._news.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            self._show(tuple(message.metadata.delta_path), self._cache[message.ref_hash], message.ref_hash)
        elif kind == "delta":
            name = message.hash if message.metadata.cacheable else ""
            self._show(tuple(message.metadata.delta_path), message.delta, name)
        elif kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
            self._is_running, self.deltas = True, []
            self._fragments = frozenset(message.metadata.run.fragment_ids)
            if not self._fragments:
                self._shown.clear()
        elif kind == "heartbeat_ack":
            self._heartbeats += 1
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.listed = {page.url_pathname for page in message.navigation.app_pages if not page.is_hidden}
        elif kind == "backend_operation_response":
            answer = message.backend_operation_response
            self._downloads[answer.request_id] = answer.deferred_file.url
        elif kind == "auto_rerun" and self.page is not None:
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_repeating(fragment)
        elif kind == "script_finished":
            self._shown = {path: shown for path, shown in self._shown.items() if not self._is_gone(shown)}
            self._runs += 1
            # After an early end the next run follows.
            self._is_running = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _show(self, path: tuple[int, ...], delta: Delta, name: str) -> None:
        """Put a delta in its place, and into the cache under its hash, if it has one."""
        self.deltas.append(delta)
        if name:
            self._cache[name] = delta
            self._cache.move_to_end(name)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        if delta.WhichOneof("type") == "new_element":
            # The newest last: a component that has moved stands in its old place, too, until the run ends.
            self._shown.pop(path, None)
            self._shown[path] = Shown(delta, delta.fragment_id, self._runs)
            self._answers += delta.new_element.bidi_component.id.endswith("-predictions")

    def _is_gone(self, shown: Shown) -> bool:
        """Whether the run that ends now left out an element that an earlier run of the same fragment showed."""
        return shown.fragment in self._fragments and shown.run < self._runs

    def _repeat(self, fragment: str, interval: float) -> None:
        async def again() -> None:
            while True:
                await asyncio.sleep(interval)
                await self._rerun(fragment_id=fragment, is_auto_rerun=True)

        if fragment not in self._repeats or self._repeats[fragment][0] != interval:
            self._stop_repeating(fragment)
            self._repeats[fragment] = interval, asyncio.create_task(again())

    def _stop_repeating(self, fragment: str) -> None:
        if fragment in self._repeats:
            self._repeats.pop(fragment)[1].cancel()


def _words(delta: Delta) -> str:
    """An element's text."""
    element = delta.new_element
    kind = element.WhichOneof("type")
    if kind == "bidi_component":
        return str(element.bidi_component.json)
    shown = getattr(element, kind) if kind else None
    texts = (str(value) for name in ("body", "label", "text", "code_text") if (value := getattr(shown, name, "")))
    return _ESCAPED.sub(r"\1", next(texts, ""))
