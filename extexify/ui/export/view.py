"""The Export page's parts: the settings, the start, the way on for newcomers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from extexify.dataset.splits import DEFAULT_RATIOS
from extexify.training.recipes import RECIPES
from extexify.training.runs import default_name
from extexify.ui.common.datasets import current_dataset
from extexify.ui.common.job_panel import PAGES, job_panel, recent_job, start_job
from extexify.ui.common.sources_form import Choice, Choices, choose_sources, starter, titles
from extexify.ui.common.text import escaped, sentence
from extexify.ui.export.dataset_view import show_dataset
from extexify.workspace import jobs
from extexify.workspace.files import StorageError
from extexify.workspace.jobs import Job
from extexify.workspace.paths import dataset_folder

DATASET = "dataset"
"""What an export writes, relative to the workspace."""

_RECIPES = sorted(RECIPES, key=lambda name: name != "default")  # ours first

_PERCENT = tuple(round(100 * ratio) for ratio in DEFAULT_RATIOS)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an export is asked besides its sources."""

    ratios: tuple[float, ...] = DEFAULT_RATIOS
    seed: int = 0
    ignore_review: bool = False

    def arguments(self) -> list[str]:
        """The settings as the command line takes them."""
        ratios = ",".join(f"{ratio:g}" for ratio in self.ratios)
        return [f"--ratios={ratios}", f"--seed={self.seed}", *(["--ignore-review"] if self.ignore_review else [])]


def show_welcome() -> None:
    """Without a dataset and a job that makes one: what to do first, and the way on for those without drawings."""
    if dataset_folder().exists() or jobs.running([DATASET]):
        return
    with st.container(border=True, key="welcome"):
        st.markdown(
            "**No dataset yet.** Choose below where the drawings come from. Without any of your own, "
            "start with synthetic ones that come with the project."
        )
        if st.button(
            "Start with the starter drawings", type="primary", icon=":material/auto_awesome:", key="welcome-go"
        ):
            _export([starter()], Settings())


def choose_and_start() -> None:
    """The form with everything that an export needs, and the buttons that start it."""
    choices = choose_sources(key="export-sources")
    settings = _choose_settings()
    in_the_way = jobs.running([DATASET])
    _show_summary(choices, in_the_way)
    with st.container(horizontal=True, vertical_alignment="bottom", key="export-start"):
        ready = bool(choices.sources) and not choices.problems and not in_the_way
        go = st.button("Export", type="primary", icon=":material/play_arrow:", disabled=not ready, key="export-go")
        go_all = st.button(
            "Run all of it", icon=":material/fast_forward:", disabled=not ready, key="export-all-go",
            help="Export, render, train and evaluate, one after the other, by the recipe beside.",
        )  # fmt: skip
        recipe = st.selectbox(
            "Recipe for all of it",
            _RECIPES,
            format_func=_about,
            key="export-recipe",
            persist_state="session",
            width=320,
        )
    if go:
        _export(choices.sources, settings)
    elif go_all:
        _run_all(choices.sources, settings, recipe)


def show_job() -> None:
    """The job that makes the dataset, or made it just now."""
    job = recent_job("export", "pipeline")
    if job is not None:
        job_panel(job, key="export-job")
        if job.kind == "export" and job.state == "done":
            st.page_link(PAGES["render"], label="Next: see how they are rendered", icon=":material/arrow_forward:")


def show_result() -> None:
    """The dataset, if there is one."""
    try:
        dataset = current_dataset()
    except StorageError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        return
    if dataset is not None:
        st.divider()
        st.header("The dataset", anchor=False)
        show_dataset(dataset)


def _choose_settings() -> Settings:
    with st.expander("Splits and other settings", icon=":material/tune:", key="export-settings"):
        st.caption(
            "A model learns from the training drawings; the validation drawings choose its best epoch; the test "
            "drawings judge it once, at the end."
        )
        with st.container(horizontal=True):
            validation = st.slider(
                "Validation, %", 1, 45, _PERCENT[1], key="export-validation", persist_state="session", width=240
            )
            test = st.slider("Test, %", 1, 45, _PERCENT[2], key="export-test", persist_state="session", width=240)
            st.metric("Training", f"{100 - validation - test} %", width=120)
        seed = st.number_input(
            "Seed", 0, 2**31, 0, key="export-seed", persist_state="session", width=240,
            help="Another seed puts other drawings into the splits. With the same one, a drawing keeps its split "
            "when drawings are added, and models stay comparable.",
        )  # fmt: skip
        ignore = st.toggle(
            "Take drawings that were marked as mislabelled", key="export-ignore-review", persist_state="session",
            help="Drawings that somebody marked on the Evaluate page are left out unless you take them.",
        )  # fmt: skip
    ratios = (round(1 - (validation + test) / 100, 2), validation / 100, test / 100)
    return Settings(ratios, int(seed), ignore)


def _show_summary(choices: Choices, in_the_way: list[Job]) -> None:
    """What will be read and written, or what has to be done before."""
    if in_the_way:
        st.caption(f"“{escaped(in_the_way[0].title)}” is writing the dataset: wait for it or stop it.")
    elif choices.problems:
        st.caption(choices.problems[0])
    else:
        st.caption(
            f"Reads {escaped(titles(choices.sources))}; writes the folder “{DATASET}” of the workspace. A dataset that "
            "is there is replaced when the new one is whole, and not before."
        )


def _export(sources: Sequence[Choice], settings: Settings) -> None:
    """Start an export and show it."""
    job = start_job(
        "export",
        [*_sources(sources), *settings.arguments()],
        title=f"Export of {titles(list(sources))}",
        writes=[DATASET],
        secrets=_secrets(sources),
    )
    if job is not None:
        st.rerun()


def _run_all(sources: Sequence[Choice], settings: Settings, recipe: str) -> None:
    """Start the whole pipeline, and go where it can be watched."""
    run = default_name(recipe)
    job = start_job(
        "pipeline",
        [*_sources(sources), *settings.arguments(), f"--recipe={recipe}", f"--run={run}"],
        title=f"Everything from {titles(list(sources))}",
        writes=[DATASET, "images", f"runs/{run}", f"models/{run}"],
        secrets=_secrets(sources),
    )
    if job is not None:
        st.switch_page(PAGES["pipeline"])


def _about(name: str) -> str:
    recipe = RECIPES[name]
    kind = "varies drawings" if recipe.augment else "the blog post's"
    return f"{name}: {recipe.epochs} epochs, {kind}"


def _sources(sources: Sequence[Choice]) -> list[str]:
    return [f"--source={source.address}" for source in sources]


def _secrets(sources: Sequence[Choice]) -> dict[str, str]:
    return {name: value for source in sources for name, value in source.secrets.items()}
