"""Every page in a real browser, on a workspace with hostile names and contents, none of which has an effect."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Dialog, Page, Request, expect

from tests.hostile_workspace import FILE, HTML, KEYS, make_hostile_workspace
from tools.dashboard import dashboard, wait_until_idle

PAGES = ("", "symbols", "collect", "export", "render", "train", "evaluate", "models")

VIEWS = {
    "": [{"model": f"no such {HTML}", "d": "1x"}],
    "symbols": [{"symbol": key} for key in (*KEYS[:2], f"unknown {HTML}")],
    "train": [{"run": FILE}],
    "evaluate": [
        {"view": "Confused pairs"}, {"view": "Symbols", "symbol": KEYS[0]}, {"view": "Calibration"},
        {"evaluation": "../../models", "view": HTML},
    ],
}  # fmt: skip
"""What addresses ask of the pages besides."""

_FOUND = """
() => {
  const roots = [document];
  for (const root of roots)
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) roots.push(element.shadowRoot);
  const all = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
  return {
    broken: window.broken ?? 0,
    images: all("img").map((image) => image.getAttribute("src")).filter((src) => src === "x" || /example/.test(src)),
    links: all("a").map((link) => link.getAttribute("href") ?? "").filter((href) => /javascript:|example/.test(href)),
    formulas: all(".katex, math").length,
    bold: all("strong, b, em").filter((element) => element.textContent === "bold").length,
    handlers: all("[onerror], [onload], [onclick]").length,
    icons: all("[data-testid=stMarkdownContainer] [role=img]").filter((one) => one.textContent === "delete").length,
    coloured: all(".stMarkdownColoredText").length,
    tracebacks: all("[data-testid=stException]").length,
  };
}
"""

_TEXT = """
() => {
  const roots = [document.body];
  for (const root of roots)
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) roots.push(element.shadowRoot);
  return roots.map((root) => root.innerText ?? root.textContent).join(" ");
}
"""


class Watched:
    """A page of the browser, and what it did that it shouldn't: dialogs, and requests to elsewhere."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.did: list[str] = []
        page.on("dialog", self._dismiss)
        page.on("request", self._note)

    def _dismiss(self, dialog: Dialog) -> None:
        self.did.append(dialog.message)
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        if "example" in request.url.partition("?")[0]:
            self.did.append(request.url)

    def look(self, address: str) -> str:
        """Open an address; returns the text that the page shows, components and all, when it has come to rest."""
        self.page.goto(address)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        wait_until_idle(self.page)
        for opener in self.page.locator("[data-testid=stExpander] summary").all():
            opener.click()
        wait_until_idle(self.page)
        found = self.page.evaluate(_FOUND)
        nothing: dict[str, object] = {name: [] if isinstance(value, list) else 0 for name, value in found.items()}
        assert found == nothing
        assert self.did == []
        return str(self.page.evaluate(_TEXT))


def test_names_are_nothing_but_names(page: Page, tmp_path: Path) -> None:
    with dashboard(make_hostile_workspace(tmp_path / "ws"), OMP_NUM_THREADS="1") as address:
        watched = Watched(page)
        for name in PAGES:
            text = watched.look(f"{address}/{name}")
            for parameters in VIEWS.get(name, ()):
                text += watched.look(f"{address}/{name}?{urlencode(parameters)}")
            # It was there to be shown, and is shown as it is.
            assert HTML in text, name
