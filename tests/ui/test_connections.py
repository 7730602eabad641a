"""Connections of the secrets become addresses that mean the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from extexify.ui.common.connections import address_of


@pytest.mark.parametrize(
    ("section", "address"),
    [
        ({"url": "postgresql://u:p@h/d"}, "postgresql://u:p@h/d"),
        ({"url": "postgresql+psycopg2://u:p@h/d"}, "postgresql://u:p@h/d"),
        ({"url": "postgres://h"}, "postgres://h"),
        ({"url": "mysql://u:p@h/d"}, ""),
        ({"dialect": "mysql", "host": "h"}, ""),
        ({"type": "snowflake"}, ""),
        ({}, ""),
        ({"dialect": "postgresql", "host": "h", "port": 5432, "database": "d"}, "postgresql://h:5432/d"),
        (
            {"dialect": "postgresql", "username": "me@x", "password": "a/b:c%", "host": "::1", "database": "d"},
            "postgresql://me%40x:a%2Fb%3Ac%25@[::1]/d",
        ),
        (
            {"dialect": "postgresql", "database": "d", "query": {"host": "/run/my db", "sslmode": "require"}},
            "postgresql:///d?host=%2Frun%2Fmy%20db&sslmode=require",
        ),
    ],
)
def test_sections_of_the_secrets_become_addresses(section: dict[str, object], address: str) -> None:
    assert address_of(section) == address


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(username=NAMES, password=NAMES, database=NAMES, host=st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True))
def test_no_character_in_a_section_can_move_another_part_of_the_address(**parts: str) -> None:
    address = address_of({"dialect": "postgresql", "port": 5433, **parts})
    assert parse_dsn(address) == {
        "user": parts["username"], "password": parts["password"], "dbname": parts["database"], "host": parts["host"],
        "port": "5433",
    }  # fmt: skip
