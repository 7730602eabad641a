"""The Train page: the form, trainings that run or have ended, and the curves of runs."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from extexify.core.interruption import STOPPED
from extexify.core.progress import EventLog, Progress
from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from extexify.training.network_table import NetworkCost, torchvision_networks
from extexify.training.recipes import RECIPES, network_recipe
from extexify.training.runs import Batches, Epoch, RunFiles, SplitMetrics
from extexify.ui.train.charts import CHARTS, LOSS, Curve, draw_chart
from extexify.ui.train.form import _expected, describe, describe_cost
from tests.pages import StartedJobs, end_job, errors, open_page, rerun, started, texts, write_job
from tests.tiny import make_run, metrics_line, tiny_dataset

__all__ = ["started"]  # a fixture


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of six symbols, with the images that the recipe `original` reads."""
    folder = tmp_path_factory.mktemp("tiny")
    render_dataset(tiny_dataset(folder / "dataset", each=5), PRESETS["original"], folder / "images")
    return folder


@pytest.fixture
def workspace(tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with that dataset, two runs and a damaged one."""
    workspace = tmp_path / "ws"
    workspace.mkdir()
    for name in ("dataset", "images"):
        (workspace / name).symlink_to(dataset / name)
    make_run(workspace / "runs" / "older", 0.2, 0.5, 0.4, epochs=4, began=1000)
    make_run(workspace / "runs" / "newer", 0.3, epochs=4, began=2000)
    (workspace / "runs" / "damaged").mkdir(parents=True)
    (workspace / "runs" / "damaged" / "run.json").write_bytes(b"{")
    (workspace / "runs" / "damaged" / "metrics.jsonl").write_bytes(b"\x00\n")
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(workspace))
    return workspace


def start(page: AppTest, name: str, epochs: int) -> AppTest:
    """Start a training by the recipe `original`."""
    page.radio(key="train-recipe").set_value("original")
    page = rerun(page)
    page.number_input(key="train-epochs-original").set_value(epochs)
    page.text_input(key="train-name").input(name)
    page = rerun(page)
    page.button(key="train-go").click()
    return rerun(page)


def options(arguments: tuple[str, ...], *names: str) -> list[str]:
    return [argument for argument in arguments if argument.startswith(names)]


# --- trainings --------------------------------------------------------------------------------------


def test_without_a_dataset_the_page_leads_on(
    started: StartedJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "empty"))
    page = open_page("train")
    assert "No dataset yet." in texts(page)
    assert "Export drawings" in texts(page)
    page.button(key="train-starter").click()
    rerun(page)
    assert started.last.kind == "pipeline"
    assert {"--source=starter", "--recipe=default"} <= set(started.last.arguments)


@pytest.mark.usefixtures("one_thread")
def test_images_are_rendered_a_model_is_trained_and_used(started: StartedJobs, workspace: Path) -> None:
    (workspace / "images").unlink()
    page = open_page("train")
    page.radio(key="train-recipe").set_value("original")
    page = rerun(page)
    assert "This recipe reads rendered images, and there are none yet." in texts(page)
    assert page.button(key="train-go").disabled
    page.button(key="train-render-go").click()
    page = rerun(page)
    started.last.run()
    page = start(rerun(page), "first", 1)
    assert started.last.writes == ("runs/first", "models/first")
    assert "Training first" in texts(page)
    started.last.run()
    page = rerun(page)
    assert "Training first finished in" in texts(page).replace("*", "")
    assert (workspace / "models" / "first.onnx").exists()
    assert "Top-5, test" in texts(page)
    assert "1 of 1" in texts(page)
    assert len(page.get("plotly_chart")) == 4
    page.button(key="use-model").click()
    page = rerun(page)
    assert json.loads((workspace / "serving.json").read_text()) == {"model": "workspace/first.onnx"}
    assert "Draw with it" in texts(page)


def test_a_running_training_is_shown_with_its_epoch_in_every_tab(started: StartedJobs, workspace: Path) -> None:
    start(open_page("train"), "long", 9000)
    make_run(workspace / "runs" / "long", 0.25, 0.5, epochs=9000)
    EventLog(started.last.folder / "events.jsonl")(Progress("train epoch 3/9000", 10, 40, rate=5.0))
    page = open_page("train")
    assert "Training long" in texts(page)
    assert [bar.proto.text for bar in page.get("progress") if "Training" not in bar.proto.text] == [
        "Epoch 3 of 9,000", "This epoch: 10 of 40 drawings",
    ]  # fmt: skip
    assert len(page.get("plotly_chart")) == 4
    assert "2 of 9,000" in texts(page)
    assert "Train another model" in texts(page)


def test_a_stopped_training_can_be_resumed_on_its_devices(started: StartedJobs, workspace: Path) -> None:
    page = open_page("train")
    page.selectbox(key="train-device").select("cpu")
    page = start(page, "long", 9000)
    assert "--device=cpu" in started.last.arguments
    make_run(workspace / "runs" / "long", 0.25, epochs=9000)
    EventLog(started.last.folder / "events.jsonl")(Progress("train epoch 2/9000", message="resume it later"))
    end_job(started.last.folder, STOPPED)
    page = rerun(page)
    assert "Training long was stopped after 3 s: resume it later" in texts(page).replace("*", "")
    assert "1 of 9,000 epochs are done and saved." in texts(page)
    page.button(key="train-resume").click()
    page = rerun(page)
    assert started.last.title == "Resuming long"
    assert started.last.arguments == ("--run=long", "--resume", "--device=cpu")
    assert "Resuming long" in texts(page)


def test_a_killed_training_is_shown_as_failed_with_its_log_and_can_be_resumed(
    workspace: Path, started: StartedJobs
) -> None:
    run = make_run(workspace / "runs" / "killed", 0.25, epochs=9000)
    (run / "model.safetensors").write_bytes(b"weights")
    job = write_job(workspace / "jobs", "train", title="Training killed", writes=["runs/killed", "models/killed"])
    (job / "log.txt").write_text("train: epoch 1/9000\n")
    page = open_page("train")
    assert re.search("Training killed failed after .* it was killed", errors(page).replace("*", ""))
    assert "train: epoch 1/9000" in page.code[0].value
    assert not page.button(key="train-resume").disabled
    page.button(key="best-of-killed").click()
    page = rerun(page)
    assert "It will be on the Models page as killed in a few seconds." in texts(page)
    assert started.last.kind == "convert"
    assert started.last.arguments == (
        str(run / "model.safetensors"), "--out", str(workspace / "models" / "killed.onnx"),
    )  # fmt: skip
    next(button for button in page.button if button.label == "Dismiss").click()
    page = rerun(page)
    assert not page.error


def test_a_name_that_is_taken_or_leads_elsewhere_is_refused(started: StartedJobs, workspace: Path) -> None:
    (workspace / "models").mkdir()
    (workspace / "models" / "taken.onnx").touch()
    page = start(open_page("train"), "taken", 3)
    assert "There is a model taken already, which would be lost" in errors(page)
    assert "Run newer exists already" in errors(start(page, "newer", 3))
    for bad in ("../up", ".hidden", "a b"):
        assert "can't be the name of a run" in errors(start(page, bad, 3)), bad
    assert not started.jobs
    assert not (workspace / "runs" / "taken").exists()


# --- the form ---------------------------------------------------------------------------------------


def form(monkeypatch: pytest.MonkeyPatch, *, gpus: int, cores: int = 4) -> AppTest:
    """The page on a machine with so many GPUs and cores."""
    monkeypatch.setattr("extexify.ui.train.devices.local_gpus", lambda: gpus)
    monkeypatch.setattr("extexify.ui.train.devices.available_cores", lambda: cores)
    return open_page("train")


def devices(page: AppTest, started: StartedJobs) -> list[str]:
    """The options for device and processes with which the form starts a training."""
    page.button(key="train-go").click()
    rerun(page)
    end_job(started.last.folder, STOPPED, ago=1e6)  # shown no more
    return options(started.last.arguments, "--device", "--processes")


def test_all_gpus_are_offered_where_there_are_several(
    started: StartedJobs, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "all" not in form(monkeypatch, gpus=1).selectbox(key="train-device").options[0]
    page = form(monkeypatch, gpus=4)
    assert devices(page, started) == ["--device=auto"]
    page.selectbox(key="train-device").select("all 4 NVIDIA GPUs")
    assert devices(rerun(page), started) == ["--device=cuda", "--processes=4"]


def test_several_processes_are_offered_on_the_cpu(
    started: StartedJobs, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = form(monkeypatch, gpus=0)
    assert "Processes" not in [field.label for field in page.number_input]
    page.selectbox(key="train-device").select("cpu")
    page = rerun(page)
    page.number_input(key="train-processes").set_value(3)
    assert devices(rerun(page), started) == ["--device=cpu", "--processes=3"]
    alone = form(monkeypatch, gpus=0, cores=1)
    alone.selectbox(key="train-device").select("cpu")
    alone = rerun(alone)
    assert "Processes" not in [field.label for field in alone.number_input]
    assert devices(alone, started) == ["--device=cpu"]


def test_the_command_for_several_machines_has_the_forms_settings(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = form(monkeypatch, gpus=0)
    page.text_input(key="train-name").set_value("wide")
    page.number_input(key="train-machine-count").set_value(3)
    command = rerun(page).code[0].value
    assert command.startswith("torchrun --nnodes=3 --node-rank=NUMBER --nproc-per-node=1 ")
    assert "-m -- extexify train --recipe=default --epochs=20 --batch-size=128 " in command
    assert command.endswith("--run=wide")


def test_starter_drawings_are_an_option_if_they_are_not_what_the_recipe_would_take(
    started: StartedJobs, workspace: Path
) -> None:
    page = open_page("train")
    # The dataset's six symbols are learnt alone, unless more is asked for.
    assert page.number_input(key="train-starters-default").value == 0
    assert "starter drawings an epoch" not in texts(page)
    page.number_input(key="train-starters-default").set_value(2)
    page = rerun(page)
    assert re.search(r"makes [\d,]+ starter drawings an epoch for \d{3,} symbols", texts(page).replace(",", ""))
    page.button(key="train-go").click()
    rerun(page)
    assert options(started.last.arguments, "--starters") == ["--starters=2"]
    page.radio(key="train-recipe").set_value("original")
    assert not [each for each in rerun(page).number_input if each.key == "train-starters-original"]


def test_every_recipe_is_described_in_a_line() -> None:
    for recipe in RECIPES.values():
        text = describe(recipe)
        assert str(recipe.epochs) in text
        assert recipe.network in text
        assert "\n" not in text


def test_the_costs_of_networks_are_shown_for_the_datasets_symbols(workspace: Path) -> None:
    page = open_page("train")
    captions = dict(
        zip(page.radio(key="train-recipe").options, page.radio(key="train-recipe").proto.captions, strict=True)
    )
    cost = RECIPES["default"].cost
    assert f"{cost.weights_for(6) / 1e6:.1f} M weights" in captions["default"]
    assert "Network “resnet18” on drawings varied anew in every epoch, 64 × 64 pixels" in captions["resnet"]
    assert describe_cost(NetworkCost(8, 64, False, True, 9_000_000, 1000, 99_000_000, 2000), 1000) == (
        "10 M weights (20 MB), 101 M operations a drawing"
    )


def test_the_time_of_a_training_grows_with_the_networks_operations() -> None:
    small, large = (_expected(network_recipe(name), 30_000) for name in ("resnet18", "regnet_y_32gf"))
    assert "very roughly 42 min" in small
    assert re.search(r"very roughly \d+ h", large)


def test_any_network_of_torchvision_is_trained_by_its_name(started: StartedJobs, workspace: Path) -> None:
    page = open_page("train")
    page.radio(key="train-recipe").set_value("another network")
    page = rerun(page)
    networks = page.selectbox(key="train-network")
    assert len(networks.options) == len(torchvision_networks())
    assert networks.options[0].startswith("alexnet: 57 M weights (114 MB), ")
    networks.select("swin_v2_t")
    page = rerun(page)
    assert "Network “swin_v2_t” on drawings varied anew in every epoch, 64 × 64 pixels" in texts(page)
    # Without batch normalization the learning rate is lower.
    assert page.number_input(key="train-rate-swin_v2_t").value == 3e-4
    page.number_input(key="train-epochs-swin_v2_t").set_value(2)
    page = rerun(page)
    assert "extexify train --network=swin_v2_t --epochs=2 " in page.code[0].value
    page.button(key="train-go").click()
    rerun(page)
    assert options(started.last.arguments, "--recipe", "--network", "--epochs") == ["--network=swin_v2_t", "--epochs=2"]
    assert options(started.last.arguments, "--run")[0].startswith("--run=swin_v2_t-")


# --- curves -----------------------------------------------------------------------------------------


def test_several_runs_are_overlaid_and_named(workspace: Path) -> None:
    page = open_page("train", run=["older", "newer", "../../etc", "damaged"])
    assert page.multiselect[0].value == ["older", "newer"]
    assert "older</span>" in texts(page)
    assert "newer</span>" in texts(page)
    # Training, validation and the best epoch, of two runs.
    assert len(json.loads(page.get("plotly_chart")[0].proto.spec)["data"]) == 6
    assert not page.exception


def test_the_newest_run_is_shown_at_first(workspace: Path) -> None:
    page = open_page("train")
    assert page.multiselect[0].value == ["newer"]
    assert "1 of 4" in texts(page)


def epoch(number: int, top5: float) -> Epoch:
    metrics = SplitMetrics(2.0, top5 / 2, top5)
    return Epoch(number, metrics, metrics, 0.001, 1.0, 100.0)


def curve(name: str, *top5: float) -> Curve:
    epochs = tuple(epoch(number, value) for number, value in enumerate(top5, 1))
    return Curve(name, "#123456", epochs, 8, max(epochs, key=lambda each: each.validation.top5, default=None))


def test_training_is_dotted_validation_solid_and_the_best_epoch_marked() -> None:
    train, validation, best = draw_chart(CHARTS[0], (curve("one", 0.2, 0.9, 0.5),)).data
    assert (train.line.dash, validation.line.dash) == ("dot", "solid")
    assert list(validation.y) == [0.2, 0.9, 0.5]
    assert (best.x, best.y, best.marker.symbol) == ((2,), (0.9,), "diamond")


def test_losses_of_training_and_validation_are_comparable_and_an_objective_is_labelled() -> None:
    recorded = Epoch(1, SplitMetrics(1.5, 0.1, 0.2, 2.5), SplitMetrics(1.6, 0.1, 0.2), 0.001, 1.0, 100.0)
    earlier = replace(recorded, train=SplitMetrics(math.nan, 0.1, 0.2, 2.5))
    for each, name, loss in ((recorded, "train", 1.5), (earlier, "train objective", 2.5)):
        train, validation = draw_chart(LOSS, (Curve("one", "#123456", (each,), 8, None),)).data
        assert (train.name, list(train.y)) == (name, [loss])
        assert list(validation.y) == [1.6]


def test_the_page_says_which_runs_recorded_only_the_objective(workspace: Path) -> None:
    make_run(workspace / "runs" / "smooth", 0.2, 0.5, epochs=4, began=3000, of="default")
    assert "The training curve of smooth is the objective" in texts(open_page("train"))
    assert "is the objective" not in texts(open_page("train", run="older"))


def batches(epoch: int, batch: int, top5: float) -> Batches:
    """The first `batch` of the ten batches of an epoch."""
    return Batches(epoch, batch, 10, SplitMetrics(2.0, top5 / 2, top5, 2.5), 700.0)


def test_the_running_epoch_is_a_thin_smoothed_line() -> None:
    running = (batches(1, 2, 0.1), batches(1, 4, 0.1), batches(1, 6, 0.6))
    first = replace(curve("one"), batches=running)
    figure = draw_chart(CHARTS[0], (first,))
    assert figure.layout.xaxis.range == (0, 1)
    *_, line = figure.data
    assert (line.name, line.mode, line.line.width) == ("running epoch", "lines", 1.3)
    assert line.x == (0.2, 0.4, 0.6)
    assert line.y[:2] == pytest.approx([0.1, 0.1])
    assert 0.1 < line.y[2] < 0.6
    assert [chart.data[-1].y[0] for chart in (draw_chart(chart, (first,)) for chart in CHARTS)] == pytest.approx(
        [0.1, 0.05, 2.0, 700.0]
    )
    # Beside a run that is further, and in a later epoch.
    assert draw_chart(CHARTS[0], (first, curve("two", 0.2))).layout.xaxis.range == (0, 8.5)
    later = draw_chart(CHARTS[0], (replace(curve("one", 0.5), batches=(batches(2, 5, 0.6),)),))
    assert later.layout.xaxis.range == (0.5, 8.5)
    assert later.data[2].x == (1.5,)


def test_the_page_shows_curves_before_the_first_epoch_is_done(started: StartedJobs, workspace: Path) -> None:
    start(open_page("train"), "long", 9000)
    run = make_run(workspace / "runs" / "long", epochs=9000)
    page = open_page("train")
    assert "The curves begin after the first seconds of training." in texts(page)
    files = RunFiles(run)
    metrics = {"loss": 5.0, "top1": 0.1, "top5": 0.3}
    entry = {"epoch": 1, "batch": 3, "batches": 90, "train": metrics, "drawings_per_second": 812.0}
    files.add_batches(entry)
    page = rerun(page)
    assert len(page.get("plotly_chart")) == 4
    assert "0 of 9,000" in texts(page)
    assert "812" in texts(page)
    assert "running epoch (smoothed)" in texts(page)
    assert "Table of all epochs" not in texts(page)
    # A line of an epoch that is over shows nothing any more.
    files.metrics.write_bytes(metrics_line(1, 0.4))
    page = rerun(page)
    assert "1 of 9,000" in texts(page)
    assert "running epoch (smoothed)" not in texts(page)


def test_a_chart_is_drawn_anew_only_for_new_metrics() -> None:
    before = draw_chart(CHARTS[0], (curve("one", 0.2),))
    assert draw_chart(CHARTS[0], (curve("one", 0.2),)) is before
    assert draw_chart(CHARTS[0], (curve("one", 0.2, 0.3),)) is not before


def test_a_runs_name_is_text_and_no_markup() -> None:
    figure = draw_chart(CHARTS[0], (curve("<b>one</b>", 0.2), curve("two", 0.3)))
    assert figure.data[0].name == "&lt;b&gt;one&lt;/b&gt; · train"
