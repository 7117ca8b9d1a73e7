"""What a person sets for Marketo, and what it can do.

Limits: 100 requests in 20 seconds, ten at once, 300 records and 1 MB a request (developer.adobe.com/marketo-apis).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import DestinationDefinition, Limits, Mode, Rate, Removal, SyncType
from connectors.sdk.errors import AuthError, Gone, RateLimited, Unavailable
from connectors.sdk.fields import SPLIT_RETRY, Field, Select, Text, When, batch_rows
from connectors.sdk.modes import insert, members, update, upsert
from connectors.sdk.rest import ClientCredentials, ErrorCodes, field
from connectors.sdk.types import Verification

RATES = (Rate(requests=90, seconds=20),)
OBJECTS = Limits(batch_rows=300, batch_bytes=900_000, concurrency=4, rates=RATES, timeout_s=120)
LEAD = (
    field("leadId", "Lead ID", "number", description="This or the e-mail address is needed."),
    field("email", "E-mail", description="Of several leads that have it, the newest is meant."),
)
ACTIVITY = (
    *LEAD,
    field("activityDate", "Time", "moment", description="Left out, it is when the run began."),
)
PRIMARY = "primaryAttributeValue"
HOST = Text(
    name="host",
    label="Host",
    help="Admin → Integration → Web services → REST API, the part between https:// and /rest.",
    placeholder="663-XSQ-200.mktorest.com",
    pattern=r"[\w-]+(\.[\w-]+)*\.mktorest\.com",
    pattern_hint="Such as 663-XSQ-200.mktorest.com.",
)


def identity(config: Mapping[str, Any]) -> str:
    """Where tokens come from."""
    return f"https://{config['host']}/identity/oauth/token"


SIGN_IN = ClientCredentials(
    tokens=identity,
    client_id=Text(name="client_id", label="Client ID", help="Admin → LaunchPoint → your service → View details."),
    client_secret=Text(name="client_secret", label="Client secret", help="Beside the client ID.", secret=True),
    in_header=False,
)


def code_of(answer: Any) -> str | None:
    """The code of an answer that is an error; Marketo says 200 all the same."""
    return None if answer["success"] else str(answer["errors"][0]["code"])


def says(answer: Any) -> str:
    """Marketo's own words."""
    return "; ".join(f"{error['message']} ({error['code']})" for error in answer["errors"])


TOKENS, BUSY, TIRED = ("601", "602"), ("606", "607", "615"), ("502", "604", "608", "611", "614", "713")
CODES = ErrorCodes(
    find=code_of,
    meanings={
        **dict.fromkeys((*TOKENS, "600", "603"), AuthError),
        **dict.fromkeys(BUSY, RateLimited),
        **dict.fromkeys(TIRED, Unavailable),
        "610": Gone,
    },
    stale=TOKENS,
    always=True,
)
OBJECTS_TYPE = SyncType(
    key="objects",
    name="Objects",
    description="Leads, companies, opportunities and records of custom objects.",
    modes=(upsert(Removal.DELETE), update(Removal.CLEAR)),
    settings=(Select(name="object", label="Object", discover="objects"), batch_rows(300), SPLIT_RETRY),
    limits=OBJECTS,
    split_retry=True,
)
ACTIVITIES_TYPE = SyncType(
    key="activities",
    name="Custom activities",
    description="What leads did, once a row.",
    modes=(insert("activities"),),
    settings=(Select(name="activity", label="Activity", discover="activities"), batch_rows(300), SPLIT_RETRY),
    limits=OBJECTS,
    split_retry=True,
)
CAMPAIGNS_TYPE = SyncType(
    key="campaigns",
    name="Campaign triggers",
    description="Sends leads that are there through a campaign, once a row.",
    modes=(insert("requests"),),
    settings=(Select(name="campaign", label="Campaign", discover="campaigns"), SPLIT_RETRY),
    limits=Limits(batch_rows=100, concurrency=4, rates=RATES, timeout_s=120, batch_s=300),
    custom_fields=True,
    split_retry=True,
)


def list_type(place_settings: tuple[Field, ...]) -> SyncType:
    """Members of a static list."""
    new = When(field="list_from", values=("new",))
    return SyncType(
        key="list",
        name="Static list",
        description="Leads that are there, in a static list.",
        modes=members("list"),
        settings=(
            *place_settings,
            Select(name="folder", label="Folder or program of the new list", discover="folders", when=new),
            Text(name="description", label="Description of the new list", required=False, when=new),
            SPLIT_RETRY,
        ),
        limits=OBJECTS,
        split_retry=True,
    )


def definition(place_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``place_settings`` choose or name a list."""
    return DestinationDefinition(
        key="marketo",
        name="Marketo",
        category="E-mail & lifecycle",
        summary="Leads and other objects, custom activities, static lists and campaigns that rows start.",
        docs_url="docs/destinations/marketo.md",
        fields=(HOST, *SIGN_IN.fields),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(OBJECTS_TYPE, ACTIVITIES_TYPE, list_type(place_settings), CAMPAIGNS_TYPE),
    )


UPDATES = (Mode.UPDATE,)
