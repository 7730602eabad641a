"""Attacks on a running server that need no page: foreign origins and names, frames, connections, huge messages."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from extexify.core import settings
from extexify.drawing.link import encode
from tests.drawings import zigzag
from tests.intruder import Intruder
from tools.dashboard import Server, serving
from tools.visitor import NoAnswer

CONNECTIONS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        settings.DEMO.name: "yes",
        settings.HOSTS.name: "extexify.example.org",
        settings.FRAMES.name: "https://blog.example.org",
        settings.CONNECTION_LIMIT.name: str(CONNECTIONS),
    }
    with serving(tmp_path_factory.mktemp("workspace"), environment) as running:
        yield running


def ask(server: Server, path: str = "/", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """The response to a request, read, so that only its status and headers are of use."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def open_socket(server: Server, **headers: str) -> ClientConnection:
    """A websocket as a page opens it. Raises InvalidStatus where the server refuses it."""
    return connect(
        f"ws{server.address.removeprefix('http')}/_stcore/stream",
        additional_headers=headers,
        compression=None,
        max_size=None,
    )


def test_the_server_listens_on_this_machine_alone(server: Server) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(server.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_pages_of_other_origins_open_no_websocket(server: Server) -> None:
    port = urlsplit(server.address).port
    for origin in ("https://evil.example", "null", f"http://evil.example:{port}", "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(server, Origin=origin)
        assert refused.value.response.status_code == 403
    # Streamlit, which would ask the network for its own address, has seen none of them.
    assert "disallowed Origin" not in (server.log.read_text("utf-8"))
    for origin in (server.address, "https://extexify.example.org"):
        open_socket(server, Origin=origin).close()


def test_names_that_point_here_get_no_answer(server: Server) -> None:
    for host in ("evil.example", f"evil.example:{urlsplit(server.address).port}", "localhost.evil.example", "\xe4"):
        assert ask(server, Host=host).status == 400
        with pytest.raises(InvalidStatus) as refused:
            open_socket(server, Host=host, Origin=f"http://{host}")
        assert refused.value.response.status_code in (400, 403)
    for host in ("localhost", "127.0.0.1:1", "[::1]", "extexify.example.org"):
        assert ask(server, Host=host).status == 200


def test_pages_of_other_origins_change_nothing(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, "/operator/cookie", method, Origin="https://evil.example").status == 403


def test_every_response_has_the_security_headers(server: Server) -> None:
    drawing = encode(zigzag(1))
    for path in (
        "/", "/symbols", "/_stcore/health", "/_stcore/host-config", "/_stcore/upload_file/x/1", "/media/none.png",
        "/static/js/none.js", "/favicon.png", "/catalog/search?q=sum", "/catalog/symbols.json", "/offline/",
        "/offline/none", f"/share/drawing.png?d={drawing}", f"/share/drawing.svg?d={drawing}", "/share/drawing.svg?d=x",
        "/operator/cookie", "//evil.example", "/..%2f..%2fetc/passwd",
    ):  # fmt: skip
        response = ask(server, path)
        policies = response.headers.get_all("Content-Security-Policy") or []
        assert any("frame-ancestors 'self' https://blog.example.org" in policy for policy in policies), path
        assert response.getheader("X-Content-Type-Options") == "nosniff", path
        assert response.getheader("Referrer-Policy") == "same-origin", path
    assert "frame-ancestors" in str(ask(server, Host="evil.example").headers)


def test_no_page_around_the_dashboard_may_send_it_commands(server: Server) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
    connection.request("GET", "/_stcore/host-config")
    assert json.loads(connection.getresponse().read())["allowedOrigins"] == []
    connection.close()


def test_an_address_has_only_so_many_visits(server: Server) -> None:
    with ExitStack() as visits:
        sockets = [visits.enter_context(open_socket(server)) for _ in range(CONNECTIONS)]
        with pytest.raises(InvalidStatus) as refused:
            open_socket(server)
        assert refused.value.response.status_code == 403
        sockets[0].close()
        with Intruder(server.address) as visit:
            assert visit.run()


def test_an_address_opens_only_so_many_visits_in_a_row(tmp_path: Path) -> None:
    with serving(tmp_path, {settings.DEMO.name: "yes", settings.CONNECTION_LIMIT.name: "5"}) as server:
        for _ in range(10):
            open_socket(server).close()
        with pytest.raises(InvalidStatus):
            open_socket(server)


def test_a_message_that_no_page_sends_closes_its_connection(server: Server) -> None:
    states = [WidgetState(id="canvas", json_value=" " * 1_000_001)]
    with Intruder(server.address) as visit:
        visit.run()
        with pytest.raises(NoAnswer):
            visit.run(values=states)
    # A frame beyond the server's limit isn't even received.
    with open_socket(server) as visit_by_hand:
        sock: socket.socket = visit_by_hand.socket
        sock.sendall(b"\x82\xff" + (1 << 30).to_bytes(8, "big") + bytes(4))
        with pytest.raises(Exception, match="1009"):
            visit_by_hand.recv(timeout=30)


def test_memory_of_hostile_messages_is_given_back(tmp_path: Path) -> None:
    objects = ",".join(['{"visible":false}'] * 40_000)
    states = [json.dumps({"drawing": {"raw": raw, "data": None}}) for raw in (f'{{"objects":[{objects}]}}', [objects])]
    states.append(f'{{"drawing":{{"raw":{{"objects":[{objects}]}},"data":null}}}}')
    with serving(tmp_path) as server, Intruder(server.address) as visit:
        process = psutil.Process(server.process.pid)
        visit.run()
        canvas = next(
            delta.new_element.bidi_component.id
            for delta in visit.deltas
            if delta.new_element.bidi_component.id.endswith("-canvas")
        )
        visit.run(values=[WidgetState(id=canvas, json_value=states[-1])])
        before = process.memory_info().rss
        for state in states * 8:
            visit.run(values=[WidgetState(id=canvas, json_value=state)])
        assert process.memory_info().rss - before < 100_000_000
