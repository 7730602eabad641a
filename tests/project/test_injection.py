"""HTML, Markdown, LaTeX, paths and SQL in user-supplied names have no effect."""

from __future__ import annotations

import ast
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from extexify.catalog.keys import derive_symbol, is_harmless
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.contributions.postgres_store import PostgresStore
from extexify.contributions.sqlite_store import SqliteStore
from extexify.core import processes
from extexify.core.names import MAX_NAME, InvalidName, checked_name, usable_name
from extexify.drawing.strokes import BadDrawing
from extexify.evaluation.records import list_evaluations
from extexify.model.library import find_model, list_models
from extexify.sources.base import SourceError
from extexify.sources.postgres import PostgresSource
from extexify.sources.rows import check_row
from extexify.sources.sqlite import SqliteSource
from extexify.training.runs import find_run, list_runs
from extexify.ui.common.frame import facts_html
from extexify.ui.common.text import escaped, sentence
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError
from tests.drawings import zigzag
from tests.fuzz.hostile import TEXTS
from tests.fuzz.markup import PAGES, check_page, tags_of
from tests.hostile_workspace import ALL, FILE, HTML, KEYS, make_hostile_workspace
from tests.postgres_server import Database, database, server

__all__ = ["database", "server"]  # fixtures

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_hostile_workspace(tmp_path_factory.mktemp("hostile") / "ws")


# --- pages --------------------------------------------------------------------------------------


_MARKDOWN = ("markdown", "caption", "error", "warning", "success", "info", "subheader")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_hostile_workspace(page: str, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(hostile))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.run()
    for name in ("symbol", "run", "evaluation", "model", "view"):
        app.query_params[name] = KEYS[0] if name == "symbol" else FILE
    app.switch_page(f"pages/{page}.py").run()
    check_page(app)
    shown = [element for kind in _MARKDOWN for element in app.get(kind)]
    texts = [text for element in shown if isinstance(text := getattr(element, "value", None), str)]
    for text in texts:
        # What is shown as Markdown is escaped: none of our own texts has such a thing.
        assert "<img" not in text.replace("\\<img", "")
        assert "](javascript" not in text
        assert "$x^2$" not in text
        assert "www.example" not in text


@given(st.text())
@example(ALL)
@example("a\n\n# b")
@example("\u202eevil")
def test_escaped_text_shows_just_itself(text: str) -> None:
    markdown = escaped(text)
    assert markdown.isprintable() or set(filter(lambda letter: not letter.isprintable(), markdown)) == {"\u2060"}
    # Without the backslashes before signs, and the character without width, it is the text as far as that can be shown.
    shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")
    assert shown == "".join(letter if letter.isprintable() else "\ufffd" for letter in text.replace("\u2060", "�"))
    # Every sign that Markdown may take for something else is escaped.
    assert not re.search(r"(?<!\\)(?:\\\\)*[!-/:-@\[\]^_`{-~]", re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown))


@pytest.mark.parametrize(
    "text",
    [
        "www.example.org", "HTTP://example.org", "https://x", "a@example.org", ":heart:", ":material/x:", "a -> b",
        "<-", "x -- y", ">=", "~=",
    ],
)  # fmt: skip
def test_markup_that_streamlit_interprets_is_escaped(text: str) -> None:
    shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped(text))
    assert shown != text
    assert shown.replace("\u2060", "") == text


def test_a_sentence_ends_once() -> None:
    assert sentence("no") == "No."
    assert sentence("no!") == r"No\!"


def test_commands_in_a_sentence_can_be_pasted() -> None:
    assert sentence("use `a --file=- <x> *y*` -- or") == r"Use `a --file=- <x> *y*` " + escaped("-- or") + "."
    for text in ("``x``", "`x", "` x`", "```x```", "``"):
        assert "`" not in sentence(text).replace(r"\`", "")
    assert sentence("a `x\ny` b") == "A `x\ufffdy` b."


@given(st.text("`a <>-*\n"))
def test_a_sentence_has_no_markup_but_code(text: str) -> None:
    outside = re.sub(r"(?<!\\)`[^`\n]+`", "", sentence(text))
    assert not re.search(r"(?<!\\)[<>`*]", outside)


@pytest.mark.parametrize("text", TEXTS)
def test_facts_are_text(text: str) -> None:
    assert tags_of(facts_html([(text, text or "x")])) == tags_of(facts_html([("a", "b")]))


@pytest.mark.parametrize(
    "key",
    [
        "x-OT1-_input{/etc/passwd}", r"\immediate\write18{ls}", "x-OT1-_write", r"a\csname b", "^^5cinput{x}",
        "x-OT1-_begin{document}",
        "x-OT1-_catcode`_%=12", "x-OT1-_def_x{}", "x-OT1-_a_input b", "x-OT1-_directlua{os.exit()}", "x-OT1-_a % b",
    ],
)  # fmt: skip
def test_a_key_gives_no_latex_that_does_more_than_print(key: str) -> None:
    command = derive_symbol(key).command
    assert not is_harmless(key if key.startswith("\\") else command) or "\\" not in command
    assert not re.search(r"\\(input|write|csname|begin|catcode|def|directlua)", command)


def test_a_package_that_is_no_name_is_not_loaded() -> None:
    assert derive_symbol(r"x}\input{y}%-OT1-_a").usepackage == ""
    assert derive_symbol("amssymb-T1-_a").usepackage == "\\usepackage[T1]{fontenc}\n\\usepackage{amssymb}"


def test_all_symbols_of_the_catalogue_are_harmless() -> None:
    assert [symbol.command for symbol in load_catalog().values() if not is_harmless(symbol.command)] == []
    assert [key for key in load_catalog() if symbol_for(key).command != derive_symbol(key).command] == []


# --- paths --------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    (tmp_path / "ws" / "runs").mkdir(parents=True)
    (tmp_path / "ws" / "models").mkdir()
    return tmp_path / "ws"


@given(st.sampled_from(TEXTS) | st.text(max_size=200))
def test_a_name_is_one_of_a_file_in_its_folder(name: str) -> None:
    usable = usable_name(name, "x")
    assert checked_name(usable, "run") == usable
    with suppress(InvalidName):
        checked = checked_name(name, "run")
        assert len(checked) <= MAX_NAME
        assert Path("/a/b", checked).resolve().parent == Path("/a/b")


@pytest.mark.parametrize("name", [*TEXTS, "../runs", "..", "x" * 5000, "x/../.."])
def test_what_an_address_asks_for_leads_nowhere_else(name: str, place: Path) -> None:
    assert find_run(name) is None
    assert jobs.find(name) is None
    with pytest.raises(StorageError):
        find_model(name)


def test_files_whose_names_are_no_text_are_passed_over(place: Path) -> None:
    for name in (b"\xff", b"a\nb", "a\u202eb".encode()):
        (place / "runs" / os.fsdecode(name)).mkdir()
        (place / "runs" / os.fsdecode(name) / "run.json").write_text("{}")
        (place / "models" / os.fsdecode(name + b".onnx")).write_bytes(b"")
    assert list_runs() == []
    assert [model.name for model in list_models() if not model.shipped] == []


@pytest.mark.parametrize(
    "model",
    ["../../etc/passwd", "workspace/../../x.onnx", "/dev/zero", "shipped/..", "\x00", 3, None, ["x"], {}],
)
def test_a_choice_of_a_model_leads_to_a_model_only(model: object, place: Path) -> None:
    (place / "serving.json").write_text(json.dumps({"model": model}))
    assert paths.chosen_model() is None


# --- damaged files of the workspace --------------------------------------------------------------

JOB = {"kind": "train", "title": "x", "arguments": [], "writes": [], "began": 1.0, "clock": 1.0, "boot": "x"}


@pytest.fixture
def job_folder(place: Path) -> Path:
    """The folder of a job that nothing is wrong with."""
    folder = place / "jobs" / "20260101-120000-000-train-0123abcd"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps(JOB))
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {"title": 3}, {"title": "\ud800"}, {"kind": []}, {"writes": [[]]}, {"writes": None}, {"began": "x"},
        {"began": 1e999}, {"began": 10**400}, {"arguments": 7}, {"clock": None}, {"boot": {}}, {"title": None},
    ],
)  # fmt: skip
def test_a_damaged_job_is_none(changes: dict[str, Any], job_folder: Path) -> None:
    assert len(jobs.list_jobs()) == 1
    (job_folder / "job.json").write_text(json.dumps({**JOB, **changes}))
    assert jobs.list_jobs() == []


def test_no_damaged_process_file_names_a_process(job_folder: Path) -> None:
    machine = processes.machine_id()
    for pid in (-1, 0, 1, 2**31, 10**40, "x", None, True):
        (job_folder / "process.json").write_text(json.dumps({"machine": machine, "pid": pid, "started": 0.0}))
        (job,) = jobs.list_jobs()
        assert job.process is None
    for content in (b"", b"[]", b"\xff", b"{}"):
        (job_folder / "process.json").write_bytes(content)
        assert job.process is None


@pytest.mark.parametrize(
    "event",
    [
        {"done": -5, "total": 10}, {"done": 10**30}, {"total": "x"}, {"rate": 1e-300, "total": 10**9}, {"stage": []},
        {"stage": "train epoch 5/0", "done": 1, "total": 2}, {"stage": "train epoch 999999/1", "done": 1, "total": 2},
        {"message": "a\x1b[2J"}, {"metrics": 3},
    ],
)  # fmt: skip
def test_progress_stays_between_nothing_and_all(event: dict[str, Any], job_folder: Path) -> None:
    whole = {
        "time": time.time(), "clock": 1.0, "stage": "export", "done": 0, "total": None, "unit": "rows", "rate": 0.0,
        "message": "", "metrics": {},
    }  # fmt: skip
    (job_folder / "events.jsonl").write_text(json.dumps({**whole, **event}) + "\n")
    (job,) = jobs.list_jobs()
    assert job.done is None or 0 <= job.done <= 1
    assert job.time_left is None or 0 <= job.time_left < 1e9
    latest = job.latest()
    assert latest is None or latest.progress.message.isprintable()


def test_evaluations_without_a_time_zone_or_with_invalid_metrics_are_skipped(hostile: Path) -> None:
    (stored,) = list_evaluations(hostile / "evaluations")
    manifest: dict[str, Any] = json.loads((stored.path / "manifest.json").read_bytes())
    odd: list[dict[str, Any]] = [
        {"when": "2026-01-01T12:00:00"},
        {"when": "0001-01-01T00:00:00+23:59"},
        {"figures": {"n": "many"}},
        {"classes": [3]},
        {"figures": {**manifest["figures"], "drawn_alike": {}}},
        {"about": {**manifest["about"], "temperature": "warm"}},
    ]
    for number, changes in enumerate(odd):
        folder = hostile / "evaluations" / f"odd-{number}"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    assert list_evaluations(hostile / "evaluations") == [stored]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:pa?ss@word@host:5432/database", "postgresql://user:a@word@host/database",
        "postgresql://user:pa?x@host/databaseuser:word@host/database", "postgresql://user:pa/word@host/database",
        "postgresql://user:a?b/word@host/database", "postgresql://user@host/word@x",
    ],
)  # fmt: skip
def test_no_part_of_a_password_is_taken_for_another_part_of_an_address(address: str) -> None:
    with pytest.raises(SourceError, match="can't be understood") as caught:
        PostgresSource(address)
    assert "word" not in str(caught.value).replace("PASSWORD", "")


def test_an_address_may_have_an_at_in_its_options_or_quoted() -> None:
    assert PostgresSource("postgresql://u:p%40q@host/db?application_name=a@b").name == "postgresql://u@host/db"


# --- SQL ----------------------------------------------------------------------------------------

_RUNS_SQL = ("execute", "executemany", "executescript", "copy_expert", "mogrify")


def _statements() -> Iterator[tuple[str, ast.expr, ast.Module]]:
    """The first argument of every call that runs SQL, with its file and line, and the module around it."""
    for path in sorted((ROOT / "extexify").rglob("*.py")):
        module = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _RUNS_SQL:
                yield f"{path.name}:{node.lineno}", node.args[0], module


def _is_fixed(node: ast.expr, module: ast.Module) -> bool:
    """Whether a statement doesn't depend on user input: text, our own constants in it (where SQL takes no
    parameters: names of tables, numbers of pragmas), or psycopg2's own composition."""
    if isinstance(node, ast.JoinedStr):
        return all(_is_fixed(part.value, module) for part in node.values if isinstance(part, ast.FormattedValue))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "format" and isinstance(node.func.value, ast.Constant):
            return all(_is_fixed(value, module) for value in node.args)
        return ast.unparse(node.func).startswith("sql.") or _is_fixed(node.func.value, module)
    if isinstance(node, ast.Name):
        values = _values_of(node.id, module)
        return node.id.isupper() or (bool(values) and all(_is_fixed(value, module) for value in values))
    if isinstance(node, ast.Tuple):
        return all(_is_fixed(part, module) for part in node.elts)
    return isinstance(node, ast.Constant)


def _values_of(name: str, module: ast.Module) -> list[ast.expr]:
    """All values of a name in a module: assigned to it, iterated over by it, or passed as an argument of that name."""
    values: list[ast.expr] = []
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            values.append(node.value)
        elif isinstance(node, ast.For | ast.comprehension) and ast.unparse(node.target) == name:
            values.append(node.iter)
        elif isinstance(node, ast.FunctionDef) and name in (names := [one.arg for one in node.args.args]):
            calls = (one for one in ast.walk(module) if isinstance(one, ast.Call))
            called = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id == node.name]
            values += [one.args[names.index(name)] for one in called]
    return values


def test_sql_is_fixed_and_takes_parameters() -> None:
    found = list(_statements())
    assert len(found) > 20
    assert [place for place, statement, module in found if not _is_fixed(statement, module)] == []


@pytest.mark.parametrize(
    ("source", "is_fixed"),
    [
        ("c.execute('SELECT 1')", True),
        ("c.execute(f'SELECT {TABLE}')", True),
        ("c.execute(f'SELECT {key}')", False),
        ("c.execute('SELECT ' + key)", False),
        ("c.execute('SELECT %s' % key)", False),
        ("c.execute('SELECT {}'.format(key))", False),
        ("q = 'SELECT 1'\nc.execute(q)", True),
        ("q = f'SELECT {key}'\nc.execute(q)", False),
        ("def f(t): c.execute(f'SELECT {t}')\nf('a')", True),
        ("def f(t): c.execute(f'SELECT {t}')\nf(key)", False),
    ],
)
def test_sql_built_from_strings_is_detected(source: str, is_fixed: bool) -> None:
    module = ast.parse(source)
    (call,) = [
        one for one in ast.walk(module)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "execute"
    ]  # fmt: skip
    assert _is_fixed(call.args[0], module) == is_fixed


HOSTILE_KEYS = [text for text in TEXTS if text.strip() and text.isprintable() and len(text) <= 255]


def test_keys_are_values_and_nothing_else_in_sqlite(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    for key in HOSTILE_KEYS:
        store.add(key, zigzag(1))
    keys = [row.key for row in SqliteSource(store.path).rows()]
    assert keys == [key.encode() for key in HOSTILE_KEYS]
    assert store.count() == len(HOSTILE_KEYS)


def test_keys_are_values_and_nothing_else_in_postgresql(database: Database) -> None:
    store = PostgresStore(database.address())
    for key in HOSTILE_KEYS:
        store.add(key, zigzag(1))
    keys = [row.key for row in PostgresSource(database.address()).rows()]
    assert keys == [key.encode() for key in HOSTILE_KEYS]
    assert store.count() == len(HOSTILE_KEYS)


@pytest.mark.parametrize("key", [text for text in TEXTS if not text.strip() or not text.isprintable()])
def test_keys_that_cannot_be_shown_are_stored_nowhere(key: str, tmp_path: Path, database: Database) -> None:
    for store in (SqliteStore(tmp_path / "drawings.sqlite3"), PostgresStore(database.address())):
        with pytest.raises(BadDrawing):
            store.add(key, zigzag(1))
        assert store.count() == 0


def test_rows_that_others_wrote_into_the_database_are_read_as_they_are(database: Database) -> None:
    texts = [text for text in TEXTS if "\0" not in text and text.encode("utf-8", "ignore").decode() == text]
    with closing(psycopg2.connect(database.address())) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE samples (id bigint, key text, strokes text)")
        for number, text in enumerate(texts):
            cursor.execute("INSERT INTO samples VALUES (%s, %s, %s)", (number, text, text))
    rows = list(PostgresSource(database.address()).rows())
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        if len(text) <= 255:
            assert row.key == text.encode()
        with pytest.raises(BadDrawing):
            check_row(row)


def test_the_text_of_html_in_a_key_is_what_pages_get(hostile: Path) -> None:
    assert HTML in symbol_for(KEYS[0]).command
