"""The packages of `extexify/` form layers: each imports only from those above it in the list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

ROOMS = (
    "core", "access", "workspace", "catalog", "drawing", "sources", "dataset", "contributions", "model", "evaluation",
    "training",
)  # fmt: skip
"""In the order in which data flows. Nothing imports `cli` or `ui` but themselves; they never import each other."""


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions, as dotted names with the imported names behind."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules() -> Iterator[tuple[str, Path]]:
    for file in sorted((ROOT / "extexify").rglob("*.py")):
        yield ".".join(file.relative_to(ROOT).with_suffix("").parts), file


def test_a_room_imports_only_from_rooms_above_it() -> None:
    wrong = []
    for name, file in modules():
        room = name.split(".")[1]
        allowed = {*ROOMS[: ROOMS.index(room) + 1]} if room in ROOMS else {*ROOMS, room}
        if room in ("__init__", "__main__"):
            allowed |= {"cli"}
        for imported in imports(file):
            parts = imported.split(".")
            if parts[0] == "extexify" and len(parts) > 1 and parts[1] not in {*allowed, "__version__"}:
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_only_the_dashboard_imports_streamlit() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, file in modules()
        if not name.startswith("extexify.ui")
        for imported in imports(file)
        if imported.split(".")[0] == "streamlit"
    ]
    assert not wrong


def test_every_module_is_in_a_room() -> None:
    loose = {file.stem for file in (ROOT / "extexify").glob("*.py")} - {"__init__", "__main__"}
    folders = {file.parent.name for file in (ROOT / "extexify").glob("*/__init__.py")}
    assert not loose
    assert folders == {*ROOMS, "cli", "ui"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = dict(modules())
    edges: dict[str, set[str]] = {}
    for name, file in known.items():
        found = set()
        for imported in imports(file):
            parts = imported.split(".")
            found |= {".".join(parts[:length]) for length in range(2, len(parts) + 1)} & known.keys() - {name}
        edges[name] = found
    # Remove modules without remaining imports until none is left, or only a cycle.
    while free := {name for name, others in edges.items() if not others & edges.keys()}:
        edges = {name: others for name, others in edges.items() if name not in free}
    assert not edges, f"in a circle, or importing one: {sorted(edges)}"
