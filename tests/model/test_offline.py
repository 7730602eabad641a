"""The offline page's files, and the model file as other programs use it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from extexify.catalog.lookalikes import drawn_alike, prints_alike
from extexify.catalog.symbols import load_catalog, symbol_summary
from extexify.cli import parser
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import RasterSettings
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.model.file import read_description
from extexify.model.offline import made_files, page_zip, write_page
from extexify.model.ranking import USAGE
from extexify.model.rejection import SUMMED_CLASSES
from extexify.workspace.paths import SHIPPED_MODELS
from tests.tiny import SHAPES, shape

SHIPPED = SHIPPED_MODELS / "extexify.onnx"
VENDOR = Path(__file__).parents[2] / "extexify" / "web" / "offline" / "vendor"


def test_the_model_file_runs_in_any_program_and_says_how(tiny_model: Path) -> None:
    session = onnxruntime.InferenceSession(tiny_model, providers=["CPUExecutionProvider"])
    entry = session.get_modelmeta().custom_metadata_map["extexify"]
    assert json.loads(entry) == read_description(tiny_model).to_json()
    drawings = Drawings.pack([shape(key, np.random.default_rng(0)) for key in SHAPES])
    inputs = model_inputs(drawings, RasterSettings.from_json(json.loads(entry)["raster"]), None)
    (logits,) = session.run(None, {"images": inputs.images})
    np.testing.assert_allclose(logits, Classifier.load(tiny_model).logits(drawings), atol=1e-5)


def test_the_command_writes_the_page_of_the_model_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    page = tmp_path / "page"
    assert parser.main(["export-page", "--out", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"model": str(SHIPPED), "page": str(page)}
    assert (page / "model.onnx").read_bytes() == SHIPPED.read_bytes()
    assert SHIPPED.stat().st_size <= 25_000_000


def test_a_file_that_is_no_model_is_one_line_of_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.onnx").write_bytes(b"nothing")
    out = tmp_path / "page"
    assert parser.main(["export-page", "--model", str(tmp_path / "no.onnx"), "--out", str(out)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


def test_a_folder_with_other_files_is_left_alone(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert parser.main(["export-page", "--model", str(tiny_model), "--out", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_page_can_be_overwritten(tiny_model: Path, tmp_path: Path) -> None:
    write_page(tiny_model, tmp_path / "page")
    (tmp_path / "page" / "symbols.json").write_text("old")
    write_page(tiny_model, tmp_path / "page")
    symbols = json.loads((tmp_path / "page" / "symbols.json").read_bytes())["symbols"]
    assert sum("group" in symbol for symbol in symbols.values()) == 29


def test_the_zip_holds_the_same_files(tiny_model: Path, tmp_path: Path) -> None:
    write_page(tiny_model, tmp_path / "tiny")
    with zipfile.ZipFile(io.BytesIO(page_zip(tiny_model))) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert packed == written
    assert {"tiny/index.html", "tiny/model.onnx", "tiny/vendor/LICENSE"} <= packed.keys()


def test_the_page_has_the_groups_of_look_alikes_and_their_usage() -> None:
    known = json.loads(made_files(SHIPPED)["symbols.json"])
    symbols = known["symbols"]
    assert known["summed_classes"] == SUMMED_CLASSES
    classes = read_description(SHIPPED).classes
    assert list(symbols)[: len(classes)] == list(classes)
    members: dict[int, set[str]] = {}
    for key in classes:
        members.setdefault(symbols[key]["group"], set()).add(key)
        assert symbols[key]["usage"] == pytest.approx([USAGE.weight(key), USAGE.weight_among_alike(key)], abs=1e-6)
        assert symbols[key].items() >= symbol_summary(key).items()
    for number, group in members.items():
        others = known["others"].get(str(number), [])
        for key in group:
            assert {*group, *others} - {key} == set(drawn_alike(key))
        for key in others:
            like = symbols[key]["like"]
            assert symbols[like or key]["svg"]
            assert like is None or like in prints_alike(key)


def test_the_table_for_documents_has_every_symbol_of_the_page() -> None:
    made = made_files(SHIPPED)
    table = json.loads(made["documents.json"])
    assert sum(len(group["commands"]) for group in table["catalogue"]) == len(load_catalog())
    assert not table["others"]
    assert json.loads(made["symbols.json"])["symbols"].keys() <= load_catalog().keys()
    assert "documents.json" in json.loads(made["files.json"])


def test_the_runtime_has_the_digests_of_its_npm_package() -> None:
    digests = dict(re.findall(r"^\| `(.+)` \| `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE))
    assert len(digests) == 2
    for name, digest in digests.items():
        packed = VENDOR / f"{name}.gz"
        content = gzip.decompress(packed.read_bytes()) if packed.exists() else (VENDOR / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
