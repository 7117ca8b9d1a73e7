"""Amazon EventBridge: rows become events of a bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.destinations._aws_messages import AwsMessages, by_entry, choices
from connectors.sdk.aws import CONNECTION
from connectors.sdk.destination import DestinationDefinition, Job, Limits, RowResult
from connectors.sdk.messages import Message, Target, by_target, liquid, message_sync_type
from connectors.sdk.types import Choice, Verification

_MOST, _BYTES = 10, 262_144
_TARGET = Target(name="bus", label="Event bus", discover="targets", by_column=False)


class AmazonEventbridgeDestination(AwsMessages):
    """The event buses of one region."""

    target = _TARGET
    service = "events"
    rights = "The key or role needs events:PutEvents on the bus, and events:ListEventBuses to find it."
    gone = {"ResourceNotFoundException": "Create the bus, or choose another one."}
    definition = DestinationDefinition(
        key="amazon_eventbridge",
        name="Amazon EventBridge",
        category="Queues",
        summary="Put events on a bus when rows are added, changed or removed.",
        docs_url="docs/destinations/amazon_eventbridge.md",
        fields=CONNECTION,
        verification=Verification.EMULATOR,
        safe_to_resync=False,
        sync_types=(
            message_sync_type(
                "Event",
                _TARGET,
                liquid("source", "Source", "Who sends the event; rules look at it.", required=True, holder="acme.crm"),
                liquid("kind", "Detail type", "What happened.", required=True, holder="customer added"),
                limits=Limits(batch_rows=_MOST, concurrency=8),
            ),
        ),
    )

    async def targets(self) -> Sequence[Choice]:
        async with self.client() as client:
            names: list[str] = []
            following: dict[str, str] = {}
            while True:
                page = await self.told(client.list_event_buses(**following))
                names += [bus["Name"] for bus in page["EventBuses"]]
                if not page.get("NextToken"):
                    return choices(names)
                following = {"NextToken": page["NextToken"]}

    async def publish(self, client: Any, messages: Sequence[Message], job: Job) -> Sequence[RowResult]:
        async def send(bus: str, group: list[Message]) -> list[RowResult]:
            entries = [
                {
                    "EventBusName": bus,
                    "Source": message.values.get("source", ""),
                    "DetailType": message.values.get("kind", ""),
                    "Detail": message.body.decode(),
                    "Time": job.started_at,
                }
                for message in group
            ]
            answer = await self.told(client.put_events(Entries=entries))
            return by_entry(answer["Entries"])

        return await by_target(messages, send, count=_MOST, size=_BYTES)
