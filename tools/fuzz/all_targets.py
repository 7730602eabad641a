"""All targets, by name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from tools.fuzz.target import Target

MODULES = ("drawings", "sources", "learned", "kept", "routes", "pages")


def all_targets() -> dict[str, Target]:
    """Every target by its name, in the order of the table."""
    return {target.name: target for target in _targets()}


def find_target(name: str) -> Target:
    """The target of a name. Raises ValueError, naming those that there are."""
    for target in _targets():  # of the modules after it, some take their time to load
        if target.name == name:
            return target
    raise ValueError(f"no target {name!r}: there are {', '.join(all_targets())}")


def _targets() -> Iterator[Target]:
    for name in MODULES:
        yield from import_module(f"tools.fuzz.{name}").TARGETS
