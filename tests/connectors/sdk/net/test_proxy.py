"""Going out through a real proxy program: what is asked of it, what stays closed, and what is said when it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from config.embedded.ports import choose
from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, Unavailable
from connectors.sdk.net import Blocked, Client, Request
from connectors.sdk.net.proxy import Proxy
from connectors.sdk.net.ssh import check, host_key_of, new_key
from connectors.sdk.tunnels import route
from tests.connectors.kit.fake_http import Answer, fake_http
from tests.support.proxy import PASSWORD, RunningProxy
from tests.support.sshd import MISSING, running_sshd

if TYPE_CHECKING:
    from config.embedded import Urls


async def test_requests_leave_through_the_proxy(proxy: RunningProxy) -> None:
    async with fake_http(always=Answer(200, b"here")) as server:
        environment = Environment(outbound_allow=server.opened, proxy=proxy.proxy())
        with trace.recording() as exchanges:
            async with Client(environment) as client:
                for _ in range(3):
                    response = await client.send(Request("POST", f"{server.url}/x", body=b"y" * 100_000))
        assert (response.body, len(server.received), len(server.received[0].body)) == (b"here", 3, 100_000)
        assert proxy.asked_for(server.url.removeprefix("http://"))
        assert PASSWORD not in repr(exchanges)
        assert PASSWORD not in repr(environment)

    async with fake_http(always=Answer(200, b"direct")) as server:
        around = replace(environment, outbound_allow=server.opened, proxy=proxy.proxy("127.0.0.0/8"))
        async with Client(around) as client:
            assert (await client.send(Request("GET", server.url))).body == b"direct"
        assert not proxy.mentions(server.url.removeprefix("http://"))


async def test_names_are_resolved_here_unless_the_proxy_does(proxy: RunningProxy) -> None:
    async with fake_http(always=Answer(200, b"here")) as server:
        port = int(server.url.rpartition(":")[2])
        opened = (f"localhost:{port}",)
        for resolves, target in ((False, f"127.0.0.1:{port}"), (True, f"localhost:{port}")):
            environment = Environment(outbound_allow=opened, proxy=proxy.proxy(resolves=resolves))
            async with Client(environment) as client:
                assert (await client.send(Request("GET", f"http://localhost:{port}/"))).body == b"here"
            assert proxy.asked_for(target)


@pytest.mark.parametrize("resolves", [False, True])
@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/", "http://localhost/", "http://[::1]/"])
async def test_private_networks_stay_closed(proxy: RunningProxy, url: str, resolves: bool) -> None:
    async with Client(Environment(proxy=proxy.proxy(resolves=resolves))) as client:
        with pytest.raises(Blocked):
            await client.send(Request("GET", url))


@pytest.mark.parametrize("host", ["db.internal", "metadata", "warehouse.corp.", "x.home.arpa"])
async def test_names_of_private_networks_never_reach_a_proxy_that_resolves(proxy: RunningProxy, host: str) -> None:
    async with Client(Environment(proxy=proxy.proxy(resolves=True))) as client:
        with pytest.raises(Blocked, match="private network"):
            await client.send(Request("GET", f"http://{host}/"))
    assert not proxy.mentions(host.rstrip("."))


async def test_what_the_proxy_refuses_is_said_and_not_in_doubt(proxy: RunningProxy) -> None:
    with_name = proxy.proxy(resolves=True)
    nobody = f"127.0.0.1:{choose(None)}"
    for way, url, kind, words in (
        (replace(with_name, password="wrong"), f"http://{nobody}/", AuthError, "wants a user and password"),
        (with_name, f"http://{nobody}/", Unavailable, "could not connect|gave no connection"),
        (with_name, "http://shop.example.invalid/", Unavailable, "could not connect|gave no connection"),
        (replace(with_name, port=choose(None)), f"http://{nobody}/", Unavailable, "gave no connection"),
    ):
        async with Client(Environment(outbound_allow=(nobody,), proxy=way)) as client:
            with pytest.raises(kind, match=words) as caught:
                await client.send(Request("POST", url, body=b"x"))
            assert not getattr(caught.value, "in_doubt", False)


def test_databases_and_ssh_servers_are_reached_through_it(
    proxy: RunningProxy, services: Urls, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from urllib.parse import urlsplit

    import psycopg

    place = urlsplit(services.acme_url)
    target = f"{place.hostname}:{place.port}"
    environment = Environment(outbound_allow=(target,), proxy=proxy.proxy())
    way = route(environment, place.hostname or "", place.port or 0)
    changed = place._replace(netloc=f"{place.username}:{place.password or ''}@127.0.0.1:{way.port}")
    with psycopg.connect(changed.geturl()) as database:
        assert database.execute("SELECT 1").fetchone() == (1,)
    assert proxy.asked_for(target)
    if MISSING:
        pytest.skip(MISSING)
    private, public = new_key("headrace-test")
    with running_sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        sshd.admit(f"restrict,port-forwarding {public}")
        environment = Environment(outbound_allow=(f"127.0.0.1:{sshd.port}",), proxy=proxy.proxy())
        assert host_key_of("127.0.0.1", sshd.port, environment) == sshd.host_key
        check(sshd.server(private), environment, place.hostname or "", place.port or 0)
        assert proxy.asked_for(f"127.0.0.1:{sshd.port}")


@pytest.mark.parametrize(
    ("entry", "host", "port", "around"),
    [
        ("*", "anything.example.com", 443, True),
        ("example.com", "example.com", 443, True),
        (".example.com", "api.example.com", 443, True),
        ("*.example.com", "api.example.com", 443, True),
        ("example.com", "badexample.com", 443, False),
        ("example.com:8443", "example.com", 443, False),
        ("Example.com:8443", "EXAMPLE.com.", 8443, True),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.0.0.5:80", "10.0.0.5", 80, True),
        ("::1", "[::1]", 80, True),
        ("[::1]:80", "::1", 81, False),
        ("", "example.com", 80, False),
    ],
)
def test_what_goes_around_the_proxy(entry: str, host: str, port: int, around: bool) -> None:
    assert Proxy.of("http://proxy:3128", (entry,)).leads_to(host, port) is not around


@pytest.mark.parametrize(
    "url", ["proxy:3128", "socks5://proxy:1080", "http://", "http://proxy:port", "http://proxy:99999"]
)
def test_an_address_that_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        Proxy.of(url)
