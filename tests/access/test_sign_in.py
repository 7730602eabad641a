"""Passwords, attempts, and who is signed in."""

from __future__ import annotations

import io
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.access.passwords import LONGEST, SHORTEST, PasswordError, check_hash, hash_password, is_password
from extexify.access.sign_in import ALL_ATTEMPTS, ALL_SECONDS, LASTS, VISIT_ATTEMPTS, VISIT_SECONDS, Doorkeeper, Refused
from extexify.cli import parser
from extexify.core import settings

PASSWORD = "correct horse battery"
# As few rounds as scrypt takes, so that tests needn't wait for them; hash_password's own are tested once.
QUICK = "scrypt:2:1:1:AAAAAAAAAAAAAAAAAAAAAA:"


class Clock:
    """A clock that tests put forward."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def quick() -> str:
    """A hash of PASSWORD that takes no time."""
    import hashlib
    from base64 import urlsafe_b64encode

    digest = hashlib.scrypt(PASSWORD.encode(), salt=bytes(16), n=2, r=1, p=1, dklen=32)
    return QUICK + urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_password_is_known_by_its_hash_alone() -> None:
    one, other = hash_password(PASSWORD), hash_password(PASSWORD)
    assert one != other
    assert PASSWORD not in one
    assert not set(one) & set("$'\"\\ \n")
    assert is_password(PASSWORD, one)
    for wrong in (PASSWORD[:-1], PASSWORD.upper(), "", PASSWORD + " ", "x" * (LONGEST + 1)):
        assert not is_password(wrong, one)


@pytest.mark.parametrize("length", [0, SHORTEST - 1, LONGEST + 1])
def test_a_password_that_is_too_short_or_long_is_refused(length: int) -> None:
    with pytest.raises(PasswordError, match="12 to 1,000 characters"):
        hash_password("x" * length)


@pytest.mark.parametrize(
    "stored",
    [
        "", "password", "scrypt", "scrypt:2:1:1::", "scrypt:2:1:1:AAAA:AAAA", f"{QUICK}AAAA",
        "scrypt:3:1:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A" * 43, f"scrypt:{2**40}:8:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A" * 43,
        "scrypt:2:-1:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A" * 43, "md5:2:1:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A" * 43,
    ],
)  # fmt: skip
def test_a_damaged_hash_is_said_and_not_repeated(stored: str) -> None:
    with pytest.raises(PasswordError, match="hash-password") as caught:
        check_hash(stored)
    assert "AAAA" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_hash_or_refused(stored: str) -> None:
    with pytest.raises(PasswordError):
        check_hash(stored)


def test_the_command_prints_a_line_that_secrets_and_shells_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\r\n"))
    assert parser.main(["hash-password"]) == 0
    line = capsys.readouterr().out
    stored = tomllib.loads(line)[settings.PASSWORD_HASH.name]
    assert is_password(PASSWORD, stored)
    shell = subprocess.run(["sh", "-c", f"{line}\nprintf %s $EXTEXIFY_PASSWORD_HASH"], capture_output=True, text=True)
    assert shell.stdout == stored


def test_the_command_takes_no_password_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.main(["hash-password", PASSWORD])


def test_two_passwords_that_differ_make_no_hash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    typed = iter([PASSWORD, PASSWORD + "x"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert parser.main(["hash-password"]) == 1
    assert capsys.readouterr().err == "extexify: error: the two passwords differ\n"


def test_a_token_shows_who_is_signed_in_until_it_ends(quick: str, clock: Clock) -> None:
    door = Doorkeeper(clock)
    token, other = (door.admit(PASSWORD, quick, "visit") for _ in range(2))
    assert door.knows(token, quick)
    for forged in ("", token[:-1], token + "x", "\ud800", quick):
        assert not door.knows(forged, quick)
    assert not door.knows(token, hash_password(PASSWORD)), "another hash is another password"
    door.dismiss(token)
    assert not door.knows(token, quick)
    assert door.knows(other, quick)
    clock.now += LASTS
    assert not door.knows(other, quick)


def test_a_visit_has_so_many_attempts(quick: str, clock: Clock) -> None:
    door = Doorkeeper(clock)
    for _ in range(VISIT_ATTEMPTS):
        with pytest.raises(Refused, match="not the password"):
            door.admit("wrong", quick, "visit")
    with pytest.raises(Refused, match="try again in 15 minutes"):
        door.admit(PASSWORD, quick, "visit")
    assert door.admit(PASSWORD, quick, "another visit")
    clock.now += VISIT_SECONDS
    assert door.admit(PASSWORD, quick, "visit")


def test_right_passwords_count_for_nothing(quick: str, clock: Clock) -> None:
    door = Doorkeeper(clock)
    for _ in range(2 * ALL_ATTEMPTS):
        door.admit(PASSWORD, quick, "visit")


def test_all_visits_together_have_so_many_attempts(quick: str, clock: Clock) -> None:
    door = Doorkeeper(clock)

    def attempt(number: int) -> str:
        try:
            return door.admit("wrong", quick, f"visit {number}")
        except Refused as error:
            return str(error)

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(attempt, range(3 * ALL_ATTEMPTS)))
    assert said.count("this is not the password") == ALL_ATTEMPTS
    with pytest.raises(Refused, match="in a minute"):
        door.admit(PASSWORD, quick, "the operator")
    clock.now += ALL_SECONDS
    assert door.admit(PASSWORD, quick, "the operator")
