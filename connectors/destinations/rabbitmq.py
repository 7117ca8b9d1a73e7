"""RabbitMQ: rows become messages of queues."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from connectors.sdk.amqp import Broker, opened, published
from connectors.sdk.destination import DestinationDefinition, Job, Limits, RowResult
from connectors.sdk.fields import TUNNEL, Number, Select, Text, When
from connectors.sdk.messages import Message, MessageDestination, Publish, Target, by_target, message_sync_type
from connectors.sdk.net import Client, Request, Tls, parse_url
from connectors.sdk.rest.sign_in import basic
from connectors.sdk.server_settings import authority
from connectors.sdk.tables import outcome, traced
from connectors.sdk.types import Choice, Verification

_MOST, _BYTES = 500, 16_000_000
_LONGEST_NAME = 255
_TARGET = Target(name="queue", label="Queue", discover="queues", help="Columns name queues of the virtual host.")
_FIELDS = (
    Select(
        name="protocol",
        label="Protocol",
        default="amqps",
        choices=(
            Choice("amqps", "amqps", "Encrypted, and the server's certificate is checked."),
            Choice("amqp", "amqp", "Only on a network that you trust."),
        ),
    ),
    Text(name="host", label="Host", placeholder="rabbitmq.example.com", max_length=253),
    Number(name="port", label="Port", default=5671, help="Usually 5671, or 5672 for amqp.", minimum=1, maximum=65_535),
    Text(name="vhost", label="Virtual host", default="/", max_length=_LONGEST_NAME),
    Text(name="user", label="Username", max_length=_LONGEST_NAME),
    Text(name="password", label="Password", secret=True),
    Text(
        name="management",
        label="Management address",
        help="Where the management plugin answers; queues are listed there.",
        placeholder="https://rabbitmq.example.com:15671",
        max_length=500,
    ),
    authority(When(field="protocol", values=("amqps",))),
    TUNNEL,
)


class RabbitmqDestination(MessageDestination):
    """The queues of one virtual host."""

    target = _TARGET
    definition = DestinationDefinition(
        key="rabbitmq",
        name="RabbitMQ",
        category="Queues",
        summary="Send messages to queues when rows are added, changed or removed.",
        docs_url="docs/destinations/rabbitmq.md",
        fields=_FIELDS,
        verification=Verification.SERVER,
        safe_to_resync=False,
        sync_types=(
            message_sync_type("Message", _TARGET, limits=Limits(batch_rows=_MOST, batch_bytes=_BYTES, concurrency=4)),
        ),
    )

    async def check(self) -> None:
        """Sign in as a publisher does, and list the queues."""
        async with opened(self._broker(), 10.0):
            pass
        await self.queues()

    async def queues(self) -> Sequence[Choice]:
        """The queues of the virtual host, from the management plugin."""
        base = str(parse_url(str(self.config["management"]))).rstrip("/").removesuffix("/api")
        broker = self._broker()
        headers = {"Authorization": basic(broker.user, broker.password), "Accept": "application/json"}
        address = f"{base}/api/queues/{quote(broker.vhost, safe='')}?columns=name"
        tls = Tls(authority=broker.authority)
        async with Client(self.environment, tls=tls, secrets=[broker.password]) as client:
            answer = await client.send(Request("GET", address, headers))
            if error := client.error_for(answer):
                raise error
            return sorted((Choice(q["name"], q["name"]) for q in answer.json()), key=lambda c: c.label)

    @asynccontextmanager
    async def publishing(self, job: Job) -> AsyncIterator[Publish]:
        timeout_s = self.limits(job).timeout_s
        async with opened(self._broker(), timeout_s) as channel:

            async def send(queue: str, group: list[Message]) -> Sequence[RowResult]:
                with traced("PUBLISH", queue) as told:
                    results = await published(channel, queue, group, timeout_s)
                    told.answer = outcome(results)
                return results

            async def publish(messages: Sequence[Message]) -> Sequence[RowResult]:
                return await by_target(messages, send, count=_MOST, size=_BYTES)

            yield publish

    def _broker(self) -> Broker:
        config = self.config
        return Broker(
            environment=self.environment,
            host=str(config["host"]).strip(),
            port=int(config["port"]),
            vhost=str(config.get("vhost") or "/"),
            user=str(config["user"]),
            password=str(config["password"]),
            encrypted=config["protocol"] == "amqps",
            authority=str(config.get("ca") or ""),
        )
