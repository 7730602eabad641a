"""Finds the Chromium that the browser tests and screenshots drive, and installs one where there is none.

python tools/browser.py            print the browser's path
python tools/browser.py --install  install one if need be, then print its path
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = [
    "--no-sandbox",  # Chromium refuses to run as root, as in a container, with its sandbox
    "--disable-gpu",
    # No updates, synchronization or other background traffic.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Arguments to start the browser with."""


class NoBrowser(RuntimeError):
    """There is no Chromium; the message says what to do."""


def find_browser() -> Path | None:
    """The browser named by EXTEXIFY_BROWSER, else one on PATH, else Playwright's own; None without any."""
    named = os.environ.get("EXTEXIFY_BROWSER")
    candidates = [named] if named else NAMES
    for name in candidates:
        if path := shutil.which(name):
            return Path(path)
    if named:
        raise NoBrowser(f"EXTEXIFY_BROWSER names {named!r}, which is no program")
    return _playwright_browser()


def require_browser() -> Path:
    """The browser's path. Raises `NoBrowser` when there is none."""
    if path := find_browser():
        return path
    raise NoBrowser(
        "no Chromium or Chrome found: run `make setup`, or install one and have it on PATH or named in EXTEXIFY_BROWSER"
    )


def install_browser() -> Path:
    """Install Chromium, from the system's packages where that is possible, else Playwright's build.

    Returns its path. Raises `NoBrowser` when neither worked.
    """
    for commands in _ways_to_install():
        if all(_succeeds(command) for command in commands) and (path := find_browser()):
            return path
    raise NoBrowser("couldn't install Chromium (see above): install Chromium or Chrome by hand, then run this again")


def _ways_to_install() -> Iterator[list[list[str]]]:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo = [] if root else ["sudo", "--non-interactive"]
    if shutil.which("apt-get") and (root or (shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]))):
        yield [
            [*sudo, "apt-get", "update", "-qq"],
            [*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
        ]
    yield [[sys.executable, "-m", "playwright", "install", "chromium"]]


def _succeeds(command: list[str]) -> bool:
    print("+", " ".join(command), file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, check=False).returncode == 0


def _playwright_browser() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def main() -> int:
    """Print the browser's path; with --install, install one first if there is none."""
    try:
        found = find_browser()
        if found is None:
            found = install_browser() if "--install" in sys.argv[1:] else require_browser()
    except NoBrowser as error:
        print(error, file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
