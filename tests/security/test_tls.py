"""Nothing that Headrace calls gets away with a TLS older than 1.2."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any

import psycopg
import pytest

from config.smtp import EmailBackend
from connectors.destinations.s3 import S3Destination
from connectors.sdk.context import Environment
from connectors.sdk.net import Client, Request
from connectors.sdk.postgres import Server, conninfo
from headrace_cli.client import Client as CommandLine
from headrace_cli.profiles import Profile
from tests.support.certificates import localhost_pem

OPEN = Environment(outbound_allow=("*",))
SSL_REQUEST = 8  # bytes that a PostgreSQL client asks for TLS with


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody trusts, with its key."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    localhost_pem(path)
    return path


class OldServer:
    """Speaks TLS 1.1 at most, and keeps why each handshake failed."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.minimum_version = ssl.TLSVersion.TLSv1
        self._context.maximum_version = ssl.TLSVersion.TLSv1_1
        self._context.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.outcomes: Queue[str] = Queue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self._meet(self._listening.accept()[0])

    def _meet(self, caller: socket.socket) -> None:
        with caller:
            caller.settimeout(5)
            try:
                if caller.recv(SSL_REQUEST, socket.MSG_PEEK)[:4] == b"\0\0\0\x08":
                    caller.recv(SSL_REQUEST)
                    caller.sendall(b"S")
                self._context.wrap_socket(caller, server_side=True).close()
                self.outcomes.put("agreed")
            except ssl.SSLError as error:
                self.outcomes.put(str(error.reason))
            except OSError as error:
                self.outcomes.put(type(error).__name__)

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def old(certificate: Path) -> Iterator[OldServer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is meant to be old
        server = OldServer(certificate)
    yield server
    server.close()


async def _http(port: int) -> None:
    async with Client(OPEN) as client:
        await client.send(Request("GET", f"https://127.0.0.1:{port}/"))


async def _s3(port: int) -> None:
    config = {"bucket": "rows", "endpoint": f"https://127.0.0.1:{port}", "path_style": True}
    keys = {"access_key_id": "a", "secret_access_key": "b"}
    await S3Destination({**config, **keys}, OPEN).check()


async def _postgres(port: int) -> None:
    server = Server(host="127.0.0.1", port=port, database="x", user="x", password="x", sslmode="require")
    with conninfo(server, OPEN) as address, psycopg.connect(address):
        pass


async def _mail(port: int) -> None:
    EmailBackend("127.0.0.1", port, use_ssl=True, timeout=5).open()


async def _command_line(port: int) -> None:
    CommandLine(Profile(url=f"https://127.0.0.1:{port}", key="x")).post("/models")


CALLERS: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {
    "HTTP": _http,
    "S3": _s3,
    "PostgreSQL": _postgres,
    "mail": _mail,
    "command line": _command_line,
}


@pytest.mark.parametrize("caller", CALLERS)
async def test_old_tls_is_refused_by_whatever_calls(old: OldServer, caller: str) -> None:
    calling = asyncio.create_task(CALLERS[caller](old.port))
    outcome = await asyncio.to_thread(old.outcomes.get, timeout=10)
    calling.cancel()  # some would try again
    with suppress(Exception, asyncio.CancelledError):
        await calling
    assert outcome in {"UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER", "TLSV1_ALERT_PROTOCOL_VERSION"}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_the_old_server_itself_agrees_with_who_lets_it(old: OldServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    with socket.create_connection(("127.0.0.1", old.port)) as line, context.wrap_socket(line):
        pass
    assert old.outcomes.get(timeout=10) == "agreed"
