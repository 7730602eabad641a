"""Symbols of one's own: the workspace's file, what is refused, and what the catalogue says about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extexify.access import permissions
from extexify.catalog import own
from extexify.catalog.keys import derive_symbol
from extexify.catalog.own import OwnSymbol, OwnSymbolError, checked, own_key
from extexify.catalog.symbols import glyph_svg, symbol_for
from extexify.workspace import paths
from extexify.workspace.files import StorageError

ARROW = (((0, 5), (10, 5)), ((7, 2), (10, 5), (7, 8)))
CROSS = (((0, 0), (10, 10)), ((0, 10), (10, 0)))


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "workspace"))


def symbol(command: str = r"\mysymbol", **other: Any) -> OwnSymbol:
    return checked(OwnSymbol, command, **{"drawings": (ARROW,), **other})


def test_an_added_symbol_is_in_the_catalogue_until_it_is_removed() -> None:
    added = symbol(preamble=(r"\usepackage{stix2}",), mode="both")
    assert own.own_symbols() == {}
    own.add_symbol(added)
    assert own.own_symbols() == {"own-OT1-_mysymbol": added}
    found = symbol_for("own-OT1-_mysymbol")
    assert (found.command, found.package, found.mode) == (r"\mysymbol", "stix2", "both")
    assert found.usepackage == r"\usepackage{stix2}"
    drawn = glyph_svg("own-OT1-_mysymbol", title="mine")
    assert drawn
    assert "stroke=" in drawn
    own.remove_symbol(r"\mysymbol")
    assert own.own_symbols() == {}
    assert glyph_svg("own-OT1-_mysymbol") is None
    assert symbol_for("own-OT1-_mysymbol") == derive_symbol("own-OT1-_mysymbol")


def test_a_glyph_is_shown_in_place_of_a_drawing() -> None:
    own.add_symbol(symbol(drawings=(), glyph=own.Glyph((0, -700, 500, 0), ("M0 0L500 0L500-700Z",), ARROW)))
    assert 'd="M0 0L500 0L500-700Z"' in str(glyph_svg("own-OT1-_mysymbol"))


def test_drawings_are_added_and_a_symbol_is_renamed() -> None:
    own.add_symbol(symbol())
    own.add_drawings(r"\mysymbol", [CROSS])
    own.rename_symbol(r"\mysymbol", r"\ourset")
    assert list(own.own_symbols()) == [own_key(r"\ourset")]
    assert own.own_symbols()[own_key(r"\ourset")].drawings == (ARROW, CROSS)


def test_a_file_of_symbols_brings_them_to_another_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.add_symbol(symbol(preamble=(r"\newcommand{\mysymbol}{\mathrel{\rhd}}",)))
    own.add_symbol(symbol(r"\other"))
    own.write_symbols(tmp_path / "ours.json", list(own.own_symbols().values()))
    before = own.own_symbols()
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "another"))
    own.add_symbol(symbol(r"\other", drawings=(CROSS,)))
    assert own.import_symbols(own.read_symbols(tmp_path / "ours.json")) == (1, 1)
    assert own.own_symbols()[own_key(r"\mysymbol")] == before[own_key(r"\mysymbol")]
    assert own.own_symbols()[own_key(r"\other")].drawings == (CROSS, ARROW)
    assert own.import_symbols(own.read_symbols(tmp_path / "ours.json")) == (0, 0)


@pytest.mark.parametrize(
    "command",
    [r"\input{x}", r"\write18", "", r"\my symbol", "a" * 101, "x_1", r"\def\x{}", "\\my\nsymbol", r"\a%", "\\"],
)
def test_what_is_no_command_of_a_symbol_is_refused_with_one_sentence(command: str) -> None:
    with pytest.raises(OwnSymbolError) as refused:
        symbol(command)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("command", [r"\mysymbol", r"\mathbb{A}", r"\_", r"\not\sim", "A", r"\mathrel{\rhd}"])
def test_a_command_follows_from_its_key(command: str) -> None:
    assert derive_symbol(symbol(command).key).command == command


@pytest.mark.parametrize(
    "line",
    [
        r"\input{secret}", r"\usepackage{x}\write18{rm}", r"\newcommand{\x}{^^5cwrite18}", "hello", r"\def\x{}",
        r"\newcommand{\x}{\directlua{x}}", "",
    ],
)  # fmt: skip
def test_preamble_lines_only_load_packages_and_define_the_symbol(line: str) -> None:
    with pytest.raises(OwnSymbolError):
        symbol(preamble=(line,))


@pytest.mark.parametrize(
    "other",
    [
        {"drawings": ()}, {"drawings": ((),)}, {"drawings": (((),),)}, {"drawings": ((((0, 1e9),),),)},
        {"mode": "verse"}, {"drawings": (ARROW,) * (own.MAX_DRAWINGS + 1)},
        {"glyph": own.Glyph((0, 0, 1, 1), ('M0 0"/><script>',), ARROW)}, {"glyph": own.Glyph((0, 0, 1, 1), (), ())},
    ],
)  # fmt: skip
def test_what_no_symbol_can_be_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(OwnSymbolError):
        symbol(**other)


@pytest.mark.parametrize(
    "change",
    [
        lambda: own.add_symbol(symbol()),
        lambda: own.rename_symbol(r"\other", r"\mysymbol"),
        lambda: own.rename_symbol(r"\other", r"\input"),
        lambda: own.remove_symbol(r"\nothing"),
        lambda: own.add_drawings(r"\nothing", [ARROW]),
        lambda: own.add_drawings(r"\other", [ARROW] * own.MAX_DRAWINGS),
        lambda: own.add_drawings(r"\other", [()]),
    ],
)
def test_a_change_that_is_refused_leaves_the_symbols_as_they_were(change: Callable[[], None]) -> None:
    own.add_symbol(symbol())
    own.add_symbol(symbol(r"\other"))
    before = paths.own_symbols_file().read_bytes()
    with pytest.raises(OwnSymbolError):
        change()
    assert paths.own_symbols_file().read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'{"format": "extexify-symbols", "version": 2, "symbols": []}', b"\xff", b'{"format": "x"}'],
)
def test_a_damaged_file_is_named_and_kept_and_costs_the_catalogue_nothing(content: bytes) -> None:
    file = paths.own_symbols_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(StorageError, match=r"symbols\.json is no"):
        own.own_symbols()
    with pytest.raises(StorageError):
        own.add_symbol(symbol())
    assert file.read_bytes() == content
    assert symbol_for("own-OT1-_mysymbol").command == r"\mysymbol"
    assert glyph_svg("own-OT1-_mysymbol") is None


def test_a_command_is_in_a_file_only_once(tmp_path: Path) -> None:
    own.write_symbols(tmp_path / "twice.json", [symbol(), symbol()])
    with pytest.raises(StorageError, match="twice"):
        own.read_symbols(tmp_path / "twice.json")


def test_unknown_entries_of_a_file_are_ignored(tmp_path: Path) -> None:
    own.write_symbols(tmp_path / "ours.json", [symbol()])
    document = json.loads((tmp_path / "ours.json").read_text())
    document["symbols"][0]["colour"] = "red"
    assert own.parse_symbols(json.dumps(document).encode(), "ours") == (symbol(),)


def test_visitors_of_a_demo_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own.add_symbol(symbol())
    monkeypatch.setattr(permissions, "is_operator", lambda: False)
    for change in (lambda: own.add_symbol(symbol(r"\other")), lambda: own.remove_symbol(r"\mysymbol")):
        with pytest.raises(permissions.NotPermitted):
            change()
    assert list(own.own_symbols()) == ["own-OT1-_mysymbol"]
