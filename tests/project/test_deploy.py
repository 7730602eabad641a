"""The files that the container and the deployment instructions need; building the image itself needs Docker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from extexify.core.settings import SETTINGS
from tools.dashboard import free_port

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "deploy.md"
NAMES = {setting.name for setting in SETTINGS}


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def health(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "health.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_health_check_fails_without_a_server(server: str) -> None:
    assert health(STREAMLIT_SERVER_PORT=server.rpartition(":")[2]).returncode == 0
    absent = health(STREAMLIT_SERVER_PORT=str(free_port()), STREAMLIT_SERVER_BASE_URL_PATH="/app/")
    assert absent.returncode == 1
    assert "/app/_stcore/health: " in absent.stderr


def test_the_image_gets_what_is_there_and_no_secret() -> None:
    included = re.findall(r"^!(.+)$", text(".dockerignore"), re.MULTILINE)
    assert all(list(ROOT.glob(pattern)) for pattern in included)
    assert text(".dockerignore").splitlines()[1] == "*"
    assert not [
        pattern for pattern in included if "secrets" in pattern or pattern in (".streamlit", ".git", "workspace")
    ]


def test_the_container_cannot_take_all_the_hosts_memory() -> None:
    app = text("compose.yaml").partition("\n  app:\n")[2].partition("\n  database:\n")[0]
    limits = re.findall(r"^    mem(swap)?_limit: (\S+)$", app, re.MULTILINE)
    assert limits == [("", "${EXTEXIFY_MEMORY:-4g}"), ("swap", "${EXTEXIFY_MEMORY:-4g}")]


def test_the_logs_of_all_services_are_limited() -> None:
    services = text("compose.yaml").partition("\nservices:\n")[2].partition("\nvolumes:\n")[0]
    assert services.count("    restart: unless-stopped\n    logging: *logging\n") == len(
        re.findall(r"^  \w+:$", services, re.MULTILINE)
    )


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "docs/deploy.md", "docs/deploy/extexify.service"])
def test_every_setting_that_is_named_exists(name: str) -> None:
    used = set(re.findall(r"\bEXTEXIFY_[A-Z_]+", text(name))) - {"EXTEXIFY_PORT", "EXTEXIFY_MEMORY"}  # compose's own
    assert used
    assert used <= NAMES


def test_packages_send_no_telemetry() -> None:
    script = "import os; import extexify.model.classifier; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True)
    assert ran.stdout == "1\n", ran.stderr
    assert "gatherUsageStats = false" in text(".streamlit/config.toml")
