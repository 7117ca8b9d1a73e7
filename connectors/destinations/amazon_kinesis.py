"""Amazon Kinesis Data Streams: rows become records of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.destinations._aws_messages import AwsMessages, by_entry, choices
from connectors.sdk.aws import CONNECTION
from connectors.sdk.destination import DestinationDefinition, Job, Limits, RowResult
from connectors.sdk.messages import Message, Target, by_target, liquid, message_sync_type
from connectors.sdk.types import Choice, Verification

_MOST, _BYTES = 500, 5_000_000
_TARGET = Target(name="stream", label="Stream", discover="targets", by_column=False)


class AmazonKinesisDestination(AwsMessages):
    """The streams of one region."""

    target = _TARGET
    service = "kinesis"
    rights = "The key or role needs kinesis:PutRecords on the stream, and kinesis:ListStreams to find it."
    gone = {"ResourceNotFoundException": "Create the stream, or choose another one."}
    definition = DestinationDefinition(
        key="amazon_kinesis",
        name="Amazon Kinesis",
        category="Queues",
        summary="Put records into data streams when rows are added, changed or removed.",
        docs_url="docs/destinations/amazon_kinesis.md",
        fields=CONNECTION,
        verification=Verification.EMULATOR,
        safe_to_resync=False,
        sync_types=(
            message_sync_type(
                "Record",
                _TARGET,
                liquid("key", "Partition key", "Records with the same key stay in order, in one shard.", required=True),
                liquid(
                    "hash", "Explicit hash key", "A number that picks the shard instead of the key's hash.", holder="0"
                ),
                limits=Limits(batch_rows=_MOST, concurrency=2),
            ),
        ),
    )

    async def targets(self) -> Sequence[Choice]:
        async with self.client() as client:
            pages = client.get_paginator("list_streams").paginate()
            return choices([name async for page in pages for name in page["StreamNames"]])

    async def publish(self, client: Any, messages: Sequence[Message], job: Job) -> Sequence[RowResult]:
        async def send(stream: str, group: list[Message]) -> list[RowResult]:
            answer = await self.told(client.put_records(StreamName=stream, Records=[_record(m) for m in group]))
            return by_entry(answer["Records"])

        return await by_target(messages, send, count=_MOST, size=_BYTES)


def _record(message: Message) -> dict[str, Any]:
    record = {"Data": message.body, "PartitionKey": message.values.get("key") or "-"}
    if chosen := message.values.get("hash"):
        record["ExplicitHashKey"] = chosen
    return record
