"""Measure our implementation beside the methods that it replaces, on the same data in one run, and save the results.

    make bench ARGS="--source detexify.sql.gz"             every row of the table, about half an hour
    make bench ARGS="--source detexify.sql.gz rasterize"   one row
    make bench ARGS="--quick"                              every row on few drawings; nothing is saved
    python -m benchmarks --table                           write the table of docs/measurements.md from the saved rows

Without --source, starter drawings are used in place of real ones, and nothing is saved.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks import results
from benchmarks.dumps import cut_dump, starter_dump
from benchmarks.measuring import Row, Setting

ROWS = {
    "rasterize": "benchmarks.rasterize:measure",
    "export-postgres": "benchmarks.export_postgres:measure",
    "export-dump": "benchmarks.export_dump:measure",
    "train-epoch": "benchmarks.train_epoch:measure",
    "time-to-accuracy": "benchmarks.time_to_accuracy:measure",
    "answer": "benchmarks.answers:single",
    "batch": "benchmarks.answers:batches",
    "start": "benchmarks.start_up:starting",
}
"""The rows of the table in order, each with the function that measures it."""

QUICK_ROWS = 3000  # drawings with --quick


def main() -> None:
    """Measure the rows named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"which rows: {', '.join(ROWS)} (default: all)")
    parser.add_argument("--source", type=Path, metavar="DUMP.sql.gz", help="real drawings: a gzipped dump")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions; the median is reported (default: 3)")
    parser.add_argument("--quick", action="store_true", help="few drawings, one round, nothing saved")
    parser.add_argument("--table", action="store_true", help="only rewrite the table of docs/measurements.md")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]}: there are {', '.join(ROWS)}")
    if options.source and not options.source.is_file():
        parser.error(f"{options.source} is no file")
    if not options.table:
        with tempfile.TemporaryDirectory(prefix="extexify-bench-") as folder:
            _measure(options, Path(folder))
    if options.table or (options.source and not options.quick):
        try:
            results.write_table()
        except ValueError as error:
            parser.error(str(error))


def _measure(options: argparse.Namespace, folder: Path) -> None:
    setting = _setting(options, folder)
    for name in options.rows or ROWS:
        print(f"== {name}", flush=True)
        module, _, function = ROWS[name].partition(":")
        row: Row = getattr(import_module(module), function)(setting)
        print(results.table({name: asdict(row)}), flush=True)
        if options.source and not options.quick:
            results.save(name, row, ROWS)


def _setting(options: argparse.Namespace, folder: Path) -> Setting:
    """Prepare the drawings, as a dump and as a dataset, in the folder."""
    source = options.source or starter_dump(folder / "starter.sql.gz")
    if options.quick:
        source = cut_dump(source, folder / "cut.sql.gz", QUICK_ROWS)
    dataset = folder / "dataset"
    command = [sys.executable, "-m", "extexify", "export", "--ignore-review", "--source", source, "--out", dataset]
    # In a temporary workspace, so that the user's is neither read nor written.
    subprocess.run(command, check=True, env={**os.environ, "EXTEXIFY_WORKSPACE": str(folder / "workspace")})
    return Setting(source, dataset, folder, 1 if options.quick else options.rounds, options.quick)


if __name__ == "__main__":
    main()
