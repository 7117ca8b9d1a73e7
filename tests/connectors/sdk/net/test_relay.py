"""What a driver reaches through a relay: real servers, and nothing that the door would refuse."""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from config.embedded.ports import choose
from connectors.sdk.context import Environment
from connectors.sdk.errors import Unavailable
from connectors.sdk.net import Blocked
from connectors.sdk.net.relay import proxied, relayed
from connectors.sdk.net.tls import mode_context
from tests.connectors.kit.fake_http import Answer, fake_http
from tests.support import mariadb
from tests.support.certificates import localhost_pem
from tests.support.listening import everything, serving
from tests.support.proxy import RunningProxy

if TYPE_CHECKING:
    from config.embedded import Urls

LOCAL = Environment(outbound_allow=("*",))
_ASK = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.sendall(b'hello\\n'); "


def digest_at_the_end(connection: socket.socket) -> None:
    """Read until the other side has finished, and only then answer: the digest, and all of it once more."""
    data = everything(connection)
    connection.sendall(hashlib.sha256(data).digest() + data)


def call(port: int, data: bytes = b"hello", *, finish: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 30) as line:
        line.sendall(data)
        if finish:
            line.shutdown(socket.SHUT_WR)
        return everything(line)


def test_databases_are_read_through_it_and_the_port_closes_with_its_owner(services: Urls) -> None:
    place = urlsplit(services.acme_url)
    target = f"{place.hostname}:{place.port}"
    with relayed(Environment(outbound_allow=(target,)), place.hostname or "", place.port or 0) as port:
        changed = place._replace(netloc=f"{place.username}:{place.password or ''}@127.0.0.1:{port}").geturl()
        for _ in range(2):
            with psycopg.connect(changed) as database:
                rows = database.execute("SELECT repeat('x', 1000) FROM generate_series(1, 5000)").fetchall()
                assert len(rows) == 5000
        left = psycopg.connect(changed)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    with pytest.raises(ConnectionRefusedError):
        call(port)


def test_mariadb_is_read_through_it() -> None:
    with mariadb.a_server() as login:
        if login is None:
            pytest.skip(mariadb.WORDS)
        with (
            relayed(LOCAL, login["host"], login["port"]) as port,
            closing(pymysql.connect(**{**login, "host": "127.0.0.1", "port": port})) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT repeat('x', 100000)")
            assert cursor.fetchone() == ("x" * 100_000,)


def test_many_bytes_and_half_closed_connections_arrive_whole() -> None:
    data = bytes(range(256)) * 80_000
    with serving(digest_at_the_end) as far, relayed(LOCAL, "127.0.0.1", far) as port:
        for sent in (data, b"", b"a"):
            assert call(port, sent) == hashlib.sha256(sent).digest() + sent


def test_tls_is_between_the_driver_and_the_server(tmp_path: Path) -> None:
    authority = localhost_pem(tmp_path / "server.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem")

    def answer(connection: socket.socket) -> None:
        with server.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(secure.recv(100).upper())

    with serving(answer) as far, relayed(LOCAL, "localhost", far) as port:
        line = socket.create_connection(("127.0.0.1", port), 30)
        with mode_context("verify-full", authority).wrap_socket(line, server_hostname="localhost") as secure:
            secure.sendall(b"hello")
            assert secure.recv(100) == b"HELLO"


def test_what_the_door_refuses_and_what_does_not_answer_is_said_before_the_driver_begins() -> None:
    for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "localhost", "[::1]"):
        with pytest.raises(Blocked), relayed(Environment(), host, 1521):
            pass
    with pytest.raises(Unavailable, match="refused"), relayed(LOCAL, "127.0.0.1", choose(None)):
        pass
    with pytest.raises(Unavailable, match="could not be resolved"), relayed(LOCAL, "no-such-host.invalid", 1521):
        pass


def test_a_server_that_hangs_up_or_goes_away_ends_the_driver_s_connection() -> None:
    with serving(lambda connection: None) as far, relayed(LOCAL, "127.0.0.1", far) as port:
        assert call(port) == b""
    with serving(digest_at_the_end) as far, relayed(LOCAL, "127.0.0.1", far) as port:
        assert call(port).endswith(b"hello")
    with socket.create_server(("127.0.0.1", 0)) as gone, relayed(LOCAL, *gone.getsockname()) as port:
        first = gone.accept()[0]
        first.close()
        gone.close()
        assert call(port, b"") == b""


def test_other_processes_are_refused(tmp_path: Path) -> None:
    """Were the check not there, the other one would get its answer."""
    if not Path("/proc/net/tcp").exists():
        pytest.skip("This system does not tell who holds a connection.")
    ask = f"{_ASK} s.shutdown(socket.SHUT_WR); sys.stdout.buffer.write(s.recv(100))"
    with serving(digest_at_the_end) as far, relayed(LOCAL, "127.0.0.1", far) as port, proxied(LOCAL) as proxy:
        for lent in (port, proxy):
            other = subprocess.run([sys.executable, "-c", ask, str(lent)], capture_output=True, check=False)
            assert other.stdout == b""
        assert call(port).endswith(b"hello")
        straight = subprocess.run([sys.executable, "-c", ask, str(far)], capture_output=True, check=False)
        assert straight.stdout.endswith(b"hello\n")


def tunnelled(proxy: int, target: str) -> tuple[str, socket.socket]:
    """The first line of the proxy's answer, and the line that it leads over."""
    line = socket.create_connection(("127.0.0.1", proxy), 30)
    line.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := line.recv(1)):
        head += byte
    return head.partition(b"\r\n")[0].decode(), line


def test_a_connect_proxy_judges_every_target() -> None:
    with serving(digest_at_the_end) as far, proxied(Environment(outbound_allow=(f"localhost:{far}",))) as proxy:
        said, line = tunnelled(proxy, f"localhost:{far}")
        assert said == "HTTP/1.1 200 Connection established"
        with line:
            line.sendall(b"hello")
            line.shutdown(socket.SHUT_WR)
            assert everything(line).endswith(b"hello")
        refused = choose(None)
        for target, status in (
            (f"127.0.0.1:{far}", "403 127.0.0.1 is not a public address."),
            (f"localhost:{refused}", "403 localhost leads to a private address."),
            ("169.254.169.254:80", "403 169.254.169.254 is not a public address."),
            ("no-such-host.invalid:443", "502 The name no-such-host.invalid could not be resolved."),
            ("nothing", "403 The request names no host and port."),
        ):
            said, line = tunnelled(proxy, target)
            line.close()
            assert said == f"HTTP/1.1 {status}"
        for noise in (b"\r\n\r\n", b"hello\r\n\r\n", b"x" * 100_000, b"CONNECT a:b HTTP/1.1\r\n\r\n"):
            assert call(proxy, noise) == b""


async def test_a_plain_request_goes_to_the_one_host_it_names() -> None:
    import asyncio

    async with fake_http(always=Answer(200, b"here")) as server:
        target = server.url.removeprefix("http://")
        head = f"POST {server.url}/a?b=%3A HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic eA==\r\n"
        request = f"{head}Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"
        with proxied(Environment(outbound_allow=server.opened)) as proxy:
            answer = await asyncio.to_thread(call, proxy, request.encode(), finish=False)
            other = await asyncio.to_thread(call, proxy, b"GET http://127.0.0.1:1/ HTTP/1.1\r\n\r\n")
        assert (answer.startswith(b"HTTP/1.1 200"), answer.endswith(b"here")) == (True, True)
        assert other.startswith(b"HTTP/1.1 403 127.0.0.1 is not a public address.")
        (received,) = server.received
        assert (received.method, received.path, received.body) == ("POST", "/a?b=%3A", b"hello")
        assert "proxy-authorization" not in {name.lower() for name in received.headers}


def test_both_leave_through_the_operator_s_proxy(proxy: RunningProxy) -> None:
    with serving(lambda connection: connection.sendall(connection.recv(100))) as far:
        environment = Environment(outbound_allow=(f"127.0.0.1:{far}",), proxy=proxy.proxy())
        with relayed(environment, "127.0.0.1", far) as port:
            assert call(port, finish=False) == b"hello"
        assert proxy.asked_for(f"127.0.0.1:{far}")
        with proxied(environment) as local:
            said, line = tunnelled(local, f"127.0.0.1:{far}")
            line.close()
            assert said.startswith("HTTP/1.1 200")
