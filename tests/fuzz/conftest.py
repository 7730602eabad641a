"""The duration of a long run (`make fuzz`), and its table."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import harness


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each fuzz test an equal part of the time."""
    tests = sum("fuzz" in item.path.parts and "record_property" in getattr(item, "fixturenames", ()) for item in items)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    harness.seconds_a_test = float(os.environ.get("EXTEXIFY_FUZZ_SECONDS") or 0) * workers / max(tests, 1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get("EXTEXIFY_FUZZ_SECONDS"):
        return
    rows = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in getattr(report, "user_properties", ())
        if name == "fuzz"
    ]
    totals = ("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])) if rows else ("all", 0, 0, 0)
    terminalreporter.write_line(f"{'target':32}{'cases':>10}{'refused':>10}{'seconds':>10}")
    for name, cases, refused, seconds in [*sorted(rows), totals]:
        terminalreporter.write_line(f"{name:32}{cases:>10,}{refused:>10,}{seconds:>10,.0f}")
