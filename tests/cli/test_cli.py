"""The command line: commands, options, JSON, exit codes, errors in one line."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from extexify.catalog.document import open_document
from extexify.catalog.lookalikes import MATCHES
from extexify.catalog.symbols import search
from extexify.cli import commands, parser
from extexify.evaluation.label_errors import label_errors
from extexify.evaluation.records import Evaluation, file_digest, list_evaluations
from extexify.sources.base import COLUMNS
from extexify.training import recipes
from tests.tiny import SHAPES, TinySource

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL = {"channels": [8, 16], "blocks": [1, 1]}


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default recipe with a tiny network, so that a training takes a second."""
    small = recipes.replace(
        recipes.RECIPES["default"], epochs=3, batch_size=16, options={"picture": SMALL, "sequence": SMALL}
    )
    monkeypatch.setitem(recipes.RECIPES, "default", small)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny source as a gzipped dump, with one row that can't be used."""
    path = tmp_path_factory.mktemp("dump") / "tiny.sql.gz"
    with gzip.open(path, "wt") as file:
        file.write(f"COPY public.samples ({', '.join(COLUMNS)}) FROM stdin;\n")
        for row in TinySource(20).rows():
            fields = [value.decode() if isinstance(value, bytes) else str(value) for value in astuple(row)[:3]]
            file.write("\t".join(fields) + "\n")
        file.write("999\t\\N\t[]\n\\.\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = parser.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_cross_validation_lists_what_looks_mislabelled(
    capsys: pytest.CaptureFixture[str], dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = {"epochs": 1, "batch_size": 16, "options": {"picture": SMALL, "sequence": SMALL}}
    monkeypatch.setitem(recipes.RECIPES, "quick", recipes.replace(recipes.RECIPES["quick"], **small))
    run_json(capsys, "export", "--source", dump)
    result = run_json(capsys, "cross-validate", "--folds", "2")
    assert result["n"] == 120
    stored = Evaluation.open(Path(result["evaluation"]))
    assert [one["id"] for one in result["suggestions"]] == [
        stored.records.ids[error.row] for error in label_errors(stored)
    ]
    code, out, _ = run(capsys, "cross-validate", "--folds", "1")
    assert (code, out) == (1, "")


@pytest.mark.usefixtures("quick")
def test_the_whole_pipeline_from_a_dump_to_an_answer(
    capsys: pytest.CaptureFixture[str], dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run_json(capsys, "pipeline", "--source", dump, "--run", "first")
    assert set(result["seconds"]) == {"export and split", "render", "train", "publish", "evaluate"}
    assert result["test"]["n"] > 0
    assert Path(result["model"]) == tmp_path / "ws" / "models" / "first.onnx"
    # The test evaluation is kept, of the model as it was published.
    (kept,) = list_evaluations(tmp_path / "ws" / "evaluations")
    assert (kept.metrics, kept.context.model, kept.context.split) == (result["test"], "first", "test")
    assert kept.context.file == result["model"]
    assert kept.context.digest == file_digest(Path(result["model"]))
    # evaluate reads the dataset or a dump, and agrees with what the pipeline found.
    metrics = run_json(capsys, "evaluate", "--model", result["model"], "--split", "test")
    calibration = metrics.pop("calibration")
    assert metrics == result["test"]
    assert all(0 <= calibration[match]["ece"] <= 1 and calibration[match]["nll"] > 0 for match in MATCHES)
    whole = run_json(capsys, "evaluate", "--model", result["model"], "--source", dump)
    assert (whole["n"], whole["unknown_keys"], whole["unusable"]) == (120, 0, 1)
    assert {"n", "top1", "top3", "top5", "top10", "unknown_keys"} <= set(whole)
    assert all(set(shares) == {"first_head", "five_heads", "in_first", "in_five"} for shares in whole["page"].values())
    assert set(whole["page"]) == {"uniform", "weighted"}
    # classify reads a file or standard input; a time with each point is ignored.
    strokes = tmp_path / "strokes.json"
    strokes.write_text("[[[0, 0, 17], [10, 0, 33]], [[0, 4], [10, 4]], [[0, 8], [10, 8]]]")
    answers = run_json(capsys, "classify", "--model", result["model"], strokes, "--top", "3")
    assert all({"key", "command", "probability", "members"} <= set(answer) for answer in answers)
    assert len(answers) == 3
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(strokes.read_bytes())))
    assert run_json(capsys, "classify", "--model", result["model"], "--top", "3") == answers
    by_shape = run_json(capsys, "classify", "--model", result["model"], strokes, "--top", "3", "--prior", "none")
    assert by_shape[0]["probability"] != answers[0]["probability"]
    code, out, _ = run(capsys, "classify", "--model", result["model"], strokes)
    assert code == 0
    assert len(out.splitlines()) == 5
    assert answers[0]["command"] in out


@pytest.mark.usefixtures("quick")
def test_the_stages_one_by_one(capsys: pytest.CaptureFixture[str], dump: Path, tmp_path: Path) -> None:
    exported = run_json(capsys, "export", "--source", dump, "--ratios", "0.6,0.2,0.2")
    assert (exported["samples"], exported["classes"]) == (120, len(SHAPES))
    assert [(entry["reason"], entry["count"]) for entry in exported["left_out"]] == [("no key", 1)]
    rendered = run_json(capsys, "render", "--size", "20", "--stroke-width", "2", "--fit", "stretch", "--png")
    assert (rendered["size"], rendered["stroke_width"], rendered["fit"]) == (20, 2.0, "stretch")
    assert (tmp_path / "ws" / "images" / "png" / "val").is_dir()
    events = tmp_path / "events.jsonl"
    trained = run_json(capsys, "train", "--epochs", "2", "--events", events)
    assert Path(trained["model"]).exists()
    stages = {json.loads(line)["stage"] for line in events.read_text().splitlines()}
    assert {"train", "train epoch 1/2", "validate epoch 2/2", "evaluate"} <= stages


def test_the_original_recipe_asks_for_its_images(capsys: pytest.CaptureFixture[str], dump: Path) -> None:
    run_json(capsys, "export", "--source", dump)
    code, _, err = run(capsys, "train", "--recipe", "original")
    assert code == 1
    assert "extexify render" in err
    run_json(capsys, "render")
    code, _, err = run(capsys, "train", "--recipe", "original", "--run", "blog")
    assert code == 1
    assert "size 40 instead of 32" in err
    run_json(capsys, "render", "--preset", "original")
    trained = run_json(capsys, "train", "--recipe", "original", "--run", "blog", "--epochs", "1", "--batch-size", "32")
    assert trained["test"]["n"] > 0


def test_classify_folds_and_orders_answers_like_the_draw_page(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    strokes = tmp_path / "sum.json"
    strokes.write_text("[[[90, 5], [10, 5], [52, 50], [10, 95], [94, 95]]]")
    first = run_json(capsys, "classify", strokes)[0]
    assert (first["key"], first["command"]) == ("latex2e-OT1-_sum", r"\sum")
    members = first["members"][:3]
    assert [symbol["command"] for symbol in members] == [r"\sum", r"\Sigma", r"\Upsigma"]
    assert first["probability"] > 0.9 > max(symbol["probability"] for symbol in members)
    _, out, _ = run(capsys, "classify", strokes)
    assert re.search(r"\\sum +latex2e-OT1-_sum  \(drawn alike: \\Sigma, \\Upsigma, .*\)$", out.splitlines()[0])
    # The other commands of a symbol are shown too.
    strokes.write_text("[[[0,4],[10,4]],[[0,6],[10,6]],[[2,2],[0,5],[2,8]],[[8,2],[10,5],[8,8]]]")
    assert r"(also: \iff" in run(capsys, "classify", strokes, "--prior", "none")[1]


def test_symbols_are_found_as_on_the_symbols_page(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "symbols", r"\le", "--top", "1")
    assert (code, out) == (0, "\\leq                      amssymb-OT1-_leq  (≤; amssymb; also: \\le)\n")
    found = run_json(capsys, "symbols", "less", "than", "--top", "3")
    assert [symbol["key"] for symbol in found] == [symbol.key for symbol in search("less than", 3)]
    assert {"command", "package", "usepackage", "mode", "unicode", "typst", "also"} <= set(found[0])
    assert run(capsys, "symbols", "xyzzyx") == (0, "", "no symbol matches xyzzyx\n")


def test_symbols_are_printed_in_the_chosen_format(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = run(capsys, "symbols", r"\forall", "--top", "1", "--output", "html")
    assert out == "&forall;                  latex2e-OT1-_forall  (∀; latex2e)\n"
    found = run_json(capsys, "symbols", r"\hat", "--output", "typst")
    assert {symbol["command"]: symbol["output"] for symbol in found}.items() >= {(r"\hat{}", None)}
    assert r"\hat{} (LaTeX)" in run(capsys, "symbols", r"\hat", "--output", "typst")[1]
    assert "output" not in run_json(capsys, "symbols", r"\hat")[0]
    strokes = tmp_path / "sum.json"
    strokes.write_text("[[[90, 5], [10, 5], [52, 50], [10, 95], [94, 95]]]")
    _, out, _ = run(capsys, "classify", strokes, "--top", "1", "--output", "unicode")
    assert re.search(r"% +∑ +latex2e-OT1-_sum  \(drawn alike: Σ", out)
    (first,) = run_json(capsys, "classify", strokes, "--top", "1", "--output", "unicode")
    assert (first["command"], first["output"], first["forms"]["html"]) == (r"\sum", "∑", "&sum;")
    code, _, err = run(capsys, "symbols", "remove", r"\house", "--output", "html")
    assert (code, err) == (1, "extexify: error: --output is for a search and for `symbols list`\n")


HOUSE = "[[[0,9],[0,4],[5,0],[10,4],[10,9],[0,9]], [[4,9],[4,6],[6,6],[6,9]]]"


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A document with a macro for a symbol, and packages that define commands differently."""
    path = tmp_path / "paper.tex"
    path.write_text(r"\usepackage{amsfonts,mathabx,marvosym} \newcommand{\R}{\mathbb{R}} \newcommand{\plus}{+}")
    return path


def test_a_search_says_what_a_symbol_takes_in_a_document(capsys: pytest.CaptureFixture[str], paper: Path) -> None:
    code, out, error = run(capsys, "symbols", r"\mathbb{R}", "--document", paper)
    assert code == 0
    assert out.splitlines()[0].endswith(r"  type \R")
    assert r"warning: marvosym and mathabx define \Aries, " in error
    assert r")  needs \usepackage{stmaryrd}" in run(capsys, "symbols", r"\llbracket", "--document", paper)[1]
    (found,) = run_json(capsys, "symbols", r"\llbracket", "--top", "1", "--document", paper)
    assert (found["typed"], found["needs"]) == (r"\llbracket", r"\usepackage{stmaryrd}")
    assert run(capsys, "symbols", "list", "--document", paper)[0] == 1
    assert "can't be read" in run(capsys, "symbols", "alpha", "--document", paper.parent / "none.tex")[2]


def test_answers_say_what_a_symbol_takes_in_a_document(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, paper: Path, tmp_path: Path
) -> None:
    strokes = tmp_path / "strokes.json"
    strokes.write_text("[[[0,0],[10,0]], [[0,4],[10,4]]]")
    document = open_document(paper)
    for result in run_json(capsys, "classify", strokes, "--model", tiny_model, "--document", paper):
        for symbol in (result, *result["members"]):
            assert symbol["typed"] == document.typed(symbol["key"])
            assert symbol["needs"] == document.needs(symbol["key"])
    assert "typed" not in run_json(capsys, "classify", strokes, "--model", tiny_model)[0]


def test_own_symbols_are_added_listed_shared_and_removed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strokes = tmp_path / "house.json"
    strokes.write_text(HOUSE)
    add = ("symbols", "add", r"\house", "--drawing", strokes)
    added = run_json(capsys, *add, "--preamble", r"\usepackage{stix2}", "--mode", "both")
    assert added == {"key": "own-OT1-_house", "drawings": 1}
    assert run_json(capsys, *add) == {"key": "own-OT1-_house", "drawings": 2}
    listed = run_json(capsys, "symbols", "list")
    assert {tuple(symbol) for symbol in listed} == {("key", "command", "package", "mode", "unicode", "typst", "own")}
    assert [symbol for symbol in listed if symbol["own"]] == [
        {"key": "own-OT1-_house", "command": r"\house", "package": "stix2", "mode": "both", "unicode": None,
         "typst": None, "own": True}
    ]  # fmt: skip
    assert len(listed) > 1000
    assert run_json(capsys, "symbols", "rename", r"\house", r"\home") == {"key": "own-OT1-_home"}
    assert run_json(capsys, "symbols", "export", tmp_path / "ours.json")["symbols"] == 1
    assert run_json(capsys, "symbols", "remove", r"\home") == {"removed": "own-OT1-_home"}
    assert not any(symbol["own"] for symbol in run_json(capsys, "symbols", "list"))
    assert run_json(capsys, "symbols", "import", tmp_path / "ours.json") == {"added": 1, "extended": 0}
    assert r"\home" in run(capsys, "symbols", "list")[1]


def test_words_that_are_actions_can_be_searched_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_json(capsys, "symbols", "search", "leq", "--top", "1") == run_json(
        capsys, "symbols", "leq", "--top", "1"
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["add", r"\house"], "LaTeX and dvisvgm aren't installed here"),
        (["add", r"\input", "--drawing", "house.json"], "is no command"),
        (["add", r"\house", "--drawing", "missing.json"], "does not exist"),
        (["add", "--drawing", "house.json"], "takes one word"),
        (["remove", r"\house"], "there is no own symbol"),
        (["import", "house.json"], "is no file of symbols"),
        (["list", "--mode", "math"], "--mode is for `symbols add COMMAND`"),
    ],
)
def test_a_wrong_change_of_own_symbols_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "house.json").write_text(HOUSE)
    code, out, error = run(capsys, "symbols", *words)
    assert (code, out) == (1, "")
    assert why in error
    assert error.count("\n") == 1
    assert not (tmp_path / "ws" / "symbols.json").exists()


@pytest.mark.usefixtures("quick")
def test_options_that_a_resumed_run_cant_take_are_refused_and_more_epochs_extend_it(
    capsys: pytest.CaptureFixture[str], dump: Path, tmp_path: Path
) -> None:
    run_json(capsys, "export", "--source", dump)
    run_json(capsys, "train", "--run", "mine", "--epochs", "1", "--seed", "3")
    for options, message in (
        (["--recipe", "original"], "run mine was begun with recipe default, not with recipe original"),
        (["--network", "resnet18"], "run mine was begun with recipe default, not with recipe resnet18"),
        (["--learning-rate", "0.1"], "run mine was begun with learning rate 0.003, not with learning rate 0.1"),
        (["--batch-size", "8", "--seed", "0"], "with batch size 16, seed 3, not with batch size 8, seed 0"),
        (["--train-on", "all"], "with drawings of train, not with those of all"),
        (["--starters", "0"], "with starters 3, least symbols 300, not with starters 0, least symbols 0"),
    ):
        code, _, err = run(capsys, "train", "--resume", *options)
        assert (code, err.count("\n")) == (1, 1), options
        assert message in err
    run_json(capsys, "train", "--resume", "--epochs", "2", "--recipe", "default", "--seed", "3")
    lines = (tmp_path / "ws" / "runs" / "mine" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_an_error_is_one_line_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["export", "--source", "nothing.sql"], "nothing.sql does not exist"),
        (["export", "--source", "mysql://host/db"], "mysql:// is no address of a source"),
        (["export", "--source", "nothing.sql", "--ratios", "1,1,1"], "does not exist"),
        (["render"], "extexify export"),
        (["render", "--preset", "fancy"], "no raster preset 'fancy'"),
        (["render", "--size", "2"], "raster size"),
        (["train"], "extexify export"),
        (["train", "--recipe", "best"], "no recipe 'best'"),
        (["train", "--network", "resnet19"], "no classification network 'resnet19': near names are resnet18, "),
        (["train", "--network", "resnet18", "--recipe", "quick"], "leave --recipe out"),
        (["train", "--epochs", "0"], "epochs must be 1"),
        (["train", "--starters", "-1"], "starters must be 0 to 1000"),
        (["train", "--starters", "4", "--recipe", "original"], "has no starters"),
        (["train", "--starters", "4", "--images-tree", "pictures"], "leave --starters out"),
        (["train", "--resume"], "there is no run"),
        (["train", "--resume", "--run", "x"], "there is no run x"),
        (["evaluate", "--model", "nothing.onnx"], "nothing.onnx does not exist"),
        (["evaluate", "--source", "a", "--dataset", "b"], "not both"),
        (["classify", "nothing.json"], "nothing.json"),
        (["classify", "--top", "0"], "--top must be at least 1"),
        (["symbols", "alpha", "--top", "0"], "--top must be at least 1"),
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (1, ""), arguments
        assert err.startswith("extexify: error: ")
        assert err.count("\n") == 1
        assert message in err
        assert "a fault of Extexify" not in err


def test_a_fault_is_named_as_one_and_its_traceback_shown_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (ValueError("a\nb"), OSError(5, "Input/output error"), RuntimeError("x")):

        def fail(_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(commands, "models", fail)
        code, out, err = run(capsys, "models")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith(f"extexify: error: this is a fault of Extexify ({type(error).__name__}: ")
        assert err.endswith("; --debug shows its traceback\n")
        for arguments in (("models", "--debug"), ("--debug", "models")):
            code, out, err = run(capsys, *arguments)
            assert (code, out) == (1, "")
            assert err.startswith("Traceback (most recent call last):")
            assert err.splitlines()[-1].endswith("; its traceback is above")


def test_bad_strokes_are_refused_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "strokes.json"
    for strokes in ("", "{}", "[]", "[[]]", "[[[1]]]", "[[[1, NaN]]]", "\xff", "[[[0,0]],"):
        file.write_bytes(strokes.encode("latin-1"))
        code, out, err = run(capsys, "classify", file)
        assert (code, out, err.count("\n")) == (1, "", 1), strokes
        assert "a fault of Extexify" not in err


def test_files_of_other_programs_go_in_and_out_by_paths_of_any_kind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "Zeichen, von „mir“ & Müller\\"
    folder.mkdir()
    (folder / "eins.json").write_text("[[[0, 0], [10, 0]], [[5, 0], [5, 9]]]")
    (folder / "zwei.svg").write_text("<svg><path d='M0 0h10'/><path d='M5 0v9'/></svg>")
    (folder / "drei.inkml").write_text("<ink><trace>0 0, 10 0</trace><trace>5 0, 5 9</trace></ink>")
    first, *others = [run_json(capsys, "classify", path) for path in sorted(folder.iterdir())]
    assert others == [first] * 2

    few = "starter:each=3,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta"
    run_json(capsys, "export", "--source", few, "--out", folder / "data set")
    shared = run_json(capsys, "export", "--dataset", folder / "data set", "--to", folder / "für Sie.jsonl.gz")
    assert shared == {"file": str(folder / "für Sie.jsonl.gz"), "samples": 6}
    assert run_json(capsys, "export", "--source", folder / "für Sie.jsonl.gz")["samples"] == 6
    for arguments, words in (
        (["export"], "name at least one --source"),
        (["export", "--source", few, "--to", folder / "x.sql"], "export the --source first"),
    ):
        code, _, err = run(capsys, *arguments)
        assert (code, words in err) == (1, True)


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        "export",
        "render",
        "train",
        "evaluate",
        "calibrate",
        "convert",
        "export-page",
        "classify",
        "pipeline",
    ):
        with pytest.raises(SystemExit) as stop:
            parser.main([command, "--help"])
        assert stop.value.code == 0
        assert "--help" in capsys.readouterr().out


def test_a_training_stops_on_sigterm_with_a_checkpoint_and_is_resumed(
    capsys: pytest.CaptureFixture[str], dump: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "EXTEXIFY_WORKSPACE": str(tmp_path / "ws"), "OMP_NUM_THREADS": "1"}
    code = (
        "import sys; from extexify.cli import parser; from extexify.training import recipes;"
        f"small = {{'picture': {SMALL}, 'sequence': {SMALL}}};"
        "recipes.RECIPES['default'] = recipes.replace(recipes.RECIPES['default'], options=small);"
        "sys.exit(parser.main(sys.argv[1:]))"
    )
    training = ["train", "--run", "cut", "--epochs", "6", "--batch-size", "4"]
    assert parser.main(["export", "--source", str(dump)]) == 0
    process = subprocess.Popen(
        [sys.executable, "-c", code, *training], env=environment, stderr=subprocess.PIPE, text=True
    )
    run_json_file = tmp_path / "ws" / "runs" / "cut" / "run.json"
    deadline = time.monotonic() + 120
    while not run_json_file.exists():
        assert time.monotonic() < deadline, "the training did not begin"
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == parser.STOPPED, err
    assert "--run cut --resume" in err
    assert (tmp_path / "ws" / "runs" / "cut" / "checkpoint.safetensors").exists()
    capsys.readouterr()
    assert run_json(capsys, "train", "--resume")["test"]["n"] > 0


@pytest.mark.parametrize(
    ("command", "number"),
    [(["export"], signal.SIGTERM), (["pipeline", "--run", "x"], signal.SIGINT)],
    ids=["export", "pipeline"],
)
def test_a_signal_in_the_middle_of_an_export_leaves_nothing_behind(
    tmp_path: Path, command: list[str], number: signal.Signals
) -> None:
    pipe = tmp_path / "endless.sql"
    pipe.touch()
    environment = {**os.environ, "EXTEXIFY_WORKSPACE": str(tmp_path / "ws")}
    # A dump without end: it sends rows as long as they are read.
    code = (
        "import itertools, sys; from extexify.cli import parser; from extexify.sources import open as opener;"
        "from tests.tiny import TinySource;"
        "source = TinySource(10**9); opener.open_source = lambda address, table: source;"
        "sys.exit(parser.main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command, "--source", str(pipe), "--events", str(tmp_path / "events")],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "events").exists() or len((tmp_path / "events").read_bytes().splitlines()) < 3:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == parser.STOPPED, err
    assert err.count("\n") == 1
    assert [path.name for path in (tmp_path / "ws").iterdir() if path.suffix != ".lock"] == []
