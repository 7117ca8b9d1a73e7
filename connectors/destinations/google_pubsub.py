"""Google Cloud Pub/Sub: rows become messages of a topic."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.destination import ACCEPTED, DestinationDefinition, Job, Limits, RowResult, rejected
from connectors.sdk.errors import ConnectorError, InternalError
from connectors.sdk.fields import Text
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
from connectors.sdk.rest import Api, Line, RestDestination, Writer, google
from connectors.sdk.rest.destination import as_documented
from connectors.sdk.types import Choice, Verification

# A request takes 1,000 messages and 10 MB, in which the data is base64.
_MOST, _BYTES = 1_000, 7_000_000
_MOST_ATTRIBUTES = 100
_TARGET = Target(name="topic", label="Topic", discover="topics", help="Columns name topics of this project.")


def _base(config: Mapping[str, Any]) -> str:
    host = str(config.get("endpoint") or "pubsub.googleapis.com").strip()
    return f"https://{host}/v1/projects/{quote(str(config.get('project') or ''), safe='')}"


API = Api(
    base=_base,
    version="v1",
    sign_in=google("https://www.googleapis.com/auth/pubsub"),
    test=("GET", "topics?pageSize=1"),
)


class GooglePubsubDestination(MessageDestination, RestDestination):
    """The topics of one project."""

    api = API
    writers: ClassVar[Mapping[str, Writer]] = {}
    target = _TARGET
    definition = DestinationDefinition(
        key="google_pubsub",
        name="Google Cloud Pub/Sub",
        category="Queues",
        summary="Publish messages to topics when rows are added, changed or removed.",
        docs_url="docs/destinations/google_pubsub.md",
        fields=(
            Text(name="project", label="Project ID", max_length=63),
            *API.sign_in.fields,
            Text(
                name="endpoint",
                label="Endpoint",
                help="A regional one keeps ordered messages in its region; left out, the global one.",
                placeholder="europe-west1-pubsub.googleapis.com",
                required=False,
                pattern=r"[a-z0-9.-]+\.googleapis\.com",
                pattern_hint="A host name that ends in .googleapis.com.",
            ),
        ),
        verification=Verification.DOCS,
        connects=API.sign_in.connects,
        safe_to_resync=False,
        sync_types=(
            message_sync_type(
                "Message",
                _TARGET,
                liquid("ordering", "Ordering key", "Messages with the same key arrive in order."),
                attributes("Attributes", "Names and values beside the body; subscriptions filter by them."),
                limits=Limits(batch_rows=_MOST, batch_bytes=_BYTES, concurrency=4),
            ),
        ),
    )

    async def topics(self) -> Sequence[Choice]:
        """The topics of the project, for the picker."""
        async with self.line() as line:
            found = [t["name"].rpartition("/")[2] async for t in line.pages("topics", "topics", _following)]
        return [Choice(name, name) for name in sorted(found)]

    @asynccontextmanager
    async def publishing(self, job: Job) -> AsyncIterator[Publish]:
        limits = self.limits(job)
        async with self.line(limits.concurrency, timeout_s=limits.timeout_s) as line:

            async def send(topic: str, group: list[Message]) -> Sequence[RowResult]:
                with as_documented():
                    return await _send(line, topic, group)

            async def publish(messages: Sequence[Message]) -> Sequence[RowResult]:
                try:
                    return await by_target(messages, send, count=_MOST, size=_BYTES)
                except ConnectorError as error:
                    raise line.cleaned(error) from error.__cause__

            yield publish


async def _send(line: Line, topic: str, group: Sequence[Message]) -> Sequence[RowResult]:
    wrong = {place: refused for place, message in enumerate(group) if (refused := _wrong_with(message))}
    sent = [_message(message) for place, message in enumerate(group) if place not in wrong]
    if sent:
        answer = await line.post(f"topics/{quote(topic, safe='')}:publish", {"messages": sent})
        if len(answer["messageIds"]) != len(sent):
            raise InternalError(f"{len(answer['messageIds'])} IDs came back for {len(sent)} messages.")
    return [wrong.get(place, ACCEPTED) for place in range(len(group))]


def _wrong_with(message: Message) -> RowResult | None:
    """Why the service would refuse the message, and every other of its request."""
    if len(message.attributes) > _MOST_ATTRIBUTES:
        return rejected(f"A message has at most {_MOST_ATTRIBUTES} attributes.", field="attributes")
    for name, value in message.attributes.items():
        if name.startswith("goog") or len(name.encode()) > 256 or len(value.encode()) > 1024:
            return rejected(f"The attribute “{name[:100]}” is too long, or begins with goog.", field="attributes")
    if len(message.values.get("ordering", "").encode()) > 1024:
        return rejected("The ordering key is longer than 1,024 bytes.", field="ordering")
    return None


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"data": base64.b64encode(message.body).decode()}
    if message.attributes:
        told["attributes"] = dict(message.attributes)
    if key := message.values.get("ordering"):
        told["orderingKey"] = key
    return told


def _following(answer: Any) -> dict[str, str] | None:
    return {"pageToken": answer["nextPageToken"]} if answer.get("nextPageToken") else None
