"""Benchmark results: a JSON file, and the table in docs/measurements.md that is generated from it.

    python -m benchmarks --table

rewrites the table from the file without measuring.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import Row
from extexify.workspace.files import atomic_file, read_json, write_json

FILE = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parent.parent / "docs" / "measurements.md"

BEGIN, END = "<!-- benchmarks: made by `python -m benchmarks --table` -->", "<!-- end of benchmarks -->"


def machine() -> dict[str, str | float]:
    """Cores, load average of the last minute (the benchmark included) and versions of Python and libraries."""
    libraries = {name: version(name) for name in ("numpy", "numba", "torch", "pillow")}
    load = round(os.getloadavg()[0], 1)
    return {"cores": os.cpu_count() or 1, "load": load, "python": platform.python_version(), **libraries}


def read(file: Path = FILE) -> dict[str, Any]:
    """The saved rows by name."""
    saved: Any = read_json(file) if file.exists() else {}
    return dict(saved)


def save(name: str, row: Row, order: Iterable[str], file: Path = FILE) -> None:
    """Add a row to the file, replacing one with the same name; rows are sorted by `order`."""
    rows = read(file)
    rows[name] = {**_plain(asdict(row)), "measured": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}
    write_json(file, {other: rows[other] for other in order if other in rows})


def table(rows: Mapping[str, Any]) -> str:
    """The rows as a Markdown table, followed by their notes."""
    lines = [
        "| what | method | drawings a second | peak memory | ratio | target |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for row in rows.values():
        title = row["title"]
        for method in row["methods"]:
            lines.append(f"| {' | '.join([title, *_cells(method)])} |")
            title = ""
    notes = [f"- {row['title']}: {row['note']}" for row in rows.values() if row["note"]]
    if busy := [row for row in rows.values() if _was_busy(row.get("machine"))]:
        titles = "; ".join(row["title"] for row in busy)
        notes.append(f"- measured while other processes used the machine, so only the ratios are meaningful: {titles}.")
    return "\n".join([*lines, "", *notes, ""] if notes else [*lines, ""])


def write_table(file: Path = FILE, page: Path = PAGE) -> None:
    """Replace the table on the page, between its two marks. Raises ValueError if they are missing."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the benchmarks' table: put the lines {BEGIN} and {END} in it")
    with atomic_file(page) as temporary:
        temporary.write_text(f"{before}{begin}\n{table(read(file))}{end}{after}", encoding="utf-8")


def _was_busy(machine: Mapping[str, Any] | None) -> bool:
    """Whether other processes used the machine: the load was higher than a benchmark's one or two processes explain."""
    return machine is not None and machine["load"] > machine["cores"] + 1


def _cells(method: Mapping[str, Any]) -> list[str]:
    rate = method["shown"] or f"{_rounded(method['drawings'] / method['seconds']):,}"
    memory = f"{method['peak_mb']:,.0f} MB" if method["peak_mb"] is not None else ""
    ratio = f"{_short(method['ratio'])} ×" if method["ratio"] is not None else ""
    target = method["target"]
    if target:
        target += ": yes" if method["reached"] else ": **no**"
    return [method["name"], rate, memory, ratio, target]


def _rounded(rate: float) -> int | float:
    """Rounded to three significant digits; timing noise is larger than that."""
    digits = f"{rate:.3g}"
    return int(float(digits)) if rate >= 100 else float(digits)


def _short(ratio: float) -> str:
    return f"{_rounded(ratio):,}" if ratio >= 100 else f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def _plain(value: Any) -> Any:
    """Floats rounded to six significant digits, which keeps diffs of the file readable."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
