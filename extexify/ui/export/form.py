"""The Export page's form: sources, splits and seed, and the buttons that start an export or the whole pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from extexify.dataset.splits import DEFAULT_RATIOS
from extexify.training.recipes import RECIPES
from extexify.training.runs import default_name
from extexify.ui.common.job_panel import PAGES, start_job
from extexify.ui.common.sources_form import (
    DETEXIFY,
    Choices,
    about_detexify,
    choose_sources,
    detexify,
    source_arguments,
    starter,
    titles,
)
from extexify.ui.common.text import escaped
from extexify.workspace import jobs
from extexify.workspace.jobs import Job
from extexify.workspace.paths import dataset_folder

DATASET = "dataset"
"""The folder that an export writes, relative to the workspace."""

_RECIPES = sorted(RECIPES, key=lambda name: name != "default")  # the default one first

_PERCENT = tuple(round(100 * ratio) for ratio in DEFAULT_RATIOS)


@dataclass(frozen=True, slots=True)
class Settings:
    """An export's settings other than its sources."""

    ratios: tuple[float, ...] = DEFAULT_RATIOS
    seed: int = 0
    ignore_review: bool = False

    def arguments(self) -> list[str]:
        """The settings as arguments of the command line."""
        ratios = ",".join(f"{ratio:g}" for ratio in self.ratios)
        return [f"--ratios={ratios}", f"--seed={self.seed}", *(["--ignore-review"] if self.ignore_review else [])]


def show_welcome() -> None:
    """Without a dataset and without a job that writes one: buttons that export real or synthetic drawings."""
    if dataset_folder().exists() or jobs.running([DATASET]):
        return
    with st.container(border=True, key="welcome"):
        st.markdown(
            f"**No dataset yet.** Start with {about_detexify()}, choose another source below, or try everything "
            "without a download: with synthetic drawings that come with the project."
        )
        with st.container(horizontal=True):
            real = st.button(
                "Start with Detexify's drawings", type="primary", icon=":material/cloud_download:",
                key="welcome-detexify",
            )  # fmt: skip
            synthetic = st.button(
                "Start with the starter drawings", icon=":material/auto_awesome:", key="welcome-starter"
            )
    if real or synthetic:
        _start_export(Choices(sources=[detexify() if real else starter()]), Settings())


def export_form() -> None:
    """The export's sources and settings, and the buttons that start it."""
    choices = choose_sources(key="export-sources", first=DETEXIFY)
    settings = _choose_settings()
    conflicting = jobs.running([DATASET])
    _show_summary(choices, conflicting)
    with st.container(horizontal=True, vertical_alignment="bottom", key="export-start"):
        ready = bool(choices.sources) and not choices.problems and not conflicting
        export = st.button("Export", type="primary", icon=":material/play_arrow:", disabled=not ready, key="export-go")
        run_all = st.button(
            "Run all of it", icon=":material/fast_forward:", disabled=not ready, key="export-all-go",
            help="Export, render, train and evaluate, one after the other, with the recipe chosen here.",
        )  # fmt: skip
        recipe = st.selectbox(
            "Recipe for all of it", _RECIPES, format_func=_describe_recipe, key="export-recipe",
            persist_state="session", width=320,
        )  # fmt: skip
    if export:
        _start_export(choices, settings)
    elif run_all:
        _start_pipeline(choices, settings, recipe)


def _choose_settings() -> Settings:
    with st.expander("Splits and other settings", icon=":material/tune:", key="export-settings"):
        st.caption(
            "A model learns from the training drawings; its best epoch is chosen on the validation drawings; the test "
            "drawings are used once, to evaluate it at the end."
        )
        with st.container(horizontal=True):
            validation = st.slider(
                "Validation, %", 1, 45, _PERCENT[1], key="export-validation", persist_state="session", width=240
            )
            test = st.slider("Test, %", 1, 45, _PERCENT[2], key="export-test", persist_state="session", width=240)
            st.metric("Training", f"{100 - validation - test} %", width=120)
        seed = st.number_input(
            "Seed", 0, 2**31, 0, key="export-seed", persist_state="session", width=240,
            help="Another seed puts other drawings into the splits. With the same one, a drawing stays in its split "
            "when drawings are added, and models stay comparable.",
        )  # fmt: skip
        ignore = st.toggle(
            "Include drawings that were marked as mislabelled", key="export-ignore-review", persist_state="session",
            help="Drawings that were marked on the Evaluate page are left out unless this is on.",
        )  # fmt: skip
    ratios = (round(1 - (validation + test) / 100, 2), validation / 100, test / 100)
    return Settings(ratios, int(seed), ignore)


def _show_summary(choices: Choices, conflicting: list[Job]) -> None:
    """What will be read and written, or what is missing or in the way."""
    if conflicting:
        st.caption(f"“{escaped(conflicting[0].title)}” is writing the dataset: wait for it or stop it.")
    elif choices.problems:
        st.caption(choices.problems[0])
    else:
        st.caption(
            f"Reads {escaped(titles(choices.sources))}; writes the folder “{DATASET}” of the workspace. An existing "
            "dataset is replaced only once the new one is complete."
        )


def _start_export(choices: Choices, settings: Settings) -> None:
    """Start an export and rerun the page, which then shows the job."""
    arguments, secrets = source_arguments(choices)
    job = start_job(
        "export",
        [*arguments, *settings.arguments()],
        title=f"Export of {titles(choices.sources)}",
        writes=[DATASET],
        secrets=secrets,
    )
    if job is not None:
        st.rerun()


def _start_pipeline(choices: Choices, settings: Settings, recipe: str) -> None:
    """Start export, render, train and evaluate as one job, and switch to the Train page, which shows it."""
    run = default_name(recipe)
    arguments, secrets = source_arguments(choices)
    job = start_job(
        "pipeline",
        [*arguments, *settings.arguments(), f"--recipe={recipe}", f"--run={run}"],
        title=f"Everything from {titles(choices.sources)}",
        writes=[DATASET, "images", f"runs/{run}", f"models/{run}"],
        secrets=secrets,
    )
    if job is not None:
        st.switch_page(PAGES["pipeline"])


def _describe_recipe(name: str) -> str:
    recipe = RECIPES[name]
    kind = "varies drawings" if recipe.augment else "the blog post's"
    return f"{name}: {recipe.epochs} epochs, {kind}"
