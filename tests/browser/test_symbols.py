"""The Symbols page in a real browser against a real server, and what it fetches."""

from __future__ import annotations

import gzip
import json
import re
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from extexify.catalog.lookalikes import drawn_alike, prints_alike
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.dataset.dataset import examples_of
from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import strokes_json
from extexify.sources.base import Row, Source
from extexify.sources.starter import StarterSource
from tests.tiny import shape, tiny_dataset
from tools.dashboard import dashboard

Opening = Callable[..., Page]

CATALOG = load_catalog()

AWKWARD = [f"latex2e-OT1-{end}" for end in ("|", "_|", "_#", "_&", "_%", "/", "!`", "_{", "__", "_c{c}", "_sqrt{}")]
"""Keys with characters that mean something in an address or in HTML."""

HOSTILE = "x-OT1-<img src=x onerror=alert(1)>&\"'{}|#%+\\"


class DrawingsOf:
    """Drawings of some keys, whatever these are."""

    unit = "rows"

    def __init__(self, name: str, counts: dict[str, int]) -> None:
        self.name, self._counts = name, counts

    def rows(self) -> Generator[Row]:
        rng = np.random.default_rng(1)
        keys = [key for key, count in self._counts.items() for _ in range(count)]
        for number, key in enumerate(keys, 1):
            yield Row(number, key, strokes_json(shape("latex2e-OT1-_circ", rng)))

    def position(self) -> tuple[int, int | None]:
        return 0, None


@pytest.fixture(scope="module")
def with_drawings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard with a dataset: many of one symbol, some of another, and of a key of nobody's."""
    folder = tmp_path_factory.mktemp("drawn")
    counts = {"latex2e-OT1-_alpha": 60, "latex2e-OT1-_sum": 12, HOSTILE: 8}
    export_dataset([DrawingsOf("dump.sql", counts)], folder / "dataset")
    with dashboard(folder) as address:
        yield address


@pytest.fixture
def opening(browser: Browser, server: str) -> Iterator[Opening]:
    """Opens the Symbols page, at a symbol if one is given, in a browser profile of its own."""
    contexts: list[BrowserContext] = []

    def open_page(symbol: str = "", address: str = server, **options: object) -> Page:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.goto(f"{address}/symbols" + (f"?symbol={symbol}" if symbol else ""))
        page.locator(".tile svg").first.wait_for(state="attached", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


def tile(page: Page, key: str) -> Locator:
    """The tile of a symbol."""
    return page.locator(f'.tile[href="?symbol={quote(key, safe="!*()" + chr(39))}"]')


def search(page: Page, query: str) -> list[str]:
    """Type a query; returns the commands that it leaves."""
    page.get_by_role("searchbox").fill(query)
    page.locator(f".gallery[data-query={json.dumps(query.strip(), ensure_ascii=False)}]").wait_for(state="attached")
    return page.locator(".tile code").all_text_contents()


def symbol_in(url: str) -> str | None:
    """The symbol that an address names."""
    return parse_qs(urlsplit(url).query).get("symbol", [None])[0]


def opened(page: Page) -> Locator:
    return page.locator(".symbol")


def test_every_symbol_is_there_with_its_glyph_and_nothing_comes_from_elsewhere(opening: Opening, server: str) -> None:
    page = opening()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Every symbol, and what to type for it")
    expect(page.locator(".tile")).to_have_count(len(CATALOG))
    expect(page.locator(".tile svg")).to_have_count(len(CATALOG), timeout=15_000)
    commands = page.locator(".tile code").all_text_contents()
    assert sorted(commands) == sorted(symbol.command for symbol in CATALOG.values())
    assert {host for host in hosts if host} == {urlsplit(server).netloc}


def test_choosing_a_symbol_changes_the_address_without_loading_the_page_anew(opening: Opening) -> None:
    page = opening()
    catalogues: list[str] = []
    page.on("request", lambda request: catalogues.append(request.url) if "symbols.json" in request.url else None)
    page.evaluate("window.stillHere = true")
    for key in ("latex2e-OT1-_beta", "latex2e-OT1-_gamma"):
        tile(page, key).click()
        expect(opened(page).locator(".command code")).to_have_text(CATALOG[key].command)
        page.wait_for_function("key => new URLSearchParams(location.search).get('symbol') === key", arg=key)
    page.go_back()
    expect(opened(page).locator(".command code")).to_have_text("\\beta")
    page.reload()
    expect(opened(page).locator(".command code")).to_have_text("\\beta")
    page.evaluate("window.stillHere = true")
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("!location.search")
    expect(page.get_by_text("Choose a symbol to see it large")).to_be_visible()
    assert page.evaluate("window.stillHere")
    # The reload fetched it from the browser's cache at most.
    assert len(catalogues) <= 1


@pytest.mark.parametrize("key", AWKWARD)
def test_every_awkward_key_has_an_address(opening: Opening, key: str) -> None:
    page = opening(quote(key, safe=""))
    expect(opened(page).locator(".command code")).to_have_text(CATALOG[key].command)
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("!location.search")
    tile(page, key).click()
    page.wait_for_function("key => new URLSearchParams(location.search).get('symbol') === key", arg=key)
    assert symbol_in(page.url) == key


@pytest.mark.parametrize(
    "address",
    [
        "no-such-key",
        "latex2e-OT1-_alpha%00",
        "%ED%A0%80%FF",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "%5Bclick%5D(http://example.org)%20![](http://example.org/x.png)",
        "..%2F..%2Fetc%2Fpasswd",
        "x" * 5000,
    ],
)
def test_an_address_of_no_symbol_gets_one_sentence(opening: Opening, address: str) -> None:
    page = opening(address)
    notice = page.locator(".notice")
    expect(notice).to_contain_text("No symbol has the key")
    assert len(notice.inner_text()) < 150
    assert page.locator(".notice *, .stException, .stAlert").count() == 0
    tile(page, "latex2e-OT1-_beta").click()
    expect(notice).to_be_hidden()
    expect(opened(page).locator(".command code")).to_have_text("\\beta")


def test_a_symbol_says_everything_about_itself(opening: Opening) -> None:
    page = opening("amssymb-OT1-_mathfrak%7BC%7D", permissions=["clipboard-read", "clipboard-write"])
    key = "amssymb-OT1-_mathfrak{C}"
    symbol = CATALOG[key]
    assert symbol.unicode
    assert symbol.typst
    shown = opened(page)
    for text in ("Math mode", "amssymb", "OT1", "U+212D", symbol.typst):
        expect(shown.locator(".facts")).to_contain_text(text)
    expect(shown.locator(".name")).to_contain_text(re.compile(str(symbol.unicode_name), re.IGNORECASE))
    for text in (symbol.command, symbol.usepackage, symbol.typst):
        shown.get_by_role("button", name=f"Copy {text}", exact=True).click()
        expect(shown.get_by_role("button", name=f"Copy {text}", exact=True)).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text
    shown.get_by_role("button", name="Copy the Unicode character").click()
    page.wait_for_function("async text => await navigator.clipboard.readText() === text", arg=symbol.unicode)
    # No dataset, but a way to one.
    expect(shown).to_contain_text("python -m extexify export")


def test_look_alikes_lead_to_each_other(opening: Opening) -> None:
    key = "latex2e-OT1-_Sigma"
    page = opening(key)
    texts = opened(page).locator(".chip code").all_inner_texts()
    assert sorted(texts) == sorted(symbol_for(other).command for other in {*prints_alike(key), *drawn_alike(key)})
    opened(page).locator(".chip", has_text="\\sum").click()
    expect(opened(page).locator(".command code")).to_have_text("\\sum")
    page.wait_for_function("location.search.includes('_sum')")


def test_search_finds_by_command_character_name_and_package(opening: Opening) -> None:
    page = opening()
    assert search(page, "\\alpha")[0] == "\\alpha"
    assert search(page, "aplha")[0] == "\\alpha"
    assert search(page, "∮")[0] == "\\oint"
    assert "\\infty" in search(page, "infinity")
    assert set(search(page, "stmaryrd")) == {one.command for one in CATALOG.values() if one.package == "stmaryrd"}
    assert search(page, "?&#%+ no such thing") == []
    expect(page.get_by_text("No symbol like this.")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    expect(page.locator(".tile")).to_have_count(len(CATALOG))
    search(page, "nabla")
    page.get_by_role("searchbox").press("Enter")
    expect(opened(page).locator(".command code")).to_have_text("\\nabla")
    page.wait_for_function("location.search.includes('_nabla')")
    # The choice has not undone the search.
    expect(page.get_by_role("searchbox")).to_have_value("nabla")


def test_filters_leave_what_they_say(opening: Opening) -> None:
    page = opening()
    page.get_by_label("Package").select_option("=textcomp")
    page.get_by_label("Mode").select_option("math")
    left = {s.command for s in CATALOG.values() if s.package == "textcomp" and s.mode in ("math", "both")}
    assert set(page.locator(".tile code").all_text_contents()) == left
    page.get_by_label("Package").select_option("")
    page.get_by_label("Mode").select_option("text")
    count = sum(symbol.mode != "math" for symbol in CATALOG.values())
    expect(page.locator(".tile")).to_have_count(count)
    expect(page.locator(".count")).to_have_text(f"{count} symbols")


def test_the_gallery_obeys_the_keyboard(opening: Opening) -> None:
    page = opening()
    focused = "document.activeElement.shadowRoot.activeElement.querySelector('code')?.textContent"
    page.get_by_role("searchbox").press("ArrowDown")
    tiles = page.locator(".tile code").all_text_contents()
    assert page.evaluate(focused) == tiles[0]
    columns = int(
        page.locator(".tiles").first.evaluate("e => getComputedStyle(e).gridTemplateColumns.split(' ').length")
    )
    for key, position in [
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("ArrowLeft", columns),
        ("End", -1),
        ("Home", 0),
    ]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == tiles[position]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(opened(page).locator(".command code")).to_have_text(tiles[1])
    # Only one tile stands in the way of the Tab key.
    assert page.locator('.tile[tabindex="0"]').count() == 1


def test_a_dataset_shows_how_people_draw(opening: Opening, with_drawings: str) -> None:
    page = opening("latex2e-OT1-_alpha", with_drawings)
    expect(opened(page)).to_contain_text("60 drawings in the dataset, 20 of them here.")
    expect(opened(page).locator(".ink")).to_have_count(20)
    page.get_by_label("Drawings").select_option("10")
    assert sorted(page.locator(".tile code").all_text_contents()) == ["\\alpha", "\\sum"]
    tile(page, "latex2e-OT1-_sum").click()
    expect(opened(page)).to_contain_text("12 drawings in the dataset.")
    expect(opened(page).locator(".ink")).to_have_count(12)
    page.get_by_label("Drawings").select_option("-1")
    expect(page.locator(".tile")).to_have_count(len(CATALOG) - 2)
    tile(page, "latex2e-OT1-_beta").click()
    expect(opened(page)).to_contain_text("The dataset has no drawing of this symbol.")


def test_a_key_that_only_the_dataset_knows_is_shown_as_text(opening: Opening, with_drawings: str) -> None:
    page = opening(quote(HOSTILE, safe=""), with_drawings)
    command = symbol_for(HOSTILE).command
    expect(opened(page).locator(".command code")).to_have_text(command)
    expect(opened(page)).to_contain_text("Not in the catalogue")
    expect(opened(page)).to_contain_text("8 drawings")
    assert page.locator("img[src='x']").count() == 0
    assert search(page, "onerror") == [command]
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("!location.search")
    page.locator(".tile").click()
    page.wait_for_function("key => new URLSearchParams(location.search).get('symbol') === key", arg=HOSTILE)


def test_starter_drawings_are_called_synthetic(opening: Opening, tmp_path: Path) -> None:
    export_dataset([StarterSource(["latex2e-OT1-_pi"], each=9)], tmp_path / "dataset")
    with dashboard(tmp_path) as address:
        # A server's first visit may well be to a symbol, and still has the whole frame around it.
        page = opening("latex2e-OT1-_pi", address)
        expect(opened(page)).to_contain_text("9 drawings in the dataset: starter drawings, made by a program")
        expect(opened(page)).to_contain_text("Synthetic drawings of it")
        expect(page.get_by_role("link", name="Draw", exact=True)).to_be_visible()
        # A dataset that gets damaged, or goes, is a sentence and no end of the page.
        manifest = tmp_path / "dataset" / "manifest.json"
        manifest.write_text("{}")
        page.reload()
        expect(opened(page)).to_contain_text("The drawings can't be shown")
        manifest.unlink()
        page.reload()
        expect(opened(page)).to_contain_text("No drawings here yet")


def test_a_phone_shows_the_symbol_over_the_gallery(opening: Opening) -> None:
    page = opening(viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True)
    # As on a colleague's machine, without HTTPS: no clipboard but the old one.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    tile(page, "latex2e-OT1-_beta").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".command code")).to_have_text("\\beta")
    dialog.get_by_role("button", name="Copy \\beta", exact=True).tap()
    expect(dialog.get_by_role("button", name="Copy \\beta", exact=True)).to_have_text("Copied")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.wait_for_function("!location.search")
    # A wider window takes the symbol beside the gallery, and back.
    tile(page, "latex2e-OT1-_gamma").tap()
    expect(dialog).to_be_visible()
    page.set_viewport_size({"width": 1100, "height": 800})
    expect(dialog).to_be_hidden()
    expect(page.locator(".side .command code")).to_have_text("\\gamma")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_glyphs_take_the_colour_of_the_text(opening: Opening, scheme: str) -> None:
    page = opening("latex2e-OT1-_beta", color_scheme=scheme)
    colour = "e => getComputedStyle(e).fill"
    text = page.get_by_role("heading", level=1).evaluate("e => getComputedStyle(e).color")
    assert opened(page).locator(".large svg").evaluate(colour) == text
    assert page.locator(".tile svg").first.evaluate(colour) == text


def test_the_catalogue_travels_compressed_and_once(server: str, opening: Opening) -> None:
    page = opening()
    address = page.evaluate("performance.getEntriesByType('resource').find(e => e.name.includes('symbols.json')).name")
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})) as answer:
        packed = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
    with urllib.request.urlopen(address) as answer:
        plain = answer.read()
    assert gzip.decompress(packed) == plain
    assert len(packed) < 250_000
    assert [entry["key"] for entry in json.loads(plain)] == list(CATALOG)


@pytest.mark.parametrize("query", ["", "%00", "%F0%9F%98%80", "a" * 5000, "%ED%A0%80", "a%20" * 500])
def test_any_search_gets_an_answer(server: str, query: str) -> None:
    with urllib.request.urlopen(f"{server}/catalog/search?q={query}", timeout=10) as answer:
        found = json.load(answer)
    assert all(0 <= position < len(CATALOG) for position in found)


def test_examples_are_of_the_symbol_and_spread_over_all(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "dataset", each=30)
    label = dataset.classes.index("latex2e-OT1-_times")
    samples = np.flatnonzero(dataset.labels == label)
    examples = examples_of(dataset, "latex2e-OT1-_times", 5)
    assert (examples.people, examples.synthetic) == (len(samples), 0)
    assert len(examples.drawings) == 5
    first, last = dataset.drawings.take(samples[[0, -1]]), examples.drawings
    np.testing.assert_array_equal(first.points[: first.stroke_ends[0]], last.points[: last.stroke_ends[0]])
    np.testing.assert_array_equal(first.points[-2:], last.points[-2:])
    assert len(examples_of(dataset, "latex2e-OT1-_times", 1000).drawings) == len(samples)
    nothing = examples_of(dataset, "no such key", 5)
    assert (nothing.people, nothing.synthetic, len(nothing.drawings)) == (0, 0, 0)


def test_examples_are_peoples_where_there_are_any(tmp_path: Path) -> None:
    drawn, traced = "latex2e-OT1-_alpha", "latex2e-OT1-_pi"
    sources: list[Source] = [DrawingsOf("dump.sql", {drawn: 12}), StarterSource([drawn, traced], each=30)]
    dataset = export_dataset(sources, tmp_path / "dataset")
    both, synthetic = examples_of(dataset, drawn, 100), examples_of(dataset, traced, 100)
    assert (both.people, both.synthetic, len(both.drawings)) == (12, 30, 12)
    assert (synthetic.people, synthetic.synthetic, len(synthetic.drawings)) == (0, 30, 30)
