"""Finds the browsers that tests and screenshots drive, Chromium and Firefox, and installs those that are missing.

python tools/browser.py            print the browsers' paths
python tools/browser.py --install  install those that are missing, then print the paths
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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
"""Arguments to start Chromium with."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of browser: its programs, its Debian package, and the environment variable that names another program."""

    name: str
    programs: tuple[str, ...]
    package: str
    variable: str


CHROMIUM = Kind(
    "Chromium or Chrome",
    ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "chromium",
    "EXTEXIFY_BROWSER",
)
FIREFOX = Kind(
    "Firefox",
    ("firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"),
    "firefox-esr",
    "EXTEXIFY_FIREFOX",
)


class NoBrowser(RuntimeError):
    """There is no browser of a kind; the message says what to do."""


def find_browser(kind: Kind) -> Path | None:
    """The browser that the kind's variable names, else one on PATH, else Playwright's Chromium; None without any."""
    named = os.environ.get(kind.variable)
    for name in [named] if named else kind.programs:
        if path := shutil.which(name):
            return Path(path)
    if named:
        raise NoBrowser(f"{kind.variable} names {named!r}, which is no program")
    return _playwright_browser() if kind is CHROMIUM else None


def require_browser(kind: Kind = CHROMIUM) -> Path:
    """The browser's path. Raises `NoBrowser` when there is none."""
    if path := find_browser(kind):
        return path
    raise NoBrowser(
        f"no {kind.name} found: run `make setup`, or install one and have it on PATH or named in {kind.variable}"
    )


def install_browser(kind: Kind) -> Path:
    """The browser's path; a missing one is installed from the system's packages, Chromium else as Playwright's build.

    Raises `NoBrowser` when neither worked.
    """
    if path := find_browser(kind):
        return path
    for commands in _ways_to_install(kind):
        if all(_succeeds(command) for command in commands) and (path := find_browser(kind)):
            return path
    raise NoBrowser(
        f"couldn't install {kind.name} (see above): install one by hand, have it on PATH or named in {kind.variable}, "
        "then run this again"
    )


def _ways_to_install(kind: Kind) -> Iterator[list[list[str]]]:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo = [] if root else ["sudo", "--non-interactive"]
    if shutil.which("apt-get") and (root or (shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]))):
        yield [
            [*sudo, "apt-get", "update", "-qq"],
            [*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", kind.package],
        ]
    if kind is CHROMIUM:
        yield [[sys.executable, "-m", "playwright", "install", "chromium"]]


def _succeeds(command: list[str]) -> bool:
    print("+", " ".join(command), file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, check=False).returncode == 0


def _playwright_browser() -> Path | None:
    from playwright.sync_api import sync_playwright

    def find() -> Path:
        with sync_playwright() as playwright:
            return Path(playwright.chromium.executable_path)

    # Playwright runs once in a thread, and may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        path = thread.submit(find).result()
    return path if path.exists() else None


def main() -> int:
    """Print the browsers' paths; with --install, install those that are missing first."""
    find = install_browser if "--install" in sys.argv[1:] else require_browser
    try:
        for kind in (CHROMIUM, FIREFOX):
            print(find(kind))
    except NoBrowser as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
