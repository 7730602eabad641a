"""The Symbols page without a browser: addresses, and what the dataset adds."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from extexify.catalog import own
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.dataset.dataset import examples_of
from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import strokes_json
from extexify.sources.base import Row, Source
from extexify.sources.own import strokes_for
from extexify.sources.starter import StarterSource
from tests.drawings import zigzag
from tests.tiny import shape, tiny_dataset
from tools.dashboard import ROOT

AWKWARD = [f"latex2e-OT1-{end}" for end in ("|", "_|", "_#", "_&", "_%", "/", "!`", "_{", "__", "_c{c}", "_sqrt{}")]
"""Keys with characters that have a meaning in addresses or HTML."""

HOSTILE = "x-OT1-<img src=x onerror=alert(1)>&\"'{}|#%+\\"


class DrawingsOf:
    """A source of drawings of given keys."""

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


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    return tmp_path


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/symbols.py")


def gallery(app: AppTest, symbol: str = "") -> Any:
    """The data of the gallery at the address of a symbol."""
    app.query_params["symbol"] = symbol
    app.run()
    assert not app.exception
    (element,) = app.get("bidi_component")
    return json.loads(element.proto.json)


def test_every_key_has_an_address(workspace: Path, app: AppTest) -> None:
    for key in AWKWARD:
        data = gallery(app, key)
        assert (data["opened"], data["notice"]) == (key, "")
        # No dataset, but a way to one.
        assert data["drawings"]["invite"]


def test_an_address_of_no_symbol_gets_one_sentence(workspace: Path, app: AppTest) -> None:
    for address in ("no-such-key", "latex2e-OT1-_alpha\0", "\ufffd", "<script>alert(1)</script>", "x" * 5000):
        data = gallery(app, address)
        assert data["notice"].startswith("No symbol has the key")
        assert len(data["notice"]) < 150
        assert (data["opened"], data["drawings"]) == ("", None)


def test_a_dataset_shows_how_people_draw(workspace: Path, app: AppTest) -> None:
    counts = {"latex2e-OT1-_alpha": 60, "latex2e-OT1-_sum": 12, HOSTILE: 8}
    export_dataset([DrawingsOf("dump.sql", counts)], workspace / "dataset")
    data = gallery(app, "latex2e-OT1-_alpha")
    assert data["drawings"]["line"] == "60 drawings in the dataset, 20 of them here."
    assert len(data["drawings"]["pictures"]) == 20
    keys = [*load_catalog(), HOSTILE]
    assert {keys[int(number)]: count for number, count in data["counts"].items()} == counts
    data = gallery(app, "latex2e-OT1-_sum")
    assert data["drawings"]["line"] == "12 drawings in the dataset."
    assert len(data["drawings"]["pictures"]) == 12
    assert gallery(app, "latex2e-OT1-_beta")["drawings"]["line"] == "The dataset has no drawing of this symbol."
    data = gallery(app, HOSTILE)
    assert data["drawings"]["line"] == "8 drawings in the dataset."
    assert data["unlisted"][0]["command"] == symbol_for(HOSTILE).command
    # A dataset that is damaged or deleted is a sentence.
    manifest = workspace / "dataset" / "manifest.json"
    manifest.write_text("{}")
    assert gallery(app, "latex2e-OT1-_beta")["drawings"]["line"].startswith("The drawings can't be shown")
    manifest.unlink()
    assert gallery(app, "latex2e-OT1-_beta")["drawings"]["invite"]


def test_starter_drawings_are_called_synthetic(workspace: Path, app: AppTest) -> None:
    export_dataset([StarterSource(["latex2e-OT1-_pi"], each=9)], workspace / "dataset")
    drawings = gallery(app, "latex2e-OT1-_pi")["drawings"]
    assert drawings["line"].startswith("9 drawings in the dataset: starter drawings, made by a program")
    assert drawings["title"] == "Synthetic drawings of it"


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


def test_own_symbols_are_in_the_gallery_with_the_drawings_of_the_user(workspace: Path, app: AppTest) -> None:
    assert gallery(app)["addresses"]["own"] == ""
    drawings = tuple(strokes_for(zigzag(number)) for number in range(2))
    own.add_symbol(own.checked(own.OwnSymbol, r"\mine", drawings=drawings))
    data = gallery(app, "own-OT1-_mine")
    assert (data["opened"], data["notice"]) == ("own-OT1-_mine", "")
    assert (data["drawings"]["line"], len(data["drawings"]["pictures"])) == ("2 drawings of yours.", 2)
    first = data["addresses"]["own"]
    own.rename_symbol(r"\mine", r"\ours")
    assert gallery(app, "own-OT1-_mine")["notice"].startswith("No symbol has the key")
    assert gallery(app, "own-OT1-_ours")["addresses"]["own"] not in ("", first)
