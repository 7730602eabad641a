"""Servers that are stopped or killed while something runs, and clocks that jump; `make faults` does it many times."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from extexify.ui.common.job_panel import is_recent
from tools.dashboard import serving
from tools.faults import clocks, crowds, database_stops, server_kills
from tools.faults.database_stops import OwnServer
from tools.visitor import Visitor, run_apart


@pytest.fixture(scope="module")
def database() -> Iterator[OwnServer]:
    """A PostgreSQL server that may be stopped."""
    with database_stops.stoppable_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "database" in request.fixturenames:
        request.getfixturevalue("database").execute("DROP TABLE IF EXISTS samples")


def test_an_export_whose_server_stops_says_so_and_works_when_it_is_back(database: OwnServer, tmp_path: Path) -> None:
    assert database_stops.stop_during_exports(database, tmp_path, 2, Random()).total() == 2


def test_contributions_survive_a_server_that_stops(database: OwnServer) -> None:
    assert database_stops.stop_during_contributions(database, 2).total() == 2


def test_fifty_contributions_from_five_processes_are_all_in_the_database(database: OwnServer) -> None:
    assert crowds.many_contributions(database.address).total() == 50


def test_a_job_outlives_its_dashboard_and_the_next_one_tells_the_truth(tmp_path: Path) -> None:
    assert server_kills.kill_servers(tmp_path, 2, Random()).total() == 2


def test_a_clock_that_jumps_changes_no_order_and_no_duration(tmp_path: Path) -> None:
    assert clocks.jump(tmp_path, 6, Random()).total() == 9


def test_visitors_who_have_left_take_no_place_from_those_who_come(tmp_path: Path) -> None:
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        # As a service manager may start it: each visitor's session keeps three files open for two minutes.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(128, most), most))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (few, most))
        server = stack.enter_context(serving(tmp_path))

        async def visit_and_leave() -> None:
            for _ in range(50):
                async with Visitor(server.address) as visitor:
                    assert not visitor.failed

        run_apart(visit_and_leave())


def test_news_of_the_future_is_none() -> None:
    now = time.time()
    assert is_recent(now - 5, 60)
    assert not is_recent(now - 100, 60)
    assert not is_recent(now + 3600, 60)
