"""The Export page: every kind of source, the settings, the job and the report on the dataset."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from extexify.contributions.sqlite_store import SqliteStore
from extexify.core.interruption import STOPPED
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.sources.files import FileSource
from extexify.sources.starter import DEFAULT_EACH
from extexify.workspace import jobs
from tests.drawings import RawRow, copy_block, dump_text, sample_rows, write_dump, zigzag
from tests.pages import StartedJobs, component, end_job, errors, open_page, rerun, started, texts
from tests.tiny import tiny_dataset

__all__ = ["started"]  # a fixture

HOSTILE = "x-OT1-<img src=x onerror=alert(1)>*a*`"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    return tmp_path / "ws"


def choose(page: AppTest, *kinds: str) -> AppTest:
    """Choose these kinds of source and no others."""
    page.button_group(key="export-sources").set_value(list(kinds))
    return rerun(page)


def type_path(page: AppTest, path: str) -> AppTest:
    if "dump" not in (page.button_group(key="export-sources").value or ()):
        page = choose(page, "dump")
    page.text_input(key="export-sources-dump-path").input(path)
    return rerun(page)


def tiny_dump(folder: Path, rows: list[RawRow], name: str = "tiny.sql.gz") -> Path:
    return write_dump(folder / name, dump_text(copy_block(rows)))


def sources(arguments: tuple[str, ...]) -> list[str]:
    return [value for option, value in itertools.pairwise(arguments) if option == "--source"]


def tiles(page: AppTest) -> list[dict[str, str]]:
    found: list[dict[str, str]] = component(page, "dataset-drawings")["drawings"]
    return found


# --- the job ----------------------------------------------------------------------------------------


def test_an_empty_workspace_starts_with_one_click_and_stops_with_another(
    started: StartedJobs, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("export")
    assert "No dataset yet." in texts(page)
    page.button(key="welcome-starter").click()
    page = rerun(page)
    assert (started.last.kind, started.last.writes) == ("export", ("dataset",))
    assert sources(started.last.arguments) == [f"starter:each={DEFAULT_EACH},seed=0"]
    for tab in (page, open_page("export")):
        assert "Export of the starter drawings" in texts(tab)
        assert "“Export of the starter drawings” is writing the dataset" in texts(tab)
        assert "No dataset yet." not in texts(tab)
        assert tab.button(key="export-go").disabled
        assert tab.button(key="export-all-go").disabled
    stopped: list[str] = []
    monkeypatch.setattr(jobs, "stop", lambda job: stopped.append(job.id))
    page.button(key="export-job-stop").click()
    rerun(page)
    assert stopped == [started.last.folder.name]
    end_job(started.last.folder, STOPPED)
    page = rerun(page)
    assert "Export of the starter drawings was stopped after" in texts(page).replace("*", "")
    assert "No dataset yet." in texts(page)


def test_real_drawings_are_the_first_choice_with_size_and_licence(started: StartedJobs) -> None:
    page = open_page("export")
    about = "39,554 real drawings of more than 1,000 symbols"
    assert texts(page).count(about) == 2  # at the top, and in the form
    assert texts(page).count("licence ODbL 1.0; about 50 MB are downloaded once") == 2
    assert "Reads Detexify's drawings" in texts(page)
    page.button(key="welcome-detexify").click()
    rerun(page)
    assert sources(started.last.arguments) == ["detexify"]


def test_a_dump_on_the_server_is_exported_and_shown(started: StartedJobs, workspace: Path, tmp_path: Path) -> None:
    page = type_path(open_page("export"), str(tiny_dump(tmp_path, list(sample_rows()))))
    page.button(key="export-go").click()
    page = rerun(page)
    started.last.run()
    page = rerun(page)
    assert "finished in" in texts(page)
    assert "Next: see how they are rendered" in texts(page)
    assert "From tiny.sql.gz (15 of 15 rows)" in texts(page)
    assert "Nothing was left out." in texts(page)
    assert "Drawings: 15\nSymbols: 3\nTrain: " in texts(page)
    assert len(Dataset.open(workspace / "dataset")) == 15


def test_another_table_is_named_by_the_message_and_in_a_field(started: StartedJobs, tmp_path: Path) -> None:
    path = write_dump(tmp_path / "d.sql", dump_text(copy_block(sample_rows(), "drawn")))
    page = type_path(open_page("export"), str(path))
    assert "has no table samples, but drawn: choose one" in errors(page)
    page.text_input(key="export-sources-dump-table").input("drawn")
    page = rerun(page)
    assert not errors(page)
    page.button(key="export-go").click()
    page = rerun(page)
    started.last.run()
    page = rerun(page)
    assert "From d.sql (15 of 15 rows)" in texts(page)
    page = choose(page, "dump", "contributed")
    assert page.button(key="export-go").disabled
    assert "The table's name would hold for the databases, too" in texts(page)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    page = type_path(open_page("export"), str(tmp_path / "pipe"))
    assert "is a pipe" in errors(page)


def test_a_source_that_fails_is_reported_and_leaves_the_dataset(
    started: StartedJobs, workspace: Path, tmp_path: Path
) -> None:
    before = tiny_dataset(workspace / "dataset").content_hash
    cut = write_dump(tmp_path / "cut.sql", dump_text(copy_block(sample_rows(), end=False)).rpartition(b"ALTER")[0])
    page = type_path(open_page("export"), str(cut))
    page.button(key="export-go").click()
    rerun(page)
    started.last.run()
    page = rerun(page)
    assert "is cut off" in errors(page)
    assert Dataset.open(workspace / "dataset").content_hash == before
    assert "Drawings: 120" in texts(page)


def test_run_all_of_it_starts_the_pipeline_and_shows_it_on_the_train_page(started: StartedJobs) -> None:
    page = choose(open_page("export"), "starter")
    page.selectbox(key="export-recipe").select("original")
    page.button(key="export-all-go").click()
    page = rerun(page)
    assert page.title[0].value == "Train a model"
    assert "Everything from the starter drawings" in texts(page)
    job = started.last
    run = next(name.removeprefix("runs/") for name in job.writes if name.startswith("runs/"))
    assert set(job.writes) == {"dataset", "images", f"runs/{run}", f"models/{run}"}
    assert {"--recipe=original", f"--run={run}"} <= set(job.arguments)
    assert job.kind == "pipeline"


def test_settings_stay_while_one_looks_at_other_pages(started: StartedJobs, tmp_path: Path) -> None:
    page = type_path(open_page("export"), str(tiny_dump(tmp_path, list(sample_rows()))))
    page.number_input(key="export-seed").set_value(7)
    page.slider(key="export-test").set_value(15)
    page.slider(key="export-validation").set_value(20)
    page.toggle(key="export-ignore-review").set_value(True)
    page = rerun(page)
    assert "Training: 65 %" in texts(page)
    rerun(page.switch_page("pages/render.py"))
    page = rerun(page.switch_page("pages/export.py"))
    page.button(key="export-go").click()
    rerun(page)
    assert {"--ratios=0.65,0.2,0.15", "--seed=7", "--ignore-review"} <= set(started.last.arguments)
    assert [Path(source).name for source in sources(started.last.arguments)] == ["tiny.sql.gz"]


# --- dumps ------------------------------------------------------------------------------------------


def test_uploads_stay_until_they_are_deleted(started: StartedJobs, workspace: Path) -> None:
    page = choose(open_page("export"), "dump")
    content = [dump_text(copy_block(list(sample_rows()))), dump_text(copy_block(list(sample_rows(4))))]
    page.file_uploader[0].set_value([("one.sql", content[0], "text/plain"), ("b.sql", content[1], "text/plain")])
    page = rerun(page)
    assert "Reads one.sql and b.sql; writes the folder “dataset”" in texts(page)
    assert sorted(path.name for path in (workspace / "uploads").rglob("*.sql")) == ["b.sql", "one.sql"]
    assert len(choose(open_page("export"), "dump").multiselect(key="export-sources-dump-chosen").options) == 2
    page.button(key="export-sources-dump-delete-go").click()
    page = rerun(page)
    assert "Upload a file, or name one on the server." in texts(page)
    assert list((workspace / "uploads").rglob("*.sql")) == []


def test_an_upload_that_is_not_a_dump_is_one_sentence_and_changes_nothing(workspace: Path) -> None:
    before = tiny_dataset(workspace / "dataset").content_hash
    page = choose(open_page("export"), "dump")
    page.file_uploader[0].set_value([("my **cat**.sql", b"\x89PNG\0 and so on", "text/plain")])
    page = rerun(page)
    assert len(page.error) == 1
    assert "“my **cat**.sql” is neither text nor a format that can be read" in errors(page)
    assert page.button(key="export-go").disabled
    assert list((workspace / "uploads").rglob("*.sql")) == []
    assert Dataset.open(workspace / "dataset").content_hash == before


def test_without_a_source_nothing_is_exported() -> None:
    page = choose(open_page("export"))
    assert "Choose at least one source above." in texts(page)
    assert page.button(key="export-go").disabled


def test_a_wrong_path_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    page = open_page("export")
    for path, sentence in (
        ("/no/such/file.sql", "/no/such/file.sql does not exist."),
        (str(tmp_path / "empty"), "empty is a folder without files."),
        ("~nobody-at-all/x.sql", "~nobody-at-all/x.sql names the home folder of an unknown user."),
        ("postgresql://me:hush@host/db", "This is an address, not a path: choose PostgreSQL above."),
        ("a\0b.sql", "does not exist."),
    ):
        page = type_path(page, path)
        assert sentence in errors(page)
        assert "hush" not in texts(page)
        assert page.button(key="export-go").disabled


# --- other sources ----------------------------------------------------------------------------------


def test_several_sources_are_put_together(started: StartedJobs, tmp_path: Path) -> None:
    dump = tiny_dump(tmp_path, list(sample_rows(classes=2, each=6)))
    page = choose(open_page("export"), "dump", "starter")
    page.number_input(key="export-sources-starter-each").set_value(3)
    page = type_path(page, str(dump))
    assert "3,366 drawings of 1,122 symbols" in texts(page)
    assert "Reads tiny.sql.gz and the starter drawings" in texts(page)
    page.button(key="export-go").click()
    rerun(page)
    assert sources(started.last.arguments) == [str(dump), "starter:each=3,seed=0"]


def test_an_address_that_is_none_is_one_sentence() -> None:
    page = choose(open_page("export"), "postgres")
    assert "Type the address of the PostgreSQL database." in texts(page)
    page.text_input(key="export-sources-postgres-address").input("mysql://me:hush@host/db")
    page = rerun(page)
    assert "The PostgreSQL address can't be understood" in errors(page)
    assert "hush" not in texts(page)
    assert page.button(key="export-go").disabled


def test_a_connection_of_the_secrets_is_offered_by_its_name(started: StartedJobs) -> None:
    page = open_page("export")
    address = "postgresql://guarded:sesame@localhost/drawings"
    page.secrets["connections"] = {"drawings": {"url": address}, "other": {"dialect": "mysql", "host": "nowhere"}}
    page = choose(page, "postgres")
    assert page.selectbox(key="export-sources-postgres-connection").options == ["drawings", "Type an address"]
    assert "Reads the database drawings;" in texts(page)
    page.button(key="export-go").click()
    rerun(page)
    assert sources(started.last.arguments) == ["env:EXTEXIFY_SOURCE_DRAWINGS"]
    assert started.last.secrets == {"EXTEXIFY_SOURCE_DRAWINGS": address}


def test_drawings_that_were_drawn_here_are_a_source(started: StartedJobs, workspace: Path) -> None:
    page = choose(open_page("export"), "contributed")
    assert "Nothing has been contributed here yet." in texts(page)
    assert "Draw some first" in texts(page)
    assert not (workspace / "drawings.sqlite3").exists()
    store = SqliteStore(workspace / "drawings.sqlite3")
    for number in range(4):
        store.add("latex2e-OT1-_alpha", zigzag(number))
    page = rerun(page)
    assert "4 drawings that visitors contributed" in texts(page)
    page.button(key="export-go").click()
    rerun(page)
    started.last.run()
    assert "Drawings: 4" in texts(rerun(page))


# --- the report ---------------------------------------------------------------------------------------


def test_the_dataset_is_shown_with_a_chart_and_drawings_by_symbol(workspace: Path) -> None:
    tiny_dataset(workspace / "dataset", each=5)
    page = open_page("export")
    (chart,) = page.get("plotly_chart")
    assert "Drawings of each of 6 symbols: 5 to 5" in chart.proto.alt
    assert len(tiles(page)) == 24
    page.button(key="dataset-others").click()
    assert tiles(page) != tiles(rerun(page))
    page.selectbox(key="dataset-symbol").select("latex2e-OT1-_times")
    page = rerun(page)
    assert [tile["command"] for tile in tiles(page)] == ["\\times"] * 5
    assert all("<svg" in tile["svg"] for tile in tiles(page))
    assert sorted(tile["split"] for tile in tiles(page)) == ["test", "train", "train", "validation", "validation"]


def test_what_was_left_out_is_reported_and_keys_are_shown_as_they_are(workspace: Path, tmp_path: Path) -> None:
    rows: list[RawRow] = [(row[0], HOSTILE.encode(), row[2]) for row in sample_rows(classes=1, each=5)]
    rows += [(50, b"*bold*-OT1-_<b>x</b>", b"[[[1, 2], [3, 4]]]"), (1, HOSTILE.encode(), b"[[[7, 2], [3, 9]]]")]
    export_dataset([FileSource(tiny_dump(tmp_path, rows))], workspace / "dataset")
    page = open_page("export")
    assert "1 row left out, 1 given a new id" in texts(page)
    assert "because they have fewer than three distinct drawings: <b>x</b>." in texts(page)
    assert "first ids: 1)" in texts(page)
    assert {tile["key"] for tile in tiles(page)} == {HOSTILE}


def test_a_damaged_dataset_is_one_sentence(workspace: Path) -> None:
    tiny_dataset(workspace / "dataset")
    (workspace / "dataset" / "labels.npy").write_bytes(b"no array")
    for name in ("export", "render", "train", "evaluate"):
        assert "labels.npy is not a readable array" in errors(open_page(name)), name
