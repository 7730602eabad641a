"""A model taken along: the ONNX file answers as the library does, and so does the page, in Chromium, offline."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
import onnxruntime
import pytest

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import symbol_summary
from extexify.cli import parser
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import PRESETS, RasterSettings, preset, rasterize_drawing
from extexify.drawing.resample import SequenceSettings, resample
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.answers import Result, commonness, fold_look_alikes
from extexify.model.classifier import Classifier, Prediction
from extexify.model.file import read_description
from extexify.model.offline import made_files, page_zip, write_page
from extexify.model.rejection import SUMMED_CLASSES, is_rejected
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from extexify.training.scribbles import scribbles
from extexify.workspace.paths import SHIPPED_MODELS
from tests.tiny import SHAPES, shape
from tools.dashboard import draw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHIPPED = SHIPPED_MODELS / "extexify.safetensors"
VENDOR = Path(__file__).parents[2] / "extexify" / "web" / "offline" / "vendor"


def starter_drawings(count: int) -> list[Drawing]:
    """Synthetic drawings, each of another symbol."""
    rows = list(open_source("starter:each=1,seed=1").rows())
    return [check_row(rows[number]).drawing for number in np.linspace(0, len(rows) - 1, count).astype(int)]


# --- the file -----------------------------------------------------------------------------------


def test_the_command_writes_a_file_that_any_program_can_run(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "tiny.onnx"
    assert parser.main(["export-onnx", "--model", str(tiny_model), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "onnx": str(out), "symbols": 29, "bytes": out.stat().st_size, "page": None,
    }  # fmt: skip
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    entry = session.get_modelmeta().custom_metadata_map["extexify"]
    description = read_description(tiny_model)
    assert json.loads(entry) == description.to_json()
    drawings = Drawings.pack([shape(key, np.random.default_rng(0)) for key in SHAPES])
    inputs = model_inputs(drawings, RasterSettings.from_json(json.loads(entry)["raster"]), None)
    (logits,) = session.run(None, {"images": inputs.images})
    np.testing.assert_allclose(logits, Classifier.load(tiny_model).logits(drawings), atol=1e-5)


def test_without_names_the_model_that_answers_goes_into_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    assert parser.main(["export-onnx"]) == 0
    assert "1,122 symbols" in capsys.readouterr().out
    assert (tmp_path / "onnx" / "extexify.onnx").stat().st_size <= 12_000_000


def test_what_is_no_model_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    out = tmp_path / "no.onnx"
    assert parser.main(["export-onnx", "--model", str(tmp_path / "no.safetensors"), "--out", str(out)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


def test_pytorch_gives_the_same_five_answers() -> None:
    import torch

    from extexify.model.networks import load_network, to_tensors

    drawings = Drawings.pack(starter_drawings(200))
    description, network = load_network(SHIPPED)
    with torch.inference_mode():
        tensors = to_tensors(
            model_inputs(drawings, description.raster, description.sequence), network, torch.device("cpu")
        )
        wanted = network(*tensors).topk(5).indices.numpy()
    found = np.argsort(-Classifier.load(SHIPPED).logits(drawings), 1)[:, :5]
    assert (found == wanted).all()


# --- the page's files ---------------------------------------------------------------------------


def test_a_folder_with_other_files_is_left_alone(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert parser.main(["export-onnx", "--model", str(tiny_model), "--page", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_page_can_be_written_anew(tiny_model: Path, tmp_path: Path) -> None:
    write_page(tiny_model, tmp_path / "page")
    (tmp_path / "page" / "symbols.json").write_text("old")
    write_page(tiny_model, tmp_path / "page")
    assert len(json.loads((tmp_path / "page" / "symbols.json").read_bytes())["symbols"]) == 29


def test_the_zip_holds_the_same_files(tiny_model: Path, tmp_path: Path) -> None:
    write_page(tiny_model, tmp_path / "tiny")
    with zipfile.ZipFile(io.BytesIO(page_zip(tiny_model))) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert packed == written
    assert {"tiny/index.html", "tiny/model.onnx", "tiny/vendor/LICENSE"} <= packed.keys()


def test_the_page_is_told_what_makes_one_answer_of_look_alikes() -> None:
    known = json.loads(made_files(SHIPPED)["symbols.json"])
    symbols = known["symbols"]
    assert known["summed_classes"] == SUMMED_CLASSES
    assert list(symbols) == list(read_description(SHIPPED).classes)
    members: dict[int, set[str]] = {}
    for key, symbol in symbols.items():
        members.setdefault(symbol["group"], set()).add(key)
        assert symbol["commonness"] == commonness(key)
        assert symbol.items() >= symbol_summary(key).items()
    for group in members.values():
        for key in group:
            assert group - {key} == symbols.keys() & set(drawn_alike(key))


def test_the_runtime_is_the_one_that_npm_has() -> None:
    digests = dict(re.findall(r"^\| `(.+)` \| `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE))
    assert len(digests) == 2
    for name, digest in digests.items():
        packed = VENDOR / f"{name}.gz"
        content = gzip.decompress(packed.read_bytes()) if packed.exists() else (VENDOR / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest


# --- the page in a browser ----------------------------------------------------------------------


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page with the shipped model, on a plain server of files."""
    folder = tmp_path_factory.mktemp("offline") / "page"
    write_page(SHIPPED, folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened, with its model loaded."""
    context = browser.new_context()
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.goto(address)
    opened.locator("#status").wait_for(state="hidden", timeout=120_000)
    yield opened
    context.close()
    assert faults == []


def strokes_of(drawing: Drawing) -> list[list[list[float]]]:
    return [stroke.astype(float).tolist() for stroke in drawing]


ODD: list[Drawing] = [
    [np.array([[5, 5]], np.float32)],
    [np.array([[3, 3], [3, 3]], np.float32)],
    [np.array([[0, 0], [100, 100]], np.float32), np.array([[50, 50]], np.float32)],
    [np.array([[1e6, -1e6], [0, 3.3]], np.float32)],
    [np.array([[number, number % 7]], np.float32) for number in range(200)],
]


def test_it_sees_what_the_library_sees(page: Page) -> None:
    drawings = [*starter_drawings(60), *ODD]
    settings = [*PRESETS.values(), preset("default", size=31, fit="stretch", stroke_width=3.3, margin=0.1)]
    lengths = [SequenceSettings(128), SequenceSettings(33)]
    seen = page.evaluate(
        """async ({ drawings, settings, lengths }) => {
            const { rasterize } = await import(new URL('shared/raster.js', location).href);
            const { resample } = await import(new URL('shared/resample.js', location).href);
            const all = (see, ways) => ways.map(way => drawings.map(strokes => Array.from(see(strokes, way))));
            return [all(rasterize, settings), all(resample, lengths)];
        }""",
        {
            "drawings": [strokes_of(drawing) for drawing in drawings],
            "settings": [setting.to_json() for setting in settings],
            "lengths": [length.to_json() for length in lengths],
        },
    )
    for setting, found in zip(settings, seen[0], strict=True):
        wanted = np.array([rasterize_drawing(drawing, setting).ravel() for drawing in drawings], int)
        assert np.abs(wanted - np.array(found)).max() <= 1
    for length, found in zip(lengths, seen[1], strict=True):
        wanted = resample(Drawings.pack(drawings), length).reshape(len(drawings), -1)
        np.testing.assert_allclose(np.array(found), wanted, atol=1e-6)


def test_its_model_says_what_the_library_says(page: Page) -> None:
    drawings = [*starter_drawings(30), *ODD]
    found = page.evaluate(
        """async drawings => {
            const { loadModel } = await import(new URL('model.js', location).href);
            const model = await loadModel('model.onnx');
            const answers = [];
            for (const strokes of drawings) answers.push((await model.classify(strokes)).predictions.slice(0, 5));
            return answers;
        }""",
        [strokes_of(drawing) for drawing in drawings],
    )
    classifier = Classifier.load(SHIPPED)
    for drawing, answers in zip(drawings, found, strict=True):
        wanted = classifier.classify(drawing)
        assert [answer["key"] for answer in answers] == [prediction.key for prediction in wanted]
        probabilities = [prediction.probability for prediction in wanted]
        assert [answer["probability"] for answer in answers] == pytest.approx(probabilities, abs=1e-4)


def test_it_folds_and_doubts_as_the_library_does(page: Page) -> None:
    rng = np.random.default_rng(0)
    alike = [key for key in read_description(SHIPPED).classes if drawn_alike(key)]
    given = []
    for _ in range(50):
        keys = rng.choice(alike, rng.integers(1, 200), replace=False).tolist()
        shares = sorted(rng.dirichlet([0.1] * len(keys)).tolist(), reverse=True)
        given.append([Prediction(key, "", share) for key, share in zip(keys, shares, strict=True)])
    threshold = 0.9
    found = page.evaluate(
        """async ({ given, threshold }) => {
            const { foldLookAlikes, isRejected } = await import(new URL('results.js', location).href);
            const { summed_classes, symbols } = await (await fetch('symbols.json')).json();
            return given.map(some => [foldLookAlikes(some, symbols), isRejected(some, summed_classes, threshold)]);
        }""",
        {"given": [[asdict(one) for one in some] for some in given], "threshold": threshold},
    )
    doubted = 0
    for some, (results, unsure) in zip(given, found, strict=True):
        wanted = fold_look_alikes(some)
        assert [keys_of(result["members"]) for result in results] == [members_of(result) for result in wanted]
        assert [result["probability"] for result in results] == pytest.approx([result.probability for result in wanted])
        assert unsure == is_rejected(some, threshold)
        doubted += unsure
    assert 0 < doubted < len(given)


def test_it_answers_as_the_library_does_and_doubts_scribbles(page: Page) -> None:
    drawings = [*starter_drawings(20), *ODD, *scribbles(8, np.random.default_rng(5))]
    found = page.evaluate(
        """drawings => new Promise((resolve, reject) => {
            const worker = new Worker(new URL('worker.js', location), { type: 'module' });
            const found = [];
            worker.onmessage = ({ data }) => {
                if (data.problem) reject(data.problem);
                if (data.answers && found.push(data) === drawings.length) resolve(found);
            };
            drawings.forEach((strokes, number) => worker.postMessage({ strokes, number }));
        })""",
        [strokes_of(drawing) for drawing in drawings],
    )
    classifier = Classifier.load(SHIPPED)
    doubted = []
    for number, (drawing, said) in enumerate(zip(drawings, found, strict=True)):
        predictions = classifier.candidates(drawing, results=25, symbols=SUMMED_CLASSES)
        wanted = fold_look_alikes(predictions)[:25]
        assert said["number"] == number
        assert [keys_of([answer, *answer["alike"]]) for answer in said["answers"]] == list(map(members_of, wanted))
        probabilities = [result.probability for result in wanted]
        assert [answer["probability"] for answer in said["answers"]] == pytest.approx(probabilities, abs=1e-4)
        assert said["unsure"] == is_rejected(predictions, classifier.description.rejection_threshold)
        doubted.append(said["unsure"])
    assert sum(doubted[:20]) < 5
    assert all(doubted[-8:])


def keys_of(symbols: list[dict[str, Any]]) -> list[str]:
    return [symbol["key"] for symbol in symbols]


def members_of(result: Result) -> list[str]:
    return [member.key for member in result.members]


def test_one_draws_and_gets_five_answers_without_a_network(page: Page) -> None:
    page.context.set_offline(True)
    rows = page.locator("li.row")
    bars = [[(80, y), (300, y)] for y in (120, 200, 280)]
    draw(page, bars[:2], page.locator("#pad"))
    page.locator('ol[data-strokes="2"] li').first.wait_for()
    draw(page, bars[2:], page.locator("#pad"))
    page.locator('ol[data-strokes="3"]').wait_for()
    assert rows.count() == 5
    assert r"\equiv" in rows.locator("code").all_inner_texts()
    assert page.locator("li.row > .glyph svg").count() == 5
    inked = (
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v).length"
    )
    assert page.locator("#seen").evaluate(inked) > 50
    page.get_by_role("button", name="Undo").click()
    page.locator('ol[data-strokes="2"]').wait_for()
    page.keyboard.press("Escape")
    page.locator(".invitation").wait_for()
    assert rows.count() == 0
    assert page.locator("#seen").evaluate(inked) == 0


def test_twenty_more_answers_are_a_click_away(page: Page) -> None:
    rows = page.locator("li.row")
    draw(page, [[(80, 120), (300, 120)]], page.locator("#pad"))
    page.get_by_role("button", name="Show 20 more").click()
    assert rows.count() == 25
    draw(page, [[(80, 220), (300, 220)]], page.locator("#pad"))
    page.locator('ol[data-strokes="2"]').wait_for()
    assert rows.count() == 25
    page.get_by_role("button", name="Show fewer").click()
    assert rows.count() == 5
    page.keyboard.press("Escape")
    page.locator(".invitation").wait_for()
    assert page.locator("#more").is_hidden()


def test_look_alikes_are_one_answer_each_to_copy(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    draw(page, [[(300, 80), (100, 80), (210, 200), (100, 320), (300, 320)]], page.locator("#pad"))
    first = page.locator('ol[data-strokes="1"] li').first
    first.wait_for()
    assert first.locator(".command").inner_text() in (r"\sum", r"\Sigma")
    chips = first.locator(".member .pick")
    assert {r"\sum", r"\Sigma"} <= {first.locator(".command").inner_text(), *chips.locator("code").all_inner_texts()}
    command = chips.first.locator("code").inner_text()
    chips.first.click()
    chips.first.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert page.locator(".was, .details").count() == 0  # there is nobody to keep drawings here


def test_it_says_when_a_drawing_looks_like_no_symbol(page: Page) -> None:
    doubt = page.locator(".unsure")
    place = page.locator("#pad")
    rng = np.random.default_rng(1)
    draw(page, [rng.uniform(20, 380, (30, 2)).tolist()], place)
    page.locator('ol[data-strokes="1"] li').first.wait_for()
    assert doubt.inner_text() == "Not sure: this looks like none of the symbols I know. The nearest are these."
    page.keyboard.press("Escape")
    doubt.wait_for(state="hidden")
    draw(page, [[(80, 200), (320, 200)], [(200, 80), (200, 320)]], place)
    page.locator('ol[data-strokes="2"] li').first.wait_for()
    assert doubt.is_hidden()


def test_a_phone_has_room_for_all_of_it(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 700})
    draw(page, [[(40, 60), (300, 60)], [(40, 200), (300, 200)]], page.locator("#pad"))
    page.locator('ol[data-strokes="2"]').wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_dashboard_serves_it_with_the_model_that_answers(server: str) -> None:
    with urlopen(f"{server}/offline") as response:
        assert response.url == f"{server}/offline/"
        assert b"get its LaTeX command" in response.read()
    with urlopen(f"{server}/offline/symbols.json") as response:
        assert len(json.load(response)["symbols"]) == 29
    with urlopen(f"{server}/offline/model.onnx") as response:
        session = onnxruntime.InferenceSession(response.read(), providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["extexify"])["name"] == "tiny"
