"""The extension in Overleaf's page: ways into the editor, button, the panel's frame with a stub in it; its options."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from tools.overleaf import (
    HOSTS,
    Overleaf,
    document_text,
    extension_address,
    extension_browser,
    panel_frame,
    press_shortcut,
    wait_for,
    wait_until_ready,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FloatRect, Frame, Locator, Page

STUB = Path(__file__).parent / "stub"


@pytest.fixture(scope="module")
def context(
    browser: Browser, extension: Path, overleaf: Overleaf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A Chromium with an extension whose panel is the stub, and which the user allowed on a self-hosted Overleaf."""
    folder = tmp_path_factory.mktemp("stubbed") / "extension"
    shutil.copytree(extension, folder)
    shutil.copytree(STUB, folder, dirs_exist_ok=True)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    # Granted beforehand: a test can't answer the browser's permission prompt.
    manifest["host_permissions"].append(f"https://{HOSTS[1]}/*")
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with extension_browser(browser, folder, tmp_path_factory.mktemp("profile"), overleaf) as context:
        yield context


def open_panel(page: Page) -> Frame:
    """Open the panel with the toolbar's button."""
    button(page).click()
    frame = panel_frame(page)
    wait_for(frame, "events.at(-1) === 'opened'")
    return frame


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Draw a symbol")


def ask(frame: Frame, action: str, **question: Any) -> dict[str, Any]:
    """The answer to a question of the panel, without its id."""
    answer: dict[str, Any] = frame.evaluate("question => ask(question)", {"action": action, **question})
    del answer["id"]
    return answer


def insert(frame: Frame, text: str, at: int) -> dict[str, Any]:
    return ask(frame, "replace", changes=[{"from": at, "to": at, "insert": text}], cursor=at + len(text))


def selection(page: Page) -> list[int]:
    found: list[int] = page.evaluate("[editor.state.selection.main.from, editor.state.selection.main.to]")
    return found


# --- the way into the editor --------------------------------------------------------------------

USED_WAY = {
    "event": """() => {
        const { constructor } = editor;
        const find = constructor.findFromDOM;
        constructor.findFromDOM = (dom) => ((window.way = "event"), find.call(constructor, dom));
    }""",
    "cmView": """() => Object.defineProperty(editor.contentDOM, "cmView", {
        get: () => ((window.way = "cmView"), { view: editor }),
    })""",
    "cmTile": """() => {
        let tile = editor.contentDOM.cmTile;
        Object.defineProperty(editor.contentDOM, "cmTile", {
            get: () => ((window.way = "cmTile"), tile),
            set: (other) => (tile = other),
        });
    }""",
    "store": """() => {
        const { store } = window.overleaf.unstable;
        window.overleaf.unstable.store = { get: (name) => ((window.way = "store"), store.get(name)) };
    }""",
}
"""What makes the page note which way into its editor is used."""


@pytest.mark.parametrize(
    ("way", "options"),
    [("event", {}), ("cmView", {"event": "no"}), ("cmTile", {"event": "no"}), ("store", {"store": "only"})],
)
def test_each_way_leads_to_the_editor(open_project: Callable[..., Page], way: str, options: dict[str, str]) -> None:
    page = open_project(**options, text="one two", cursor=3)
    page.evaluate(USED_WAY[way])
    frame = open_panel(page)
    answer = ask(frame, "read")
    assert page.evaluate("way") == way
    place = answer.pop("place")
    assert answer == {"text": "one two", "from": 3, "to": 3}
    assert 0 < place["left"] < 1280
    assert 0 < place["top"] < place["bottom"] < 720
    assert insert(frame, "!", 3) == {}
    assert document_text(page) == "one! two"


def test_without_a_way_in_the_panel_opens_and_is_told(open_project: Callable[..., Page]) -> None:
    page = open_project(editor="none")
    frame = open_panel(page)
    assert ask(frame, "read") == ask(frame, "focus") == insert(frame, "x", 0) == {"problem": "no editor"}
    frame.evaluate("tell({ action: 'close' })")
    expect(button(page)).to_have_attribute("aria-expanded", "false")


def test_where_the_pages_script_is_missing_the_panel_is_told(project: Page) -> None:
    # As in a page that was open before the extension was installed.
    project.evaluate("addEventListener('extexify:ask', event => event.stopImmediatePropagation(), true)")
    project.evaluate(
        """() => {
            const dispatch = EventTarget.prototype.dispatchEvent;
            EventTarget.prototype.dispatchEvent = function (event) {
                return event.type === "extexify:answer" || dispatch.call(this, event);
            };
        }"""
    )
    frame = open_panel(project)
    assert ask(frame, "read") == insert(frame, "x", 0) == {"problem": "no answer"}


# --- the document -------------------------------------------------------------------------------


def test_an_insertion_is_one_step_and_leaves_the_cursor_behind_it(open_project: Callable[..., Page]) -> None:
    page = open_project(text="one two three", cursor=4)
    page.keyboard.type("X")
    page.keyboard.press("Shift+End")
    frame = open_panel(page)
    answer = ask(frame, "read")
    assert (answer["text"], answer["from"], answer["to"]) == ("one Xtwo three", 5, 14)
    changes = [{"from": 0, "to": 0, "insert": "first\n"}, {"from": 5, "to": 14, "insert": "\\frac{}"}]
    assert ask(frame, "replace", changes=changes, cursor=17) == {}
    assert document_text(page) == "first\none X\\frac{}"
    assert selection(page) == [17, 17]

    # The focus is back, typing goes on there, and one undo takes back what was inserted and nothing else.
    frame.evaluate("tell({ action: 'close' })")
    wait_for(page, "editor.hasFocus")
    page.keyboard.type("1")
    assert document_text(page) == "first\none X\\frac{1}"
    page.keyboard.press("Control+z")
    assert document_text(page) == "first\none X\\frac{}"
    page.keyboard.press("Control+z")
    assert document_text(page) == "one Xtwo three"
    assert selection(page) == [5, 14]
    page.keyboard.press("Control+y")
    assert document_text(page) == "first\none X\\frac{}"


def test_a_document_that_changed_meanwhile_is_left_alone(open_project: Callable[..., Page]) -> None:
    page = open_project(text="one two")
    frame = open_panel(page)
    assert insert(frame, "x", 0) == {"problem": "changed"}  # it wasn't read yet
    ask(frame, "read")
    page.evaluate("editor.dispatch({ changes: { from: 0, insert: 'A collaborator typed. ' } })")
    assert insert(frame, "x", 0) == {"problem": "changed"}
    ask(frame, "read")
    assert insert(frame, "x", 0) == {}
    assert insert(frame, "x", 0) == {"problem": "changed"}
    assert document_text(page) == "xA collaborator typed. one two"
    # Moving the cursor changes no document.
    ask(frame, "read")
    page.evaluate("editor.dispatch({ selection: { anchor: 5 } })")
    assert insert(frame, "y", 0) == {}


def test_a_read_only_document_is_left_alone(open_project: Callable[..., Page]) -> None:
    page = open_project(text="one", readonly="")
    frame = open_panel(page)
    assert ask(frame, "read")["text"] == "one"
    assert insert(frame, "x", 0) == {"problem": "read-only"}
    assert document_text(page) == "one"


def test_impossible_changes_are_a_problem_of_the_panel_not_of_the_page(open_project: Callable[..., Page]) -> None:
    page = open_project(text="one")
    frame = open_panel(page)
    ask(frame, "read")
    assert "invalid change range" in insert(frame, "x", 99)["problem"].lower()
    page.evaluate("dispatchEvent(new CustomEvent('extexify:ask', { detail: 'no JSON' }))")
    page.evaluate("dispatchEvent(new Event('extexify:ask'))")
    page.evaluate("dispatchEvent(new Event('UNSTABLE_editor:extensions'))")
    assert ask(frame, "read")["text"] == "one"
    assert document_text(page) == "one"


def test_a_long_document_is_read_and_changed(open_project: Callable[..., Page]) -> None:
    page = open_project(lines=20_000, cursor=300)
    frame = open_panel(page)
    text = ask(frame, "read")["text"]
    assert text == document_text(page)
    assert text.count("\n") == 19_999
    page.evaluate("editor.dispatch({ selection: { anchor: editor.state.doc.length } })")
    answer = ask(frame, "read")
    assert (answer["from"], answer["place"]) == (len(text), None)  # the cursor is out of sight
    assert insert(frame, "end", len(text)) == {}
    assert document_text(page) == f"{text}end"


# --- the button ---------------------------------------------------------------------------------


def test_the_button_is_there_once_and_comes_back_with_the_toolbar(project: Page) -> None:
    hosts = project.locator("extexify-button")
    end = project.locator(".ol-cm-toolbar-end extexify-button")
    expect(button(project)).to_have_attribute("title", "Draw a symbol (Alt+Shift+D)")
    expect(end).to_have_count(1)
    project.evaluate("showToolbar()")
    expect(end).to_have_count(1)
    expect(hosts).to_have_count(1)
    open_panel(project)
    project.evaluate("showToolbar()")
    expect(end).to_have_count(1)
    expect(button(project)).to_have_attribute("aria-expanded", "true")


def test_the_button_goes_where_overleafs_versions_have_room(project: Page) -> None:
    for toolbar in ("toolbar-editor", "ide-redesign-toolbar-actions", "ol-toolbar-layout-right", "ol-cm-toolbar-end"):
        project.evaluate(
            """name => {
                document.querySelector(".ol-cm-toolbar")?.remove();
                const toolbar = document.createElement("div");
                toolbar.className = name;
                document.querySelector(".toolbar-header").append(toolbar);
            }""",
            toolbar,
        )
        expect(project.locator(f".{toolbar} > extexify-button")).to_have_count(1)
        expect(project.locator("extexify-button")).to_have_count(1)


def test_the_button_works_by_keyboard_and_not_by_scripts_of_the_page(project: Page) -> None:
    project.evaluate("document.querySelector('extexify-button').shadowRoot.querySelector('button').click()")
    expect(button(project)).to_have_attribute("aria-expanded", "false")
    project.get_by_role("button", name="Italic").focus()
    project.keyboard.press("Tab")
    expect(button(project)).to_be_focused()
    project.keyboard.press("Enter")
    expect(button(project)).to_have_attribute("aria-expanded", "true")
    wait_for(panel_frame(project), "events.length === 1")


# --- the panel's frame --------------------------------------------------------------------------


def panel_box(page: Page) -> FloatRect:
    """The place of the frame in the window, which the page's scripts can't see."""
    box = panel_frame(page).frame_element().bounding_box()
    assert box
    return box


def is_inside(page: Page, box: FloatRect) -> bool:
    width, height = page.evaluate("[innerWidth, innerHeight]")
    starts, ends = min(box["x"], box["y"]), (box["x"] + box["width"], box["y"] + box["height"])
    return bool(starts >= 0 and ends[0] <= width and ends[1] <= height)


def test_the_panel_takes_the_focus_and_gives_it_back(context: BrowserContext, project: Page) -> None:
    project.bring_to_front()
    press_shortcut(context)
    frame = panel_frame(project)
    wait_for(frame, "events.length === 1")
    project.keyboard.type("abc")
    assert frame.evaluate("document.querySelector('input').value") == "abc"
    press_shortcut(context)
    wait_for(frame, "events.join() === 'opened,closed'")
    wait_for(project, "editor.hasFocus")
    project.keyboard.type("d")
    assert document_text(project).startswith("d\\documentclass")
    # The same page is there the next time.
    press_shortcut(context)
    wait_for(frame, "events.join() === 'opened,closed,opened'")
    project.keyboard.type("d")
    assert frame.evaluate("document.querySelector('input').value") == "abcd"
    assert len(project.frames) == 2
    button(project).click()
    wait_for(frame, "events.at(-1) === 'closed'")
    wait_for(project, "editor.hasFocus")
    # Esc in the page stays the page's.
    button(project).click()
    wait_for(frame, "events.at(-1) === 'opened'")
    project.evaluate("editor.focus()")
    project.keyboard.press("Escape")
    expect(button(project)).to_have_attribute("aria-expanded", "true")


def test_a_page_that_removes_the_panel_gets_a_new_one(project: Page) -> None:
    open_panel(project)
    project.evaluate("document.querySelector('extexify-panel').remove()")
    expect(project.locator("extexify-panel")).to_have_count(0)
    frame = open_panel(project)
    assert frame.evaluate("events.length") == 1
    assert ask(frame, "read")["text"] == document_text(project)


def test_the_panel_is_near_the_cursor_and_inside_the_window(open_project: Callable[..., Page]) -> None:
    page = open_project()
    for width, height in ((1280, 720), (640, 360), (320, 250)):  # at 200 % a window of 1280 × 720 has 640 × 360 pixels
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("editor.dispatch({ selection: { anchor: 30 }, scrollIntoView: true })")
        frame = open_panel(page)
        box = panel_box(page)
        assert is_inside(page, box)
        if width == 1280:
            assert abs(box["y"] - ask(frame, "read")["place"]["bottom"]) < 10
        frame.evaluate("tell({ action: 'close' })")
        expect(button(page)).to_have_attribute("aria-expanded", "false")


def test_the_panel_stays_inside_a_window_that_shrinks(open_project: Callable[..., Page]) -> None:
    page = open_project(text="word " * 12, cursor=59)
    open_panel(page)
    before = panel_box(page)
    page.set_viewport_size({"width": 700, "height": 400})
    wait_for(page, "innerWidth === 700")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    after = panel_box(page)
    assert after != before
    assert is_inside(page, after)


def test_the_panel_has_the_colours_of_overleafs_theme(open_project: Callable[..., Page]) -> None:
    for options, dark in (({}, False), ({"dark": ""}, True)):
        frame = open_panel(open_project(**options))
        assert frame.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is dark


def test_scripts_of_the_page_get_neither_the_panel_nor_its_port(project: Page) -> None:
    frame = open_panel(project)
    seen = project.evaluate(
        """() => {
            const host = document.querySelector("extexify-panel");
            return [host.shadowRoot, document.querySelectorAll("iframe").length, window.length];
        }"""
    )
    assert seen == [None, 0, 0]
    # A frame of the page's own that poses as the panel gets no port.
    project.evaluate("document.body.append(document.createElement('iframe'))")
    posing = project.frames[-1]
    assert posing != frame
    posing.evaluate(
        """() => {
            window.ports = [];
            window.onmessage = (event) => ports.push(...event.ports);
            parent.postMessage("extexify:ready", "*");
        }"""
    )
    project.evaluate("postMessage('extexify:ready', '*')")
    assert ask(frame, "read")["text"] == document_text(project)
    assert posing.evaluate("ports.length") == 0
    # A forged answer must have the form of one.
    project.evaluate(
        """window.addEventListener("extexify:ask", (event) => {
            const { id } = JSON.parse(event.detail);
            const forged = { id, text: ["no text"], from: "0", to: 0, action: "close", event: "opened" };
            window.dispatchEvent(new CustomEvent("extexify:answer", { detail: JSON.stringify(forged) }));
        })"""
    )
    assert ask(frame, "read") == {"problem": "no answer"}
    assert frame.evaluate("events") == ["opened"]


def test_two_tabs_have_panels_of_their_own(open_project: Callable[..., Page]) -> None:
    pages = [open_project(text="first"), open_project(text="second")]
    frames = [open_panel(page) for page in pages]
    assert [ask(frame, "read")["text"] for frame in frames] == ["first", "second"]


# --- options ------------------------------------------------------------------------------------


@pytest.fixture
def options(context: BrowserContext) -> Iterator[Page]:
    """The options page."""
    page = context.new_page()
    page.goto(extension_address(context, "options.html"))
    page.locator("#shortcut").wait_for()
    yield page
    page.close()


@pytest.mark.parametrize("name", ["options", "privacy"])
def test_axe_finds_nothing(context: BrowserContext, options: Page, name: str) -> None:
    options.goto(extension_address(context, f"{name}.html"))
    options.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        options.emulate_media(color_scheme=scheme)
        assert options.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))") == []


def test_the_way_math_is_wrapped_is_kept(options: Page) -> None:
    kept = "(await chrome.storage.local.get())['extexify-wrap']"
    expect(options.get_by_label(r"\(\alpha\)")).to_be_checked()
    options.get_by_label(r"$\alpha$").check()
    wait_for(options, f"{kept} === '$'")
    options.reload()
    expect(options.get_by_label(r"$\alpha$")).to_be_checked()
    options.get_by_label(r"\(\alpha\)").check()
    wait_for(options, f"{kept} === '\\\\('")
    expect(options.get_by_text("Alt+Shift+D opens and closes the panel.")).to_be_visible()


@pytest.mark.parametrize(
    "typed", ["", "my server", "ftp://example.org", "https://*.example.org", "https://", "file:///tmp"]
)
def test_what_is_no_address_is_refused_in_one_sentence(options: Page, typed: str) -> None:
    options.get_by_label("Address").fill(typed)
    options.get_by_label("Address").press("Enter")
    expect(options.get_by_role("alert")).to_have_text(
        "This is no web address: type the one at which you open Overleaf, such as https://overleaf.example.org."
    )


def test_what_the_user_does_not_allow_is_not_added(options: Page) -> None:
    options.evaluate("chrome.permissions.request = async () => false")
    options.get_by_label("Address").fill("overleaf.example.org:8080/login")
    options.get_by_role("button", name="Add").click()
    expect(options.get_by_role("alert")).to_have_text(
        "Without your permission, Extexify can't run on https://overleaf.example.org."
    )
    expect(options.get_by_role("listitem")).to_have_count(1)  # the one that `context` allows
    options.get_by_label("Address").fill("www.overleaf.com")
    options.get_by_role("button", name="Add").click()
    expect(options.get_by_text("Extexify runs there already.")).to_be_visible()
    expect(options.get_by_role("alert")).to_have_text("")


def test_addresses_are_added_and_removed(
    context: BrowserContext, options: Page, overleaf: Overleaf, open_project: Callable[..., Page]
) -> None:
    other = HOSTS[1]
    # Allowed when the extension was installed or updated: its scripts are registered then.
    items = options.get_by_role("listitem")
    expect(items).to_have_text([f"https://{other}Remove"])
    page = open_project(other, text="self-hosted")
    assert ask(open_panel(page), "read")["text"] == "self-hosted"

    # The permission is the manifest's here, which can't be removed.
    options.evaluate("chrome.permissions.remove = async () => true")
    options.get_by_role("button", name=f"Remove https://{other}").click()
    expect(items).to_have_count(0)
    page.reload()
    page.locator("html[data-ready]").wait_for()
    expect(page.locator("extexify-button")).to_have_count(0)

    options.get_by_label("Address").fill(f"{other}/project/1")
    options.get_by_role("button", name="Add").click()
    expect(items).to_have_text([f"https://{other}Remove"])
    expect(options.get_by_text(f"Extexify runs on https://{other}: reload the page there.")).to_be_visible()
    page.reload()
    wait_until_ready(page)
    assert ask(open_panel(page), "read")["text"] == "self-hosted"
