"""“It was this one”, in a real browser: what is kept, once, with a way back, and what the page says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from extexify.contributions.sqlite_store import SqliteStore
from extexify.sources.open import open_source
from extexify.sources.rows import Sample, check_row
from extexify.ui.draw.contribute import ENOUGH, Contributor
from tests.drawings import zigzag
from tests.postgres_server import Database, database, server
from tests.visits import ALPHA, PLUS, SUM, Visiting, visiting
from tools.dashboard import dashboard, wait_for_answer

__all__ = ["database", "server", "visiting"]  # the fixtures of the tests below

SUM_KEY = "latex2e-OT1-_sum"


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The address of a dashboard on that workspace."""
    with dashboard(folder) as running:
        yield running


def kept(folder: Path) -> list[Sample]:
    """The drawings in the workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row) for row in open_source(str(path)).rows()] if path.exists() else []


def panel(page: Page) -> str:
    """What the page says about the drawing."""
    return page.locator(".st-key-contribute_panel .note").inner_text()


def test_an_answer_keeps_the_drawing_once_and_can_be_taken_back(visiting: Visiting, address: str, folder: Path) -> None:
    visit = visiting(address)
    visit.draw(ALPHA)
    first = visit.commands[0]
    button = visit.page.get_by_role("button", name=f"It was {first}", exact=True)
    button.dblclick()
    note = visit.page.locator(".st-key-contribute_panel .note")
    expect(note).to_contain_text(f"Kept as {first}, drawing number 1 in this workspace.")
    expect(note.get_by_role("link", name="exported")).to_have_attribute("href", "export")
    expect(visit.page.get_by_role("button", name="It was")).to_have_count(0)
    (sample,) = kept(folder)
    assert [stroke.tolist() for stroke in sample.drawing] == [stroke.tolist() for stroke in visit.strokes]
    # Another stroke makes another drawing, and the first stroke alone is still the kept one.
    visit.draw(PLUS[:1], before=1)
    expect(note).to_be_hidden()
    visit.page.keyboard.press("Control+z")
    wait_for_answer(visit.page, 1)
    expect(note).to_contain_text("drawing number 1")
    note.get_by_role("button", name="Undo keeping").click()
    expect(button).to_be_visible()
    assert kept(folder) == []


def test_any_symbol_can_be_found_and_kept(visiting: Visiting, address: str, folder: Path) -> None:
    visit = visiting(address)
    visit.draw(SUM)
    visit.page.get_by_role("button", name="Something else? Search all symbols").click()
    search = visit.page.get_by_label("Search the symbol that you drew")
    expect(search).to_be_focused()
    search.fill("no symbol is called like this")
    expect(visit.page.get_by_text("No symbol like this.")).to_be_visible()
    search.fill("leqslnt")
    found = visit.page.locator(".st-key-contribute_panel .tile")
    expect(found.first).to_have_text("\\leqslant")
    assert found.first.locator("svg").count() == 1
    found.first.click()
    expect(visit.page.get_by_text("Kept as \\leqslant, drawing number 1")).to_be_visible()
    expect(search).to_be_hidden()
    assert [sample.key for sample in kept(folder)] == ["amssymb-OT1-_leqslant"]


def test_escape_leaves_the_search_and_not_the_drawing(visiting: Visiting, address: str) -> None:
    visit = visiting(address)
    visit.draw(SUM)
    visit.page.get_by_role("button", name="Something else? Search all symbols").click()
    visit.page.keyboard.type("zeta")
    expect(visit.page.locator(".st-key-contribute_panel .tile").first).to_have_text("\\zeta")
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("button", name="Something else? Search all symbols")).to_be_focused()
    visit.page.wait_for_timeout(300)
    assert len(visit.ink()[0]) > 100


def test_a_member_of_a_folded_answer_can_be_kept(visiting: Visiting, address: str, folder: Path) -> None:
    visit = visiting(address)
    visit.draw(SUM)
    visit.page.get_by_role("button", name="Show 20 more").click()
    member = visit.page.locator(".st-key-answers .member")
    key = member.get_attribute("data-key")
    member.locator(".was").click()
    expect(visit.page.get_by_text("drawing number 1 in this workspace")).to_be_visible()
    assert [sample.key for sample in kept(folder)] == [key]


def test_enough_drawings_lead_to_another_training(visiting: Visiting, address: str, folder: Path) -> None:
    store = SqliteStore(folder / "drawings.sqlite3")
    for number in range(ENOUGH - 1):
        store.add(SUM_KEY, zigzag(number))
    visit = visiting(address)
    visit.draw(SUM)
    visit.page.get_by_role("button", name="It was").first.click()
    expect(visit.page.get_by_text(f"{ENOUGH} drawings wait for an export")).to_be_visible()
    assert "train the next model" in panel(visit.page)


def test_a_store_that_cannot_be_written_is_one_sentence(visiting: Visiting, address: str, folder: Path) -> None:
    (folder / "drawings.sqlite3").write_text("no database at all, but a text that is long enough to be told from one")
    visit = visiting(address)
    visit.draw(SUM)
    visit.page.get_by_role("button", name="It was").first.click()
    expect(visit.page.locator(".st-key-contribute_panel .note.problem")).to_contain_text("could not be kept")
    assert "Kept" not in panel(visit.page)
    # The answers are there as before, and the next drawing has nothing of it.
    assert len(visit.commands) == 5
    visit.draw(PLUS[:1], before=1)
    expect(visit.page.locator(".st-key-contribute_panel .note")).to_be_hidden()


def test_a_database_takes_the_drawings_where_a_setting_names_it(
    visiting: Visiting, folder: Path, database: Database
) -> None:
    with dashboard(folder, EXTEXIFY_CONTRIBUTIONS=database.address()) as address:
        visit = visiting(address)
        visit.draw(SUM)
        visit.page.get_by_role("button", name="It was").first.click()
        expect(visit.page.get_by_text("drawing number 1 in the shared database")).to_be_visible()
        (row,) = open_source(database.address()).rows()
        (stroke,) = check_row(row).drawing
        assert stroke.tolist() == visit.strokes[0].tolist()
        assert kept(folder) == []
        visit.page.get_by_role("button", name="Undo keeping").click()
        expect(visit.page.get_by_role("button", name="It was").first).to_be_visible()
        assert list(open_source(database.address()).rows()) == []


def test_the_search_answers_anything(address: str) -> None:
    def find(query: str) -> Any:
        with urlopen(f"{address}/catalog/find?{urlencode({'q': query})}") as answer:
            return json.load(answer)

    assert find("") == []
    assert find("q" * 5000) == []
    assert find("<script>\0 ∮")[:1] == []
    found = find("∮")
    assert found[0]["command"] == "\\oint"
    assert found[0]["svg"].startswith("<svg")
    assert len(find("a")) == 24


def test_each_of_several_drawings_can_be_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    current = Contributor()
    for number in (0, 3, 6):
        current.answer(zigzag(number), ())
        current.keep(SUM_KEY)
    first, second, third = kept(tmp_path)
    current.answer(zigzag(3), ())
    current.take_back()
    assert [sample.id for sample in kept(tmp_path)] == [first.id, third.id]
    assert current.answer(zigzag(3), ()) == ""
    assert current.answer(zigzag(6), ()) == SUM_KEY
    current.answer(zigzag(3), ())
    current.keep(SUM_KEY)
    assert [sample.id for sample in kept(tmp_path)][:2] == [first.id, third.id]
    assert kept(tmp_path)[2].id > second.id


def test_a_key_that_no_page_offers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    current = Contributor()
    for drawing in ([], [np.array([[1, 2]], np.float32)]):
        assert current.answer(drawing, ["own"]) == ""
        for key in (None, 7, "", "another", "<script>", "x" * 1000):
            current.keep(key)
        assert kept(tmp_path) == []
    assert "could not be kept" in current.problem
    current.keep("own")
    current.keep("own")
    assert [sample.key for sample in kept(tmp_path)] == ["own"]
    current.take_back()
    current.take_back()
    assert kept(tmp_path) == []
