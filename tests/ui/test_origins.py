"""Which names and origins the server answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.ui.server.headers import inline_scripts, policy
from extexify.ui.server.origins import hostname_of, is_known_host, is_own_origin

NAMES = frozenset({"extexify.example.org", "2001:db8::1"})


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:8501", "localhost"),
        ("example.org.:80", "example.org"),
        ("[::1]:8501", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("", ""),
        (":8501", ""),
        ("localhost:port", ""),
        ("localhost:99999", ""),
        ("evil.example@localhost", ""),
        ("localhost/evil.example", ""),
        ("localhost?.evil.example", ""),
        ("[::1", ""),
        ("[evil]", ""),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert hostname_of(host) == name


def test_only_the_servers_own_names_are_known() -> None:
    for host in ("localhost:8501", "127.0.0.1:8501", "[::1]:8501", "extexify.example.org", "[2001:db8::1]:8501"):
        assert is_known_host(host, NAMES)
    for host in ("", "evil.example", "localhost.evil.example", "127.0.0.2", "x.extexify.example.org", "*"):
        assert not is_known_host(host, NAMES)
    assert is_known_host("evil.example", {"*"})


def test_only_pages_of_the_server_are_its_own() -> None:
    for origin in ("http://localhost:8501", "https://localhost:8501", "https://extexify.example.org"):
        assert is_own_origin(origin, "localhost:8501", NAMES)
    for origin in (
        "http://localhost",  # another program's page on the same machine
        "http://localhost:8502",
        "http://127.0.0.1:8501",
        "http://evil.example",
        "http://localhost:8501.evil.example",
        "http://extexify.example.org.evil.example",
        "null",
        "",
        "file://",
    ):
        assert not is_own_origin(origin, "localhost:8501", NAMES), origin
    assert not is_own_origin("http://evil.example", "localhost:8501", {"*"})


@given(st.text(max_size=60))
def test_any_header_is_judged(text: str) -> None:
    assert not is_known_host(text, ()) or hostname_of(text) in {"localhost", "127.0.0.1", "::1"}
    assert not is_own_origin(f"http://{text}", "localhost:8501", ()) or text.lower() == "localhost:8501"
    assert "\n" not in policy(text, (), ())


def test_the_policy_allows_streamlits_inline_scripts_and_the_frames_of_the_setting() -> None:
    found = policy("localhost:8501", ["https://blog.example.org"], inline_scripts())
    assert "frame-ancestors 'self' https://blog.example.org" in found
    assert "'sha256-" in found
    assert "connect-src 'self' data: blob: ws://localhost:8501 wss://localhost:8501;" in found
    assert "unsafe-eval'" not in found.replace("'wasm-unsafe-eval'", "")
