"""The Symbols page in a real browser: found, filtered, chosen, copied."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from extexify.catalog import own
from extexify.catalog.lookalikes import drawn_alike, prints_alike
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.core import settings
from extexify.dataset.export import export_dataset
from extexify.sources.own import strokes_for
from tests.drawings import zigzag
from tests.ui.test_symbols import AWKWARD, HOSTILE, DrawingsOf
from tools.dashboard import dashboard, wait_until_idle

CATALOG = load_catalog()


def tile(page: Page, key: str) -> Locator:
    """The tile of a symbol."""
    return page.locator(f'.tile[href="?symbol={quote(key, safe="!*()" + chr(39))}"]')


def search(page: Page, query: str) -> list[str]:
    """Type a query; returns the commands of the symbols that it finds."""
    page.get_by_role("searchbox").fill(query)
    page.locator(f".gallery[data-query={json.dumps(query.strip(), ensure_ascii=False)}]").wait_for(state="attached")
    return page.locator(".tile code").all_text_contents()


def expect_shown(page: Page, count: int) -> None:
    """Expect that search and filters leave a number of symbols; tiles are made when they come near."""
    expect(page.locator(".gallery")).to_have_attribute("data-shown", str(count))


def choose(page: Page, key: str) -> None:
    """Find a symbol by its command, choose it, and leave the search."""
    search(page, symbol_for(key).command)
    tile(page, key).click()
    page.get_by_role("searchbox").fill("")


def expect_symbol(page: Page, key: str, command: str) -> None:
    """Expect a symbol in full, and in the address."""
    expect(page.locator(".symbol .command code")).to_have_text(command)
    page.wait_for_function("key => new URLSearchParams(location.search).get('symbol') === key", arg=key)
    assert parse_qs(urlsplit(page.url).query)["symbol"] == [key]


def test_symbols_are_searched_filtered_chosen_and_copied(new_page: Callable[..., Page], tmp_path: Path) -> None:
    counts = {"latex2e-OT1-_alpha": 60, "latex2e-OT1-_sum": 12, HOSTILE: 8}
    export_dataset([DrawingsOf("dump.sql", counts)], tmp_path / "dataset")
    with dashboard(tmp_path) as server:
        page = new_page(permissions=["clipboard-read", "clipboard-write"])
        _browse(page, server)
        page.goto("about:blank")


def _browse(page: Page, server: str) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    # A server's first visit may be to a symbol, and has the whole frame around it.
    page.goto(f"{server}/symbols?symbol={quote(AWKWARD[2], safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Every symbol, and what to type for it")
    expect(page.get_by_role("link", name="Draw", exact=True)).to_be_visible()
    expect_symbol(page, AWKWARD[2], CATALOG[AWKWARD[2]].command)
    page.evaluate("window.stillHere = true")

    # Every symbol is there, with its glyph as soon as it comes near.
    expect_shown(page, len(CATALOG) + 1)
    headings = page.locator(".gallery h2").all_text_contents()
    assert len(headings) == len({symbol_for(key).package for key in (*CATALOG, HOSTILE)})
    expect(page.locator(".tile svg").first).to_be_visible()
    # The rest of the page is there before its tiles are: the last one is reached at once.
    page.locator(".tile").first.focus()
    page.keyboard.press("End")
    expect(page.locator(".tile:focus")).to_be_in_viewport()
    assert page.locator(".tile").count() < len(CATALOG) / 2
    page.keyboard.press("Home")
    expect(page.locator(".tile").first).to_be_focused()

    # Choosing one changes the address; every key has one.
    for key in (*AWKWARD, "latex2e-OT1-_beta", HOSTILE, "latex2e-OT1-_gamma"):
        choose(page, key)
        expect_symbol(page, key, symbol_for(key).command)
        if key == HOSTILE:
            expect(page.locator(".symbol")).to_contain_text("Not in the catalogue")
            assert page.locator("img[src='x']").count() == 0
    page.go_back()
    expect_symbol(page, HOSTILE, symbol_for(HOSTILE).command)
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("() => !location.search")
    expect(page.get_by_text("Choose a symbol to see it large")).to_be_visible()

    # Search by command, misspelt command, character, name, package, and a key of the dataset.
    assert search(page, "\\alpha")[0] == "\\alpha"
    assert search(page, "aplha")[0] == "\\alpha"
    assert search(page, "∮")[0] == "\\oint"
    assert search(page, "<=")[0] == "\\leq"
    tile(page, "amssymb-OT1-_leq").click()
    expect(page.locator(".symbol .also code")).to_have_text("\\le")
    expect(page.locator(".symbol .facts")).to_contain_text("Found by<=, =<")
    assert "\\infty" in search(page, "infinity")
    assert set(search(page, "stmaryrd")) == {one.command for one in CATALOG.values() if one.package == "stmaryrd"}
    assert search(page, "onerror") == [symbol_for(HOSTILE).command]
    assert search(page, "?&#%+ no such thing") == []
    expect(page.get_by_text("No symbol like this.")).to_be_visible()
    search(page, "nabla")
    page.get_by_role("searchbox").press("Enter")
    expect_symbol(page, "latex2e-OT1-_nabla", "\\nabla")
    # The choice has not undone the search.
    expect(page.get_by_role("searchbox")).to_have_value("nabla")
    page.get_by_role("searchbox").fill("")
    expect_shown(page, len(CATALOG) + 1)

    # Filters by package, mode and drawings.
    page.get_by_label("Package").select_option("=textcomp")
    page.get_by_label("Mode").select_option("math")
    left = {s.command for s in CATALOG.values() if s.package == "textcomp" and s.mode in ("math", "both")}
    assert set(page.locator(".tile code").all_text_contents()) == left
    page.get_by_label("Package").select_option("")
    page.get_by_label("Mode").select_option("text")
    count = sum(symbol.mode != "math" for symbol in CATALOG.values()) + (symbol_for(HOSTILE).mode != "math")
    expect_shown(page, count)
    expect(page.locator(".count")).to_have_text(f"{count:,} symbols")
    page.get_by_label("Mode").select_option("")
    page.get_by_label("Drawings").select_option("10")
    assert sorted(page.locator(".tile code").all_text_contents()) == ["\\alpha", "\\sum"]
    tile(page, "latex2e-OT1-_alpha").click()
    expect(page.locator(".symbol")).to_contain_text("60 drawings in the dataset, 20 of them here.")
    expect(page.locator(".symbol .ink")).to_have_count(20)
    page.get_by_label("Drawings").select_option("-1")
    expect_shown(page, len(CATALOG) - 2)
    page.get_by_label("Drawings").select_option("")
    assert page.evaluate("window.stillHere")

    # An address of no symbol is a sentence, until one is chosen.
    page.goto(f"{server}/symbols?symbol=%3Cscript%3E%ED%A0%80%FF")
    notice = page.locator(".notice")
    expect(notice).to_contain_text("No symbol has the key")
    assert page.locator(".notice *, .stException, .stAlert").count() == 0
    key = "latex2e-OT1-_Sigma"
    choose(page, key)
    expect(notice).to_be_hidden()

    # Look-alikes lead to each other.
    expect_symbol(page, key, "\\Sigma")
    for more in page.locator(".symbol .alike .more").all():
        more.click()
    texts = page.locator(".symbol .chip code").all_inner_texts()
    assert sorted(texts) == sorted(symbol_for(other).command for other in {*prints_alike(key), *drawn_alike(key)})
    page.locator('.symbol .chip[href="?symbol=latex2e-OT1-_sum"]').click()
    expect_symbol(page, "latex2e-OT1-_sum", "\\sum")

    # A symbol has all that there is to copy.
    key = "amssymb-OT1-_mathfrak{C}"
    symbol = CATALOG[key]
    assert symbol.unicode
    assert symbol.typst
    choose(page, key)
    expect_symbol(page, key, symbol.command)
    shown = page.locator(".symbol")
    for text in ("Math mode", "amssymb", "OT1", "U+212D", symbol.typst):
        expect(shown.locator(".facts")).to_contain_text(text)
    expect(shown.locator(".name")).to_contain_text(re.compile(str(symbol.unicode_name), re.IGNORECASE))
    for text in (symbol.command, symbol.usepackage, symbol.typst):
        button = shown.get_by_role("button", name=f"Copy {text}", exact=True)
        button.click()
        expect(button).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text
    shown.get_by_role("button", name="Copy the Unicode character").click()
    page.wait_for_function("async text => await navigator.clipboard.readText() === text", arg=symbol.unicode)

    # All of it came from this server, and the catalogue once: the second visit has it from the browser's cache.
    assert {urlsplit(url).netloc for url in requests if url.startswith("http")} == {urlsplit(server).netloc}


def test_own_symbols_come_first_and_are_changed_from_there(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.WORKSPACE.name, str(folder))
    own.add_symbol(own.checked(own.OwnSymbol, r"\alphamine", drawings=(strokes_for(zigzag(2)),)))
    key = "own-OT1-_alphamine"
    with dashboard(folder) as server:
        page.goto(f"{server}/symbols")
        expect_shown(page, len(CATALOG) + 1)
        expect(page.locator(".gallery h2").first).to_have_text("Your own 1")
        assert search(page, "alpha")[0] == r"\alphamine"
        page.get_by_role("searchbox").fill("")
        page.get_by_label("Package").select_option(label="Your own (1)")
        expect(page.locator(".tile code")).to_have_text([r"\alphamine"])
        tile(page, key).click()
        expect_symbol(page, key, r"\alphamine")
        expect(page.locator(".symbol .large svg")).to_be_visible()
        expect(page.locator(".symbol .drawings")).to_contain_text("1 drawing of yours.")
        page.get_by_role("button", name="Draw more, rename or remove").click()
        form = page.locator(".st-key-own-fields")
        expect(form).to_contain_text("1 drawing; with 5 drawings")
        # What changes there changes the gallery.
        form.get_by_role("button", name="Rename").click()
        page.get_by_label("New command").fill(r"\betamine")
        page.get_by_label("New command").press("Enter")
        wait_until_idle(page)
        page.get_by_test_id("stPopoverBody").get_by_role("button", name="Rename").click()
        expect(page.locator(".tile code").first).to_have_text(r"\betamine")
        page.goto("about:blank")  # glyphs of tiles that come near aren't asked of a server that has stopped
