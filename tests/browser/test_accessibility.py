"""Every page for everyone: axe-core finds nothing in either theme, and the Draw page can be used without seeing it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from extexify.contributions.moderation import ModerationList
from extexify.core import settings
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from tests.browser.test_demo import sign_in
from tests.demo import HASH
from tests.drawings import zigzag
from tests.pages import end_job, write_job
from tests.tiny import make_run
from tests.ui.test_evaluate import make_workspace
from tests.visits import SUM, Visiting, visiting
from tools.dashboard import TIMEOUT, canvas_of, dashboard, draw, wait_for_answer, wait_until_idle

__all__ = ["visiting"]  # a fixture of the tests below

AXE_FILE = "66a8aaa95a8b044a7fd74a5435873bf04ff65a1ca75567c921b7509742085a14"
"""SHA-256 of axe.min.js in the npm package axe-core 4.12.1."""

SIZE: ViewportSize = {"width": 1280, "height": 1000}
PHONE: ViewportSize = {"width": 375, "height": 800}


@dataclass(frozen=True, slots=True)
class Foreign:
    """A violation in Streamlit's own HTML, which no setting or style of ours can mend: the rule, a selector of the
    elements, and the reason."""

    rule: str
    selector: str
    reason: str


FOREIGN = (
    Foreign("list", "[data-testid=stSidebarNavItems]", "the navigation's list has its sections as <div> in it"),
    Foreign("listitem", "[data-testid=stSidebarNavItems] li", "and the sections have the list's items in them"),
    Foreign(
        "presentation-role-conflict",
        "[data-testid=stFileUploaderDropzone]",
        "the place to drop files has a name although its role is none",
    ),
)

FIND = """async foreign => {
    // A rule that runs only when asked.
    const rules = { "label-content-name-mismatch": { enabled: true } };
    const { violations } = await axe.run({ rules, elementRef: true });
    const ours = (rule, { element }) => !foreign.some(([id, selector]) => id === rule && element.matches(selector));
    return violations.flatMap(({ id, nodes }) =>
        nodes.filter(node => ours(id, node)).map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`));
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, which the wheel has from npm's package, with a line's end more."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8").rstrip("\n")
    assert hashlib.sha256(script.encode()).hexdigest() == AXE_FILE
    return script


def findings(page: Page, axe: str) -> list[str]:
    """What axe-core finds on a page as it is: the rule, the element's HTML, and what is wrong with it."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate(FIND, [[foreign.rule, foreign.selector] for foreign in FOREIGN])
    return [" ".join(finding.split()) for finding in found]


@pytest.fixture(scope="module")
def place(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with something of everything that pages show."""
    workspace = make_workspace(tmp_path_factory.mktemp("everything") / "ws")
    (workspace / "models" / tiny_model.name).write_bytes(tiny_model.read_bytes())
    (workspace / "serving.json").write_text(f'{{"model": "workspace/{tiny_model.name}"}}')
    render_dataset(Dataset.open(workspace / "dataset"), PRESETS["default"], workspace / "images")
    make_run(workspace / "runs" / "first", 0.3, 0.5, 0.7)
    make_run(workspace / "runs" / "second", 0.4, epochs=9)
    for kind in ("export", "train", "evaluate"):
        end_job(write_job(workspace / "jobs", kind, title=f"A job: {kind}"), 0, output="{}", log="a line\n")
    waiting = ModerationList(workspace / "moderation.sqlite3")
    for number, key in enumerate(("latex2e-OT1-_alpha", "latex2e-OT1-_sum")):
        waiting.submit(key, zigzag(number), "tiny", [(key, 0.75), ("latex2e-OT1-_xi", 0.2)])
    return workspace


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    """The address of a demo, which has all pages, with that workspace."""
    demo = {settings.DEMO.name: "yes", settings.PASSWORD_HASH.name: HASH}
    with dashboard(place, OMP_NUM_THREADS="1", **demo) as started:
        yield started


@pytest.fixture(scope="module")
def operator(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser profile in which an operator is signed in."""
    context = browser.new_context(viewport=SIZE)
    context.set_default_timeout(1000 * TIMEOUT)
    page = context.new_page()
    sign_in(page, f"{address}/contributions")
    page.close()
    yield context
    context.close()


def with_answers(page: Page) -> None:
    """A drawing with all its answers, look-alikes side by side, and a search."""
    canvas_of(page).wait_for()
    draw(page, SUM)
    wait_for_answer(page, 1)
    page.get_by_role("button", name="Which of these do you mean?").first.click()
    page.get_by_role("button", name="Show 20 more").click()
    page.get_by_role("button", name="Something else?").click()
    page.get_by_label("Search the symbol that you drew").fill("zeta")
    page.locator(".st-key-contribute_panel .tile").first.wait_for()


def sharing(page: Page) -> None:
    """A drawing, kept, and the dialog that shares it."""
    canvas_of(page).wait_for()
    draw(page, SUM)
    wait_for_answer(page, 1)
    page.get_by_role("button", name="It was").first.click()
    page.get_by_role("button", name="Undo keeping").wait_for()
    page.get_by_role("button", name="Share").click()


def found(page: Page) -> None:
    """The symbols that a search finds."""
    page.locator(".tile svg").first.wait_for()
    page.get_by_role("searchbox").fill("arrow")
    page.locator('.gallery[data-query="arrow"]').wait_for(state="attached")


def chosen(page: Page) -> None:
    """A symbol in full."""
    page.locator(".symbol .large svg").wait_for()
    page.locator(".symbol .drawings p").wait_for()


def asked(page: Page) -> None:
    """A drawing kept, and one begun for the next request."""
    canvas_of(page).wait_for()
    draw(page, SUM)
    page.get_by_role("button", name="Keep, next").click()
    page.get_by_text("Sent as").or_(page.get_by_text("Kept as")).wait_for()
    wait_until_idle(page)
    draw(page, SUM)


def exporting(page: Page) -> None:
    """Starter drawings chosen, settings and the dataset's report open."""
    page.locator(".st-key-export-sources button", has_text="Starter drawings").click()
    expect(page.locator(".st-key-export-go button")).to_be_enabled()
    wait_until_idle(page)
    page.get_by_text("Splits and other settings").click()
    page.locator(".st-key-dataset-drawings .drawing").first.wait_for()


def rendering(page: Page) -> None:
    page.locator(".st-key-preview-drawings .drawing").first.wait_for()


def training(page: Page) -> None:
    page.locator(".st-key-train-charts .js-plotly-plot").nth(3).wait_for()


def table_of_symbols(page: Page) -> None:
    page.locator(".st-key-symbol-drawings .tile").first.wait_for()


def renaming(page: Page) -> None:
    """The dialog that renames a model."""
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("New name", exact=True).wait_for()


def seen(page: Page) -> None:
    """The page as it opens."""


VIEWS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "Draw": ("", seen),
    "Draw, with answers": ("", with_answers),
    "Draw, sharing": ("", sharing),
    "Symbols": ("symbols", found),
    "A symbol": ("symbols?symbol=latex2e-OT1-_circ", chosen),
    "Draw what is asked": ("collect", asked),
    "Export": ("export", exporting),
    "Render": ("render", rendering),
    "Train": ("train?run=first&run=second", training),
    "Evaluate": ("evaluate", seen),
    "Evaluate, a symbol": ("evaluate?evaluation=first&view=Symbols&symbol=latex2e-OT1-_circ", table_of_symbols),
    "Evaluate, calibration": ("evaluate?evaluation=first&view=Calibration", seen),
    "Models": ("models", seen),
    "Models, renaming": ("models", renaming),
    "Contributions": ("contributions", seen),
    "Sign in": ("sign_in", seen),
}
"""The address of each page, and what is done there."""


IN_THEME = """scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme
    && document.getAnimations().every(animation => animation.playState !== 'running')"""


def in_both_themes(page: Page, address: str, show: Callable[[Page], None], axe: str) -> list[str]:
    """The findings on a page in the light and the dark theme."""
    found = []
    page.goto(address)
    page.locator("h1").wait_for()
    wait_until_idle(page)
    show(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(IN_THEME, arg=scheme)
        wait_until_idle(page)
        found += [f"{scheme}: {finding}" for finding in findings(page, axe)]
    return found


@pytest.mark.parametrize("name", VIEWS)
def test_axe_finds_nothing(name: str, operator: BrowserContext, address: str, axe: str) -> None:
    path, show = VIEWS[name]
    page = operator.new_page()
    found = in_both_themes(page, f"{address}/{path}", show, axe)
    page.close()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["Draw, with answers", "A symbol", "Sign in"])
def test_axe_finds_nothing_on_a_visitors_phone(
    name: str, new_page: Callable[..., Page], address: str, axe: str
) -> None:
    path, show = VIEWS[name]
    found = in_both_themes(new_page(viewport=PHONE), f"{address}/{path}", show, axe)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_offline_page(
    scheme: str, new_page: Callable[..., Page], server: str, axe: str
) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/offline")
    page.locator("#status").wait_for(state="hidden")
    found = findings(page, axe)
    draw(page, SUM, page.locator("#pad"))
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    page.get_by_role("button", name="Which of these do you mean?").first.click()
    page.get_by_text("Your document").click()
    page.get_by_label("Preamble").fill(r"\usepackage{mathabx,marvosym}\newcommand{\total}{\sum}")
    page.get_by_text("Loaded: ").wait_for()
    found += findings(page, axe)
    assert not found, "\n".join(found)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the accessibility tree: its role, its name, and, if it is a live region, how it is announced."""

    role: str
    name: str
    live: str
    text: str


def tree(page: Page) -> list[Node]:
    """The nodes of a page's accessibility tree that a screen reader reads."""
    session = page.context.new_cdp_session(page)
    nodes = {node["nodeId"]: node for node in session.send("Accessibility.getFullAXTree")["nodes"]}

    def value(node: dict[str, Any], key: str) -> str:
        return str(node.get(key, {}).get("value", ""))

    def text(node: dict[str, Any]) -> str:
        if value(node, "role") == "StaticText":
            return value(node, "name")
        return " ".join(filter(None, (text(nodes[child]) for child in node.get("childIds", ()) if child in nodes)))

    def live(node: dict[str, Any]) -> str:
        return next((value(each, "value") for each in node.get("properties", ()) if each["name"] == "live"), "")

    return [
        Node(value(node, "role"), value(node, "name"), live(node), text(node))
        for node in nodes.values()
        if not node["ignored"]
    ]


def test_a_screen_reader_is_told_what_the_draw_page_has_and_answers(visiting: Visiting) -> None:
    visit = visiting()
    (canvas,) = [node for node in tree(visit.page) if node.role == "image" and "draw" in node.name]
    assert canvas.name == "Box to draw a symbol in, with mouse, pen or finger"

    visit.draw(SUM)
    shown = tree(visit.page)
    assert [node for node in shown if node.role in ("button", "link", "checkbox", "searchbox") and not node.name] == []
    commands = visit.commands
    buttons = [node.name for node in shown if node.role == "button"]
    assert {"Undo", "Clear", "Share", *(f"Copy {command}" for command in commands)} <= set(buttons)
    percents = visit.page.locator(".st-key-answers ol .percent").all_inner_texts()
    best = ", ".join(f"{command} {percent}" for command, percent in zip(commands, percents, strict=True))
    (announced,) = [node for node in shown if node.live == "polite" and commands[0] in node.text]
    assert announced.role == "status"
    assert best.startswith(announced.text.partition("these. ")[2] or announced.text)


FOCUSED = """() => {
    let element = document.activeElement;
    while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element.ariaLabel || element.innerText || element.tagName;
}"""


def tabbed(page: Page, until: str) -> list[str]:
    """What the Tab key reaches, up to something of that name."""
    names: list[str] = []
    while not names or not re.fullmatch(until, names[-1]):
        assert len(names) < 100, "; ".join(names)
        page.keyboard.press("Tab")
        names.append(page.evaluate(FOCUSED))
    return names


def in_order(wanted: Sequence[str], names: Sequence[str]) -> bool:
    rest = iter(names)
    return all(any(re.search(pattern, name) for name in rest) for pattern in wanted)


def test_all_of_the_draw_page_is_reached_by_keyboard(visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    visit.draw(SUM)
    first = visit.commands[0]
    page.locator("h1").click()
    names = tabbed(page, "Something else.*")
    answer = re.escape(first)
    assert in_order(
        [
            "Undo", "Clear", "Share", f"^Details of {answer}", f"^It was this one: {answer}", f"^Copy {answer}",
            "Show 20 more", "Something else",
        ],
        names,
    ), names  # fmt: skip
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search the symbol that you drew")).to_be_focused()
    page.locator("h1").click()
    tabbed(page, f"Copy {answer}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == first
    page.locator("h1").click()
    tabbed(page, ".*Clear.*")
    page.keyboard.press("Space")
    visit.wait_for_answer(0)
