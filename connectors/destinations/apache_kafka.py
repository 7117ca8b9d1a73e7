"""Apache Kafka, and services that speak its protocol: rows become messages of topics."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from botocore.credentials import ReadOnlyCredentials

from connectors.sdk.aws import ACCESS, Account, refusal, typed_errors
from connectors.sdk.destination import DestinationDefinition, Job, Limits, RowResult
from connectors.sdk.errors import ConfigError, Gone
from connectors.sdk.fields import TUNNEL, Select, Text, Toggle, When
from connectors.sdk.kafka import Cluster, producing, published, topics
from connectors.sdk.messages import (
    Message,
    MessageDestination,
    Publish,
    Target,
    attributes,
    by_target,
    liquid,
    message_sync_type,
)
from connectors.sdk.server_settings import authority
from connectors.sdk.tables import outcome, traced
from connectors.sdk.types import Choice, Verification

_MOST, _BYTES = 1_000, 16_000_000
_BROKER = re.compile(r"(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):\d{1,5}")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_IAM = "AWS_IAM"
_SIGNED_IN = When(field="mechanism", values=_MECHANISMS)
_TARGET = Target(name="topic", label="Topic", discover="topics", help="Topics have to be there; none is made.")
_FIELDS = (
    Text(
        name="brokers",
        label="Brokers",
        help="Host and port, several with commas between. The others of the cluster are found by these.",
        placeholder="kafka1.example.com:9093,kafka2.example.com:9093",
        max_length=2_000,
    ),
    Text(
        name="client_id",
        label="Client ID",
        help="What the brokers' logs call Headrace.",
        default="headrace",
        max_length=200,
    ),
    Select(
        name="mechanism",
        label="Sign in with",
        default="SCRAM-SHA-512",
        choices=(
            *(Choice(m, m) for m in _MECHANISMS),
            Choice(_IAM, "AWS IAM", "For Amazon MSK, with TLS."),
            Choice("none", "Nothing", "Only on a network that you trust."),
        ),
    ),
    Text(name="user", label="Username", max_length=500, when=_SIGNED_IN),
    Text(name="password", label="Password", secret=True, when=_SIGNED_IN),
    Text(name="region", label="Region", placeholder="eu-central-1", when=When(field="mechanism", values=(_IAM,))),
    *(replace(each, when=When(field="mechanism", values=(_IAM,))) for each in ACCESS),
    Toggle(
        name="tls",
        label="Encrypt with TLS",
        help="And check the brokers' certificates. Off only on a network that you trust.",
        default=True,
        group="Security",
    ),
    authority(When(field="tls", values=(True,))),
    TUNNEL,
)


class ApacheKafkaDestination(MessageDestination):
    """The topics of one cluster."""

    target = _TARGET
    definition = DestinationDefinition(
        key="apache_kafka",
        name="Apache Kafka",
        category="Queues",
        summary="Send messages to topics when rows are added, changed or removed.",
        docs_url="docs/destinations/apache_kafka.md",
        fields=_FIELDS,
        verification=Verification.EMULATOR,
        safe_to_resync=False,
        sync_types=(
            message_sync_type(
                "Message",
                _TARGET,
                liquid("key", "Key", "Messages with the same key stay in order: the key's hash picks the partition."),
                liquid(
                    "partition",
                    "Partition",
                    "A number that picks the partition instead of the key; what is no number counts as empty.",
                    holder="0",
                ),
                attributes("Headers", "Header, and the column or Liquid value it carries."),
                limits=Limits(batch_rows=_MOST, batch_bytes=_BYTES, concurrency=2),
            ),
        ),
    )

    async def check(self) -> None:
        """Sign in, and list the topics."""
        await self.topics()

    async def topics(self) -> Sequence[Choice]:
        """The topics of the cluster, without its own."""
        async with producing(self._cluster(), 10.0) as producer:
            return [Choice(name, name) for name in sorted(await topics(producer))]

    @asynccontextmanager
    async def publishing(self, job: Job) -> AsyncIterator[Publish]:
        timeout_s = self.limits(job).timeout_s
        async with producing(self._cluster(), timeout_s) as producer:
            known = await topics(producer)

            async def send(topic: str, group: list[Message]) -> Sequence[RowResult]:
                nonlocal known
                if topic not in known:
                    known = await topics(producer)
                if topic not in known:  # asking for it alone might make it
                    hint = "Create the topic, or choose another one."
                    raise Gone(f"There is no topic “{topic}”, or it is not for this user.", hint=hint)
                with traced("PUBLISH", topic) as told:
                    results = await published(producer, topic, group, timeout_s)
                    told.answer = outcome(results)
                return results

            async def publish(messages: Sequence[Message]) -> Sequence[RowResult]:
                return await by_target(messages, send, count=_MOST, size=_BYTES)

            yield publish

    def _cluster(self) -> Cluster:
        config = self.config
        mechanism = str(config.get("mechanism") or "none")
        if mechanism == _IAM and not config.get("tls", True):
            raise ConfigError("Amazon MSK takes AWS IAM over TLS only.", field="tls", hint="Encrypt with TLS.")
        return Cluster(
            environment=self.environment,
            brokers=_brokers(str(config.get("brokers") or "")),
            client_id=str(config.get("client_id") or "headrace"),
            mechanism={"none": "", _IAM: "OAUTHBEARER"}.get(mechanism, mechanism),
            user=str(config.get("user") or ""),
            password=str(config.get("password") or ""),
            encrypted=bool(config.get("tls", True)),
            authority=str(config.get("ca") or ""),
            region=str(config.get("region") or ""),
            keys=self._keys if mechanism == _IAM else None,
        )

    async def _keys(self) -> ReadOnlyCredentials:
        with typed_errors(partial(refusal, rights="The keys need kafka-cluster:Connect on the cluster.")):
            return await Account(self.config, self.environment).keys()


def _brokers(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    wrong = next((part for part in found if not _BROKER.fullmatch(part)), None)
    if wrong or not found:
        raise ConfigError(
            f"“{wrong}” is no broker." if wrong else "Give a broker.",
            field="brokers",
            hint="Write host:port, several with commas between.",
        )
    return found
