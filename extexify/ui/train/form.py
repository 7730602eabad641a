"""The settings of a training, what it will read and write, and its start."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from extexify.core.names import LONGEST
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import fitting_images
from extexify.drawing.raster import PRESETS
from extexify.model.library import check_new_run
from extexify.sources.starter import DEFAULT_EACH, SCHEME
from extexify.training.launch import local_cores, local_gpus, torchrun_command
from extexify.training.recipes import RECIPES, Recipe
from extexify.training.recipes import recipe as changed_recipe
from extexify.training.runs import default_name, list_runs, typical_speed
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.job_panel import PAGES, duration, job_panel, latest_job, start_job
from extexify.ui.common.text import escaped, sentence
from extexify.workspace import jobs
from extexify.workspace.files import StorageError
from extexify.workspace.paths import images_folder

RUN_PARAMETER = "run"
"""The name of a run in the page's address; there may be several."""

_SPEED = {"original": 1700.0, "residual": 500.0, "fused": 720.0}
"""Drawings a second on two cores without a GPU, by architecture, as measured on Detexify's drawings."""

_OTHER_SPEED = 500.0

_DEVICES = {
    "auto": "auto: a GPU if there is one",
    "cpu": "cpu",
    "cuda": "cuda: an NVIDIA GPU",
    "mps": "mps: an Apple GPU",
}

_ALL_GPUS = "gpus"

_STARTER_EPOCHS = 8  # what the drawings of a program have to teach is learnt by then


def training_form() -> None:
    """The settings of a training and the button that starts it; without a dataset, the ways to one."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        st.page_link(PAGES["export"], label="Export the dataset anew", icon=":material/arrow_forward:")
        return
    if dataset is None:
        _without_dataset()
        return
    recipe = _choose_recipe()
    epochs, batch, rate = _choose_numbers(recipe)
    seed, machinery, name = _choose_more(recipe)
    try:
        asked = changed_recipe(recipe.name, epochs=epochs, batch_size=batch, learning_rate=rate)
    except ValueError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        return
    _show_summary(asked, dataset, name)
    ready = _check_images(asked, dataset)
    options = [
        f"--recipe={asked.name}", f"--epochs={epochs}", f"--batch-size={batch}", f"--learning-rate={rate!r}",
        f"--seed={seed}",
    ]  # fmt: skip
    if st.button("Train", type="primary", icon=":material/play_arrow:", disabled=not ready, key="train-go"):
        _start([*options, *machinery], name or default_name(asked.name))
    _show_command([*options, *([f"--run={name}"] if name else [])])


def describe(recipe: Recipe) -> str:
    """What a recipe is, in a line."""
    pictures = f"{recipe.raster.size} × {recipe.raster.size} pixels"
    fed = f"drawings varied anew every epoch, {pictures}" if recipe.augment else f"rendered images of {pictures}"
    return f"Network “{recipe.architecture}” on {fed}; {recipe.epochs} epochs, {recipe.schedule} learning rate"


def resume(run: str) -> None:
    """Go on with an interrupted run, in the background and with the devices that it had."""
    if start_training(["--resume", *_machinery_of(run)], run, f"Going on with {run}"):
        st.rerun()


def start_training(options: Sequence[str], run: str, title: str) -> bool:
    """Start the job of a run; says on the page what is in the way, if something is."""
    writes = [f"runs/{run}", f"models/{run}"]
    if start_job("train", [f"--run={run}", *options], title=title, writes=writes) is None:
        return False
    st.query_params.pop(RUN_PARAMETER, None)
    return True


def _choose_recipe() -> Recipe:
    names = list(RECIPES)
    name = st.radio(
        "Recipe", names, index=names.index("default") if "default" in names else 0, key="train-recipe",
        captions=[describe(recipe) for recipe in RECIPES.values()], persist_state="session",
    )  # fmt: skip
    return RECIPES[name if name in RECIPES else names[0]]


def _choose_numbers(recipe: Recipe) -> tuple[int, int, float]:
    """Epochs, batch size and learning rate; every recipe has its own, and keeps what was set."""
    with st.container(horizontal=True, key="train-numbers"):
        epochs = st.number_input(
            "Epochs", 1, 10_000, recipe.epochs, key=f"train-epochs-{recipe.name}", persist_state="session", width=170,
            help="How often the training sees every drawing. The model of the best epoch is kept, not the last one's.",
        )  # fmt: skip
        batch = st.number_input(
            "Batch size", 2, 65_536, recipe.batch_size, key=f"train-batch-{recipe.name}", persist_state="session",
            width=170, help="Drawings a step. Larger ones are faster on a GPU, but learn less from an epoch.",
        )  # fmt: skip
        rate = st.number_input(
            "Learning rate", 1e-9, 10.0, recipe.learning_rate, step=recipe.learning_rate / 10, format="%g",
            key=f"train-rate-{recipe.name}", persist_state="session", width=170,
            help="How far a step goes; with a one-cycle schedule its peak. Lower it if the loss becomes no number.",
        )  # fmt: skip
    return int(epochs), int(batch), float(rate)


def _choose_more(recipe: Recipe) -> tuple[int, list[str], str]:
    """Seed, the options for devices and processes, and the run's name (empty: recipe and time)."""
    with (
        st.expander("Name, seed and device", icon=":material/tune:", key="train-more"),
        st.container(horizontal=True, key="train-more-row"),
    ):
        name = st.text_input(
            "Name of the run", key="train-name", max_chars=LONGEST, persist_state="session", width=280,
            placeholder=f"{recipe.name}-DATE-TIME",
            help="Of the run and its model: letters, digits, dots, dashes and underscores. Empty: recipe and time.",
        )  # fmt: skip
        seed = st.number_input(
            "Seed", 0, 2**31, 0, key="train-seed", persist_state="session", width=170,
            help="On a CPU, two trainings with one seed give the same model.",
        )  # fmt: skip
        machinery = _choose_machinery()
    return int(seed), machinery, (name or "").strip()


def _choose_machinery() -> list[str]:
    """On what to train. More than one process is offered where there are several GPUs, or the CPU is asked for."""
    gpus = local_gpus()
    devices = {_ALL_GPUS: f"all {gpus} NVIDIA GPUs", **_DEVICES} if gpus > 1 else _DEVICES
    device = st.selectbox(
        "Device", list(devices), index=list(devices).index("auto"), format_func=devices.__getitem__,
        key="train-device", persist_state="session", width=280,
    )  # fmt: skip
    if device == _ALL_GPUS:
        return ["--device=cuda", f"--processes={gpus}"]
    if device != "cpu" or local_cores() == 1:
        return [f"--device={device}"]
    processes = st.number_input(
        "Processes", 1, local_cores(), 1, key="train-processes", persist_state="session", width=170,
        help="They share the cores and every batch. One process by itself uses all cores, too.",
    )  # fmt: skip
    return ["--device=cpu", *([f"--processes={processes}"] if processes > 1 else [])]


def _machinery_of(run: str) -> list[str]:
    """The options for devices and processes that a run was last trained with."""
    asked = (job.arguments for job in jobs.jobs("train") if f"runs/{run}" in job.writes)
    return [option for option in next(asked, ()) if option.startswith(("--device=", "--processes="))]


def _show_command(options: Sequence[str]) -> None:
    """How to train with these settings on more than one machine, which is not started from here."""
    with st.expander("On several machines", icon=":material/lan:", key="train-machines"):
        machines = st.number_input("Machines", 2, 1000, 2, key="train-machine-count", width=170)
        st.markdown(
            "Copy the dataset to each, into the same place, and give this command there. `HOST` is the name of the one "
            "that leads and writes the run; `NUMBER` is 0 on that one, and 1, 2, … on the others."
        )
        command = torchrun_command(options, machines=int(machines), on_gpus=local_gpus() > 0)
        st.code(command, language="sh", wrap_lines=True)


def _show_summary(recipe: Recipe, dataset: Dataset, name: str) -> None:
    drawings = len(dataset.indices("train"))
    images = "" if recipe.augment else " and their `images`"
    called = escaped(name) if name else f"{recipe.name}-DATE-TIME"
    st.caption(
        f"Reads the {drawings:,} training drawings of {len(dataset.classes):,} symbols in `dataset`{images}; writes "
        f"`runs` / {called} and `models` / {called}. {_expected(recipe, drawings)}"
    )


def _expected(recipe: Recipe, drawings: int) -> str:
    """How long a training will take, as far as anybody knows."""
    if speed := typical_speed(list_runs(), recipe):
        return f"Takes about {duration(recipe.epochs * drawings / speed)}, as fast as the last time."
    seconds = recipe.epochs * drawings / _SPEED.get(recipe.architecture, _OTHER_SPEED)
    return f"Takes very roughly {duration(seconds)} on two cores without a GPU; the first epoch will tell better."


def _check_images(recipe: Recipe, dataset: Dataset) -> bool:
    """Whether the recipe has the images that it reads, if it reads any; else the way to them."""
    if recipe.augment is not None:
        return True
    job = latest_job("render")
    if job is not None and job.state == "running":
        job_panel(job, key="train-render")
        return False
    try:
        fitting_images(recipe.raster, dataset, images_folder())
        return True
    except StorageError:
        some = images_folder().exists()
        why = "those that are there show another dataset or are drawn otherwise" if some else "there are none yet"
        preset = next((name for name, raster in PRESETS.items() if raster == recipe.raster), None)
        with st.container(border=True, key="train-images"):
            st.markdown(f"This recipe reads rendered images, and {why}. Render them first.")
            with st.container(horizontal=True, vertical_alignment="center"):
                if preset and st.button("Render them now", icon=":material/image:", key="train-render-go"):
                    arguments = [f"--preset={preset}"]
                    if start_job("render", arguments, title=f"Render for {recipe.name}", writes=["images"]):
                        st.rerun()
                st.page_link(PAGES["render"], label="Open Render", icon=":material/arrow_forward:")
        return False


def _start(options: Sequence[str], name: str) -> None:
    # Of a run that a job is writing, the start itself says so.
    if not jobs.running([f"runs/{name}"]):
        try:
            check_new_run(name)
        except (ValueError, StorageError) as error:
            st.error(sentence(str(error)), icon=":material/error:")
            return
    if start_training(options, name, f"Training {name}"):
        st.rerun()


def _without_dataset() -> None:
    with st.container(border=True, key="train-welcome"):
        st.markdown("**No dataset yet.** A training learns from drawings: export some first.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(PAGES["export"], label="Export drawings", icon=":material/database:")
            if st.button("Train on starter drawings", icon=":material/auto_awesome:", key="train-starter"):
                name = default_name("starter")
                arguments = [f"--source={SCHEME}", "--recipe=default", f"--epochs={_STARTER_EPOCHS}", f"--run={name}"]
                writes = ["dataset", "images", f"runs/{name}", f"models/{name}"]
                if start_job("pipeline", arguments, title="Everything from starter drawings", writes=writes):
                    st.rerun()
        st.caption(
            f"Starter drawings are synthetic, {DEFAULT_EACH} of every symbol: a first model of your own without any "
            "data, in about ten minutes. What people draw makes a better one."
        )
