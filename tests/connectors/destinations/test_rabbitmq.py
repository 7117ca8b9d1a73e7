"""RabbitMQ beyond the contract: signing in, the list of queues, and hosts that nobody opened."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sdk.amqp import Broker, opened, published
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.messages import Message
from connectors.sdk.net import Blocked
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.fake_http import Answer, fake_http
from tests.support import rabbitmq as rabbit

SERVER = f"{rabbit.LOGIN['host']}:{rabbit.LOGIN['port']}"
needs_server = pytest.mark.skipif(not rabbit.answers(), reason=rabbit.WORDS)


def broker(*opened: str, **changes: Any) -> Destination:
    config = {**rabbit.LOGIN, "protocol": "amqp", "management": "http://127.0.0.1:1", **changes}
    return destination_of("rabbitmq", config, Environment(outbound_allow=opened))


@needs_server
async def test_a_check_signs_in_and_lists_the_queues() -> None:
    queues = Answer(200, b'[{"name": "orders"}, {"name": "a/b"}]', {"Content-Type": "application/json"})
    async with fake_http(queues, queues) as server:
        destination = broker(SERVER, *server.opened, management=f"{server.url}/api/")
        await destination.check()
        found = await destination.queues()  # type: ignore[attr-defined]  # the picker's method
    assert [choice.value for choice in found] == ["a/b", "orders"]
    assert server.received[0].path == "/api/queues/%2F?columns=name"
    assert server.received[0].headers["Authorization"] == "Basic Z3Vlc3Q6Z3Vlc3Q="


async def test_the_management_address_refuses() -> None:
    async with fake_http(Answer(401, b'{"reason": "Not authorised"}')) as server:
        with pytest.raises(AuthError):
            await broker(*server.opened, management=server.url).queues()  # type: ignore[attr-defined]  # as above


@needs_server
@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"password": "wrong"}, AuthError, "ACCESS_REFUSED"),
        ({"vhost": "no/such"}, ConfigError, "no/such"),
        ({"protocol": "amqps"}, Unavailable, "WRONG_VERSION_NUMBER"),
    ],
)
async def test_the_server_says_what_is_wrong(changes: dict[str, Any], kind: type[ConnectorError], words: str) -> None:
    with pytest.raises(kind) as raised:
        await broker(SERVER, **changes).check()
    assert words in raised.value.message


async def test_hosts_that_nobody_opened_are_not_called() -> None:
    with pytest.raises(Blocked):
        await broker().check()


@needs_server
async def test_a_line_that_was_cut_leaves_messages_in_doubt() -> None:
    login = {name: rabbit.LOGIN[name] for name in ("host", "port", "vhost", "user", "password")}
    message = Message(0, "orders", False, b"{}")
    async with opened(Broker(environment=Environment(outbound_allow=(SERVER,)), encrypted=False, **login), 10) as line:
        await line.connection.close()
        with pytest.raises(Unavailable) as raised:
            await published(line, "orders", [message], 0.2)
    assert raised.value.in_doubt
