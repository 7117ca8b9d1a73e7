"""Segment: events, identities and groups, through an HTTP API source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.destinations import _segment_protocol as protocol
from connectors.sdk.destination import DestinationDefinition, DestinationField, Job, Mode, ModeSpec, RowSet, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import upsert
from connectors.sdk.rest import Api, Basic, RestDestination
from connectors.sdk.types import Choice, Operation, Verification

HOSTS = {"us": "https://api.segment.io/v1", "eu": "https://events.eu1.segmentapis.com/v1"}
API = Api(
    base=lambda config: HOSTS[config.get("region") or "us"],
    version="v1",
    sign_in=Basic(user=Text(name="write_key", label="Write key", help="Of an HTTP API source.", secret=True)),
)


class SegmentDestination(RestDestination):
    """A source of a Segment workspace."""

    api = API
    definition = DestinationDefinition(
        key="segment",
        name="Segment",
        category="Customer data platforms",
        summary="Events, identities and groups for everything behind Segment.",
        docs_url="docs/destinations/segment.md",
        fields=(
            Select(
                name="region",
                label="Region",
                default="us",
                choices=(Choice("us", "United States"), Choice("eu", "European Union")),
            ),
            *API.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            protocol.TRACK,
            SyncType(
                key="entered",
                name="Entered and exited",
                description="“Segment Entered” for rows that were added, “Segment Exited” for those that were removed.",
                modes=(
                    ModeSpec(
                        mode=Mode.CUSTOM,
                        rows=RowSet.CHANGES,
                        description="Sends an event when somebody enters or leaves the model.",
                        matching=False,
                    ),
                ),
                settings=(SPLIT_RETRY,),
                limits=protocol.LIMITS,
                custom_fields=True,
                split_retry=True,
                first_run=protocol.FIRST,
            ),
            protocol.IDENTIFY,
            replace(
                protocol.IDENTIFY,
                key="group",
                name="Groups",
                description="Which group a person belongs to, and the group's traits.",
                modes=(upsert(noun="groups"),),
            ),
        ),
    )
    writers: ClassVar = dict.fromkeys(protocol.FIELDS, protocol.writer("batch"))

    async def check(self) -> None:
        """Segment answers every write key alike; an empty batch shows that the service is reached."""
        async with self.line() as line:
            await line.send("POST", "batch", json={"batch": []}, takes=(400,))

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return protocol.FIELDS[sync_type]

    def wanted(self, job: Job) -> frozenset[Operation]:
        return protocol.wanted(job)

    def validate(self, job: Job) -> None:
        protocol.validate(job)
