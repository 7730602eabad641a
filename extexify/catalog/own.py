r"""Symbols of one's own: those that a user added to the catalogue, in one JSON file of the workspace.

The file that is exported and imported has the same form: `{"format": "extexify-symbols", "version": 1, "symbols": []}`
with a symbol's command, mode, preamble lines, drawings as strokes JSON, and a glyph as SVG paths if there is one. The
key of a symbol follows from its command: ``own-OT1-_mysymbol``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta

from extexify.access import permissions
from extexify.catalog.glyph_image import glyph_image
from extexify.catalog.keys import OWN, Mode, Symbol, command_from_key, is_harmless, runs_code
from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.workspace import paths
from extexify.workspace.files import StorageError, read_bytes, write_json, writer_lock

MAX_SYMBOLS, MAX_DRAWINGS = 2_000, 50
"""Most symbols of a file, and most drawings of a symbol."""

MAX_BYTES = 64 * 1024 * 1024
"""Size of the largest file that is read."""

_FORMAT, _VERSION = "extexify-symbols", 1
_PREFIX = f"{OWN}-OT1-"
_PATIENCE = 10.0  # seconds to wait for another process that changes the symbols

_Coordinate = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Stroke = Annotated[tuple[tuple[_Coordinate, _Coordinate], ...], Meta(min_length=1, max_length=20_000)]
Strokes = Annotated[tuple[_Stroke, ...], Meta(min_length=1, max_length=1_000)]
"""A drawing as strokes JSON holds it: strokes of points (x, y)."""

_Extent = Annotated[int, Meta(ge=-100_000, le=100_000)]
_Path = Annotated[str, Meta(max_length=200_000, pattern=r"\A[MmLlHhVvCcSsQqTtAaZz0-9eE.,+ -]*\Z")]

# Preamble lines: packages, and definitions of the symbol itself.
_LINE = re.compile(
    r"\\(?:usepackage|newcommand|DeclareMathOperator|DeclareMathSymbol|DeclareSymbolFont|DeclareFontFamily"
    r"|DeclareFontShape|DeclareRobustCommand)(?![A-Za-z])\*?\s*[\[{\\].*"
)
_USED = re.compile(r"\\usepackage\s*(?:\[[^\]]*\])?\s*\{\s*([A-Za-z0-9.-]+)")


class OwnSymbolError(UserError, ValueError):
    """A symbol can't be added or changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A printed symbol: `ink`, filled SVG paths, within `box`: left, top, right and bottom in thousandths of an em,
    from the start of the baseline; and `lines`, the strokes that a pen would draw, which are shown if there is no ink.
    """

    box: tuple[_Extent, _Extent, _Extent, _Extent]
    ink: Annotated[tuple[_Path, ...], Meta(max_length=1_000)]
    lines: Strokes


@dataclass(frozen=True, slots=True)
class OwnSymbol:
    r"""A symbol that a user added.

    ``command`` is what is typed (``\mysymbol``), ``preamble`` the lines that it needs. It has drawings, a glyph, or
    both. Raises ValueError for a command that isn't one, or lines that do more than load packages and define it.
    """

    command: Annotated[str, Meta(min_length=1, max_length=100)]
    mode: Mode = "math"
    preamble: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=500)], ...], Meta(max_length=20)] = ()
    drawings: Annotated[tuple[Strokes, ...], Meta(max_length=MAX_DRAWINGS)] = ()
    glyph: Glyph | None = None

    def __post_init__(self) -> None:
        check_source(self.command, self.preamble)
        if not self.drawings and self.glyph is None:
            raise ValueError(f"{self.command} has neither drawings nor a glyph")

    @property
    def key(self) -> str:
        """The key, in the form of all keys."""
        return own_key(self.command)

    @property
    def symbol(self) -> Symbol:
        """The catalogue's entry; its package is the first one that the preamble loads."""
        lines = "\n".join(self.preamble)
        used = _USED.search(lines)
        package = used[1] if used else OWN if lines else "latex2e"
        return Symbol(self.key, self.command, package, "OT1", lines, self.mode)

    def svg(self, title: str | None) -> str:
        """The glyph, or else the first drawing, as an SVG of the size of the catalogue's glyphs."""
        if self.glyph is not None and self.glyph.ink:
            ink = "".join(f'<path d="{path}"/>' for path in self.glyph.ink)
            return glyph_image(self.glyph.box, ink, title)
        strokes = self.drawings[0] if self.drawings else self.glyph.lines if self.glyph else ()
        points = [point for stroke in strokes for point in stroke]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        scale = 700 / max(max(xs) - min(xs), max(ys) - min(ys), 1e-6)
        lines = "".join(
            "M" + "L".join(f"{(x - min(xs)) * scale:.0f} {(y - max(ys)) * scale:.0f}" for x, y in (*stroke, stroke[-1]))
            for stroke in strokes
        )
        width, height = (max(xs) - min(xs)) * scale, (max(ys) - min(ys)) * scale
        style = 'fill="none" stroke="currentColor" stroke-width="45" stroke-linecap="round" stroke-linejoin="round"'
        return glyph_image((0, -round(height), round(width), 0), f'<path d="{lines}"/>', title, style)


def check_source(command: str, preamble: Sequence[str]) -> None:
    """Raises `OwnSymbolError` for a command that isn't one, or lines that do more than load packages and define it."""
    if not is_harmless(command) or command_from_key(own_key(command)) != command:
        raise OwnSymbolError(f"{command} is no command that prints a symbol, such as \\mysymbol or \\mathbb{{A}}")
    for line in preamble:
        if not _LINE.fullmatch(line) or runs_code(line):
            raise OwnSymbolError(f"{line} is no preamble line that loads a package or defines a symbol")


def own_key(command: str) -> str:
    """The key of the own symbol with this command."""
    return _PREFIX + command.replace("\\", "_")


def is_own(key: str) -> bool:
    """Whether a key is that of an own symbol, which there may be or not."""
    return key.startswith(_PREFIX)


# --- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Document:
    format: Literal["extexify-symbols"]
    version: Literal[1]
    symbols: Annotated[tuple[OwnSymbol, ...], Meta(max_length=MAX_SYMBOLS)]

    def __post_init__(self) -> None:
        commands = [symbol.command for symbol in self.symbols]
        if len(set(commands)) < len(commands):
            raise ValueError("a command is there twice")


def read_symbols(path: Path) -> tuple[OwnSymbol, ...]:
    """The symbols of a file. Raises `StorageError` if it is missing, too large, or no file of symbols."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise StorageError(f"{path} is larger than {MAX_BYTES >> 20} MB: no file of symbols is")
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except ValueError as error:  # a zero byte
        raise StorageError(f"{path} can't be read ({error})") from None
    return parse_symbols(read_bytes(path), str(path))


def parse_symbols(content: bytes, name: str) -> tuple[OwnSymbol, ...]:
    """The symbols of a file's content; `name` is for messages. Raises `StorageError`."""
    try:
        return validate(orjson.loads(content), _Document).symbols
    except ValueError as error:
        raise StorageError(f"{name} is no file of symbols ({error})") from None


def document(symbols: Sequence[OwnSymbol]) -> dict[str, Any]:
    """The content of a file of symbols, as a JSON object."""
    return {"format": _FORMAT, "version": _VERSION, "symbols": [asdict(symbol) for symbol in symbols]}


def write_symbols(path: Path, symbols: Sequence[OwnSymbol]) -> None:
    """Write a file of symbols, atomically."""
    write_json(path, document(symbols))


Version = tuple[str, int, int, int]
"""Path, modification time, size and inode of the workspace's file."""

_loaded: tuple[Version, Mapping[str, OwnSymbol] | StorageError] | None = None
_lock = threading.Lock()


def version() -> Version | None:
    """What changes with the own symbols; None if there are none."""
    path = paths.own_symbols_file()
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino


def own_symbols() -> Mapping[str, OwnSymbol]:
    """The workspace's own symbols by key, sorted by key; read again when they have changed.

    Raises `StorageError` if the file is damaged.
    """
    global _loaded
    current = version()
    if current is None:
        return MappingProxyType({})
    with _lock:
        if _loaded is None or _loaded[0] != current:
            _loaded = current, _read(paths.own_symbols_file())
        found = _loaded[1]
    if isinstance(found, StorageError):
        raise found
    return found


def _read(path: Path) -> Mapping[str, OwnSymbol] | StorageError:
    try:
        symbols = {symbol.key: symbol for symbol in read_symbols(path)}
    except StorageError as error:
        return error
    return MappingProxyType(dict(sorted(symbols.items())))


def find_own(key: str) -> OwnSymbol | None:
    """The own symbol of a key; None if there is none, or they can't be read. Never raises."""
    if not is_own(key):
        return None
    try:
        return own_symbols().get(key)
    except StorageError:
        return None


# --- changes -----------------------------------------------------------------------------------------


def add_symbol(symbol: OwnSymbol) -> None:
    """Add a symbol. Raises `OwnSymbolError` if there is one with its command."""

    def change(symbols: dict[str, OwnSymbol]) -> None:
        if symbol.key in symbols:
            raise OwnSymbolError(f"there is a symbol {symbol.command} already: add drawings to it, or remove it first")
        symbols[symbol.key] = symbol

    _change(change)


def add_drawings(command: str, drawings: Sequence[Strokes]) -> None:
    """Add drawings to a symbol. Raises `OwnSymbolError` if there is no such symbol, or it would have too many."""
    _change(lambda symbols: _put(symbols, _extended(_existing(symbols, command), drawings)))


def remove_drawing(command: str, drawing: Strokes) -> None:
    """Remove the newest drawing of a symbol that equals this one, if there is one.

    Raises `OwnSymbolError` if there is no such symbol, or nothing else says how it looks.
    """

    def change(symbols: dict[str, OwnSymbol]) -> None:
        symbol = _existing(symbols, command)
        kept = list(symbol.drawings)
        if drawing in kept:
            del kept[len(kept) - 1 - kept[::-1].index(drawing)]
            _put(symbols, checked(replace, symbol, drawings=tuple(kept)))

    _change(change)


def rename_symbol(command: str, new: str) -> None:
    """Give a symbol another command. Raises `OwnSymbolError` if there is no such symbol, or the new one is taken."""

    def change(symbols: dict[str, OwnSymbol]) -> None:
        symbol = _existing(symbols, command)
        if own_key(new) in symbols:
            raise OwnSymbolError(f"there is a symbol {new} already: choose another command")
        del symbols[symbol.key]
        _put(symbols, checked(replace, symbol, command=new))

    _change(change)


def remove_symbol(command: str) -> None:
    """Remove a symbol and its drawings. Raises `OwnSymbolError` if there is no such symbol."""
    _change(lambda symbols: symbols.pop(_existing(symbols, command).key))


def import_symbols(symbols: Sequence[OwnSymbol]) -> tuple[int, int]:
    """Add the symbols of a file, and to those that are there already their new drawings.

    Returns how many were added, and how many others got drawings. Raises `OwnSymbolError` if there would be too many.
    """
    counts = [0, 0]

    def change(present: dict[str, OwnSymbol]) -> None:
        for symbol in symbols:
            known = present.get(symbol.key)
            if known is None:
                present[symbol.key] = symbol
                counts[0] += 1
                continue
            new = [drawing for drawing in symbol.drawings if drawing not in known.drawings]
            if new:
                _put(present, _extended(known, new))
                counts[1] += 1

    _change(change)
    return counts[0], counts[1]


@permissions.operators_only
def _change(change: Callable[[dict[str, OwnSymbol]], object]) -> None:
    """Read the symbols, let `change` change them, and write them, while no other process does."""
    path = paths.own_symbols_file()
    with writer_lock(path, "the own symbols in", wait=_PATIENCE):
        symbols = dict(own_symbols())
        change(symbols)
        if len(symbols) > MAX_SYMBOLS:
            raise OwnSymbolError(f"there can be {MAX_SYMBOLS:,} own symbols: remove some first")
        write_symbols(path, [symbols[key] for key in sorted(symbols)])


def checked(make: Callable[..., OwnSymbol], *args: Any, **kwargs: Any) -> OwnSymbol:
    """A symbol from values that a user gave, validated like those of a file. Raises `OwnSymbolError`."""
    try:
        return validate(asdict(make(*args, **kwargs)), OwnSymbol)
    except ValueError as error:
        raise OwnSymbolError(str(error)) from None


def _put(symbols: dict[str, OwnSymbol], symbol: OwnSymbol) -> None:
    symbols[symbol.key] = symbol


def _existing(symbols: Mapping[str, OwnSymbol], command: str) -> OwnSymbol:
    try:
        return symbols[own_key(command)]
    except KeyError:
        known = ", ".join(symbol.command for symbol in list(symbols.values())[:8]) or "none"
        raise OwnSymbolError(f"there is no own symbol {command}: there are {known}") from None


def _extended(symbol: OwnSymbol, drawings: Sequence[Strokes]) -> OwnSymbol:
    if len(symbol.drawings) + len(drawings) > MAX_DRAWINGS:
        raise OwnSymbolError(f"{symbol.command} has {len(symbol.drawings)} drawings: {MAX_DRAWINGS} are the most")
    return checked(replace, symbol, drawings=(*symbol.drawings, *drawings))
