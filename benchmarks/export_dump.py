"""Row: export of a gzipped dump compared with `gzip -dc` of the same file, and of a dump ten times as long.

The long dump repeats the rows with new ids. Times of commands include the start of the process.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.dumps import repeated, rows_of, write_dump
from benchmarks.measuring import Method, Row, Setting, beside, of_command

TIMES = 10
MOST = 3.0  # maximum, relative to the time of gzip


def measure(setting: Setting) -> Row:
    """Time both commands on both dumps, in turn."""
    count = sum(1 for _ in rows_of(setting.source))
    long = write_dump(setting.folder / "long.sql.gz", repeated(setting.source, TIMES))
    counts = {setting.source: count, long: TIMES * count}
    times: dict[tuple[Path, str], list[tuple[float, float, float]]] = {}
    for _ in range(setting.rounds):
        for dump in counts:
            for what, command in commands(dump, setting.folder / "exported").items():
                times.setdefault((dump, what), []).append(of_command(command))
    methods = []
    for dump, rows in counts.items():
        gzip, export = (_method(f"{name}, {rows:,} rows", rows, times[dump, name]) for name in ("gzip -dc", "export"))
        target = f"≥ {1 / MOST:.2f} ×" if dump == setting.source else ""
        methods += [gzip, beside(gzip, export, target=target, at_least=1 / MOST)]
    ratios = " and ".join(f"{1 / (method.ratio or 1):.1f}" for method in methods if method.ratio)
    note = f"export takes {ratios} times as long as `gzip -dc` takes to unpack the file; target: at most {MOST:.0f}."
    return Row("export from a gzipped dump", methods, note)


def commands(dump: Path, out: Path) -> dict[str, list[str]]:
    """The commands measured on a dump, by name."""
    return {
        "gzip -dc": ["gzip", "-dc", str(dump)],
        "export": [sys.executable, "-m", "extexify", "export", "--source", str(dump), "--out", str(out)],
    }


def _method(name: str, rows: int, times: list[tuple[float, float, float]]) -> Method:
    return Method(
        name=name,
        seconds=statistics.median(wall for wall, _, _ in times),
        drawings=rows,
        peak_mb=max(memory for _, _, memory in times),
        metrics={"processor_seconds": statistics.median(processor for _, processor, _ in times)},
    )
