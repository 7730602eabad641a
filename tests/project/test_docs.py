"""The README says what the command line does: every command and option, and no other."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from extexify.cli import parser
from extexify.core.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def parsers() -> dict[str, argparse.ArgumentParser]:
    for action in parser.parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the command line has no commands")


def test_the_table_of_commands_names_every_option_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| (`--.*|none) \|$", README, re.MULTILINE)
    documented = {command: set(re.findall(r"--[\w-]+", options)) for command, options in rows}
    real = {
        name: {option for action in sub._actions for option in action.option_strings if option.startswith("--")}
        - {"--help"}
        for name, sub in parsers().items()
    }
    assert documented == real


def test_the_table_of_settings_is_complete() -> None:
    rows = re.findall(r"^\| `(EXTEXIFY_\w+)` \| (.+?) \| (.+?) \|$", README, re.MULTILINE)
    assert rows == [(setting.name, setting.default, setting.meaning) for setting in SETTINGS]


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_python_example_runs() -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    exec(compile(example[1], "README", "exec"), {})
