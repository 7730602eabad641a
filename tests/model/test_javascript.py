"""The JavaScript library in Node, as a program that installed it would use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from extexify.catalog.document import read_document
from extexify.drawing.strokes import Drawing
from extexify.model.answers import Result, in_document
from extexify.model.classifier import Classifier
from extexify.model.offline import write_page
from extexify.model.ranking import SHAPE
from extexify.training.scribbles import scribbles
from extexify.workspace.paths import SHIPPED_MODELS
from tests.drawings import starter_drawings
from tests.node import NODE

SHIPPED = SHIPPED_MODELS / "extexify.onnx"

PREAMBLE = r"\usepackage{mathabx,stmaryrd,wasysym} \newcommand{\total}{\sum}"

PROGRAM = """
import { readFileSync } from "node:fs";
import { loadClassifier } from "extexify";

const classifier = await loadClassifier();
const drawings = JSON.parse(readFileSync(0, "utf-8"));
const found = [];
const document = await classifier.readDocument(process.argv[2]);
for (const drawing of drawings) {
  const { answers, sure } = await classifier.classify(drawing, { top: 3 });
  const inDocument = await classifier.classify(drawing, { top: 3, prior: "none", document });
  found.push({ answers, sure, inDocument: inDocument.answers });
}
console.log(JSON.stringify({ name: classifier.description.name, found }));
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a program, with the package's files in `node_modules` as npm puts them there."""
    folder = tmp_path_factory.mktemp("project")
    page = tmp_path_factory.mktemp("offline") / "page"
    write_page(SHIPPED, page)
    package = json.loads((page / "package.json").read_text())
    for name in ("package.json", *package["files"]):
        for path in (page / name).rglob("*") if (page / name).is_dir() else [page / name]:
            target = folder / "node_modules" / "extexify" / path.relative_to(page)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (folder / "program.mjs").write_text(PROGRAM)
    return folder


def test_the_answers_in_node_are_those_of_the_library(project: Path) -> None:
    drawings: list[Drawing] = [*starter_drawings(8), *scribbles(3, np.random.default_rng(5))]
    sent = json.dumps([[stroke.tolist() for stroke in drawing] for drawing in drawings])
    done = subprocess.run(
        [NODE, "program.mjs", PREAMBLE],
        cwd=project,
        input=sent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    classifier, document = Classifier.load(SHIPPED), read_document(PREAMBLE)
    assert said["name"] == classifier.name
    reordered = 0
    for drawing, found in zip(drawings, said["found"], strict=True):
        answers = classifier.answers(drawing, 3)
        assert found["sure"] == answers.is_sure
        check(found["answers"], answers.results)
        plain = classifier.answers(drawing, 3, SHAPE).results
        results = in_document(plain, document)
        check(found["inDocument"], results)
        for answer in found["inDocument"]:
            for member in (answer, *answer["members"]):
                key = member["key"]
                assert (member["typed"], member["needs"]) == (document.typed(key), document.needs(key))
        reordered += [result.keys for result in results] != [result.keys for result in plain]
    assert reordered


def check(found: list[dict[str, Any]], results: Sequence[Result]) -> None:
    """Compare answers of JavaScript with those of the library."""
    for result, answer in zip(results, found, strict=True):
        expected = {name: value for name, value in result.to_json().items() if name not in ("probability", "members")}
        assert {name: answer[name] for name in expected} == expected
        assert answer["probability"] == pytest.approx(result.probability, abs=0.02)
        assert [member["key"] for member in answer["members"]] == list(result.keys)
