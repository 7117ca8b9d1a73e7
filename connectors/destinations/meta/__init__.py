"""Meta Custom Audiences: people in audiences made from customer lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from connectors.destinations._meta_graph import next_page
from connectors.destinations.meta.audiences import AUDIENCE, empty, write_audience
from connectors.destinations.meta.settings import ACCOUNT, API, KNOWN, MORE, VALUE
from connectors.sdk.audiences import AudienceThere, counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    SyncType,
)
from connectors.sdk.modes import members
from connectors.sdk.rest import RestDestination
from connectors.sdk.types import Choice, Verification

TOLD = (
    "id,account_id,name,description,subtype,approximate_count_lower_bound,approximate_count_upper_bound,"
    "delivery_status,operation_status,data_source,retention_days,time_created,time_updated"
)
ACTIVE = 1


class MetaDestination(RestDestination):
    """Ad accounts of a Meta business."""

    api = API
    definition = DestinationDefinition(
        key="meta",
        name="Meta Custom Audiences",
        category="Advertising",
        summary="People in custom audiences, for Facebook and Instagram.",
        docs_url="docs/destinations/meta.md",
        status_page="https://metastatus.com",
        fields=API.sign_in.fields,
        verification=Verification.DOCS,
        connects=API.sign_in.connects,
        lists_audiences=True,
        sync_types=(
            SyncType(
                key="audience",
                name="Audience",
                description="Members of a custom audience.",
                modes=members("audience", by_values=True),
                settings=(
                    ACCOUNT,
                    *AUDIENCE.settings,
                    *MORE,
                ),
                limits=Limits(batch_rows=10_000, batch_bytes=20_000_000, concurrency=2, timeout_s=120),
                split_retry=True,
                clears="the audience",
                match_stats=True,
            ),
        ),
    )
    writers: ClassVar = {"audience": write_audience}
    places: ClassVar = {"audience": AUDIENCE}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return (*(each.member for each in KNOWN), VALUE)

    async def clear(self, job: Job) -> None:
        """Take everybody out of the audience."""
        async with self.line() as line:
            await empty(line, job, AUDIENCE.id_for(job))

    async def ad_accounts(self) -> list[Choice]:
        """The ad accounts that the token reaches."""
        async with self.line() as line:
            pages = line.pages("me/adaccounts", "data", next_page, {"fields": "name", "limit": 500})
            return [Choice(found["id"], found.get("name") or found["id"]) async for found in pages]

    async def audiences(self, ad_account: str) -> list[Choice]:
        """The customer lists of the ad account."""
        async with self.line() as line:
            query = {"fields": "name,subtype", "limit": 500}
            pages = line.pages(f"{ad_account}/customaudiences", "data", next_page, query)
            return [Choice(a["id"], a["name"]) async for a in pages if a.get("subtype") == "CUSTOM"]

    async def audiences_there(self) -> AsyncIterator[AudienceThere]:
        """Those of every kind; of a size that Meta gives as a range, the lower end."""
        async with self.line() as line:
            accounts = line.pages("me/adaccounts", "data", next_page, {"fields": "account_status", "limit": 500})
            active = [str(each["id"]) async for each in accounts if each.get("account_status") == ACTIVE]
            for account in active:
                query = {"fields": TOLD, "limit": 500}
                async for each in line.pages(f"{account}/customaudiences", "data", next_page, query):
                    yield AudienceThere(
                        account=account.removeprefix("act_"),
                        id=str(each["id"]),
                        name=each["name"],
                        size=counted(each.get("approximate_count_lower_bound")),
                        told=each,
                    )

    async def match_stats(self, job: Job) -> MatchStats | None:
        """Meta tells a range, and the same lowest number for small and for empty audiences."""
        fields = "approximate_count_lower_bound,approximate_count_upper_bound,delivery_status,time_updated"
        async with self.line() as line:
            told = await line.get(AUDIENCE.id_for(job), {"fields": fields})
        count = counted(told.get("approximate_count_lower_bound"))
        if count is None:
            return None
        updated = told.get("time_updated")
        return MatchStats(
            matched=count,
            at=datetime.fromtimestamp(int(updated), UTC) if updated else None,
            status=str((told.get("delivery_status") or {}).get("description") or ""),
            url="https://adsmanager.facebook.com/adsmanager/audiences",
        )
