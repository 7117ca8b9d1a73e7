"""Encrypted lines to servers that speak protocols of their own: whose certificate is trusted, and whose is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from config.embedded import Urls
from connectors.sdk.context import Environment
from connectors.sdk.destination import ACCEPTED, Destination, Mode
from connectors.sdk.errors import ConfigError, ConnectorError, Unavailable
from connectors.sdk.types import Operation
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.fake_http import Answer, fake_http
from tests.connectors.kit.jobs import batch_of, job_for
from tests.support import rabbitmq as rabbit
from tests.support.tls_front import tls_before

needs_rabbit = pytest.mark.skipif(not rabbit.answers(), reason=rabbit.WORDS)
ELSEWHERE = "127.0.0.9"


@asynccontextmanager
async def redis(
    url: str, folder: Path, *, trusted: bool = True, address: str = "127.0.0.1"
) -> AsyncIterator[Destination]:
    """Redis by TLS, whose certificate names an address; ``trusted``: its authority is in the settings."""
    behind = urlsplit(url)
    assert behind.hostname is not None
    assert behind.port is not None
    async with tls_before(behind.hostname, behind.port, folder, address=address) as (port, pem):
        config: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "tls": True,
            "user": behind.username or "",
            "password": behind.password or "",
        }
        config |= {"ca": pem} if trusted else {}
        yield destination_of("redis", config, Environment(outbound_allow=(f"127.0.0.1:{port}",)))


@asynccontextmanager
async def broker(
    folder: Path, *answers: Answer, trusted: bool = True, address: str = "127.0.0.1"
) -> AsyncIterator[Destination]:
    """RabbitMQ by TLS, as Redis above; ``answers`` are those of its management plugin."""
    login = rabbit.LOGIN
    async with (
        tls_before(login["host"], login["port"], folder, address=address) as (port, pem),
        fake_http(*answers) as management,
    ):
        config = {**login, "host": "127.0.0.1", "port": port, "protocol": "amqps", "management": management.url}
        config |= {"ca": pem} if trusted else {}
        allowed = (f"127.0.0.1:{port}", *management.opened)
        yield destination_of("rabbitmq", config, Environment(outbound_allow=allowed))


async def test_redis_is_written_over_tls(services: Urls, tmp_path: Path) -> None:
    key = f"tls:{tmp_path.name}"
    async with redis(services.redis_url, tmp_path) as destination:
        await destination.check()
        job = job_for(destination.definition, {"command": "set"}, mode=Mode.UPSERT, identifiers=["key"])
        async with destination.session(job) as session:
            results = await session.deliver(batch_of(Operation.ADDED, [{"key": key, "value": "Zoë"}]))
    with Redis.from_url(services.redis_url) as plain:
        assert (list(results), plain.getdel(key)) == ([ACCEPTED], "Zoë".encode())


@needs_rabbit
async def test_rabbitmq_is_spoken_to_over_tls(tmp_path: Path) -> None:
    queues = Answer(200, b'[{"name": "orders"}]', {"Content-Type": "application/json"})
    async with broker(tmp_path, queues) as destination:
        await destination.check()


@pytest.mark.parametrize("doubt", [{"trusted": False}, {"address": ELSEWHERE}], ids=str)
async def test_redis_with_a_certificate_of_nobody_or_somebody_else_is_not_spoken_to(
    services: Urls, tmp_path: Path, doubt: dict[str, Any]
) -> None:
    async with redis(services.redis_url, tmp_path, **doubt) as destination:
        with pytest.raises(ConfigError, match=r"(?i)certificate") as refused:
            await destination.check()
    assert refused.value.field == "tls"


@needs_rabbit
@pytest.mark.parametrize("doubt", [{"trusted": False}, {"address": ELSEWHERE}], ids=str)
async def test_a_broker_with_a_certificate_of_nobody_or_somebody_else_is_not_spoken_to(
    tmp_path: Path, doubt: dict[str, Any]
) -> None:
    async with broker(tmp_path, **doubt) as destination:
        with pytest.raises(ConnectorError, match=r"(?i)certificate") as refused:
            await destination.check()
    assert isinstance(refused.value, ConfigError | Unavailable)
