"""Google Analytics 4: events by the Measurement Protocol, and audiences of anonymous users.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference,
https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events and
https://developers.google.com/analytics/devguides/config/admin/v1/rest/v1alpha/properties.audiences
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Removal,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import Select, Text, Toggle, When
from connectors.sdk.modes import insert, upsert
from connectors.sdk.people import digest
from connectors.sdk.rest import (
    Api,
    Either,
    Line,
    NoSignIn,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    besides,
    field,
    google,
    missing,
)
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text
from connectors.sdk.types import Choice, Verification

COLLECT = "https://www.google-analytics.com"
ADMIN = "https://analyticsadmin.googleapis.com"
SCOPES = ("https://www.googleapis.com/auth/analytics.edit",)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
USER_PROPERTY = "user_properties."
# Names of dimensions of users have at most 24 characters.
NAME_CHARACTERS = 24
MEMBERSHIP_DAYS = 540
IDS = {
    "web": field("client_id", "Client ID", required=True, identifier=True, description="From the _ga cookie."),
    "app": field("app_instance_id", "App instance ID", required=True, identifier=True),
}
COMMON = (
    field("user_id", "User ID"),
    field("timestamp", "Time of the event", "moment", description="Left out, it is when Google gets the event."),
    field("consent.ad_user_data", "Consent: ad user data", description="GRANTED or DENIED."),
    field("consent.ad_personalization", "Consent: ad personalization", description="GRANTED or DENIED."),
)
NAME = field("name", "Event name", description="Left out, it is the name in the settings.")
PARAMETERS = (
    field("currency", "Currency", description="Three letters, such as USD."),
    field("value", "Value", "number"),
    field("transaction_id", "Transaction ID"),
    field("items", "Items", "object"),
    field("session_id", "Session ID"),
    field("engagement_time_msec", "Engagement time", "number", description="Milliseconds."),
)
NOT_PARAMETERS = (*IDS.values(), *COMMON, NAME)


def stream(work: Work) -> dict[str, str]:
    """The stream that events belong to, and its secret."""
    settings = work.settings
    web = settings["platform"] == "web"
    where = {"measurement_id": settings["measurement_id"]} if web else {"firebase_app_id": settings["firebase_app_id"]}
    return {**where, "api_secret": work.config["api_secret"]}


def envelope(work: Work, record: Record) -> Record:
    """Whom an event is of, and when it was; moments are in microseconds."""
    name = IDS[work.settings["platform"]].name
    told: Record = {name: text(record[name])}
    if record.get("user_id"):
        told["user_id"] = text(record["user_id"])
    if record.get("timestamp") is not None:
        told["timestamp_micros"] = (moment(record["timestamp"], field="timestamp") - EPOCH) // timedelta(microseconds=1)
    if agreed := {n.removeprefix("consent."): v for n, v in record.items() if n.startswith("consent.") and v}:
        told["consent"] = agreed
    return told


def nested(items: Mapping[str, Any]) -> Record:
    """User properties as Google takes them."""
    return {name.removeprefix(USER_PROPERTY): {"value": value} for name, value in items.items() if value is not None}


async def write_events(work: Work) -> Results:
    """One event a request. Google answers nothing of use, unless it is asked to check the event instead."""

    async def send(record: Record) -> RowResult | None:
        name = record.get("name") or work.settings.get("event")
        if refusal := missing(record, IDS[work.settings["platform"]].name):
            return refusal
        if not name:
            return rejected("name is empty.", field="name")
        more = besides(record, NOT_PARAMETERS)
        users = {key: value for key, value in more.items() if key.startswith(USER_PROPERTY)}
        params = {key: value for key, value in more.items() if key not in users and value is not None}
        body = {**envelope(work, record), "events": [{"name": name, "params": params}]}
        return await deliver(work, {**body, **({"user_properties": nested(users)} if users else {})})

    return await work.each(send)


async def write_members(work: Work) -> Results:
    """One event a request, which sets the dimension of the audience: 1 for those in it, -1 for those who left."""

    async def send(record: Record) -> RowResult | None:
        if refusal := missing(record, IDS[work.settings["platform"]].name):
            return refusal
        properties = nested(besides(record, NOT_PARAMETERS)) | {work.place: {"value": "-1" if work.removing else "1"}}
        events = [{"name": work.settings["event"], "params": {}}]
        return await deliver(work, {**envelope(work, record), "user_properties": properties, "events": events})

    return await work.each(send, at_once=8)


async def deliver(work: Work, body: Record) -> RowResult | None:
    """Send one event, or have it checked only."""
    if not work.settings.get("validate"):
        await work.line.send("POST", f"{COLLECT}/mp/collect", json=body, query=stream(work))
        return None
    told = await work.line.post(f"{COLLECT}/debug/mp/collect", body, stream(work))
    found = [f"{each.get('fieldPath', '')}: {each['description']}" for each in told["validationMessages"]]
    return rejected("; ".join(found)) if found else RowResult(True, "Checked, and not counted.", "checked")


def dimension_of(name: str) -> str:
    """The name of the dimension that makes an audience: ``hr_`` and its letters; long names end with a hash."""
    plain = f"hr_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}"
    if plain == f"hr_{name.lower()}".replace(" ", "_") and len(plain) <= NAME_CHARACTERS:
        return plain
    return f"{plain[: NAME_CHARACTERS - 7]}_{digest(name)[:6]}"


def admin(job: Job, version: str, what: str) -> str:
    """The address of something in the property."""
    return f"{ADMIN}/{version}/properties/{job.settings['property']}/{what}"


def next_page(answer: Any) -> dict[str, str] | None:
    """The token of the next page."""
    return {"pageToken": answer["nextPageToken"]} if answer.get("nextPageToken") else None


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The dimension of the audience with this name."""
    async for each in line.pages(admin(job, "v1alpha", "audiences"), "audiences", next_page, {"pageSize": 200}):
        if each["displayName"] == name:
            return dimension_of(name)
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """The dimension of a new audience, which is made as well where it is not there yet."""
    dimension, where = dimension_of(name), admin(job, "v1beta", "customDimensions")
    known = [each async for each in line.pages(where, "customDimensions", next_page, {"pageSize": 200})]
    if all(each["parameterName"] != dimension for each in known):
        await line.post(where, {"parameterName": dimension, "displayName": dimension, "scope": "USER"})
    member = {
        "fieldName": f"customUser:{dimension}",
        "stringFilter": {"matchType": "EXACT", "value": "1"},
    }
    any_of = {"orGroup": {"filterExpressions": [{"dimensionOrMetricFilter": member}]}}
    only = {
        "scope": "AUDIENCE_FILTER_SCOPE_ACROSS_ALL_SESSIONS",
        "filterExpression": {"andGroup": {"filterExpressions": [any_of]}},
    }
    body = {
        "displayName": name,
        "description": f"Users with {dimension} = 1, kept by Headrace.",
        "membershipDurationDays": MEMBERSHIP_DAYS,
        "filterClauses": [{"clauseType": "INCLUDE", "simpleFilter": only}],
    }
    if not (await line.post(admin(job, "v1alpha", "audiences"), body))["name"]:
        raise InternalError("Google gave the new audience no name.")
    return dimension


AUDIENCE = Place(
    noun="audience",
    discover="audience_choices",
    find=find_audience,
    make=make_audience,
    depends=("property",),
)
API = Api(
    base=ADMIN,
    version="GA4",
    sign_in=Either(
        setting="audiences",
        ways={
            "none": (Choice("none", "Nobody", "Enough for events; audiences need somebody."), NoSignIn()),
            **google(*SCOPES).ways,
        },
    ),
)
STREAM = (
    Select(
        name="platform",
        label="Events are of",
        style="cards",
        default="web",
        choices=(
            Choice("web", "A website", "With a measurement ID and client IDs."),
            Choice("app", "An app", "With a Firebase app ID and app instance IDs."),
        ),
    ),
    Text(
        name="measurement_id",
        label="Measurement ID",
        help="Admin → Data streams → your stream; it begins with G-.",
        when=When(field="platform", values=("web",)),
    ),
    Text(
        name="firebase_app_id",
        label="Firebase app ID",
        help="Firebase console → Project settings → Your apps.",
        when=When(field="platform", values=("app",)),
    ),
)
VALIDATE = Toggle(
    name="validate",
    label="Check only",
    help="Google's validation server says what is wrong with events, and counts none. The protocol itself never does.",
)


class GoogleAnalyticsDestination(RestDestination):
    """The streams of a property of Google Analytics 4."""

    api = API
    definition = DestinationDefinition(
        key="google_analytics",
        name="Google Analytics 4",
        category="Analytics",
        summary="Events by the Measurement Protocol, and audiences of anonymous users.",
        docs_url="docs/destinations/google_analytics.md",
        fields=(
            Text(
                name="api_secret",
                label="API secret",
                help="Admin → Data streams → your stream → Measurement Protocol API secrets.",
                secret=True,
            ),
            *API.sign_in.fields,
        ),
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="events",
                name="Events",
                description="What users did, once a row.",
                modes=(insert("events"),),
                settings=(
                    *STREAM,
                    Text(
                        name="event",
                        label="Event name",
                        required=False,
                        help="Such as purchase; used where no event name is mapped.",
                    ),
                    VALIDATE,
                ),
                # An event that is sent twice is counted twice: one a batch, so that each has an outcome of its own.
                limits=Limits(batch_rows=1, concurrency=16),
                custom_fields=True,
            ),
            SyncType(
                key="audience",
                name="Anonymous audience",
                description="Users with a dimension of their own, which an audience is made of.",
                modes=(upsert(Removal.DELETE, noun="members"),),
                settings=(
                    Text(name="property", label="Property ID", help="Admin → Property details.", pattern=r"[0-9]+"),
                    *AUDIENCE.settings,
                    *STREAM,
                    Text(
                        name="event",
                        label="Event name",
                        default="audience_membership",
                        help="Users get their dimension with an event of this name.",
                        pattern=r"[A-Za-z][A-Za-z0-9_]{0,39}",
                        pattern_hint="letters, digits and underscores",
                    ),
                    VALIDATE,
                ),
                limits=Limits(batch_rows=100, concurrency=2),
                custom_fields=True,
            ),
        ),
    )
    writers: ClassVar = {"events": write_events, "audience": write_members}
    places: ClassVar = {"audience": AUDIENCE}

    async def check(self) -> None:
        """Google never refuses an API secret; it says only whether the one who signed in may do something."""
        async with self.line() as line:
            if self.config.get("audiences", "none") == "none":
                await line.post(f"{COLLECT}/debug/mp/collect", {"client_id": "headrace", "events": []})
            else:
                await line.get(f"{ADMIN}/v1beta/accountSummaries", {"pageSize": 1})

    def validate(self, job: Job) -> None:
        """Audiences need somebody who signed in."""
        if job.sync_type == "audience" and self.config.get("audiences", "none") == "none":
            raise ConfigError("Audiences need a sign-in with Google.", hint="Choose one in the connection's settings.")

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        own = IDS[settings.get("platform") or "web"]
        return (own, *COMMON, NAME, *PARAMETERS) if sync_type == "events" else (own, *COMMON)

    async def audience_choices(self, property: str) -> list[Choice]:
        """The property's audiences that are made of a dimension of this kind."""
        async with self.line() as line:
            where = f"{ADMIN}/v1alpha/properties/{property}/audiences"
            pages = line.pages(where, "audiences", next_page, {"pageSize": 200})
            found = [each async for each in pages]
        return [
            Choice(dimension_of(each["displayName"]), each["displayName"])
            for each in found
            if f"customUser:{dimension_of(each['displayName'])}" in str(each.get("filterClauses"))
        ]
