"""RudderStack: events and identities, through an HTTP source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations import _segment_protocol as protocol
from connectors.sdk.destination import DestinationDefinition, DestinationField, Job
from connectors.sdk.fields import TUNNEL, Text
from connectors.sdk.rest import Api, Basic, RestDestination
from connectors.sdk.types import Operation, Verification

API = Api(
    base=lambda config: str(config["data_plane_url"]),
    version="v1",
    sign_in=Basic(user=Text(name="write_key", label="Write key", help="Of an HTTP source.", secret=True)),
    test=("GET", "health"),
)


class RudderstackDestination(RestDestination):
    """A source of a RudderStack workspace."""

    api = API
    definition = DestinationDefinition(
        key="rudderstack",
        name="RudderStack",
        category="Customer data platforms",
        summary="Events and identities for everything behind RudderStack.",
        docs_url="docs/destinations/rudderstack.md",
        fields=(
            Text(
                name="data_plane_url",
                label="Data plane URL",
                help="Shown on the start page of RudderStack.",
                placeholder="https://example.dataplane.rudderstack.com",
                pattern=r"https?://[^\s/?#@]+",
                pattern_hint="Begin with https:// and leave out paths.",
            ),
            *API.sign_in.fields,
            TUNNEL,
        ),
        verification=Verification.DOCS,
        sync_types=(protocol.TRACK, protocol.IDENTIFY),
    )
    writers: ClassVar = dict.fromkeys(("track", "identify"), protocol.writer("v1/batch"))

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return protocol.FIELDS[sync_type]

    def wanted(self, job: Job) -> frozenset[Operation]:
        return protocol.wanted(job)

    def validate(self, job: Job) -> None:
        protocol.validate(job)
