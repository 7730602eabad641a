"""The documentation describes the code: every command, option and setting exists; links and examples work."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from extexify.cli import parser
from extexify.core.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "models" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def parsers() -> dict[str, argparse.ArgumentParser]:
    for action in parser.parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the command line has no commands")


def test_the_table_of_commands_names_every_option_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| (`--.*|none) \|$", text("docs/command-line.md"), re.MULTILINE)
    documented = {command: set(re.findall(r"--[\w-]+", options)) for command, options in rows}
    real = {
        name: {option for action in sub._actions for option in action.option_strings if option.startswith("--")}
        - {"--help"}
        for name, sub in parsers().items()
    }
    assert documented == real


def test_the_table_of_settings_is_complete() -> None:
    rows = re.findall(r"^\| `(EXTEXIFY_\w+)` \| (.+?) \| (.+?) \|$", text("docs/settings.md"), re.MULTILINE)
    assert rows == [(setting.name, setting.default, setting.meaning) for setting in SETTINGS]


def test_every_package_is_in_the_table_of_packages() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", text("docs/library.md"), re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in (ROOT / "extexify").iterdir() if path.name[0] not in "_.")


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}
    assert named <= targets


def test_every_test_that_is_named_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"`(tests/[\w/.]+)`", page.read_text("utf-8"))}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_to_files_and_headings() -> None:
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.name}: {link}")
    assert not broken


def test_the_python_examples_run() -> None:
    for name in ("README.md", "docs/library.md"):
        examples = re.findall(r"```python\n(.*?)```", text(name), re.DOTALL)
        assert examples
        for example in examples:
            exec(compile(example, name, "exec"), {})
