"""A PostgreSQL server for tests: one for the whole session, with a database of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

import psycopg2
import pytest

from tools.postgres import own_server

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
    with own_server() as running:
        host = psycopg2.extensions.parse_dsn(running.get_uri())["host"]
        database = Database(host, "postgres")
        database.execute("CREATE ROLE guarded LOGIN PASSWORD 'open sesame'")
        rules = running.pgdata / "pg_hba.conf"
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        database.execute("SELECT pg_reload_conf()")
        yield host


@pytest.fixture
def database(server: str) -> Iterator[Database]:
    """A new, empty database."""
    name = f"test_{next(_numbers)}"
    main = Database(server, "postgres")
    main.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield Database(server, name)
    main.execute(f"DROP DATABASE {name} WITH (FORCE)")
