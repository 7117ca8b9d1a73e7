"""Private networks stay closed to connectors, whatever a name or address looks like."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, Unavailable
from connectors.sdk.net import Blocked, Client, Guard, Request
from connectors.sdk.net.guard import GuardedResolver, is_public
from tests.connectors.kit.fake_http import Answer, fake_http

CLOSED = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - to be refused, not bound
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
]


@pytest.mark.parametrize("address", CLOSED)
def test_closed_addresses(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_open_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "127.1", "[::ffff:7f00:1]"]
)
async def test_no_spelling_of_this_machine_is_called(host: str) -> None:
    async with fake_http() as server, Client(Environment()) as client:
        with pytest.raises(ConfigError):  # blocked, or refused as no proper address
            await client.send(Request("GET", f"http://{host}:{server.port}/"))
    assert server.received == []


async def test_an_opened_port_opens_no_other() -> None:
    async with fake_http(Answer(200)) as server, Client(Environment(outbound_allow=server.opened)) as client:
        assert (await client.send(Request("GET", server.url))).status == 200
        with pytest.raises(Blocked):
            await client.send(Request("GET", f"http://127.0.0.1:{server.port + 1}/"))


async def test_a_name_is_opened_by_its_address_too() -> None:
    guard = Guard(Environment(outbound_allow=("127.0.0.1:8080", "::1:8080")))
    assert "127.0.0.1" in await guard.resolve("localhost", 8080)


async def test_everything_can_be_opened() -> None:
    assert await Guard(Environment(outbound_allow=("*",))).resolve("127.0.0.1", 1) == ["127.0.0.1"]


async def test_a_redirect_to_another_place_is_not_followed() -> None:
    async with fake_http() as inner, fake_http(Answer(302, b"", {"Location": inner.url})) as server:
        client = Client(Environment(outbound_allow=server.opened))
        async with client:
            assert (await client.send(Request("POST", server.url))).status == 302
    assert inner.received == []


async def test_an_unknown_name_is_told_as_such() -> None:
    with pytest.raises(Unavailable, match="could not be resolved"):
        await Guard(Environment()).resolve("no-such-host.invalid", 443)


def _answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Let a name lead elsewhere each time it is asked for; the names that were asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, 1, 6, "", (a, port)) for a in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_a_name_that_changes_its_mind_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what is connected to is the judged address itself, marked as needing no second look."""
    asked = _answers(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    found = await GuardedResolver(Guard(Environment())).resolve("rebind.example", 80)
    assert [(entry["host"], entry["flags"] & socket.AI_NUMERICHOST) for entry in found] == [
        ("93.184.216.34", socket.AI_NUMERICHOST)
    ]
    assert asked == ["rebind.example"]


@pytest.mark.parametrize("hidden", ["10.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"])
async def test_of_mixed_answers_only_the_public_ones_are_called(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    _answers(monkeypatch, [hidden, "93.184.216.34"])
    assert await Guard(Environment()).resolve("mixed.example", 443) == ["93.184.216.34"]
    _answers(monkeypatch, [hidden])
    with pytest.raises(Blocked, match="leads to a private address"):
        await Guard(Environment()).resolve("inside.example", 443)
    with pytest.raises(Blocked):
        Guard(Environment()).resolve_blocking("inside.example", 443)
