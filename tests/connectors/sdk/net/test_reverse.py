"""What a client of a reverse tunnel may do, with a real OpenSSH client: lend its own port and nothing else."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from config.embedded.ports import choose
from connectors.sdk.context import Environment
from connectors.sdk.errors import Unavailable
from connectors.sdk.lending import Guest, Presence
from connectors.sdk.net.reverse import check
from connectors.sdk.net.ssh import new_key
from connectors.sdk.tunnels import ReverseTunnel, route
from tests.support.reverse_ssh import Server, accepts, needs_ssh, running_server, until

pytestmark = needs_ssh
PRIVATE, PUBLIC = new_key("client")
HOST_KEY = new_key("server")


class Desk:
    """One tunnel."""

    def __init__(self) -> None:
        self.known = {"t-one": Guest(1, PUBLIC, choose(None))}
        self.present: Mapping[int, Presence] = {}

    async def guest(self, name: str) -> Guest | None:
        return self.known.get(name)

    async def guests(self, tunnels: Iterable[int]) -> Mapping[int, Guest]:
        return {guest.tunnel: guest for guest in self.known.values() if guest.tunnel in set(tunnels)}

    async def tell(self, present: Mapping[int, Presence]) -> None:
        self.present = present


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def server(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(desk, HOST_KEY, tmp_path_factory.mktemp("reverse")) as running:
        yield running


def refusal(client: subprocess.Popen[str]) -> str:
    _, words = client.communicate(timeout=30)
    assert client.returncode
    return words


@pytest.mark.parametrize(
    ("name", "key", "forwards", "words"),
    [
        ("t-none", PRIVATE, ["-N"], "Permission denied (publickey)"),
        ("t-one", new_key("other")[0], ["-N"], "Permission denied (publickey)"),
        ("t-one", PRIVATE, ["-N", "-R", "0.0.0.0:{other}:127.0.0.1:9"], "remote port forwarding failed"),
        ("t-one", PRIVATE, ["-W", "127.0.0.1:{server}"], "Connection refused"),
        ("t-one", PRIVATE, ["-T"], "Session refused"),
    ],
    ids=["a name nobody has", "another key", "another port", "a way into our network", "a shell"],
)
def test_nothing_else_is_allowed(
    desk: Desk, server: Server, name: str, key: str, forwards: list[str], words: str
) -> None:
    places = {"other": desk.known["t-one"].port + 1, "server": server.port}
    assert words in refusal(server.connect(name, key, *(part.format(**places) for part in forwards)))


def test_a_client_lends_its_port_comes_again_and_is_sent_away_with_its_key(
    desk: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = desk.known["t-one"].port
    tunnel = ReverseTunnel(name="Shop", host="127.0.0.1", port=port)
    with pytest.raises(Unavailable, match="No client is connected to the reverse tunnel “Shop”"):
        check(tunnel)

    with socket.create_server(("127.0.0.1", 0)) as service:
        target = service.getsockname()[1]
        first = server.lend("t-one", PRIVATE, port, target)
        until(lambda: accepts(port), "the first client's port")
        check(tunnel)
        way = route(Environment(tunnel=tunnel), "shop.internal", 443)
        assert way.addresses == ("127.0.0.1",)
        assert way.port != port

        second = server.lend("t-one", PRIVATE, port, target)
        assert first.wait(timeout=30)
        until(lambda: accepts(port), "the second client's port")
        check(tunnel)

    with pytest.raises(Unavailable, match="the service hung up or was not reached"):
        check(tunnel)
    monkeypatch.setitem(desk.known, "t-one", Guest(1, new_key("replaced")[1], port))
    assert second.wait(timeout=30)
    assert not accepts(port)


def test_the_key_of_the_server_is_proven(server: Server, tmp_path: Path) -> None:
    stranger = Server(server.port, new_key("stranger")[1], tmp_path)
    assert "Host key verification failed" in refusal(stranger.connect("t-one", PRIVATE, "-N"))
