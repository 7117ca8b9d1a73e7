"""SSH tunnels through a real OpenSSH server: who is let in, what is reached, and what is said when it is not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from config.embedded.ports import choose
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.net import Blocked, Client, Request
from connectors.sdk.net.relay import proxied, relayed
from connectors.sdk.net.ssh import ForwardRefused, check, host_key_of, local_port, new_key
from connectors.sdk.tunnels import SshServer, fingerprint, route
from tests.connectors.kit.fake_http import Answer, fake_http
from tests.support.sshd import MISSING, Sshd, running_sshd

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
PRIVATE, PUBLIC = new_key("headrace-test")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def sshd(running: Sshd) -> Sshd:
    """The server, which lets our key forward and nothing else."""
    running.admit(f"restrict,port-forwarding {PUBLIC}")
    return running


@pytest.fixture
def opened(sshd: Sshd) -> Environment:
    """An operator's leave to call the SSH server, and nothing else on this machine."""
    return Environment(outbound_allow=(f"127.0.0.1:{sshd.port}",))


@pytest.fixture
def echo() -> Iterator[int]:
    """A service behind the tunnel that says everything twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection, suppress(ConnectionError):  # whoever asks may leave before the answer
        while data := connection.recv(65_536):
            connection.sendall(data * 2)


def asked(port: int, words: bytes = b"ping") -> bytes:
    """What comes back through a local port."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_service_is_reached_by_many_over_one_connection(sshd: Sshd, opened: Environment, echo: int) -> None:
    server, before = sshd.server(PRIVATE), set(sshd.sessions())
    ports = {local_port(server, opened, "127.0.0.1", echo) for _ in range(3)}
    assert len(ports) == 1
    assert [asked(port) for port in ports for _ in range(4)] == [b"pingping"] * 4
    assert asked(ports.pop(), b"x" * 3_000_000) == b"x" * 6_000_000
    assert len(set(sshd.sessions()) - before) <= 1, "an earlier test's connection is kept, and may be used again"


def test_drivers_that_dial_by_themselves_are_led_through_the_tunnel(sshd: Sshd, opened: Environment, echo: int) -> None:
    """By the port that stands for a server, and by the HTTP proxy: nothing but the SSH server may be called here."""
    tunnelled = replace(opened, tunnel=sshd.server(PRIVATE))
    with relayed(tunnelled, "127.0.0.1", echo) as port:
        assert [asked(port) for _ in range(3)] == [b"pingping"] * 3
        assert asked(port, b"x" * 1_000_000) == b"x" * 2_000_000
        sshd.cut_off()
        assert asked(port) == b"pingping"
    with proxied(tunnelled) as port:
        answer = asked(port, f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\nping".encode())
    assert answer.partition(b"\r\n\r\n")[::2] == (b"HTTP/1.1 200 Connection established", b"pingping")
    with pytest.raises(Blocked), relayed(opened, "127.0.0.1", echo):
        pass


def test_a_connection_that_broke_is_made_again_at_the_same_port(sshd: Sshd, opened: Environment, echo: int) -> None:
    port = local_port(sshd.server(PRIVATE), opened, "127.0.0.1", echo)
    assert asked(port) == b"pingping"
    sshd.cut_off()
    assert local_port(sshd.server(PRIVATE), opened, "127.0.0.1", echo) == port
    assert asked(port) == b"pingping"


def test_another_host_key_than_the_confirmed_one_is_refused(sshd: Sshd, opened: Environment) -> None:
    _, other = new_key("somebody else")
    with pytest.raises(AuthError, match="another host key") as refused:
        check(sshd.server(PRIVATE, host_key=other), opened)
    assert "in between" in refused.value.hint
    assert host_key_of(sshd.host, sshd.port, opened) == sshd.host_key
    assert fingerprint(sshd.host_key).startswith("SHA256:")


def test_a_key_that_the_server_does_not_know_is_refused_with_what_to_do(sshd: Sshd, opened: Environment) -> None:
    sshd.admit()
    with pytest.raises(AuthError, match=f"did not let {sshd.user} in") as refused:
        check(sshd.server(PRIVATE), opened)
    assert "authorized_keys" in refused.value.hint
    assert "0700" in refused.value.hint


def test_a_service_that_is_down_is_told_apart_from_the_tunnel(sshd: Sshd, opened: Environment) -> None:
    nobody = choose(None)
    check(sshd.server(PRIVATE), opened)
    with pytest.raises(ForwardRefused, match=f"could not connect to 127.0.0.1:{nobody}") as refused:
        local_port(sshd.server(PRIVATE), opened, "127.0.0.1", nobody)
    assert refused.value.hint.endswith(f"nc -z 127.0.0.1 {nobody}")


def test_a_forbidden_service_is_told_as_such(sshd: Sshd, opened: Environment, echo: int) -> None:
    private, public = new_key("limited")
    sshd.admit(f'restrict,port-forwarding,permitopen="127.0.0.1:{echo}" {public}')
    assert asked(local_port(sshd.server(private), opened, "127.0.0.1", echo)) == b"pingping"
    with pytest.raises(ForwardRefused, match="does not allow"):
        local_port(sshd.server(private), opened, "127.0.0.1", sshd.port)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"port": 0}, Unavailable, "refused the connection"),
        ({"host": "no-such-host.invalid"}, Unavailable, "could not be resolved"),
    ],
)
def test_a_server_that_is_not_there(sshd: Sshd, changed: dict[str, object], error: type, words: str) -> None:
    changed = {**changed, **({"port": choose(None)} if changed.get("port") == 0 else {})}
    with pytest.raises(error, match=words):
        check(sshd.server(PRIVATE, **changed), Environment(outbound_allow=("*",)))


def test_what_is_no_ssh_server_is_told_as_such(echo: int) -> None:
    server = SshServer(host="127.0.0.1", port=echo, user="x", private_key=PRIVATE, host_key=PUBLIC)
    with pytest.raises(ConnectorError, match=f"127.0.0.1:{echo}"):
        check(server, Environment(outbound_allow=("*",)))


def test_a_private_ssh_server_stays_closed_unless_the_operator_opened_it(sshd: Sshd) -> None:
    with pytest.raises(Blocked):
        check(sshd.server(PRIVATE), Environment())
    with pytest.raises(Blocked):
        host_key_of("127.0.0.1", sshd.port, Environment())


def test_without_a_tunnel_hosts_are_judged_as_ever() -> None:
    with pytest.raises(Blocked):
        route(Environment(), "127.0.0.1", 5432)
    assert route(Environment(outbound_allow=("127.0.0.1:5432",)), "127.0.0.1", 5432).addresses == ("127.0.0.1",)


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA", "x\0y z"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        fingerprint(text)


async def test_http_goes_through_the_tunnel_to_names_and_addresses(sshd: Sshd) -> None:
    """The environment opens the SSH server alone: without the tunnel the request would be refused."""
    environment = Environment(outbound_allow=(f"127.0.0.1:{sshd.port}",), tunnel=sshd.server(PRIVATE))
    async with fake_http(Answer(200), Answer(200)) as service, Client(environment) as client:
        for host in ("127.0.0.1", "localhost"):
            answer = await client.send(Request("GET", f"http://{host}:{service.port}/"))
            assert answer.status == 200
    assert len(service.received) == 2
