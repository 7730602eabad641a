"""PostgreSQL stops in the middle of an export: a one-line error, the earlier dataset intact, and a retry succeeds."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg2

from extexify.contributions.postgres_store import PostgresStore
from extexify.core.progress import Progress
from extexify.dataset.export import export_dataset
from extexify.sources.base import SourceError
from extexify.sources.open import open_source
from extexify.workspace.files import StorageError
from tools.faults.breakage import fingerprint, leftovers, require
from tools.faults.samples import KEY, made_up
from tools.postgres import own_server

_FILL = """
CREATE TABLE samples (id integer PRIMARY KEY, key text, strokes json);
INSERT INTO samples SELECT number, 'test-OT1-_' || number % 50,
  ('[[[' || number || ',2],' || repeat('[3,4],', 600) || '[5,6]]]')::json FROM generate_series(1, {rows}) number
"""

STOPS = {"stopped (fast)": signal.SIGINT, "stopped as by a crash (immediate)": signal.SIGQUIT}
"""How a server is stopped, in PostgreSQL's terms."""


@dataclass(frozen=True)
class OwnServer:
    """A PostgreSQL server that may be stopped and started again."""

    _running: Any

    @property
    def address(self) -> str:
        return str(self._running.get_uri())

    def stop(self, how: signal.Signals) -> None:
        """Stop it, and wait until it is gone."""
        process = self._running.get_postmaster_info().process
        process.send_signal(how)
        process.wait(60)

    def start(self) -> None:
        self._running.ensure_postgres_running()

    def execute(self, statements: str) -> None:
        with closing(psycopg2.connect(self.address)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statements)


@contextmanager
def stoppable_server() -> Iterator[OwnServer]:
    """A server of its own with its data in a temporary folder."""
    with own_server() as running:
        yield OwnServer(running)


def stop_during_exports(
    server: OwnServer, folder: Path, times: int, random: Random, rows: int = 24_000
) -> Counter[str]:
    """Stop the server at random moments of exports, start it again, and export again."""
    server.execute(_FILL.format(rows=rows))
    source = open_source(server.address)
    whole = [_export(folder, source, 0), _export(folder, source, 1)]
    outcomes: Counter[str] = Counter()
    for number in range(times):
        how, stop = list(STOPS.items())[number % len(STOPS)]
        after = random.randrange(0, rows // 2)
        try:
            export_dataset([source], folder / "dataset", seed=0, report=_stopping(server, stop, after))
            raise AssertionError("the export reported no error")
        except SourceError as error:
            message = str(error)
        require("\n" not in message and "is the server still running" in message, f"unclear error: {message!r}")
        require(fingerprint(folder / "dataset") == whole[1], "the earlier dataset has changed")
        require(not leftovers(folder), f"left behind: {leftovers(folder)}")
        try:
            export_dataset([source], folder / "dataset", seed=0)
            raise AssertionError("an export from a server that is gone succeeded")
        except SourceError as error:
            require("can't connect to" in str(error) and "\n" not in str(error), f"unclear error: {error}")
        server.start()
        require(_export(folder, source, 0) == whole[0], "the retry made another dataset")
        _export(folder, source, 1)
        outcomes[f"{how}: one-line error, earlier dataset intact, retry worked"] += 1
    return outcomes


def stop_during_contributions(server: OwnServer, times: int) -> Counter[str]:
    """Stop the server between contributions: confirmed ones are stored, refused ones are not."""
    store = PostgresStore(server.address)
    outcomes: Counter[str] = Counter()
    before = store.count()
    for number in range(times):
        confirmed = store.add(KEY, made_up(0, number))
        server.stop(list(STOPS.values())[number % len(STOPS)])
        try:
            store.add(KEY, made_up(1, number))
            raise AssertionError("a drawing was confirmed by a server that is gone")
        except StorageError as error:
            require("can't be reached" in str(error) and "\n" not in str(error), f"unclear error: {error}")
        server.start()
        require(store.count(after=confirmed - 1) == 1, "the confirmed drawing is lost, or the refused one is there")
        require(store.add(KEY, made_up(1, number)) > confirmed, "the retry was given an earlier id")
        outcomes["confirmed ones stored, one-line error, retry worked"] += 1
    require(store.count() == before + 2 * times, "drawings are lost")
    return outcomes


def _export(folder: Path, source: Any, seed: int) -> dict[str, str]:
    export_dataset([source], folder / "dataset", seed=seed)
    return fingerprint(folder / "dataset")


def _stopping(server: OwnServer, how: signal.Signals, after: int) -> Callable[[Progress], None]:
    """A reporter that stops the server once, as soon as so many rows have been read."""
    stopped = False

    def report(event: Progress) -> None:
        nonlocal stopped
        if event.stage == "export" and event.done > after and not stopped:
            stopped = True
            server.stop(how)

    return report
