"""Fuzzing: whole pages on a workspace in which everything may be hostile."""

from __future__ import annotations

from pathlib import Path
from random import Random

from streamlit.testing.v1 import AppTest

from tests.fuzz import test_model_files as models
from tests.fuzz import test_stored_files as stored
from tests.fuzz.harness import Case, fuzz, put
from tests.fuzz.hostile import text
from tests.fuzz.markup import PAGES, check_page

_APP = Path(__file__).resolve().parents[2] / "app.py"

_PARTS = (
    stored.run, stored.job, stored.review_list, stored.choice,
    models.dataset, models.images, models.evaluation, models.model,
)  # fmt: skip

_PARAMETERS = ("symbol", "run", "evaluation", "model", "d", "view", "counting")


def visit(rng: Random) -> Case:
    files: Case = {"page": rng.choice(PAGES).encode()}
    for part in _PARTS:
        if rng.random() < 0.6:
            files |= part(rng)
    for name in _PARAMETERS:
        if rng.random() < 0.2:
            files[f"parameter/{name}"] = text(rng).encode("utf-8", "replace")
    return files


@fuzz(visit, examples=2)
def test_pages(case: Case, folder: Path) -> None:
    parameters = {name: content for name, content in case.items() if name.startswith("parameter/")}
    put({name: content for name, content in case.items() if name not in parameters and name != "page"}, folder)
    app = AppTest.from_file(str(_APP), default_timeout=60)
    app.run()
    for name, content in parameters.items():
        app.query_params[name.partition("/")[2]] = content.decode("utf-8", "replace")
    app.switch_page(f"pages/{case['page'].decode()}.py").run()
    check_page(app)
