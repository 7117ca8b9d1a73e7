"""Amazon SQS: rows become messages of standard and FIFO queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.destinations._aws_messages import AwsMessages, choices
from connectors.sdk.aws import CONNECTION
from connectors.sdk.destination import ACCEPTED, DestinationDefinition, Job, Limits, RowResult, rejected
from connectors.sdk.messages import Message, Target, attributes, by_target, liquid, message_sync_type
from connectors.sdk.types import Choice, Verification

_MOST, _BYTES = 10, 262_144
_TARGET = Target(
    name="queue", label="Queue", discover="targets", help="Columns name queues of this region, by name or address."
)


class AmazonSqsDestination(AwsMessages):
    """The queues of one region."""

    target = _TARGET
    service = "sqs"
    rights = "The key or role needs sqs:SendMessage on the queue, and sqs:ListQueues and sqs:GetQueueUrl to find it."
    gone = dict.fromkeys(
        ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"), "Create the queue, or choose another one."
    )
    definition = DestinationDefinition(
        key="amazon_sqs",
        name="Amazon SQS",
        category="Queues",
        summary="Send messages to queues when rows are added, changed or removed.",
        docs_url="docs/destinations/amazon_sqs.md",
        fields=CONNECTION,
        verification=Verification.EMULATOR,
        safe_to_resync=False,
        sync_types=(
            message_sync_type(
                "Message",
                _TARGET,
                liquid("group", "Message group ID", "FIFO queues need one: messages of a group stay in order."),
                liquid(
                    "deduplication",
                    "Deduplication ID",
                    "FIFO queues without content-based deduplication need one: what comes twice in five minutes counts "
                    "once.",
                ),
                liquid("delay", "Delay", "Seconds before a message shows, up to 900. Not for FIFO.", holder="60"),
                attributes("Message attributes", "Up to ten names and values beside the body."),
                limits=Limits(batch_rows=_MOST, concurrency=8),
            ),
        ),
    )

    async def targets(self) -> Sequence[Choice]:
        async with self.client() as client:
            pages = client.get_paginator("list_queues").paginate()
            found = [url async for page in pages for url in page.get("QueueUrls", ())]
        return choices(found, lambda url: url.rpartition("/")[2])

    async def publish(self, client: Any, messages: Sequence[Message], job: Job) -> Sequence[RowResult]:
        async def send(queue: str, group: list[Message]) -> list[RowResult]:
            address = queue
            if "/" not in queue:
                address = (await self.told(client.get_queue_url(QueueName=queue)))["QueueUrl"]
            entries = [_entry(i, message) for i, message in enumerate(group)]
            wrong = {i: e for i, e in enumerate(entries) if isinstance(e, RowResult)}
            sent = [e for e in entries if not isinstance(e, RowResult)]
            if not sent:
                return list(wrong.values())
            answer = await self.told(client.send_message_batch(QueueUrl=address, Entries=sent))
            for failed in answer.get("Failed", ()):
                wrong[int(failed["Id"])] = rejected(
                    failed.get("Message") or failed["Code"], code=failed["Code"], passing=not failed["SenderFault"]
                )
            return [wrong.get(i, ACCEPTED) for i in range(len(group))]

        return await by_target(messages, send, count=_MOST, size=_BYTES)


def _entry(place: int, message: Message) -> dict[str, Any] | RowResult:
    """An entry of the request, or why there can be none."""
    entry: dict[str, Any] = {"Id": str(place), "MessageBody": message.body.decode()}
    if delay := message.values.get("delay"):
        if not delay.isdigit() or int(delay) > 900:
            return rejected(f"The delay “{delay}” is not a number of seconds up to 900.", field="delay")
        entry["DelaySeconds"] = int(delay)
    if group := message.values.get("group"):
        entry["MessageGroupId"] = group
    if once := message.values.get("deduplication"):
        entry["MessageDeduplicationId"] = once
    if message.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        }
    return entry
