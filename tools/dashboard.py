"""Start the dashboard on a free port, and a browser, for tests, screenshots and measurements."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tools.browser import FLAGS, require_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parent.parent

TIMEOUT = 300.0
"""Seconds until a server that doesn't answer, or a state that a page doesn't reach, counts as failed."""

CANVAS_SIDE = 400
"""Pixels of the Draw page's canvas; shown smaller on a narrow screen."""


def free_port() -> int:
    """An unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A running dashboard: its address, its process, and the file of its log."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def dashboard(workspace: Path, **environment: str) -> Iterator[str]:
    """Run the dashboard on a workspace; yields its address. Raises RuntimeError, with its log, if it dies."""
    with serving(workspace, environment) as server:
        yield server.address


@contextmanager
def serving(
    workspace: Path, environment: Mapping[str, str] | None = None, *, port: int = 0, log_file: Path | None = None
) -> Iterator[Server]:
    """The same, yielding the process as well. The log lies in the workspace unless another place is named."""
    port = port or free_port()
    log_file = log_file or workspace / "server.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "streamlit", "run", "app.py",
        "--server.port", str(port), "--server.headless", "true",
    ]  # fmt: skip
    with log_file.open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "EXTEXIFY_WORKSPACE": str(workspace), **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(server, port, log_file)
        yield Server(f"http://127.0.0.1:{port}", server, log_file)
    finally:
        end(server)


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process; kill it if it hasn't ended after ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int, log_file: Path) -> None:
    give_up = time.monotonic() + TIMEOUT
    while time.monotonic() < give_up and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    log = log_file.read_text("utf-8", "replace")[-2000:]
    raise RuntimeError(f"the dashboard didn't start (exit code {server.poll()}):\n{log}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Raises `NoBrowser` when there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(require_browser()), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def canvas_of(page: Page) -> Locator:
    """The Draw page's canvas, the layer that takes the pen."""
    return page.locator(".st-key-canvas canvas.upper-canvas")


def draw(page: Page, strokes: Sequence[Sequence[tuple[float, float]]], canvas: Locator | None = None) -> None:
    """Draw strokes, in canvas pixels, with the mouse: through every point and a few between them.

    The canvas is the Draw page's unless another one, of as many pixels, is given.
    """
    box = (canvas or canvas_of(page)).bounding_box()
    if box is None:
        raise RuntimeError("the canvas isn't visible")
    scale = box["width"] / CANVAS_SIDE

    def move(point: tuple[float, float], steps: int = 1) -> None:
        page.mouse.move(box["x"] + point[0] * scale, box["y"] + point[1] * scale, steps=steps)

    for stroke in strokes:
        move(stroke[0])
        page.mouse.down()
        for before, point in pairwise(stroke):
            length = max(abs(point[0] - before[0]), abs(point[1] - before[1]))
            # A position every few pixels, as from a hand; the canvas drops a stroke's last but one.
            move(point, steps=max(2, round(length / 10)))
        page.mouse.up()


def wait_for_answer(page: Page, strokes: int, timeout: float = TIMEOUT) -> None:
    """Wait until the list answers a drawing of so many strokes (seconds)."""
    # Tested every frame: a locator tests every half second, which is too coarse for measurements.
    page.wait_for_function(
        """strokes => [...document.querySelectorAll('.st-key-predictions *')].some(
            host => host.shadowRoot?.querySelector('ol')?.dataset.strokes === String(strokes))""",
        arg=strokes,
        timeout=1000 * timeout,
    )


def wait_until_idle(page: Page, timeout: float = TIMEOUT) -> None:
    """Wait until the page's script has run through, what it replaced is gone, and all it shows has loaded (seconds).

    Until then what is clicked may move: the browser loads the code of most elements when it first meets them.
    """
    idle = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    idle.wait_for(timeout=1000 * timeout)
    for passing in ('[data-stale="true"]', '[data-testid="stSkeleton"]'):
        page.locator(passing).first.wait_for(state="detached", timeout=1000 * timeout)
