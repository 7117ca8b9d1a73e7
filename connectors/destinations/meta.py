"""Meta Custom Audiences: people in audiences made from customer lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from connectors.destinations._meta_graph import graph, next_page
from connectors.sdk import people
from connectors.sdk.audiences import AudienceThere, counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    RowResult,
    SyncType,
)
from connectors.sdk.errors import BatchRejected
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier, Person, sent_together
from connectors.sdk.rest import Line, Place, Record, RestDestination, Results, Work, field
from connectors.sdk.types import Choice, Verification

KNOWN = (
    Identifier(name="EMAIL", label="E-mail", normal=people.email),
    Identifier(name="PHONE", label="Phone", normal=people.without_plus, phone=True),
    Identifier(name="FN", label="First name", normal=people.name, linked=True),
    Identifier(name="LN", label="Last name", normal=people.name, linked=True),
    Identifier(name="FI", label="First initial", normal=lambda value: people.name(value)[:1], linked=True),
    Identifier(name="GEN", label="Gender", normal=people.gender, linked=True, description="m or f"),
    Identifier(name="DOBY", label="Year of birth", normal=people.digits(4), linked=True),
    Identifier(name="DOBM", label="Month of birth", normal=people.digits(2), linked=True),
    Identifier(name="DOBD", label="Day of birth", normal=people.digits(2), linked=True),
    Identifier(name="CT", label="City", normal=people.place, linked=True),
    Identifier(
        name="ST", label="State", normal=people.place, linked=True, description="In the US, two letters such as ca."
    ),
    Identifier(name="ZIP", label="Postal code", normal=people.postcode, linked=True),
    Identifier(
        name="COUNTRY", label="Country", normal=people.country, linked=True, description="Two letters, such as us."
    ),
    Identifier(name="MADID", label="Mobile advertiser ID", normal=people.device, hashed=""),
    Identifier(name="EXTERN_ID", label="External ID", hashed="", description="Your own ID, as your pixel sends it."),
    Identifier(name="PAGEUID", label="Page-scoped ID", hashed=""),
)
VALUE = field("LOOKALIKE_VALUE", "Lookalike value", "number", description="What the customer is worth, from 0 up.")
# These alone identify nobody.
WEAK = {"FI", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY", "FN", "LN"}

TOLD = (
    "id,account_id,name,description,subtype,approximate_count_lower_bound,approximate_count_upper_bound,"
    "delivery_status,operation_status,data_source,retention_days,time_created,time_updated"
)
ACTIVE = 1

ACCOUNT = Select(name="ad_account", label="Ad account", discover="ad_accounts")


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The id of the customer list with this name."""
    query = {"fields": "name,subtype", "limit": 500}
    pages = line.pages(f"{job.settings['ad_account']}/customaudiences", "data", next_page, query)
    async for audience in pages:
        if audience["name"] == name and audience.get("subtype") == "CUSTOM":
            return str(audience["id"])
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """A new audience's id; value-based where the value is mapped, and shared with another account if wished."""
    body = {"name": name, "subtype": "CUSTOM", "customer_file_source": job.settings["source"]}
    if any(each.name == VALUE.name for each in job.fields):
        body["is_value_based"] = True
    made = str((await line.post(f"{job.settings['ad_account']}/customaudiences", body))["id"])
    if shared := str(job.settings.get("share_with") or "").removeprefix("act_"):
        await line.post(f"{made}/adaccounts", {"adaccounts": [shared]})
    return made


AUDIENCE = Place(noun="audience", discover="audiences", find=find_audience, make=make_audience, depends=("ad_account",))


async def write_audience(work: Work) -> Results:
    """Columns and rows in one request; Meta counts what it cannot read, but does not say which rows."""
    schema = [each for each in KNOWN if any(each.name == mapped.name for mapped in work.job.fields)]
    valued = any(mapped.name == VALUE.name for mapped in work.job.fields) and not work.leaving

    def make(record: Record, person: Person, made: str) -> list[Any] | RowResult | None:
        if not person.values:
            return None
        if not set(person.values) - WEAK and not {"FN", "LN"} <= set(person.values):
            return RowResult(False, "These fields alone identify nobody.", "row_rejected")
        return [*(person.first(each.name) for each in schema), *([record.get(VALUE.name) or 0] if valued else [])]

    async def send(data: list[Any]) -> None:
        names = [*(each.name for each in schema), *([VALUE.name] if valued else [])]
        payload: Record = {"schema": names, "data": data}
        if "PAGEUID" in names:
            payload["page_ids"] = [work.settings["page"]]
        method = "DELETE" if work.leaving else "POST"
        answer = (await work.line.send(method, f"{work.place}/users", json={"payload": payload})).json()
        if invalid := int(answer.get("num_invalid_entries") or 0):
            raise BatchRejected(f"Meta cannot read {invalid} of {len(data)} rows.")

    return await sent_together(work, schema, make, send)


API = graph(
    "System user token", "Business settings → System users → Generate token, with ads_management.", test=("GET", "me")
)


class MetaDestination(RestDestination):
    """Ad accounts of a Meta business."""

    api = API
    definition = DestinationDefinition(
        key="meta",
        name="Meta Custom Audiences",
        category="Advertising",
        summary="People in custom audiences, for Facebook and Instagram.",
        docs_url="docs/destinations/meta.md",
        fields=API.sign_in.fields,
        verification=Verification.DOCS,
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
                    Select(
                        name="source",
                        label="Where the data comes from",
                        default="USER_PROVIDED_ONLY",
                        help="Meta asks for this of every new audience.",
                        choices=(
                            Choice("USER_PROVIDED_ONLY", "From the people themselves"),
                            Choice("PARTNER_PROVIDED_ONLY", "From partners"),
                            Choice("BOTH_USER_AND_PARTNER_PROVIDED", "From both"),
                        ),
                    ),
                    Text(
                        name="share_with",
                        label="Share with ad account",
                        required=False,
                        help="Its ID; a new audience can be used there as well.",
                        pattern=r"(act_)?[0-9]+",
                    ),
                    Text(
                        name="page",
                        label="Page ID",
                        required=False,
                        help="Of the page that page-scoped IDs belong to.",
                        pattern=r"[0-9]+",
                    ),
                    HASHING,
                    PHONE_COUNTRY,
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=10_000, batch_bytes=20_000_000, concurrency=2, timeout_s=120),
                split_retry=True,
                match_stats=True,
            ),
        ),
    )
    writers: ClassVar = {"audience": write_audience}
    places: ClassVar = {"audience": AUDIENCE}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return (*(each.member for each in KNOWN), VALUE)

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
        count = told.get("approximate_count_lower_bound")
        if count is None or int(count) < 0:
            return None
        updated = told.get("time_updated")
        return MatchStats(
            matched=int(count),
            at=datetime.fromtimestamp(int(updated), UTC) if updated else None,
            status=str((told.get("delivery_status") or {}).get("description") or ""),
            url="https://adsmanager.facebook.com/adsmanager/audiences",
        )
