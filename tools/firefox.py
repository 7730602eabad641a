"""Firefox over WebDriver BiDi (w3c.github.io/webdriver-bidi): open a page, use mouse and keyboard, evaluate JavaScript.

Playwright drives only its own build of Firefox, which no package registry has.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tools.browser import FIREFOX, require_browser
from tools.dashboard import TIMEOUT, end

WINDOW = {"width": 1280, "height": 900}

# Elements in shadow roots, where the components' are, are found like others.
_FIND = """
const find = (selector, root = document) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const { shadowRoot } of root.querySelectorAll("*")) {
        const inner = shadowRoot && find(selector, shadowRoot);
        if (inner) return inner;
    }
    return null;
};
"""


class FirefoxError(RuntimeError):
    """Firefox didn't start, refused a command, or didn't answer in time."""


class Firefox:
    """A running Firefox with one window. `errors` are the messages of the exceptions that its pages didn't catch."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self.errors: list[str] = []
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=["log.entryAdded"])
        self._context = self._send("browsingContext.getTree")["contexts"][0]["context"]
        self._send("browsingContext.setViewport", context=self._context, viewport=WINDOW)

    def _send(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            try:
                message = json.loads(self._socket.recv(TIMEOUT))
            except TimeoutError:
                raise FirefoxError(f"no answer to {method} within {TIMEOUT:.0f} s") from None
            if message.get("method") == "log.entryAdded" and message["params"]["type"] == "javascript":
                self.errors.append(message["params"]["text"])
            if message.get("id") == number:
                break
        if message["type"] == "error":
            raise FirefoxError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def open(self, address: str) -> None:
        """Open an address and wait until the page is loaded."""
        self._send("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression as JSON has it; `find(selector)` in it is an element or null."""
        answer = self._send(
            "script.callFunction",
            functionDeclaration=f"async () => {{ {_FIND} return JSON.stringify(await ({expression})); }}",
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise FirefoxError(f"{expression}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"].get("value", "null"))

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        self.evaluate(
            f"(async () => {{ while (!({condition})) await new Promise(requestAnimationFrame); return true; }})()"
        )

    def box(self, selector: str) -> dict[str, float]:
        """The place of an element in the window, as x, y, width and height, once it is there; it is scrolled to."""
        found = f"find({json.dumps(selector)})"
        self.wait_for(f"{found}?.getClientRects().length")
        self.evaluate(f"{found}.scrollIntoView({{ block: 'nearest' }})")
        box: dict[str, float] = self.evaluate(f"{found}.getBoundingClientRect()")
        return box

    def click(self, selector: str) -> None:
        """Click the middle of an element, once it is there."""
        box = self.box(selector)
        self.drag([(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)])

    def drag(self, points: Sequence[tuple[float, float]]) -> None:
        """Press the mouse's button at the first point, go through the others, and release it."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in points]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def press(self, *keys: str) -> None:
        """Press keys, all of which are held while the next ones go down."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._act({"type": "key", "id": "keyboard", "actions": [*down, *up]})

    def _act(self, source: dict[str, Any]) -> None:
        self._send("input.performActions", context=self._context, actions=[source])


CONTROL = "\ue009"
"""The Control key (W3C WebDriver, keyboard actions)."""


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A headless Firefox with a profile of its own. Raises `NoBrowser` when there is none."""
    program = require_browser(FIREFOX)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "--headless", "--remote-debugging-port=0", "--no-remote", "--profile", folder],
                stdout=output,
                stderr=output,
            )
        try:
            with connect(_address(process, Path(folder), log), max_size=None) as socket:
                yield Firefox(socket)
        finally:
            end(process)


def _address(process: subprocess.Popen[bytes], profile: Path, log: Path) -> str:
    """The address that a starting Firefox listens at."""
    file = profile / "WebDriverBiDiServer.json"
    give_up = time.monotonic() + TIMEOUT
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(OSError, ValueError):  # not there yet, or being written
            server = json.loads(file.read_bytes())
            return f"ws://{server['ws_host']}:{server['ws_port']}/session"
        time.sleep(0.1)
    end = log.read_text("utf-8", "replace")[-2000:]
    raise FirefoxError(f"Firefox didn't start (exit code {process.poll()}): {end}")
