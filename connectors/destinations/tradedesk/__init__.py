"""The Trade Desk: people in segments, conversions in real time and offline, postbacks, opt-outs and deletions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.destinations.tradedesk import events, segments, settings
from connectors.destinations.tradedesk.ids import ALL_FIELDS, CONTACT_FIELDS, signature
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    Mode,
    ModeSpec,
    Rate,
    RowSet,
    SyncType,
)
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY
from connectors.sdk.rest import RestDestination
from connectors.sdk.rows import dumps
from connectors.sdk.types import Choice, Verification

CONTACTS = (HASHING, PHONE_COUNTRY)
# The Trade Desk's own client sends 1,600 items a request; a row may be several.
ITEMS = Limits(batch_rows=800, batch_bytes=500_000, concurrency=1, timeout_s=60)
DROPS = Limits(
    batch_rows=50_000, batch_bytes=20_000_000, concurrency=1, rates=(Rate(requests=1, seconds=1),), timeout_s=120
)
ADD_ONLY = ModeSpec(
    mode=Mode.ADD,
    rows=RowSet.CHANGES,
    description="Puts rows into the segment, and again when they change.",
    follows=True,
)


def sync_types() -> tuple[SyncType, ...]:
    """What can be sent."""
    return (*_conversions(), *_segments(), _privacy())


def _conversions() -> tuple[SyncType, ...]:
    one = Limits(batch_rows=1, concurrency=16)
    return (
        SyncType(
            key="realtime",
            name="Real-time conversion events",
            description="What people did, once a row, as it happens.",
            modes=(insert("events"),),
            settings=(settings.TRACKER, *CONTACTS),
            # An event that is sent twice is counted twice: one a batch, so that each has an outcome of its own.
            limits=one,
        ),
        SyncType(
            key="offline",
            name="Offline conversion events",
            description="What people bought elsewhere, once a row.",
            modes=(insert("events"),),
            settings=(*settings.OFFLINE, *CONTACTS),
            limits=ITEMS,
        ),
        SyncType(
            key="postback",
            name="Postback events",
            description="A request to your postback URL for each row.",
            modes=(insert("events"),),
            limits=one,
            custom_fields=True,
        ),
    )


def _segments() -> tuple[SyncType, ...]:
    first = settings.element("Made when the first people are in it. Left empty, it is called like the model.")
    third = settings.element("The provider element ID in your taxonomy.", required=True)
    parties = (
        ("first_party", "First-party data segments", "advertiser", first),
        ("third_party", "Third-party data segments", "data provider", third),
    )
    return (
        SyncType(
            key="crm",
            name="CRM data segments",
            description="People in a segment, by hashed e-mail addresses.",
            modes=(ADD_ONLY,),
            settings=(settings.PII_REGION, *segments.SEGMENT.settings, HASHING),
            limits=DROPS,
            match_stats=True,
        ),
        *(
            SyncType(
                key=key,
                name=name,
                description=f"People in a segment of the {whose}, by IDs.",
                modes=members("segment", by_values=True),
                settings=(element, settings.TTL, *CONTACTS),
                limits=ITEMS,
                match_stats=key == "first_party",
            )
            for key, name, whose, element in parties
        ),
    )


def _privacy() -> SyncType:
    return SyncType(
        key="privacy",
        name="Event opt-out or deletion",
        description="People who are not to be addressed any more, or forgotten.",
        modes=(insert("requests", idempotent=True),),
        settings=(*settings.PRIVACY, *CONTACTS),
        limits=ITEMS,
    )


class TradedeskDestination(RestDestination):
    """An advertiser or data provider at The Trade Desk."""

    api = settings.API
    definition = DestinationDefinition(
        key="tradedesk",
        name="The Trade Desk",
        category="Advertising",
        summary="People in segments, conversions in real time and offline, postbacks, opt-outs and deletions.",
        docs_url="docs/destinations/tradedesk.md",
        fields=settings.CONFIG,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=sync_types(),
    )
    writers: ClassVar = {
        "postback": events.write_postbacks,
        "realtime": events.write_realtime,
        "offline": events.write_offline,
        "crm": segments.write_crm,
        "first_party": segments.write_first_party,
        "third_party": segments.write_third_party,
        "privacy": segments.write_privacy,
    }
    places: ClassVar = {"crm": segments.SEGMENT}

    async def check(self) -> None:
        """Whatever can be asked without changing anything: the token, and the secrets of segments."""
        config = self.config
        parties = (("advertiser", "AdvertiserId", "advertiser"), ("thirdparty", "DataProviderId", "provider"))
        async with self.line() as line:
            if config.get("api_token"):
                path = f"crmdata/segment/{config['advertiser_id']}"
                await line.send("GET", path, headers=segments.token(config))
            for path, name, whose in parties:
                if not (config.get(f"{whose}_id") and config.get(f"{whose}_secret")):
                    continue
                body = dumps({name: config[f"{whose}_id"], "Items": []})
                proof = {"TtdSignature": signature(str(config[f"{whose}_secret"]), body)}
                url = f"{config['data_server']}/data/{path}"
                # That there are no items may be refused; a wrong signature is refused otherwise.
                await line.send("POST", url, body=body, content_type="application/json", headers=proof, takes=(400,))

    def validate(self, job: Job) -> None:
        """A connection holds what its syncs need, no more."""
        settings.validate(self.config, job)

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "postback":
            return ()
        if sync_type == "crm":
            return (segments.EMAIL.member,)
        known = {"realtime": events.REALTIME_FIELDS, "offline": events.OFFLINE_FIELDS}.get(sync_type, ALL_FIELDS)
        return (*known, *CONTACT_FIELDS)

    async def segment_choices(self, pii_region: str) -> list[Choice]:
        """The advertiser's CRM segments of the region."""
        async with self.line() as line:
            return [
                Choice(str(each["CrmDataId"]), each["SegmentName"])
                async for each in segments.segments(line)
                if each["Region"] == pii_region
            ]

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many IDs of the segment came up lately; only the API token may ask."""
        if not self.config.get("api_token"):
            return None
        graph = settings.PLATFORMS[str(self.config.get("environment") or "production")][1]
        async with self.line() as line:
            return await segments.active(line, job, graph)
