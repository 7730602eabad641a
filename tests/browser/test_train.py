"""The Train page in a real browser: start by clicking, watch, reload, stop, go on, use the model."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from streamlit.testing.v1 import AppTest

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from extexify.training.recipes import RECIPES
from extexify.training.runs import Epoch, SplitMetrics
from extexify.ui.train.charts import CHARTS, Curve, draw_chart
from extexify.ui.train.form import describe
from extexify.workspace import jobs
from tests.tiny import make_run, tiny_dataset
from tools.dashboard import dashboard, settle

SLOW = 120_000  # ms; a training starts a process that loads torch, on a machine that runs other tests


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a tiny dataset, two runs and a damaged one."""
    workspace = tmp_path_factory.mktemp("train") / "ws"
    tiny_dataset(workspace / "dataset")
    make_run(workspace / "runs" / "older", 0.2, 0.5, 0.4, epochs=4, began=1000)
    make_run(workspace / "runs" / "newer", 0.3, epochs=4, began=2000)
    (workspace / "runs" / "damaged").mkdir(parents=True)
    (workspace / "runs" / "damaged" / "run.json").write_bytes(b"{")
    (workspace / "runs" / "damaged" / "metrics.jsonl").write_bytes(b"\x00\n")
    return workspace


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    with dashboard(place, OMP_NUM_THREADS="1") as started:
        yield f"{started}/train"
    # Jobs outlive their server, and a failed test's must not outlive the tests.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXTEXIFY_WORKSPACE", str(place))
        for job in jobs.running():
            jobs.stop(job)
            jobs.stop(job)


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Callable[[], Page]]:
    """Opens the page, each time in a browser of its own."""
    contexts: list[BrowserContext] = []

    def opened() -> Page:
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Train a model", timeout=SLOW)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def rendered(place: Path) -> None:
    """The images that the original recipe reads."""
    if not (place / "images").exists():
        render_dataset(Dataset.open(place / "dataset"), PRESETS["original"], place / "images")


def start(page: Page, name: str, epochs: int) -> None:
    """Start a training by the original recipe, by clicking."""
    another = page.get_by_text("Train another model")
    expect(another.or_(page.locator(".st-key-train-form")).first).to_be_visible(timeout=SLOW)
    if another.is_visible():
        another.click()
    page.get_by_role("radiogroup", name="Recipe").get_by_text("original", exact=True).click()
    settle(page)
    # The recipe's own field comes, then the former one goes.
    expect(page.locator("input[aria-label='Epochs'][value='20']")).to_be_visible(timeout=SLOW)
    expect(page.get_by_label("Epochs", exact=True)).to_have_count(1, timeout=SLOW)
    page.get_by_label("Epochs", exact=True).fill(str(epochs))
    page.get_by_text("Name, seed and device").click()
    page.get_by_label("Name of the run", exact=True).fill(name)
    page.get_by_label("Name of the run", exact=True).press("Tab")
    expect(page.get_by_text(re.compile(rf"writes runs / {name}"))).to_be_visible()
    page.locator(".st-key-train-go button").click()


def process_of(place: Path, job: str) -> int:
    return int(json.loads((place / "jobs" / job / "process.json").read_text())["pid"])


def newest_job(place: Path) -> str:
    return max(path.name for path in (place / "jobs").iterdir() if not path.name.startswith("."))


def test_without_a_dataset_the_page_leads_on(browser: Browser, server: str) -> None:
    page = browser.new_page()
    page.goto(f"{server}/train")
    expect(page.get_by_text("No dataset yet.")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="Train on starter drawings")).to_be_enabled()
    page.get_by_role("link", name="Export drawings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Get drawings", timeout=SLOW)
    page.close()


def test_render_train_use_and_draw_by_clicking(tab: Callable[[], Page], place: Path) -> None:
    page = tab()
    page.get_by_role("radiogroup", name="Recipe").get_by_text("original", exact=True).click()
    expect(page.get_by_text("This recipe reads rendered images, and there are none yet.")).to_be_visible()
    expect(page.locator(".st-key-train-go button")).to_be_disabled()
    page.get_by_role("button", name="Render them now").click()
    expect(page.locator(".st-key-train-go button")).to_be_enabled(timeout=SLOW)

    start(page, "first", 3)
    expect(page.locator(".st-key-train-charts .js-plotly-plot")).to_have_count(4, timeout=SLOW)
    expect(page.get_by_text("Training first finished in")).to_be_visible(timeout=SLOW)
    assert (place / "models" / "first.safetensors").exists()
    outcome = page.locator(".st-key-train-outcome")
    expect(outcome.get_by_text("Top-5, test")).to_be_visible()
    expect(page.get_by_text("3 of 3", exact=True)).to_be_visible()

    outcome.get_by_role("button", name="Use this model").click()
    expect(outcome.get_by_text("Answers on the Draw page")).to_be_visible()
    outcome.get_by_role("link", name="Draw with it").click()
    expect(page.get_by_text("Model “first”: 6 symbols")).to_be_visible(timeout=SLOW)


@pytest.mark.usefixtures("rendered")
def test_a_name_that_is_taken_or_leads_elsewhere_is_refused(tab: Callable[[], Page], place: Path) -> None:
    (place / "models").mkdir(exist_ok=True)
    (place / "models" / "taken.safetensors").touch()
    page = tab()
    start(page, "taken", 3)
    expect(page.get_by_text("There is a model taken already, which would be lost")).to_be_visible()
    for bad in ("../up", ".hidden", "a b"):
        page.get_by_label("Name of the run", exact=True).fill(bad)
        page.get_by_label("Name of the run", exact=True).press("Tab")
        page.locator(".st-key-train-go button").click()
        expect(page.get_by_text("can't be the name of a run")).to_be_visible()
    assert not (place / "runs" / "taken").exists()
    (place / "models" / "taken.safetensors").unlink()


@pytest.mark.usefixtures("rendered")
def test_a_training_survives_reloads_is_seen_by_all_tabs_stops_and_goes_on(
    tab: Callable[[], Page], place: Path
) -> None:
    page = tab()
    start(page, "long", 9000)
    expect(page.locator(".runs-legend").get_by_text("long")).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-train-charts .js-plotly-plot")).to_have_count(4, timeout=SLOW)
    page.reload()
    expect(page.get_by_text("of 9,000").first).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-train-charts .js-plotly-plot")).to_have_count(4, timeout=SLOW)

    other = tab()
    expect(other.get_by_text("of 9,000").first).to_be_visible(timeout=SLOW)
    start(other, "long", 3)
    expect(other.get_by_text(re.compile(r"“Training long” has been running since \d\d:\d\d"))).to_be_visible()

    page.locator("[class*='st-key-train-'][class*='-stop'] button").click()
    for each in (page, other):
        expect(each.get_by_text("Training long was stopped after")).to_be_visible(timeout=SLOW)
        expect(each.get_by_text("of 9,000 epochs are done and saved")).to_be_visible()
    done = (place / "runs" / "long" / "metrics.jsonl").read_bytes().count(b"\n")
    assert done >= 1

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Resuming long").first).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(1000)
    expect(page.get_by_text(re.compile(r"Epoch [\d,]+ of 9,000")).first).to_be_visible(timeout=SLOW)
    page.locator("[class*='st-key-train-'][class*='-stop'] button").click()
    expect(page.get_by_text("Resuming long was stopped after")).to_be_visible(timeout=SLOW)
    assert (place / "runs" / "long" / "metrics.jsonl").read_bytes().count(b"\n") >= done


@pytest.mark.usefixtures("rendered")
def test_a_killed_training_is_shown_as_failed_with_its_log_and_can_go_on(tab: Callable[[], Page], place: Path) -> None:
    page = tab()
    start(page, "killed", 9000)
    expect(page.locator(".runs-legend").get_by_text("killed")).to_be_visible(timeout=SLOW)
    os.kill(process_of(place, newest_job(place)), signal.SIGKILL)
    expect(page.get_by_text(re.compile("Training killed failed after .* it was killed"))).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("train: epoch 1/9000").first).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_enabled()
    page.get_by_role("button", name="Save its best epoch as a model").click()
    expect(page.get_by_text("Saved as killed: it is on the Models page.")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".st-key-train-outcome")).to_have_count(0)


def test_several_runs_are_overlaid_and_named(tab: Callable[[], Page], address: str) -> None:
    page = tab()
    page.goto(f"{address}?run=older&run=newer&run=../../etc&run=damaged")
    expect(page.locator(".runs-legend").get_by_text("older")).to_be_visible(timeout=SLOW)
    expect(page.locator(".runs-legend").get_by_text("newer")).to_be_visible()
    # Training, validation and the best epoch, of two runs.
    expect(page.locator(".st-key-train-charts .js-plotly-plot").first.locator(".scatterlayer .trace")).to_have_count(
        6, timeout=SLOW
    )
    assert page.locator("[data-testid=stException]").count() == 0


# --- without a browser --------------------------------------------------------------------------


def form(workspace: Path, monkeypatch: pytest.MonkeyPatch, *, gpus: int, cores: int = 4) -> AppTest:
    """The form for a new training, on a machine with so many GPUs and cores."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(workspace))
    monkeypatch.setattr("extexify.ui.train.devices.local_gpus", lambda: gpus)
    monkeypatch.setattr("extexify.ui.train.devices.local_cores", lambda: cores)

    def script() -> None:
        from extexify.ui.train.form import training_form

        training_form()

    return AppTest.from_function(script, default_timeout=60).run()


def started_with(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options for devices and processes with which the form's button starts a training."""
    asked: list[str] = []
    monkeypatch.setattr("extexify.ui.train.start.start_training", lambda options, run, title: asked.extend(options))
    page.button(key="train-go").click().run()
    return [option for option in asked if option.startswith(("--device", "--processes"))]


def test_all_gpus_are_offered_where_there_are_several(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "all" not in form(place, monkeypatch, gpus=1).selectbox(key="train-device").options[0]
    page = form(place, monkeypatch, gpus=4)
    assert page.selectbox(key="train-device").value == "auto"
    assert started_with(page, monkeypatch) == ["--device=auto"]
    page.selectbox(key="train-device").select("all 4 NVIDIA GPUs").run()
    assert started_with(page, monkeypatch) == ["--device=cuda", "--processes=4"]


def test_several_processes_on_the_cpu_are_offered_where_it_is_asked_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = form(place, monkeypatch, gpus=0)
    assert "Processes" not in [field.label for field in page.number_input]
    page.selectbox(key="train-device").select("cpu").run()
    assert started_with(page, monkeypatch) == ["--device=cpu"]
    page.number_input(key="train-processes").set_value(3).run()
    assert started_with(page, monkeypatch) == ["--device=cpu", "--processes=3"]
    alone = form(place, monkeypatch, gpus=0, cores=1)
    alone.selectbox(key="train-device").select("cpu").run()
    assert "Processes" not in [field.label for field in alone.number_input]


def test_the_command_for_several_machines_has_the_forms_settings(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = form(place, monkeypatch, gpus=0)
    page.text_input(key="train-name").set_value("wide").run()
    page.number_input(key="train-machine-count").set_value(3).run()
    command = page.code[0].value
    assert command.startswith("torchrun --nnodes=3 --node-rank=NUMBER --nproc-per-node=1 ")
    assert "-m -- extexify train --recipe=default --epochs=24 --batch-size=128 " in command
    assert command.endswith("--run=wide")


def epoch(number: int, top5: float) -> Epoch:
    judged = SplitMetrics(2.0, top5 / 2, top5)
    return Epoch(number, judged, judged, 0.001, 1.0, 100.0)


def curve(name: str, *top5: float) -> Curve:
    epochs = tuple(epoch(number, value) for number, value in enumerate(top5, 1))
    return Curve(name, "#123456", epochs, 8, max(epochs, key=lambda each: each.validation.top5, default=None))


def test_training_is_dashed_validation_solid_and_the_best_epoch_marked() -> None:
    train, validation, best = draw_chart(CHARTS[0], (curve("one", 0.2, 0.9, 0.5),)).data
    assert (train.line.dash, validation.line.dash) == ("dot", "solid")
    assert list(validation.y) == [0.2, 0.9, 0.5]
    assert (best.x, best.y, best.marker.symbol) == ((2,), (0.9,), "diamond")


def test_a_chart_is_drawn_anew_only_when_an_epoch_has_come() -> None:
    before = draw_chart(CHARTS[0], (curve("one", 0.2),))
    assert draw_chart(CHARTS[0], (curve("one", 0.2),)) is before
    assert draw_chart(CHARTS[0], (curve("one", 0.2, 0.3),)) is not before


def test_a_runs_name_is_text_and_no_markup() -> None:
    figure = draw_chart(CHARTS[0], (curve("<b>one</b>", 0.2), curve("two", 0.3)))
    assert figure.data[0].name == "&lt;b&gt;one&lt;/b&gt; · train"


def test_every_recipe_is_described_in_a_line() -> None:
    for recipe in RECIPES.values():
        text = describe(recipe)
        assert str(recipe.epochs) in text
        assert recipe.architecture in text
        assert "\n" not in text
