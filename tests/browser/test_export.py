"""The Export page in a real browser: every kind of source, by clicking, and what goes wrong with them."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from psycopg2.extras import execute_values

from extexify.contributions.sqlite_store import SqliteStore
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.sources.dump import DumpSource
from extexify.workspace import jobs
from tests.drawings import RawRow, copy_block, dump_text, sample_rows, write_dump, zigzag
from tests.postgres_server import Database, database, server
from tests.tiny import tiny_dataset
from tools.dashboard import dashboard

__all__ = ["database", "server"]  # fixtures

Opening = Callable[..., Page]

PATIENCE = 300_000
"""Milliseconds that a job may take: it steps back behind everything else that the machine does."""

HOSTILE = "x-OT1-<img src=x onerror=alert(1)>*a*`"

pytestmark = pytest.mark.usefixtures("empty")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[str]:
    """The address of a dashboard whose workspace is `place`."""
    with dashboard(place) as address:
        yield address


@pytest.fixture
def empty(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty workspace, in which nothing runs any more afterwards."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(place))
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "server.log":
            path.unlink()
    yield
    for job in jobs.running():
        jobs.stop(job)
        jobs.stop(job)
    wait_until(lambda: not jobs.running())


@pytest.fixture
def opening(browser: Browser, site: str) -> Iterator[Opening]:
    """Opens the Export page in a browser profile of its own."""
    contexts: list[BrowserContext] = []

    def open_page(address: str = site, **options: object) -> Page:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.goto(f"{address}/export")
        expect(page.get_by_role("heading", level=1)).to_have_text("Get drawings", timeout=30_000)
        expect(page.get_by_text("Where the drawings come from").first).to_be_visible(timeout=30_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def dataset_of(place: Path) -> Dataset:
    return Dataset.open(place / "dataset")


def kind(page: Page, name: str) -> Locator:
    return page.locator(".st-key-export-sources button", has_text=name)


def choose(page: Page, *names: str) -> None:
    """Choose these kinds of source and no others."""
    for name in ("A dump", "PostgreSQL", "Drawn here", "Starter drawings"):
        button = kind(page, name)
        expected = "true" if name in names else "false"
        if button.get_attribute("aria-pressed") != expected:
            button.click()
            expect(button).to_have_attribute("aria-pressed", expected)


def upload(page: Page, *paths: Path) -> None:
    page.locator("input[type=file]").set_input_files(paths)


def type_into(page: Page, name: str, text: str) -> None:
    field = page.get_by_role("textbox", name=name, exact=True)
    field.fill(text)
    field.press("Enter")


def few_starters(page: Page, each: int = 3) -> None:
    choose(page, "Starter drawings")
    field = page.get_by_role("spinbutton", name="Drawings of each symbol")
    field.fill(str(each))
    field.press("Enter")
    expect(page.get_by_text(f"{1122 * each:,} drawings of 1,122 symbols")).to_be_visible()


def export_button(page: Page) -> Locator:
    return page.locator(".st-key-export-go button")


def export(page: Page) -> None:
    """Start the export and wait until it has finished."""
    expect(export_button(page)).to_be_enabled(timeout=15_000)
    export_button(page).click()
    expect(page.locator(".st-key-export-job")).to_contain_text("finished in", timeout=PATIENCE)


def counts(page: Page) -> dict[str, str]:
    """The figures that the page shows of the dataset."""
    shown = page.locator(".st-key-dataset-counts [data-testid=stMetric]")
    expect(shown).to_have_count(5, timeout=20_000)
    lines = [text.split("\n") for text in shown.all_inner_texts()]
    return {parts[0]: parts[-1] for parts in lines}


def tiles(page: Page) -> Locator:
    return page.locator(".st-key-dataset-drawings .drawing")


def alerts(page: Page) -> Locator:
    return page.get_by_test_id("stAlert")


def tiny_dump(folder: Path, rows: list[RawRow], name: str = "tiny.sql.gz") -> Path:
    return write_dump(folder / name, dump_text(copy_block(rows)))


def files_with(text: str, folder: Path) -> list[str]:
    """The files under a folder that hold a text."""
    found = (path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes())
    return [str(path.relative_to(folder)) for path in found]


# --- newcomers ------------------------------------------------------------------------------------


def test_an_empty_workspace_starts_with_one_click_and_stops_with_another(opening: Opening, place: Path) -> None:
    page = opening()
    expect(page.get_by_text("No dataset yet.")).to_be_visible()
    page.get_by_role("button", name="Start with the starter drawings").click()
    panel = page.locator(".st-key-export-job")
    expect(panel).to_contain_text("Export of the starter drawings", timeout=15_000)
    expect(panel).to_contain_text("rows a second", timeout=PATIENCE)
    expect(export_button(page)).to_be_disabled()
    expect(page.get_by_text("No dataset yet.")).to_have_count(0)
    other_tab = opening()
    expect(other_tab.locator(".st-key-export-job")).to_contain_text("rows a second", timeout=PATIENCE)
    expect(other_tab.get_by_text("“Export of the starter drawings” is writing the dataset")).to_be_visible()
    page.reload()
    expect(panel).to_contain_text("rows a second", timeout=PATIENCE)
    panel.get_by_role("button", name="Stop").click()
    expect(panel).to_contain_text("was stopped after", timeout=PATIENCE)
    expect(page.get_by_text("No dataset yet.")).to_be_visible()
    assert not (place / "dataset").exists()


def test_starter_drawings_become_a_dataset_with_a_chart_and_pictures(opening: Opening, place: Path) -> None:
    page = opening(viewport={"width": 1280, "height": 2000})
    few_starters(page)
    export(page)
    assert counts(page) == {
        "Drawings": "3,366", "Symbols": "1,122", "Train": "1,122", "Validation": "1,122", "Test": "1,122",
    }  # fmt: skip
    expect(page.get_by_text("Nothing was left out.")).to_be_visible()
    expect(page.locator(".st-key-class-chart .bars path")).to_have_count(1122)
    expect(tiles(page)).to_have_count(24)
    before = tiles(page).all_inner_texts()
    page.locator(".st-key-dataset-others button").click()
    expect(tiles(page).locator("code").nth(0)).not_to_have_text(before[0].split("\n")[0])
    page.get_by_role("combobox", name="Symbol").fill("aleph")
    page.get_by_role("option", name="\\aleph").first.click()
    expect(tiles(page)).to_have_count(3)
    expect(tiles(page).locator("code")).to_have_text(["\\aleph"] * 3)
    expect(tiles(page).locator(".glyph svg")).to_have_count(3)
    assert sorted(tiles(page).locator(".split").all_inner_texts()) == ["test", "train", "validation"]
    assert len(dataset_of(place)) == 3366


def test_a_bar_of_the_chart_leads_to_its_symbol(opening: Opening, place: Path) -> None:
    tiny_dataset(place / "dataset", each=5)
    page = opening(viewport={"width": 1280, "height": 1600})
    expect(tiles(page)).to_have_count(24, timeout=20_000)
    bar = page.locator(".st-key-class-chart .bars .point").nth(2)
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hover = page.locator(".st-key-class-chart .hovertext")
    expect(hover).to_contain_text("5 drawings: 2 train, 2 validation, 1 test")
    bar_text = hover.text_content() or ""
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tiles(page)).to_have_count(5)
    command = tiles(page).locator("code").first.inner_text()
    assert bar_text.startswith(command)


# --- dumps ----------------------------------------------------------------------------------------


def test_an_uploaded_dump_is_exported_and_reported(opening: Opening, place: Path, tmp_path: Path) -> None:
    rows: list[RawRow] = [
        *sample_rows(classes=2, each=6),
        (90, b"test-OT1-_rare", b"[[[1, 2], [3, 4]]]"),
        (91, b"test-OT1-_class0", b"no strokes"),
        (92, None, b"[[[1, 2], [3, 4]]]"),
        (1, b"test-OT1-_class1", b"[[[7, 2], [3, 9]]]"),
    ]
    page = opening(viewport={"width": 1280, "height": 1800})
    upload(page, tiny_dump(tmp_path, rows))
    expect(page.get_by_text("Reads tiny.sql.gz; writes the folder “dataset”")).to_be_visible(timeout=15_000)
    export(page)
    assert counts(page)["Drawings"] == "13"
    expect(page.get_by_text("From tiny.sql.gz (14 of 16 rows)")).to_be_visible()
    page.get_by_text("3 rows left out, 1 given a new id").click()
    report = page.locator(".st-key-left-out")
    expect(report).to_contain_text("Symbols left out because they have fewer than three distinct drawings: \\rare.")
    expect(report).to_contain_text("(first ids: 1)")
    expect(report.get_by_test_id("stDataFrame")).to_be_visible()
    page.reload()
    expect(page.get_by_text("From tiny.sql.gz")).to_be_visible(timeout=20_000)
    assert len(list((place / "uploads").glob("*/tiny.sql.gz"))) == 1


def test_an_upload_that_is_not_a_dump_is_one_sentence_and_changes_nothing(
    opening: Opening, place: Path, tmp_path: Path
) -> None:
    tiny_dataset(place / "dataset")
    before = dataset_of(place).content_hash
    wrong = tmp_path / "my **cat**.sql"
    wrong.write_bytes(b"\x89PNG and so on")
    page = opening()
    upload(page, wrong)
    expect(alerts(page)).to_have_count(1, timeout=15_000)
    expect(alerts(page)).to_contain_text("“my **cat**.sql” has no table samples: a pg_dump text dump")
    expect(export_button(page)).to_be_disabled()
    assert list((place / "uploads").rglob("*.sql")) == []
    assert dataset_of(place).content_hash == before


def test_uploads_stay_until_they_are_deleted(opening: Opening, place: Path, tmp_path: Path) -> None:
    page = opening()
    upload(
        page, tiny_dump(tmp_path, list(sample_rows()), "one.sql"), tiny_dump(tmp_path, list(sample_rows(4)), "b.sql")
    )
    expect(page.get_by_text("Reads one.sql and b.sql")).to_be_visible(timeout=15_000)
    page.locator(".st-key-export-sources-dump-delete button").first.click()
    page.locator(".st-key-export-sources-dump-delete-go button").click()
    expect(page.get_by_text("Upload a dump, or name one on the server.")).to_be_visible()
    assert list((place / "uploads").rglob("*.sql")) == []


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/no/such/file.sql", "/no/such/file.sql does not exist."),
        ("/", "/ is not a file: name a dump (.sql, .sql.gz) or an SQLite file."),
        ("~nobody-at-all/x.sql", "~nobody-at-all/x.sql is no user's home folder."),
        ("postgresql://me:hush@host/db", "This is an address, not a path: choose PostgreSQL above."),
    ],
)
def test_a_wrong_path_is_one_sentence(path: str, sentence: str, opening: Opening) -> None:
    page = opening()
    type_into(page, "Or a path on the server", path)
    expect(alerts(page)).to_have_text(re.compile(re.escape(sentence)), timeout=15_000)
    expect(export_button(page)).to_be_disabled()


def test_a_path_on_the_server_and_starter_drawings_are_put_together(
    opening: Opening, place: Path, tmp_path: Path
) -> None:
    dump = tiny_dump(tmp_path, list(sample_rows(classes=2, each=6)))
    page = opening()
    few_starters(page)
    choose(page, "A dump", "Starter drawings")
    type_into(page, "Or a path on the server", str(dump))
    expect(page.get_by_text("Reads tiny.sql.gz and the starter drawings")).to_be_visible(timeout=15_000)
    export(page)
    assert counts(page)["Drawings"] == "3,378"
    assert [entry["usable"] for entry in dataset_of(place).manifest["sources"]] == [12, 3366]


def test_a_source_that_fails_is_told_and_leaves_the_dataset(opening: Opening, place: Path, tmp_path: Path) -> None:
    tiny_dataset(place / "dataset")
    before = dataset_of(place).content_hash
    cut = write_dump(tmp_path / "cut.sql", dump_text(copy_block(sample_rows(), end=False)).rpartition(b"ALTER")[0])
    page = opening()
    type_into(page, "Or a path on the server", str(cut))
    expect(export_button(page)).to_be_enabled(timeout=15_000)
    export_button(page).click()
    expect(page.locator(".st-key-export-job")).to_contain_text("is cut off", timeout=PATIENCE)
    assert dataset_of(place).content_hash == before
    assert counts(page)["Drawings"] == "120"


# --- databases ------------------------------------------------------------------------------------


def fill(database: Database) -> None:
    database.execute("CREATE TABLE samples (id integer, key text, strokes json)")
    database.execute("GRANT SELECT ON samples TO guarded")
    rows = [tuple(str(value, "utf-8") if isinstance(value, bytes) else value for value in row) for row in sample_rows()]
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        execute_values(cursor, "INSERT INTO samples VALUES %s", rows)


def test_an_address_that_is_typed_in_is_used_and_stored_nowhere(
    opening: Opening, place: Path, database: Database
) -> None:
    fill(database)
    page = opening()
    choose(page, "PostgreSQL")
    type_into(page, "Address", database.address("guarded", "open sesame"))
    page.get_by_role("button", name="Try the connection").click()
    expect(page.get_by_text("Connected: its table has 15 rows.")).to_be_visible(timeout=15_000)
    export(page)
    assert counts(page)["Drawings"] == "15"
    assert dataset_of(place).manifest["sources"][0]["source"] == "PostgreSQL (env:EXTEXIFY_SOURCE)"
    page.reload()
    expect(page.get_by_text("From PostgreSQL")).to_be_visible(timeout=20_000)
    for part in ("guarded", "sesame", database.host, database.name):
        assert files_with(part, place) == []
        assert part not in page.content()


def test_a_refused_login_is_told_without_a_word_of_the_address(
    opening: Opening, place: Path, database: Database
) -> None:
    fill(database)
    page = opening()
    choose(page, "PostgreSQL")
    type_into(page, "Address", database.address("guarded", "hush hush"))
    expect(export_button(page)).to_be_enabled(timeout=15_000)
    export_button(page).click()
    panel = page.locator(".st-key-export-job")
    expect(panel).to_contain_text("password authentication failed", timeout=PATIENCE)
    for part in ("guarded", "hush", database.host, database.name):
        assert files_with(part, place) == []
        assert part not in panel.inner_text()


def test_an_address_that_is_none_is_one_sentence(opening: Opening) -> None:
    page = opening()
    choose(page, "PostgreSQL")
    type_into(page, "Address", "mysql://me:hush@host/db")
    expect(alerts(page)).to_contain_text("The PostgreSQL address can't be understood", timeout=15_000)
    assert "hush" not in alerts(page).inner_text()
    expect(export_button(page)).to_be_disabled()


def test_a_connection_of_the_secrets_is_offered_by_its_name(
    browser: Browser, opening: Opening, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f'[connections.drawings]\nurl = "{database.address("guarded", "open sesame")}"\n'
        '[connections.other]\ndialect = "mysql"\nhost = "nowhere"\n'
    )
    place = tmp_path / "ws"
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(place))
    with dashboard(place, STREAMLIT_SECRETS_FILES=str(secrets)) as address:
        page = opening(address)
        choose(page, "PostgreSQL")
        expect(page.get_by_text("Reads the database drawings;")).to_be_visible(timeout=15_000)
        export(page)
        assert counts(page)["Drawings"] == "15"
        assert dataset_of(place).manifest["sources"][0]["source"] == "PostgreSQL (env:EXTEXIFY_SOURCE_DRAWINGS)"
        assert files_with("sesame", place) == []


# --- what visitors drew ---------------------------------------------------------------------------


def test_drawings_that_were_drawn_here_are_a_source(opening: Opening, place: Path) -> None:
    page = opening()
    choose(page, "Drawn here")
    expect(page.get_by_text("Nothing has been drawn and named here yet.")).to_be_visible()
    assert not (place / "drawings.sqlite3").exists()
    store = SqliteStore(place / "drawings.sqlite3")
    for number in range(4):
        store.add("latex2e-OT1-_alpha", zigzag(number))
    page.reload()
    choose(page, "Drawn here")
    expect(page.get_by_text("4 drawings that visitors of the Draw page named")).to_be_visible()
    export(page)
    assert counts(page)["Drawings"] == "4"


# --- settings, and everything at once -------------------------------------------------------------


def test_settings_stay_while_one_looks_at_other_pages(opening: Opening, place: Path, tmp_path: Path) -> None:
    page = opening()
    type_into(page, "Or a path on the server", str(tiny_dump(tmp_path, [*sample_rows()])))
    page.get_by_text("Splits and other settings").click()
    seed = page.get_by_role("spinbutton", name="Seed", exact=True)
    seed.fill("7")
    seed.press("Enter")
    test_share = page.get_by_role("slider", name="Test, %")
    for _ in range(5):
        test_share.press("ArrowRight")
    expect(page.locator(".st-key-export-settings")).to_contain_text("65 %")
    page.get_by_role("link", name="Render").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Render the drawings")
    page.get_by_role("link", name="Export").click()
    export(page)
    manifest = dataset_of(place).manifest
    assert manifest["splits"] == {"seed": 7, "ratios": [0.65, 0.2, 0.15]}
    assert manifest["counts"]["samples"] == 15


def test_run_all_of_it_starts_the_pipeline_and_shows_it_training(opening: Opening, place: Path) -> None:
    page = opening(viewport={"width": 1280, "height": 1200})  # a menu closes when the page is scrolled
    choose(page, "Starter drawings")
    expect(page.get_by_role("button", name="Run all of it")).to_be_enabled()
    page.get_by_label("Recipe for all of it").click()
    page.get_by_role("option", name="original").click()
    page.get_by_role("button", name="Run all of it").click()
    expect(page).to_have_url(re.compile("/train$"), timeout=15_000)
    (job,) = jobs.list_jobs("pipeline")
    run = next(name.removeprefix("runs/") for name in job.writes if name.startswith("runs/"))
    assert set(job.writes) == {"dataset", "images", f"runs/{run}", f"models/{run}"}
    assert {"--recipe=original", f"--run={run}"} <= set(job.arguments)
    assert job.title == "Everything from the starter drawings"


def test_keys_of_other_peoples_making_are_shown_as_they_are(opening: Opening, place: Path, tmp_path: Path) -> None:
    rows: list[RawRow] = [(row[0], HOSTILE.encode(), row[2]) for row in sample_rows(classes=1, each=5)]
    rows += [(50, b"*bold*-OT1-_<b>x</b>", b"[[[1, 2], [3, 4]]]")]
    export_dataset([DumpSource(tiny_dump(tmp_path, rows))], place / "dataset")
    page = opening(viewport={"width": 375, "height": 1600})
    expect(tiles(page)).to_have_count(5, timeout=20_000)
    assert page.locator(".main img[src=x]").count() == 0
    assert "<img src=x" in tiles(page).locator("code").first.inner_text()
    page.get_by_text("1 row left out").click()
    expect(page.locator(".st-key-left-out")).to_contain_text("<b>x</b>")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
