"""Starter drawings: usable, repeatable, varied, and of every symbol."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.lookalikes import prints_alike
from extexify.catalog.symbols import detexify_keys, load_catalog
from extexify.contributions.sqlite_store import LAST_CONTRIBUTION_ID
from extexify.dataset.export import export_dataset
from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawings
from extexify.sources.base import SourceError
from extexify.sources.open import open_source
from extexify.sources.rows import Sample, check_row
from extexify.sources.starter import MIN_STARTER_ID, StarterSource, shapes_with_skeletons, starter_drawings

KEYS = list(detexify_keys())
SOME = KEYS[::57]


def samples(source: StarterSource) -> list[Sample]:
    return [check_row(row) for row in source.rows()]


def test_the_usual_symbols_are_those_of_detexify_and_every_shape_can_be_asked_for() -> None:
    assert list(StarterSource().symbols) == KEYS
    shapes = StarterSource.from_address("starter:each=1,symbols=all").symbols
    assert set(KEYS) < set(shapes) < set(load_catalog())
    assert all(any(other in shapes for other in (key, *prints_alike(key))) for key in load_catalog())


def test_every_shape_has_usable_drawings() -> None:
    keys = shapes_with_skeletons()[::5]
    found = samples(StarterSource(keys, each=1))
    assert [sample.key for sample in found] == list(keys)
    assert len({sample.id for sample in found}) == len(found)
    for sample in found:
        points = np.concatenate(sample.drawing)
        assert len(points) < 1500
        assert (points == points.round()).all(), "pixels are whole"
        assert np.ptp(points, axis=0).max() < 600
        assert points.min() >= 0


def test_each_symbol_gets_as_many_as_asked_for_and_the_position_tells() -> None:
    source = StarterSource(SOME, each=7)
    assert source.position() == (0, 7 * len(SOME))
    assert len(samples(source)) == 7 * len(SOME)
    assert source.position() == (7 * len(SOME), 7 * len(SOME))


def test_a_drawing_depends_on_seed_key_and_number_only() -> None:
    rows = list(StarterSource(SOME, each=5, seed=3).rows())
    assert list(StarterSource(SOME, each=5, seed=3).rows()) == rows
    alone = list(StarterSource([SOME[4]], each=9, seed=3).rows())
    assert alone[:5] == rows[20:25]
    other = list(StarterSource(SOME, each=5, seed=4).rows())
    assert not {row.id for row in rows} & {row.id for row in other}
    assert sum(one.strokes == two.strokes for one, two in zip(rows, other, strict=True)) < len(rows) / 10


def test_ids_are_above_those_of_dumps_and_of_the_store() -> None:
    for row in StarterSource(SOME, each=3).rows():
        assert isinstance(row.id, int)
        assert LAST_CONTRIBUTION_ID < MIN_STARTER_ID <= row.id < 2**53


def test_drawings_of_a_symbol_differ_as_those_of_people_do() -> None:
    for key in ("latex2e-OT1-_alpha", "latex2e-OT1-_sum", "latex2e-OT1-_rightarrow", "amssymb-OT1-_mathfrak{A}"):
        drawings = starter_drawings(key, 40)
        assert len({tuple(map(bytes, drawing)) for drawing in drawings}) == 40
        sizes = [np.ptp(np.concatenate(drawing), axis=0) for drawing in drawings]
        assert np.std([width / height for width, height in sizes]) > 0.05
        assert len({sum(map(len, drawing)) for drawing in drawings}) > 10
        pictures = rasterize(Drawings.pack(drawings), PRESETS["default"], threads=1).astype(float)
        # Ink in common with the average of all: a copy would have all of it, another symbol little.
        shared = [np.minimum(picture, pictures.mean(axis=0)).sum() / picture.sum() for picture in pictures]
        assert 0.1 < np.mean(shared) < 0.7


def test_strokes_come_in_different_orders_directions_and_numbers() -> None:
    drawings = starter_drawings("latex2e-OT1-_times", 200)
    assert len({len(drawing) for drawing in drawings}) > 1
    starts = np.array([drawing[0][0] - np.concatenate(drawing).mean(axis=0) for drawing in drawings])
    assert len(np.unique(starts > 0, axis=0)) > 1


def test_areas_are_filled_by_some_and_left_empty_by_others() -> None:
    lengths = [
        sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in drawing)
        / np.ptp(np.concatenate(drawing), axis=0).max()
        for drawing in starter_drawings("amssymb-OT1-_blacksquare", 60)
    ]
    assert min(lengths) < 5 < 8 < max(lengths)


def test_a_dot_is_mostly_a_tap() -> None:
    single = [sum(map(len, drawing)) == 1 for drawing in starter_drawings("latex2e-OT1-_cdot", 100)]
    assert 0.6 < np.mean(single) < 0.95


def test_an_export_has_every_class_in_every_split_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    source = StarterSource(KEYS[5:1100:55], each=20)
    dataset = export_dataset([source], tmp_path / "dataset")
    assert len(dataset.classes) == 20
    assert len(dataset) == 400
    assert (dataset.class_counts > 0).all()
    assert not dataset.manifest["left_out"]
    assert "synthetic" in dataset.manifest["sources"][0]["source"]


def test_addresses_name_the_options() -> None:
    source = open_source("starter")
    assert isinstance(source, StarterSource)
    assert (len(source.symbols), source.each, source.seed) == (len(KEYS), 40, 0)
    source = open_source("starter:each=3,seed=12,symbols=latex2e-OT1-_alpha;amssymb-OT1-_mathfrak{C}")
    assert isinstance(source, StarterSource)
    assert source.symbols == ("latex2e-OT1-_alpha", "amssymb-OT1-_mathfrak{C}")
    assert (source.each, source.seed) == (3, 12)
    assert source.name == "starter drawings (synthetic; 3 each of 2 symbols, seed 12)"


@given(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=6, unique=True),
    st.integers(1, 1000),
    st.integers(0, 2**63 - 1),
)
def test_addresses_read_back_what_was_written(symbols: list[str], each: int, seed: int) -> None:
    written = ";".join(quote(key) for key in symbols)
    source = StarterSource.from_address(f"starter:symbols={written},seed={seed},each={each}")
    assert (list(source.symbols), source.each, source.seed) == (symbols, each, seed)


@given(st.text(max_size=40))
def test_other_addresses_are_refused_in_one_sentence_or_understood(text: str) -> None:
    try:
        StarterSource.from_address(f"starter:{text}")
    except SourceError as error:
        message = str(error)
    else:
        message = "understood"
        assert re.fullmatch(r"(each|seed)=[0-9]+(,(each|seed)=[0-9]+)?", text)
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("starter:", "no address"),
        ("starters", "no address"),
        ("starter:each=0", "1 to 100,000"),
        ("starter:each=-3", "'-3'"),
        ("starter:each=many", "'many'"),
        ("starter:each=²", "'²'"),
        ("starter:each=1,each=2", "twice"),
        ("starter:seed=9223372036854775808", "9223372036854775808"),
        ("starter:number=5", "'number'"),
        ("starter:symbols=", "no symbol"),
        ("starter:symbols=latex2e-OT1-_alpha;latex2e-OT1-_alpha", "twice"),
        ("starter:symbols=latex2e-OT1-_alpha;latex2e-OT1-_alfa", "'latex2e-OT1-_alfa'"),
    ],
)
def test_refusals_name_what_is_wrong(address: str, words: str) -> None:
    with pytest.raises(SourceError, match=re.escape(words)):
        StarterSource.from_address(address)


def test_the_library_needs_neither_the_dashboard_nor_the_training() -> None:
    code = (
        "import sys; from extexify.sources.starter import starter_drawings; starter_drawings('latex2e-OT1-_alpha', 2); "
        "sys.exit(bool({'streamlit', 'torch', 'scipy', 'skimage'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
