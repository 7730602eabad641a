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

from extexify.access.passwords import MAX_PASSWORD, MIN_PASSWORD, PasswordError, check_hash, hash_password, is_password
from extexify.access.sign_in import (
    ALL_ATTEMPTS,
    ALL_SECONDS,
    SESSION_SECONDS,
    VISIT_ATTEMPTS,
    VISIT_SECONDS,
    OperatorSessions,
    SignInRefused,
)
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


def test_a_password_is_verified_by_its_hash() -> None:
    one, other = hash_password(PASSWORD), hash_password(PASSWORD)
    assert one != other
    assert PASSWORD not in one
    assert not set(one) & set("$'\"\\ \n")
    assert is_password(PASSWORD, one)
    for wrong in (PASSWORD[:-1], PASSWORD.upper(), "", PASSWORD + " ", "x" * (MAX_PASSWORD + 1)):
        assert not is_password(wrong, one)


@pytest.mark.parametrize("length", [0, MIN_PASSWORD - 1, MAX_PASSWORD + 1])
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
def test_a_damaged_hash_is_reported_without_its_text(stored: str) -> None:
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
    sessions = OperatorSessions(clock)
    token, other = (sessions.sign_in(PASSWORD, quick, "visit") for _ in range(2))
    assert sessions.is_signed_in(token, quick)
    for forged in ("", token[:-1], token + "x", "\ud800", quick):
        assert not sessions.is_signed_in(forged, quick)
    assert not sessions.is_signed_in(token, hash_password(PASSWORD)), "another hash is another password"
    sessions.sign_out(token)
    assert not sessions.is_signed_in(token, quick)
    assert sessions.is_signed_in(other, quick)
    clock.now += SESSION_SECONDS
    assert not sessions.is_signed_in(other, quick)


def test_the_number_of_attempts_per_visit_is_limited(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    for _ in range(VISIT_ATTEMPTS):
        with pytest.raises(SignInRefused, match="not the password"):
            sessions.sign_in("wrong", quick, "visit")
    with pytest.raises(SignInRefused, match="try again in 15 minutes"):
        sessions.sign_in(PASSWORD, quick, "visit")
    assert sessions.sign_in(PASSWORD, quick, "another visit")
    clock.now += VISIT_SECONDS
    assert sessions.sign_in(PASSWORD, quick, "visit")


def test_right_passwords_do_not_count_as_attempts(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    for _ in range(2 * ALL_ATTEMPTS):
        sessions.sign_in(PASSWORD, quick, "visit")


def test_the_number_of_attempts_of_all_visits_is_limited(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)

    def attempt(number: int) -> str:
        try:
            return sessions.sign_in("wrong", quick, f"visit {number}")
        except SignInRefused as error:
            return str(error)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(attempt, range(3 * ALL_ATTEMPTS)))
    assert answers.count("this is not the password") == ALL_ATTEMPTS
    with pytest.raises(SignInRefused, match="in a minute"):
        sessions.sign_in(PASSWORD, quick, "the operator")
    clock.now += ALL_SECONDS
    assert sessions.sign_in(PASSWORD, quick, "the operator")
