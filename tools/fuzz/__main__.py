"""Fuzz everything that reads what it didn't write.

    python -m tools.fuzz                                    a million cases, over all targets, two processes
    python -m tools.fuzz --cases 20000 --seconds 20         a piece of that
    python -m tools.fuzz --guided strokes links             coverage-guided, with atheris (`pip install atheris`)
    python -m tools.fuzz --replay .fuzz/found/links/0123abcd

A case is known by its seed, its target and its number. What was run is remembered in OUT/tally.json, and the next call
goes on from there, until --cases of all are done: so a million can be run in pieces. Cases that fail are kept as files
in OUT/found. The table has for each target: cases, how many were refused with a sentence, seconds, cases a second,
failures, and the memory that its process took beyond what it began with.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from extexify.workspace.files import write_json
from tools.fuzz import guided
from tools.fuzz.all_targets import all_targets, find_target
from tools.fuzz.running import Tally, own_workspace, run_case, supervise, warm_up
from tools.fuzz.target import Target

MILLION = 1_000_000
_PIECE = 120.0  # seconds that a process runs at most, so that all targets get their turn


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; returns 1 when there are failures."""
    options = _parser().parse_args(arguments)
    if options.replay:
        return _replay(options.replay)
    try:
        targets = [find_target(name) for name in options.targets] or list(all_targets().values())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.guided and find_spec("atheris") is None:
        print("--guided needs atheris: pip install atheris", file=sys.stderr)
        return 2
    tallies = _read_tallies(options.out)
    if options.guided:
        _run_guided(targets, options, tallies)
    else:
        _run_seeded(targets, options, tallies)
    print(_table(tallies))
    return 1 if any(tally.failures for tally in tallies.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="only these (default: all)")
    parser.add_argument(
        "--cases", type=int, default=MILLION, metavar="N", help="of all targets together, in their shares"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S", help="end after this time")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other cases (default: 0)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at a time (default: 2)")
    parser.add_argument("--guided", action="store_true", help="let coverage guide the cases")
    parser.add_argument("--out", type=Path, default=Path(".fuzz"), metavar="DIR", help="tally, corpora and failures")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="run a case that was kept")
    return parser


def _run_seeded(targets: list[Target], options: argparse.Namespace, tallies: dict[str, Tally]) -> None:
    """Run every target's share that isn't done yet, several processes at a time."""
    all_shares = sum(target.share for target in targets)

    def run(target: Target) -> None:
        wanted = round(options.cases * target.share / all_shares)
        tally = tallies.setdefault(target.name, Tally(target.name))
        # So that all targets come to their turn in a short time.
        part = options.seconds * options.processes * target.share / all_shares
        end = time.monotonic() + part
        while tally.cases < wanted:
            left = min(_PIECE, end - time.monotonic())
            if left <= 0:
                return
            tally.add(supervise(target, options.seed, tally.cases, wanted - tally.cases, left, options.out))
            _write_tallies(options.out, tallies)

    with ThreadPoolExecutor(options.processes) as pool:
        # The longest first: none of them is left over at the end.
        list(pool.map(run, sorted(targets, key=lambda target: -target.share)))


def _run_guided(targets: list[Target], options: argparse.Namespace, tallies: dict[str, Tally]) -> None:
    for target in targets:
        name = f"{target.name} (guided)"
        tally = tallies.setdefault(name, Tally(target.name, "guided"))
        cases = max(options.cases // len(targets), 1)
        tally.add(guided.run(target, cases, min(options.seconds / len(targets), 3600), options.out, options.seed))
        _write_tallies(options.out, tallies)


def _replay(folder: Path) -> int:
    """Run a kept case again, and say what goes wrong."""
    target = next(one for one in all_targets().values() if one.name.replace(" ", "-") == folder.resolve().parent.name)
    files = folder / "case"
    case = {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}
    with own_workspace() as workspace:
        warm_up(target, workspace)
        was_read, what = run_case(target, case, workspace)
    print(what or ("read" if was_read else "refused with a sentence"))
    return 1 if what else 0


def _read_tallies(out: Path) -> dict[str, Tally]:
    try:
        kept = json.loads((out / "tally.json").read_bytes())
    except FileNotFoundError:
        return {}
    return {name: Tally(**entry) for name, entry in kept.items()}


def _write_tallies(out: Path, tallies: dict[str, Tally]) -> None:
    write_json(out / "tally.json", {name: asdict(tally) for name, tally in tallies.items()})


def _table(tallies: dict[str, Tally]) -> str:
    rows: list[tuple[str, ...]] = [("target", "cases", "refused", "seconds", "cases/s", "failures", "memory, MB")]
    total = Tally("all")
    for name, tally in tallies.items():
        rows.append(_row(name, tally))
        total.add(tally)
    rows.append(_row("all", total))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join([*lines, *(f"FAILED {failure}" for failure in total.failures)])


def _row(name: str, tally: Tally) -> tuple[str, ...]:
    rate = tally.cases / tally.seconds if tally.seconds else 0
    return (
        name, f"{tally.cases:,}", f"{tally.refused:,}", f"{tally.seconds:,.1f}", f"{rate:,.0f}",
        f"{len(tally.failures):,}", f"{tally.peak / 1e6:,.0f}",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
