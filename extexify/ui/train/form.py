"""The form of a new training: recipe, numbers, name, seed and device, what it will read and write, and its start."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from extexify.core.errors import UserError
from extexify.core.names import MAX_NAME
from extexify.dataset.dataset import Dataset
from extexify.dataset.render import fitting_images
from extexify.drawing.raster import PRESETS
from extexify.sources.starter import DEFAULT_EACH, SCHEME
from extexify.training.network_table import NetworkCost, torchvision_networks
from extexify.training.recipes import RECIPES, Recipe, network_recipe
from extexify.training.runs import default_name, list_runs, typical_speed
from extexify.training.starters import has_starters, learnt, starter_counts
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.errors import show_error
from extexify.ui.common.job_panel import PAGES, duration, job_panel, latest_job, start_job
from extexify.ui.common.text import escaped
from extexify.ui.train.devices import choose_devices, show_command
from extexify.ui.train.start import start_run
from extexify.workspace.files import StorageError
from extexify.workspace.paths import images_folder

_SPEED = {"original": 1700.0, "fused": 350.0}
"""Drawings a second on two cores without a GPU, by architecture, measured on Detexify's drawings."""

_OTHER_SPEED = 700.0
"""The most that other networks reach."""

_OPERATIONS = 2e11
"""Operations a second of other networks; a training step takes three times those of an answer."""

_ANY_NETWORK = "another network"
"""The choice that is no recipe's name."""

_STARTER_EPOCHS = 8  # more don't improve a model of synthetic drawings


def training_form() -> None:
    """The settings of a training and the button that starts it; without a dataset, links to get one."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        show_error(error)
        st.page_link(PAGES["export"], label="Export the dataset again", icon=":material/arrow_forward:")
        return
    if dataset is None:
        _without_dataset()
        return
    recipe = _choose_recipe(dataset)
    usual_starters = recipe.starters if has_starters(recipe, dataset) else 0
    epochs, batch, rate, starters = _choose_numbers(recipe, usual_starters)
    seed, devices, name = _choose_more(recipe)
    try:
        changed = replace(recipe, epochs=epochs, batch_size=batch, learning_rate=rate)
        if starters != usual_starters:
            changed = replace(changed, starters=starters, least_symbols=0)
    except UserError as error:
        show_error(error)
        return
    _show_summary(changed, dataset, name)
    ready = _check_images(changed, dataset)
    kind = "recipe" if changed.name in RECIPES else "network"
    options = [
        f"--{kind}={changed.name}", f"--epochs={epochs}", f"--batch-size={batch}", f"--learning-rate={rate!r}",
        f"--seed={seed}", *([f"--starters={starters}"] if starters != usual_starters else []),
    ]  # fmt: skip
    if st.button("Train", type="primary", icon=":material/play_arrow:", disabled=not ready, key="train-go"):
        start_run([*options, *devices], name or default_name(changed.name))
    show_command([*options, *([f"--run={name}"] if name else [])])


def describe(recipe: Recipe) -> str:
    """A recipe in one line."""
    size = f"{recipe.raster.size} × {recipe.raster.size} pixels"
    inputs = f"drawings varied anew in every epoch, {size}" if recipe.augment else f"rendered images of {size}"
    return f"Network “{recipe.network}” on {inputs}; {recipe.epochs} epochs, {recipe.schedule} learning rate"


def describe_cost(cost: NetworkCost, classes: int) -> str:
    """What a network costs, in short: `11.8 M weights (24 MB), 303 M operations a drawing`."""
    weights, operations = cost.weights_for(classes), cost.operations_for(classes)
    return f"{_millions(weights)} weights ({_millions(2 * weights)}B), {_millions(operations)} operations a drawing"


def _millions(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number < 1e7 else f"{number / 1e6:,.0f} M"


def _choose_recipe(dataset: Dataset) -> Recipe:
    """The chosen recipe, with costs for the classes that it learns; that of another network is not in `RECIPES`."""

    def cost(recipe: Recipe, network: NetworkCost | None = None) -> str:
        return describe_cost(network or recipe.cost, len(learnt(recipe, dataset).classes))

    names = [*RECIPES, _ANY_NETWORK]
    others = f"Any of torchvision's {len(torchvision_networks())} classification networks, trained like `resnet`"
    name = st.radio(
        "Recipe", names, index=names.index("default"), key="train-recipe", persist_state="session",
        captions=[*(f"{describe(each)}; {cost(each)}" for each in RECIPES.values()), others],
    )  # fmt: skip
    if name in RECIPES:
        return RECIPES[name]
    network = st.selectbox(
        "Network", list(torchvision_networks()), key="train-network", persist_state="session", width=620,
        format_func=lambda name: f"{name}: {cost(RECIPES['resnet'], torchvision_networks()[name])}",
    )  # fmt: skip
    recipe = network_recipe(network)
    st.caption(describe(recipe))
    return recipe


def _choose_numbers(recipe: Recipe, usual_starters: int) -> tuple[int, int, float, int]:
    """Epochs, batch size, learning rate and starter drawings; each recipe has widgets, and so values, of its own."""
    with st.container(horizontal=True, key="train-numbers"):
        epochs = st.number_input(
            "Epochs", 1, 10_000, recipe.epochs, key=f"train-epochs-{recipe.name}", persist_state="session", width=170,
            help="Passes over the training drawings. The model is the one of the best epoch, not of the last.",
        )  # fmt: skip
        batch = st.number_input(
            "Batch size", 2, 65_536, recipe.batch_size, key=f"train-batch-{recipe.name}", persist_state="session",
            width=170, help="Drawings per step. Larger batches are faster on a GPU, but learn less from an epoch.",
        )  # fmt: skip
        rate = st.number_input(
            "Learning rate", 1e-9, 10.0, recipe.learning_rate, step=recipe.learning_rate / 10, format="%g",
            key=f"train-rate-{recipe.name}", persist_state="session", width=170,
            help="Step size; with a one-cycle schedule its peak. Lower it if the loss becomes NaN.",
        )  # fmt: skip
        starters = 0
        if recipe.augment is not None:
            starters = st.number_input(
                "Starter drawings", 0, 1000, usual_starters, key=f"train-starters-{recipe.name}",
                persist_state="session", width=170,
                help="Of each symbol that the dataset lacks, in an epoch: synthetic drawings, by which the model knows "
                "every shape of the catalogue, also those that nobody drew. 0: only the dataset's symbols are learnt.",
            )  # fmt: skip
    return int(epochs), int(batch), float(rate), int(starters)


def _choose_more(recipe: Recipe) -> tuple[int, list[str], str]:
    """Seed, the options for device and processes, and the run's name (empty: recipe and time)."""
    with (
        st.expander("Name, seed and device", icon=":material/tune:", key="train-more"),
        st.container(horizontal=True, key="train-more-row"),
    ):
        name = st.text_input(
            "Name of the run", key="train-name", max_chars=MAX_NAME, persist_state="session", width=280,
            placeholder=f"{recipe.name}-DATE-TIME",
            help="Of the run and its model: letters, digits, dots, dashes and underscores. Empty: recipe and time.",
        )  # fmt: skip
        seed = st.number_input(
            "Seed", 0, 2**31, 0, key="train-seed", persist_state="session", width=170,
            help="On a CPU, two trainings with one seed give the same model.",
        )  # fmt: skip
        devices = choose_devices()
    return int(seed), devices, (name or "").strip()


def _show_summary(recipe: Recipe, dataset: Dataset, name: str) -> None:
    drawings = len(dataset.indices("train"))
    images = "" if recipe.augment else " and their `images`"
    run = escaped(name) if name else f"{recipe.name}-DATE-TIME"
    classes = learnt(recipe, dataset).classes
    starters = int(starter_counts(recipe, dataset, "train", classes).sum())
    made = f", makes {starters:,} starter drawings an epoch for {len(classes):,} symbols" if starters else ""
    st.caption(
        f"Reads the {drawings:,} training drawings of {len(dataset.classes):,} symbols in `dataset`{images}{made}; "
        f"writes `runs` / {run} and `models` / {run}. {_expected(recipe, drawings + starters)}"
    )


def _expected(recipe: Recipe, drawings: int) -> str:
    """The expected duration of a training: from the last similar run, else from what the network costs."""
    if speed := typical_speed(list_runs(), recipe):
        return f"Takes about {duration(recipe.epochs * drawings / speed)}, at the speed of the last such run."
    by_operations = min(_OTHER_SPEED, _OPERATIONS / (3 * recipe.cost.operations))
    seconds = recipe.epochs * drawings / _SPEED.get(recipe.architecture, by_operations)
    return f"Takes very roughly {duration(seconds)} on two cores without a GPU; the first epoch will show."


def _check_images(recipe: Recipe, dataset: Dataset) -> bool:
    """Whether the rendered images that the recipe reads exist (or it reads none); if not, offer to render them."""
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
        exist = images_folder().exists()
        why = "the present ones are of another dataset or other settings" if exist else "there are none yet"
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
