"""The benchmarks: the table of docs/measurements.md holds the stored results, and every row can be measured."""

from __future__ import annotations

import gzip
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks import original_method, results
from benchmarks.__main__ import ROWS
from benchmarks.dumps import cut_dump, repeated, rows_of, write_dump
from benchmarks.growth import Point, exponent, table
from benchmarks.measuring import Method, Row, beside, of_command
from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawings
from tests.drawings import copy_block, dump_text, sample_rows, zigzag

REPLACED = Method("theirs", seconds=10.0, drawings=100, peak_mb=80.4)
OURS = Method("ours", seconds=2.0, drawings=400)


def test_the_table_is_made_of_the_stored_results() -> None:
    text = results.PAGE.read_text(encoding="utf-8")
    shown = text.partition(results.BEGIN + "\n")[2].partition(results.END)[0]
    assert shown == results.table(results.read())


def test_every_row_of_the_table_can_be_measured() -> None:
    for place in ROWS.values():
        module, _, name = place.partition(":")
        assert callable(getattr(import_module(module), name))
    assert set(results.read()) <= set(ROWS)


def test_a_saved_row_replaces_the_one_of_the_same_name(tmp_path: Path) -> None:
    file, page = tmp_path / "results.json", tmp_path / "measurements.md"
    page.write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    results.save("b", Row("B", [REPLACED], "a note."), "ab", file)
    results.save("a", Row("A", [OURS]), "ab", file)
    results.save("b", Row("B", [beside(REPLACED, OURS, target="≥ 6 ×", at_least=6)]), "ab", file)
    assert list(results.read(file)) == ["a", "b"]
    results.write_table(file, page)
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ") and "what" not in line]
    assert rows[1:] == ["| A | ours | 200 |  |  |  |", "| B | ours | 200 |  | 20 × | ≥ 6 ×: yes |"]
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
    page.write_text("no place")
    with pytest.raises(ValueError, match="has no place"):
        results.write_table(file, page)


def test_the_ratio_is_by_seconds_a_drawing_and_says_whether_it_suffices() -> None:
    ours = beside(REPLACED, OURS, target="≥ 30 ×", at_least=30)
    assert (ours.ratio, ours.reached) == (20.0, False)
    assert "≥ 30 ×: **no**" in results.table({"x": {"title": "X", "note": "", "methods": [ours.__dict__]}})


def test_a_note_names_rows_measured_on_a_busy_machine() -> None:
    row = {"title": "X", "note": "", "methods": [OURS.__dict__], "machine": {"cores": 2, "load": 3.5}}
    note = "measured while other processes used the machine, so only the ratios are meaningful: X."
    assert note in results.table({"x": row})
    assert "other processes" not in results.table({"x": {**row, "machine": {"cores": 2, "load": 2.4}}})


def test_the_memory_of_a_command_is_its_own() -> None:
    ballast = np.ones(60_000_000)  # 480 MB
    seconds, processor, memory = of_command([sys.executable, "-c", "print('nothing')"])
    assert ballast[0] == 1
    assert 1 < memory < 200
    assert seconds > 0
    assert processor > 0
    with pytest.raises(SystemExit, match="ended with 3"):
        of_command([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_longer_dump_repeats_the_rows_under_new_ids(tmp_path: Path) -> None:
    short = tmp_path / "short.sql.gz"
    short.write_bytes(gzip.compress(dump_text(copy_block(sample_rows(classes=2, each=2, first=70)))))
    long = write_dump(tmp_path / "long.sql.gz", repeated(short, 3))
    rows = [row.split(b"\t") for row in rows_of(long)]
    assert [int(row[0]) for row in rows] == list(range(1, 13))
    assert [row[1:] for row in rows] == 3 * [row.split(b"\t")[1:] for row in rows_of(short)]
    assert list(rows_of(cut_dump(long, tmp_path / "cut.sql.gz", 5))) == list(rows_of(long))[-5:]


def test_the_replaced_method_draws_the_pictures_of_the_preset() -> None:
    drawings = [zigzag(number) for number in range(20)]
    theirs = np.stack([original_method.draw(original_method.normalize(one)) for one in drawings])
    plain = np.stack([original_method.draw_plain(one) for one in drawings])
    ours = rasterize(Drawings.pack(drawings), PRESETS["original"])
    # Coordinates of 32 bits, of 64, and fitted otherwise: a pixel may fall to its neighbour.
    assert (theirs != plain).mean() < 0.005
    assert (theirs != ours).mean() < 0.005


def test_growth_is_reported_by_its_exponent() -> None:
    assert exponent([10, 30, 100], [3 * n**1.5 for n in (10, 30, 100)]) == pytest.approx(1.5)
    points = [Point("export", n, n / 100, 50 + n / 2**20, 9) for n in (1000, 10_000)]
    assert "| export | 10.0 s, 50 MB | 100.0 s, 50 MB | 1.00 | 1 |" in table(points)
