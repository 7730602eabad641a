"""Fixtures that several test files share: a small model, a running dashboard, a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tools.dashboard import chromium, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Timing decides no test: machines that run tests are busy.
settings.register_profile("extexify", deadline=None)
settings.load_profile("extexify")


SLOWEST_FIRST = (
    "train_page",
    "faults_kills",
    "export_page",
    "training",
    "cli",
    "evaluate_page",
    "distributed",
    "click_through",
)
"""Files that take longest: begun last, one of them would keep a single worker busy when the others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem.removeprefix("test_")
        return SLOWEST_FIRST.index(name) if name in SLOWEST_FIRST else len(SLOWEST_FIRST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _same_main_module() -> Iterator[None]:
    """Streamlit runs pages as `__main__`; processes that a later test starts would run the page again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


TINY_CLASSES = (
    *(f"latex2e-OT1-_{name}" for name in ("Delta", "Gamma", "Omega", "Sigma", "alpha", "beta", "cap", "cup", "delta")),
    "latex2e-OT1-_forall",
    *(f"latex2e-OT1-_{name}" for name in ("gamma", "geq", "infty", "int", "lambda", "leq", "mapsto", "mu", "nabla")),
    *(f"latex2e-OT1-_{name}" for name in ("oint", "omega", "oplus", "partial", "phi", "pi", "psi", "rho", "sum", "xi")),
)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of thirty symbols with random weights: it knows nothing, but it answers like any other."""
    import torch

    from extexify.drawing.raster import PRESETS
    from extexify.model.file import ModelDescription, write_model
    from extexify.model.networks import build

    torch.manual_seed(7)
    network = build("original", len(TINY_CLASSES))
    description = ModelDescription(
        name="tiny",
        architecture="original",
        options={},
        classes=TINY_CLASSES,
        raster=PRESETS["default"],
        metrics={"test": {"top1": 0.5, "top5": 0.923}},
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_model(path, description, network.state_dict())
    return path


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path) -> Path:
    """A workspace in which the tiny model answers."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    (tmp_path / "serving.json").write_text('{"model": "workspace/tiny.safetensors"}')
    return tmp_path


@pytest.fixture(scope="session")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard that answers with the tiny model, in a workspace of its own."""
    workspace = tmp_path_factory.mktemp("workspace")
    (workspace / "models").mkdir()
    (workspace / "models" / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    (workspace / "serving.json").write_text('{"model": "workspace/tiny.safetensors"}')
    with dashboard(workspace) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; the test fails, saying what to install, where there is none."""
    with chromium() as started:
        yield started


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny networks are faster on one thread, and test processes share the cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
