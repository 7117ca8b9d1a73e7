"""LinkedIn Ads: people and companies in matched audiences, and conversions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.destinations.linkedin.audiences import ACCOUNT_URN, AUDIENCE, next_page, segments
from connectors.destinations.linkedin.settings import (
    API,
    COMPANY,
    CONVERSION,
    CONVERSION_IDS,
    PERSON,
    USER_IDS,
    USER_INFO,
    VERSION,
)
from connectors.destinations.linkedin.writing import write_audience, write_conversions
from connectors.sdk.audiences import counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    FanOut,
    Job,
    Limits,
    MatchStats,
    Rate,
    Removal,
    SyncType,
)
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import insert, upsert
from connectors.sdk.people import HASHING
from connectors.sdk.rest import Record, RestDestination
from connectors.sdk.types import Choice, Verification

ACCOUNT = Select(name="account", label="Ad account", discover="accounts")
KIND = Select(
    name="kind",
    label="Members are",
    default="USER",
    choices=(Choice("USER", "People"), Choice("COMPANY", "Companies")),
)
# LinkedIn takes 600 requests a minute for people and conversions, and 300 for companies.
PACE = Limits(
    batch_rows=5_000, batch_bytes=5_000_000, concurrency=2, rates=(Rate(requests=250, seconds=60),), timeout_s=120
)
MEMBERSHIP = replace(
    upsert(Removal.DELETE),
    description="Puts rows into the audience and keeps their details current.",
)


class LinkedinDestination(RestDestination):
    """The ad accounts that a LinkedIn member manages."""

    api = API
    definition = DestinationDefinition(
        key="linkedin",
        name="LinkedIn Ads",
        category="Advertising",
        summary="People and companies in matched audiences, and conversions.",
        docs_url="docs/destinations/linkedin.md",
        fields=(
            *API.sign_in.fields,
            Text(
                name="source_platform",
                label="Source platform",
                help="What LinkedIn calls your app's audiences; your contact there tells it with the access.",
                pattern=r"[A-Z0-9_]+",
            ),
            Text(
                name="version",
                label="Version of the API",
                required=False,
                default=VERSION,
                pattern=r"20[0-9]{4}",
                pattern_hint="such as 202607",
                help="LinkedIn retires each after about a year.",
            ),
        ),
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="audience",
                name="Audience",
                description="People or companies in a matched audience.",
                modes=(MEMBERSHIP,),
                settings=(ACCOUNT, KIND, *AUDIENCE.settings, HASHING),
                limits=PACE,
                match_stats=True,
            ),
            SyncType(
                key="conversions",
                name="Conversions",
                description="Conversions of a rule, once a row.",
                modes=(insert("conversions", idempotent=True),),
                settings=(
                    ACCOUNT,
                    Select(name="rule", label="Conversion rule", discover="rules", depends=("account",)),
                    HASHING,
                ),
                limits=PACE,
            ),
        ),
    )
    writers: ClassVar = {"audience": write_audience, "conversions": write_conversions}
    places: ClassVar = {"audience": AUDIENCE}

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "conversions":
            return (*(each.field for each in CONVERSION_IDS), *CONVERSION, *USER_INFO)
        if settings.get("kind") == "COMPANY":
            return COMPANY
        return (*(each.member for each in USER_IDS), *(replace(each, fan_out=FanOut.LINKED) for each in PERSON))

    async def accounts(self) -> list[Choice]:
        """The ad accounts of the member."""
        async with self.line() as line:
            pages = line.pages("adAccounts", "elements", next_page, {"q": "search", "pageSize": 100})
            return [Choice(str(each["id"]), each["name"]) async for each in pages]

    async def audiences(self, account: str, kind: str) -> list[Choice]:
        """The account's audiences of this kind."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) async for each in segments(line, account, kind)]

    async def rules(self, account: str) -> list[Choice]:
        """The account's conversion rules that take conversions over the API."""
        query = {"q": "account", "account": ACCOUNT_URN.format(account), "start": 0, "count": 100}
        async with self.line() as line:
            pages = line.pages("conversions", "elements", next_page, query)
            return [
                Choice(str(each["id"]), each["name"])
                async for each in pages
                if each.get("conversionMethod", "CONVERSIONS_API") == "CONVERSIONS_API"
            ]

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many of those sent LinkedIn recognised."""
        async with self.line() as line:
            told = await line.get(f"dmpSegments/{AUDIENCE.id_for(job)}")
        where: Record = next(iter(told.get("destinations") or ()), {})
        count = counted(where.get("matchedCount"))
        if count is None:
            return None
        return MatchStats(
            matched=count,
            status=str(where.get("status") or ""),
            url="https://www.linkedin.com/campaignmanager/accounts",
        )
