"""The page that asks for drawings, without a browser: what it asks for, keeps, takes back and counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from extexify.catalog import own
from extexify.catalog.lookalikes import prints_alike
from extexify.catalog.own import Glyph, OwnSymbol
from extexify.catalog.symbols import load_catalog
from extexify.contributions.moderation import ModerationList
from extexify.contributions.sqlite_store import SqliteStore
from extexify.contributions.store import open_store
from extexify.core import settings
from extexify.sources.open import open_source
from extexify.sources.own import strokes_for
from extexify.sources.rows import Sample, check_row
from extexify.ui.collect.requests import MAX_UNDONE, Requests, packages
from extexify.workspace.paths import moderation_file
from tests.demo import demo, operator
from tests.drawings import zigzag
from tests.pages import component, open_page, rerun, texts
from tests.tiny import tiny_dataset
from tests.ui.test_evaluate import make_workspace

__all__ = ["demo"]  # a fixture of the tests below

CIRC = "latex2e-OT1-_circ"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(settings.WORKSPACE.name, str(tmp_path))
    monkeypatch.delenv(settings.CONTRIBUTIONS.name, raising=False)
    return tmp_path


def saved(folder: Path) -> list[Sample]:
    """The drawings in the workspace's store."""
    path = folder / "drawings.sqlite3"
    return [check_row(row) for row in open_source(str(path)).rows()] if path.exists() else []


def requests_of(app: AppTest) -> Requests:
    requests: Requests = app.session_state["requests"]
    return requests


def asked(app: AppTest) -> Any:
    """What the page asks for: the data of the symbol's component."""
    return component(app, "request")


def test_a_drawing_is_kept_under_the_symbol_that_was_asked_for(workspace: Path) -> None:
    app = open_page("collect")
    symbol = asked(app)["symbol"]
    assert symbol["svg"]
    assert asked(app)["drawings"] == "No drawings here yet"
    requests = requests_of(app)
    assert requests.keep(requests.number, zigzag(1)) == []
    rerun(app)
    (sample,) = saved(workspace)
    assert sample.key == symbol["key"]
    assert [stroke.tolist() for stroke in sample.drawing] == [stroke.tolist() for stroke in zigzag(1)]
    assert asked(app)["symbol"]["key"] != symbol["key"]
    assert component(app, "request_actions")["message"] == f"Kept as {symbol['command']}."
    page = texts(app)
    assert "Drawings of this visit" in page
    assert "<dd>1</dd>" in page


def test_own_symbols_are_asked_for_and_get_the_drawings(workspace: Path) -> None:
    assert "own" not in packages()
    glyph = Glyph((0, -700, 700, 0), (), (((0, 0), (1000, 1000)),))
    own.add_symbol(own.checked(OwnSymbol, r"\mine", glyph=glyph))
    own.add_symbol(own.checked(OwnSymbol, r"\other", drawings=(strokes_for(zigzag(1)),)))
    assert packages()[0] == "own"
    app = open_page("collect")
    requests = requests_of(app)
    requests.choose("own", False, [])
    assert requests.key == "own-OT1-_mine"
    assert requests.keep(requests.number, zigzag(2)) == []
    assert own.own_symbols()["own-OT1-_mine"].drawings == (strokes_for(zigzag(2)),)
    assert requests.key == "own-OT1-_other"
    assert saved(workspace) == []
    assert len(requests.go_back()) == len(zigzag(2))
    assert requests.key == "own-OT1-_mine"
    assert own.own_symbols()["own-OT1-_mine"].drawings == ()
    requests.keep(requests.number, zigzag(3))
    requests.keep(requests.number, zigzag(4))
    assert [len(symbol.drawings) for symbol in own.own_symbols().values()] == [1, 2]


def test_a_key_that_is_pressed_twice_concerns_one_request(workspace: Path) -> None:
    requests = requests_of(open_page("collect"))
    first = requests.number
    requests.keep(first, zigzag(1))
    second = requests.key
    stale: tuple[object, ...] = (first, None, "", [], {}, 10**400)
    for number in stale:
        for answer in (requests.keep, requests.skip):
            assert len(answer(number, zigzag(2))) == len(zigzag(2))
    assert requests.key == second
    assert len(saved(workspace)) == 1


def test_without_a_drawing_nothing_is_kept(workspace: Path) -> None:
    requests = requests_of(open_page("collect"))
    key = requests.key
    assert requests.keep(requests.number, []) == []
    assert (requests.key, requests.failed, requests.message) == (key, True, "Nothing is drawn yet.")
    assert saved(workspace) == []


def test_undo_leads_back_over_kept_and_skipped_ones(workspace: Path) -> None:
    requests = requests_of(open_page("collect"))
    assert requests.go_back() == []
    keys = []
    for number in range(4):
        keys.append(requests.key)
        answer = requests.skip if number == 2 else requests.keep
        assert answer(requests.number, zigzag(number)) == []
    assert sum(requests.given.values()) == 3
    for number in (3, 2, 1, 0):
        assert [stroke.tolist() for stroke in requests.go_back()] == [stroke.tolist() for stroke in zigzag(number)]
        assert requests.key == keys[number]
        assert len(saved(workspace)) == (2, 2, 1, 0)[3 - number]
    assert not requests.can_go_back
    assert sum(requests.given.values()) == sum(requests.drawings.values()) == 0


def test_a_long_visit_holds_few_drawings(workspace: Path) -> None:
    requests = requests_of(open_page("collect"))
    for number in range(MAX_UNDONE + 5):
        requests.skip(requests.number, zigzag(number))
    back = 0
    while requests.can_go_back:
        requests.go_back()
        back += 1
    assert back == MAX_UNDONE


def test_drawings_of_dataset_and_store_are_counted(workspace: Path) -> None:
    tiny_dataset(workspace / "dataset", each=20)
    SqliteStore(workspace / "drawings.sqlite3").add(CIRC, zigzag(1))
    app = open_page("collect", symbol=CIRC)
    assert asked(app)["symbol"]["key"] == CIRC
    assert asked(app)["drawings"].startswith("21 drawings here so far")
    requests = requests_of(app)
    requests.skip(requests.number, [])
    assert requests.drawings[requests.key] == 0


def test_a_package_is_asked_for_by_choice_and_by_address(workspace: Path) -> None:
    app = open_page("collect")
    requests = requests_of(app)
    package = next(name for name in packages() if name not in ("latex2e", load_catalog()[requests.key].package))
    app.selectbox(key="collect-package").set_value(package)
    rerun(app)
    assert load_catalog()[asked(app)["symbol"]["key"]].package == package
    for _ in range(3):
        requests.skip(requests.number, [])
        assert load_catalog()[requests.key].package == package
    # After another page, the choice of this visit still holds.
    rerun(app.switch_page("pages/symbols.py"))
    rerun(app.switch_page("pages/collect.py"))
    assert app.selectbox(key="collect-package").value == package
    other = open_page("collect", package=package)
    assert load_catalog()[asked(other)["symbol"]["key"]].package == package
    assert not open_page("collect", package="<script>", symbol="<script>").exception


def test_the_most_confused_symbols_come_first_by_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace(tmp_path / "ws")
    monkeypatch.setenv(settings.WORKSPACE.name, str(workspace))
    app = open_page("collect")
    requests = requests_of(app)
    assert requests.key not in requests.errors
    app.button_group(key="collect-order").set_value("Most confused")
    rerun(app)
    worst = max(requests.errors.values())
    key = asked(app)["symbol"]["key"]
    assert max(requests.errors.get(one, 0.0) for one in (key, *prints_alike(key))) == worst


def test_without_an_evaluation_there_is_no_such_choice(workspace: Path) -> None:
    assert not open_page("collect").button_group


def test_a_store_that_cannot_be_used_is_one_sentence(workspace: Path) -> None:
    (workspace / "drawings.sqlite3").write_text("no database at all, but a text that is long enough to look like one")
    app = open_page("collect")
    assert "The drawings can’t be counted" in texts(app)
    assert asked(app)["drawings"] == ""
    requests = requests_of(app)
    key = requests.key
    assert requests.keep(requests.number, zigzag(1)) != []
    assert "could not be saved" in requests.message
    assert (requests.key, requests.failed) == (key, True)


# --- in a public demo ----------------------------------------------------------------------------------


def test_a_visitors_drawings_are_moderated_and_taken_back(demo: Path) -> None:
    app = open_page("collect")
    requests = requests_of(app)
    first = requests.key
    requests.keep(requests.number, zigzag(1))
    assert requests.message.endswith("thank you. It is reviewed before it is added.")
    requests.keep(requests.number, zigzag(2))
    with operator():
        pending = ModerationList(moderation_file()).pending(9)
    assert pending[0].key == first
    assert len(pending) == 2
    requests.go_back()
    with operator():
        moderation = ModerationList(moderation_file())
        assert [one.key for one in moderation.pending(9)] == [first]
        moderation.accept([pending[0].id], open_store())
    assert requests.go_back() == []
    assert "reviewed already" in requests.message
    with operator():
        assert [sample.key for sample in saved(demo)] == [first]


def test_both_pages_share_the_limit_of_a_visit(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.VISIT_LIMIT.name, "2")
    app = open_page("collect")
    requests = requests_of(app)
    requests.keep(requests.number, zigzag(1))
    rerun(app.switch_page("pages/draw.py"))
    app.session_state["contributions"].save(CIRC, zigzag(2))
    assert [stroke.tolist() for stroke in requests.keep(requests.number, zigzag(3))] == [
        stroke.tolist() for stroke in zigzag(3)
    ]
    assert requests.message == "This drawing could not be saved: one visit can send 2 drawings."


def test_visitors_learn_no_path_from_a_damaged_store(demo: Path) -> None:
    (demo / "drawings.sqlite3").write_text("no database at all, but a text that is long enough to look like one")
    app = open_page("collect")
    assert "the operators of this demo can see why" in texts(app)
    assert str(demo) not in texts(app)


def test_visitors_see_no_evaluation(demo: Path) -> None:
    with operator():
        make_workspace(demo / "ws")
    (demo / "ws" / "evaluations").rename(demo / "evaluations")
    assert requests_of(open_page("collect")).errors == {}
