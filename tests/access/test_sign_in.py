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
    ADDRESS_ATTEMPTS,
    ALL_ATTEMPTS,
    ALL_SECONDS,
    ATTEMPT_SECONDS,
    SESSION_SECONDS,
    VISIT_ATTEMPTS,
    OperatorSessions,
    SignInRefused,
    is_device,
    new_device,
)
from extexify.cli import parser
from extexify.core import settings
from tests.clock import Clock

PASSWORD = "correct horse battery"
# As few rounds as scrypt takes, so that tests needn't wait for them; hash_password's own are tested once.
QUICK = "scrypt:2:1:1:AAAAAAAAAAAAAAAAAAAAAA:"


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


def sign_in(
    sessions: OperatorSessions, stored: str, password: str = PASSWORD, *, visit: str = "a visit", **more: str
) -> str:
    return sessions.sign_in(password, stored, visit=visit, **{"address": "192.0.2.1", **more})


def guess(sessions: OperatorSessions, stored: str, count: int, **more: str) -> list[str]:
    """The answers to wrong passwords, each of a visit of its own."""
    answers = []
    for number in range(count):
        with pytest.raises(SignInRefused) as caught:
            sign_in(sessions, stored, "wrong", **{"visit": f"visit {number}", **more})
        answers.append(str(caught.value))
    return answers


def test_a_token_shows_who_is_signed_in_until_it_ends(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    token, other = (sign_in(sessions, quick) for _ in range(2))
    assert sessions.is_signed_in(token, quick)
    assert sessions.address_of(token) == ""
    for forged in ("", token[:-1], token + "x", "\ud800", quick):
        assert not sessions.is_signed_in(forged, quick)
    assert not sessions.is_signed_in(token, hash_password(PASSWORD)), "another hash is another password"
    sessions.sign_out(token)
    assert not sessions.is_signed_in(token, quick)
    assert sessions.is_signed_in(other, quick)
    clock.now += SESSION_SECONDS
    assert not sessions.is_signed_in(other, quick)


def test_a_session_of_an_account_is_none_of_the_password(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    token = sessions.admit("ada@example.org")
    assert sessions.address_of(token) == "ada@example.org"
    assert not sessions.is_signed_in(token, quick)
    assert not sessions.is_signed_in(token, "")
    clock.now += SESSION_SECONDS
    assert sessions.address_of(token) == ""


def test_the_number_of_attempts_per_visit_is_limited(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    guess(sessions, quick, VISIT_ATTEMPTS, visit="one")
    with pytest.raises(SignInRefused, match="too many wrong passwords: try again in 15 minutes"):
        sign_in(sessions, quick, visit="one")
    assert sign_in(sessions, quick, visit="another")
    clock.now += ATTEMPT_SECONDS
    assert sign_in(sessions, quick, visit="one")


def test_right_passwords_do_not_count_as_attempts(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    for _ in range(2 * ALL_ATTEMPTS):
        sign_in(sessions, quick)


def test_guesses_of_an_address_hold_up_no_other_one(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    answers = guess(sessions, quick, 3 * ADDRESS_ATTEMPTS)
    assert answers.count("this is not the password") == ADDRESS_ATTEMPTS
    assert answers[-1] == "too many wrong passwords from your network: try again in 15 minutes"
    with pytest.raises(SignInRefused, match="from your network"):
        sign_in(sessions, quick)
    assert sign_in(sessions, quick, address="192.0.2.2")
    clock.now += ATTEMPT_SECONDS
    assert sign_in(sessions, quick)


def test_guesses_of_many_addresses_are_limited_together(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    with ThreadPoolExecutor(8) as threads:
        work = [
            threads.submit(guess, sessions, quick, 1, visit=f"{number}", address=f"192.0.2.{number}")
            for number in range(2 * ALL_ATTEMPTS)
        ]
        answers = [one for done in work for one in done.result()]
    assert answers.count("this is not the password") == ALL_ATTEMPTS
    with pytest.raises(SignInRefused, match="too many people are trying passwords: try again in a minute"):
        sign_in(sessions, quick, address="203.0.113.1")
    assert sign_in(sessions, quick, device=new_device(quick))
    clock.now += ALL_SECONDS
    assert sign_in(sessions, quick, address="203.0.113.1")


def test_a_known_device_is_limited_by_its_own_guesses_alone(quick: str, clock: Clock) -> None:
    sessions = OperatorSessions(clock)
    device = new_device(quick)
    guess(sessions, quick, 2 * ADDRESS_ATTEMPTS)
    with sessions._hashing:  # while a stranger's password is compared
        assert sign_in(sessions, quick, device=device)
    answers = guess(sessions, quick, VISIT_ATTEMPTS + 1, device=device)
    assert answers[-1] == "too many wrong passwords: try again in 15 minutes"
    with pytest.raises(SignInRefused, match="too many wrong passwords"):
        sign_in(sessions, quick, device=device)
    assert sign_in(sessions, quick, device=new_device(quick))


def test_a_devices_cookie_ends_with_the_password_and_cannot_be_made_up(quick: str) -> None:
    device = new_device(quick)
    assert is_device(device, quick)
    assert not is_device(device, hash_password(PASSWORD))
    assert not is_device(new_device(""), "")
    identifier, _, signature = device.partition(".")
    for forged in ("", ".", "x", f"{identifier}.", f".{signature}", f"x{device}", f"{device}x", "\ud800.\ud800"):
        assert not is_device(forged, quick)


@given(st.text())
def test_any_text_is_no_devices_cookie(cookie: str) -> None:
    assert not is_device(cookie, QUICK)
