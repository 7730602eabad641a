"""A page like Overleaf's, with a real CodeMirror 6 editor, and a Chromium that has the extension."""

from __future__ import annotations

import json
import secrets
import ssl
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import trustme

from extexify.drawing.strokes import Drawing
from tools import replay
from tools.browser import FLAGS, require_browser
from tools.dashboard import TIMEOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page, Worker

PAGE = Path(__file__).parent / "overleaf_page"
MODULES = Path(sys.prefix) / "npm" / "node_modules"
"""What npm installed of package.json."""

HOSTS = ("www.overleaf.com", "tex.example.org")
"""Overleaf's host name, and that of a self-hosted one; both are the page's in the browser."""

Strokes = Sequence[Sequence[tuple[float, float]]]

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}


# --- the page -----------------------------------------------------------------------------------


def import_map() -> dict[str, dict[str, str]]:
    """Where browsers find the modules of CodeMirror and of what it needs."""
    imports = {"@codemirror/legacy-modes/mode/stex": "/npm/@codemirror/legacy-modes/mode/stex.js"}
    left = [name for name in _described(PAGE)["dependencies"] if name.startswith("@codemirror/")]
    while left:
        name = left.pop()
        package = _described(MODULES / name)
        entry = package.get("module") or package["exports"].get("import")
        if entry and name not in imports:
            imports[name] = f"/npm/{name}/{entry.removeprefix('./')}"
        if name.removesuffix("/") == name:
            left += [other for other in package.get("dependencies", {}) if other not in imports]
    return {"imports": imports}


def _described(folder: Path) -> dict[str, Any]:
    package: dict[str, Any] = json.loads((folder / "package.json").read_bytes())
    return package


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/project/"):
            nonce = secrets.token_urlsafe()
            page = (PAGE / "index.html").read_text("utf-8")
            page = page.replace("{nonce}", nonce).replace("{import_map}", json.dumps(import_map()))
            self._send(
                page.encode(),
                ".html",
                f"script-src 'nonce-{nonce}' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
            )
        elif path.startswith("/npm/"):
            self._send_file(MODULES, path.removeprefix("/npm/"))
        else:
            self._send_file(PAGE, path.removeprefix("/"))

    def _send_file(self, folder: Path, name: str) -> None:
        path = folder / name
        if path.is_file():
            self._send(path.read_bytes(), path.suffix)
        else:
            self.send_error(404)

    def _send(self, content: bytes, suffix: str, policy: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@dataclass(frozen=True, slots=True)
class Overleaf:
    """A running server of the page."""

    port: int

    def address(self, host: str = HOSTS[0], project: str = "1", **options: str | int) -> str:
        """The address of a project with the page's options, for a browser that `extension_browser` started."""
        return f"https://{host}/project/{project}?{urlencode(options)}"


@contextmanager
def overleaf_server() -> Iterator[Overleaf]:
    """Serve the page over HTTPS on a free port, with a certificate made for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*HOSTS).configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Overleaf(server.server_port)
        finally:
            server.shutdown()
            thread.join()


# --- the browser --------------------------------------------------------------------------------


@contextmanager
def extension_browser(
    browser: Browser, extension: Path, profile: Path, overleaf: Overleaf, **options: Any
) -> Iterator[BrowserContext]:
    """A Chromium with the unpacked extension, which finds the page at `HOSTS`.

    `browser`, a running one, lends its driver: Playwright runs once in a thread. `options` are those of Playwright's
    launch_persistent_context.
    """
    hosts = ", ".join(f"MAP {host} 127.0.0.1:{overleaf.port}" for host in HOSTS)
    context = browser.browser_type.launch_persistent_context(
        profile,
        executable_path=str(require_browser()),
        headless=False,  # the old headless mode has no extensions
        color_scheme="null",  # a frame follows its element's only where Playwright doesn't set one
        args=[
            *FLAGS,
            "--headless=new",
            f"--disable-extensions-except={extension}",
            f"--load-extension={extension}",
            f"--host-resolver-rules={hosts}",
            "--ignore-certificate-errors",
        ],
        **options,
    )
    context.set_default_timeout(1000 * TIMEOUT)
    try:
        yield context
    finally:
        context.close()


def background(context: BrowserContext) -> Worker:
    """The extension's service worker."""
    return context.service_workers[0] if context.service_workers else context.wait_for_event("serviceworker")


def extension_address(context: BrowserContext, page: str) -> str:
    """The address of one of the extension's pages."""
    return background(context).url.rpartition("/")[0] + f"/{page}"


def press_shortcut(context: BrowserContext) -> None:
    """What the browser does when the shortcut is pressed in the tab in front.

    Playwright's key presses reach pages alone.
    """
    background(context).evaluate(
        """async () => {
            const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
            chrome.commands.onCommand.dispatch("open-panel", tab);
        }"""
    )


# --- the page in the browser --------------------------------------------------------------------


def wait_until_ready(page: Page) -> None:
    """Wait until the page has its editor, and the extension's scripts run there."""
    page.locator("html[data-ready]").wait_for()
    page.locator("extexify-button").wait_for()


def panel_frame(page: Page) -> Frame:
    """The panel's frame, which is in a closed shadow root, once it is there."""
    while True:
        for frame in page.frames:
            if "/panel.html" in frame.url:
                frame.wait_for_load_state()
                return frame
        page.wait_for_event("framenavigated")


def wait_for(frame: Frame | Page, condition: str) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's way is against the extension's security policy, and stops in a hidden frame.
    """
    frame.evaluate(f"async () => {{ while (!({condition})) await new Promise((next) => setTimeout(next, 10)); }}")


def document_text(page: Page) -> str:
    """The text in the editor."""
    text: str = page.evaluate("editor.state.doc.toString()")
    return text


def place_cursor(page: Page, before: str, *, select: int = 0) -> None:
    """Put the editor's cursor before a text of the document, or select that many characters from there."""
    page.evaluate(
        """([text, length]) => {
            const anchor = editor.state.doc.toString().indexOf(text);
            if (anchor < 0) throw new Error(`no ${text}`);
            editor.dispatch({ selection: { anchor, head: anchor + length } });
            editor.focus();
        }""",
        [before, select],
    )


def on_canvas(drawing: Drawing) -> Strokes:
    """A drawing's strokes in the middle of the panel's canvas, in canvas pixels."""
    return [[(float(x), float(y)) for x, y in stroke] for stroke in replay.on_canvas(drawing)]
