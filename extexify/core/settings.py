"""All settings of Extexify: environment variables, or the same names at the top of `.streamlit/secrets.toml`.

Each has a default. The dashboard and the command line read them here.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from extexify.core.errors import UserError

SECRETS = Path(".streamlit/secrets.toml")
"""Streamlit's file of secrets: in the user's home folder, and, with precedence, in the current folder."""

_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


class SettingError(UserError, ValueError):
    """A setting has an invalid value, or a file of secrets can't be read."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its environment variable, its default in words, and its meaning."""

    name: str
    default: str
    meaning: str


WORKSPACE = Setting(
    "EXTEXIFY_WORKSPACE",
    "`workspace/` in the current folder",
    "the folder with everything that a user's work produces",
)
CONTRIBUTIONS = Setting(
    "EXTEXIFY_CONTRIBUTIONS",
    "`drawings.sqlite3` in the workspace",
    "where drawings that visitors name, or that are asked for, are kept: a `postgresql://` address",
)
DEMO = Setting(
    "EXTEXIFY_DEMO",
    "no",
    "`yes` makes the dashboard a public demo: Draw, Symbols and Draw what is asked are open to all, everything else "
    "needs sign-in (see docs/deploy.md)",
)
PASSWORD_HASH = Setting(
    "EXTEXIFY_PASSWORD_HASH",
    "no password",
    "the operators' password of a demo, as `python -m extexify hash-password` prints it",
)
OPERATORS = Setting(
    "EXTEXIFY_OPERATORS",
    "none",
    "the e-mail addresses, with commas between them, that may operate a demo after `st.login`",
)
VISIT_LIMIT = Setting(
    "EXTEXIFY_VISIT_LIMIT",
    "20",
    "drawings that one visit of a demo may contribute",
)
ADDRESS_LIMIT = Setting(
    "EXTEXIFY_ADDRESS_LIMIT",
    "40",
    "drawings that visitors of a demo from one address (IPv6: one /64 network) may contribute in an hour",
)
HOUR_LIMIT = Setting(
    "EXTEXIFY_HOUR_LIMIT",
    "200",
    "drawings that all visitors of a demo together may contribute in an hour",
)
WAITING_LIMIT = Setting(
    "EXTEXIFY_WAITING_LIMIT",
    "2000",
    "drawings of a demo's visitors that may wait for an operator's look; there can't be more",
)
MAX_UNPACKED = Setting(
    "EXTEXIFY_MAX_UNPACKED",
    "10",
    "gigabytes that a packed file of drawings may unpack to; beyond, reading it stops with an error",
)
DETEXIFY = Setting(
    "EXTEXIFY_DETEXIFY",
    "https://codeload.github.com/kirel/detexify-next/tar.gz/6831c8178c34dae2a996736a41bee111d1a41a2d",
    "address of the archive that the source `detexify` downloads: one of github.com/kirel/detexify-next at some commit",
)
JOB_NICE = Setting(
    "EXTEXIFY_JOB_NICE",
    "10",
    "how much background jobs give way to other processes: added to their nice value; 0: not at all",
)
HOSTS = Setting(
    "EXTEXIFY_HOSTS",
    "none",
    "names, with commas between them, under which the dashboard may be opened besides `localhost`: "
    "`extexify.example.org`; `*` for any",
)
FRAMES = Setting(
    "EXTEXIFY_FRAMES",
    "none",
    "origins, with commas between them, whose pages may show the dashboard in a frame: `https://blog.example.org`",
)
CONNECTION_LIMIT = Setting(
    "EXTEXIFY_CONNECTION_LIMIT",
    "64",
    "visits to a demo that one client address may have open at a time",
)

API_LIMIT = Setting(
    "EXTEXIFY_API_LIMIT",
    "120",
    "requests to the API of a demo that one client address may send in a minute",
)
API_ORIGINS = Setting(
    "EXTEXIFY_API_ORIGINS",
    "none",
    "origins, with commas between them, whose pages may ask the API: `https://blog.example.org`; `*` for any",
)

SETTINGS = (
    WORKSPACE, CONTRIBUTIONS, MAX_UNPACKED, DETEXIFY, JOB_NICE, HOSTS, FRAMES, DEMO, PASSWORD_HASH, OPERATORS,
    CONNECTION_LIMIT, VISIT_LIMIT, ADDRESS_LIMIT, HOUR_LIMIT, WAITING_LIMIT, API_LIMIT, API_ORIGINS,
)  # fmt: skip
"""All of them, in the order of the documentation."""


def value_of(setting: Setting) -> str:
    """The value of a setting; empty if it isn't set."""
    value = os.environ.get(setting.name) or secrets().get(setting.name)
    return value.strip() if isinstance(value, str) else ""


def is_on(setting: Setting) -> bool:
    """Whether a setting is switched on.

    Raises `SettingError` for a value that is neither yes nor no, and, if the environment variable isn't set, for a
    file of secrets that can't be read.
    """
    value = os.environ.get(setting.name) or read_secrets().get(setting.name, "")
    word = str(value).strip().lower()
    if word not in _YES + _NO:
        raise SettingError(f"{setting.name} must be yes or no, not {value!r}")
    return word in _YES


def count_of(setting: Setting) -> int:
    """The value of a setting that is a whole number from 0. Raises `SettingError` for anything else."""
    value = os.environ.get(setting.name) or secrets().get(setting.name, setting.default)
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if number < 0:
        raise SettingError(f"{setting.name} must be a whole number from 0, not {value!r}")
    return number


def names_of(setting: Setting) -> tuple[str, ...]:
    """The value of a setting that lists names: text with commas between them, or a list in the file of secrets."""
    value = os.environ.get(setting.name) or secrets().get(setting.name)
    if isinstance(value, str):
        value = value.split(",")
    names = (name.strip() for name in value if isinstance(name, str)) if isinstance(value, list) else ()
    return tuple(filter(None, names))


def secrets() -> dict[str, Any]:
    """The content of the files of secrets; {} if one can't be read (Streamlit reports that when it starts)."""
    try:
        return read_secrets()
    except SettingError:
        return {}


def read_secrets() -> dict[str, Any]:
    """The content of the files of secrets, {} without any. Raises `SettingError` for one that can't be read."""
    found: dict[str, Any] = {}
    for path in _files():
        try:
            status = path.stat()
            found |= _read(path.absolute(), status.st_mtime_ns, status.st_size)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise SettingError(f"{path} can't be read ({why}): correct it, or remove it") from None
    return found


def _files() -> tuple[Path, ...]:
    try:
        return Path.home() / SECRETS, SECRETS
    except RuntimeError:  # a user without a home folder, as in containers
        return (SECRETS,)


@lru_cache(maxsize=4)
def _read(path: Path, modified: int, size: int) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
