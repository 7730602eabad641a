"""All targets, by name."""

from __future__ import annotations

from importlib import import_module

from tools.fuzz.target import Target

MODULES = ("drawings", "sources", "learned", "kept", "pages")


def all_targets() -> dict[str, Target]:
    """Every target by its name, in the order of the table."""
    found = (target for name in MODULES for target in import_module(f"tools.fuzz.{name}").TARGETS)
    return {target.name: target for target in found}


def find_target(name: str) -> Target:
    """The target of a name. Raises ValueError, naming those that there are."""
    targets = all_targets()
    if name not in targets:
        raise ValueError(f"no target {name!r}: there are {', '.join(targets)}")
    return targets[name]
