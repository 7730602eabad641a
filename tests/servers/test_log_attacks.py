"""Visitors who try to fill the log, or to write lines of their own into it.

Without a demo, whose visits may send only a few messages a second.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from extexify.ui.server.log import MAX_MESSAGE, MAX_REPEATS
from tests.intruder import Intruder
from tools.dashboard import dashboard

FORGED = "operator signed in"
EVIL = f"x\n2026-01-01 00:00:00.000 {FORGED}\r\x1b[31m\u2028\u202e\x85{FORGED}"

LARGE = "x" * 200_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with dashboard(folder) as running:
        yield running


class Log:
    """What the server has written since the last look."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = file.stat().st_size

    def news(self) -> str:
        data = self._file.read_bytes()
        new, self._seen = data[self._seen :], len(data)
        return new.decode()  # raises an error for invalid UTF-8


@pytest.fixture
def log(folder: Path, address: str) -> Log:
    return Log(folder / "server.log")


def check_lines(news: str) -> None:
    """No line of the log begins with a visitor's text, or has control characters."""
    for line in news.split("\n"):
        assert line.isprintable()
        assert re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d{3} |  |$)", line), line[:200]
        assert not line.startswith("2026-01-01 00:00:00.000")


def raw_request(address: str, lines: list[bytes]) -> bytes:
    """Send the lines of a request; returns the start of the answer."""
    host, _, port = urlsplit(address).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", b""]))
        return connection.recv(1000)


HANDSHAKE = [
    b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Protocol: streamlit",
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]  # fmt: skip


def test_unknown_fragments_leave_a_few_lines(address: str, log: Log) -> None:
    with Intruder(address) as visit:
        visit.run()
        visit.send(fragment_id=EVIL)
        for _ in range(3 * MAX_REPEATS):
            visit.send(fragment_id=LARGE)
        visit.run()
    news = log.news()
    check_lines(news)
    assert news.count("does not exist anymore") == MAX_REPEATS
    assert FORGED in news
    assert len(news) < MAX_REPEATS * (MAX_MESSAGE + 500)


def test_pages_queries_and_widgets_of_no_page_leave_a_few_lines(address: str, log: Log) -> None:
    with Intruder(address) as visit:
        visit.run()
        ids = [delta.new_element.bidi_component.id for delta in visit.deltas]
        states = [WidgetState(id=name, json_value=f'{{"{EVIL}": ') for name in (*filter(None, ids), EVIL)]
        for text in (EVIL, LARGE):
            visit.run(text, query=f"drawing={text}&symbol={text}&model={text}")
            visit.run("symbols", query=text)
            visit.run(page_script_hash=text, query="a&" * 2_000)
            visit.run(values=states)
    news = log.news()
    check_lines(news)
    assert len(news) < 50_000


def test_hosts_origins_and_addresses_leave_a_few_lines(address: str, log: Log) -> None:
    host = urlsplit(address).netloc.encode()
    for value in (b"http://a\xe2\x80\xae\x85\xff.example", b"http://" + b"x" * 5_000 + b".example"):
        for names in ([b"Host: " + host, b"Origin: " + value], [b"Host: " + value, b"Origin: http://" + host]):
            answer = raw_request(address, [b"GET /_stcore/stream HTTP/1.1", *names, *HANDSHAKE])
            assert answer.startswith(b"HTTP/1.1 403 ")
        raw_request(address, [b"GET /%0a%1b%5b31m" + value[7:].hex().encode() + b" HTTP/1.1", b"Host: " + value])
    for line in (b"GET /\x1b[31m HTTP/1.1", b"\x1b[31m", FORGED.encode()):
        assert raw_request(address, [line, b"Host: " + host]).startswith(b"HTTP/1.1 400 ")
    news = log.news()
    check_lines(news)
    assert len(news) < 20_000


def test_messages_that_are_none_leave_a_few_lines(address: str, log: Log) -> None:
    for data in (b"\xff\xff" + EVIL.encode(), b"\xff" * 500_000, EVIL, ""):
        with connect(
            f"ws{address.removeprefix('http')}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
        ) as connection:
            connection.send(data)
            while isinstance(data, bytes) and not connection.close_code:
                with suppress(ConnectionClosed):
                    connection.recv(timeout=30)
    news = log.news()
    check_lines(news)
    assert "Error deserializing back message" in news
    assert len(news) < 20_000
