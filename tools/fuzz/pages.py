"""The target of whole pages: each is run on a workspace in which everything may be hostile."""

from __future__ import annotations

from pathlib import Path
from random import Random

from streamlit.testing.v1 import AppTest

from tools.fuzz import kept, learned
from tools.fuzz.hostile import text
from tools.fuzz.markup import tags_of
from tools.fuzz.target import Case, Fault, Target, put

PAGES = ("draw", "symbols", "export", "render", "train", "evaluate", "models")

_APP = Path(__file__).resolve().parent.parent.parent / "app.py"

_PARTS = (
    kept._make_run, kept._make_job, kept._make_review, kept._make_choice,
    learned._make_dataset, learned._make_images, learned._make_evaluation, learned.hostile_model,
)  # fmt: skip

_TAGS = {"style", "dl", "dt", "dd", "div", "span", "i", "ol", "ul", "li", "p", "br", "b", "code", "small"}
"""The elements that our own HTML is made of."""

_PARAMETERS = ("symbol", "run", "evaluation", "model", "d", "view", "counting")


def _make(rng: Random) -> Case:
    files: Case = {"page": rng.choice(PAGES).encode()}
    for part in _PARTS:
        if rng.random() < 0.6:
            files |= part(rng)
    for name in _PARAMETERS:
        if rng.random() < 0.2:
            files[f"parameter/{name}"] = text(rng).encode("utf-8", "replace")
    return files


def _read(case: Case, folder: Path) -> None:
    parameters = {name: content for name, content in case.items() if name.startswith("parameter/")}
    put({name: content for name, content in case.items() if name not in parameters and name != "page"}, folder)
    app = AppTest.from_file(str(_APP), default_timeout=60)
    app.run()
    for name, content in parameters.items():
        app.query_params[name.partition("/")[2]] = content.decode("utf-8", "replace")
    app.switch_page(f"pages/{case['page'].decode()}.py").run()
    check_page(app)


def check_page(app: AppTest) -> None:
    """Raise `Fault` when a page shows an exception, or HTML that isn't ours."""
    for problem in app.exception:
        raise Fault(f"{problem.message}: {' '.join(problem.stack_trace)[-600:]}")
    for element in app.get("html"):
        for tag, attributes in tags_of(element.proto.body):
            if tag not in _TAGS or not {*attributes} <= {"class", "style", "role"}:
                raise Fault(f"the page has an element {tag} with {attributes}")


TARGETS = (Target("pages", 500, _make, _read),)
