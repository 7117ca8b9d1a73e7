"""What a person sets for Zendesk, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.sdk.destination import DestinationDefinition, DestinationField, Limits, Mode, Rate, SyncType
from connectors.sdk.fields import Number, Select, Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import Basic, field, fields
from connectors.sdk.types import Verification

API, LEGACY_API = "api/v2", "api/sunshine"
MOST = 100  # records of a job: https://developer.zendesk.com/api-reference/introduction/rate-limits/
CUSTOM, LEGACY = "custom:", "legacy:"  # before the keys of objects that an account defines
# Requests a minute of the smallest plan, and jobs that may run at once.
LIMITS = Limits(batch_rows=MOST, concurrency=4, rates=(Rate(requests=180, seconds=60),), timeout_s=60, batch_s=1_800)
SIGN_IN = Basic(
    user=Text(name="email", label="E-mail", help="With which the owner of the token signs in to Zendesk."),
    password=Text(
        name="api_token",
        label="API token",
        help="Admin Center → Apps and integrations → APIs → API tokens.",
        secret=True,
    ),
    suffix="/token",
)


def _id(label: str) -> DestinationField:
    return field("id", label, identifier=True, modes=(Mode.UPDATE,))


@dataclass(frozen=True, slots=True)
class Kind:
    """One standard object: its name in addresses and searches, where its custom fields are, its own fields."""

    path: str
    one: str
    custom: str  # the prefix of custom fields
    described: str  # the list that describes them
    fields: tuple[DestinationField, ...]


KINDS: Mapping[str, Kind] = {
    "users": Kind(
        "users",
        "user",
        "user_fields.",
        "user_fields",
        (
            field("name", required=True),
            *fields(
                field("email", "E-mail", identifier=True),
                *("external_id!", "phone", "role", "alias", "details", "notes", "tags:any", "time_zone", "locale"),
                *("verified:boolean", "suspended:boolean", "moderator:boolean", "restricted_agent:boolean"),
                *("ticket_restriction", "signature", "remote_photo_url", "custom_role_id:reference"),
                *("organization_id:reference", "default_group_id:reference", "skip_verify_email:boolean"),
            ),
            field("organization.name", "Organization → name", description="It is made where there is none."),
            _id("User ID"),
        ),
    ),
    "organizations": Kind(
        "organizations",
        "organization",
        "organization_fields.",
        "organization_fields",
        (
            field("name", required=True, identifier=True),
            *fields("external_id!", "details", "notes", "domain_names:any", "tags:any", "group_id:reference"),
            *fields("shared_tickets:boolean", "shared_comments:boolean"),
            _id("Organization ID"),
        ),
    ),
    "tickets": Kind(
        "tickets",
        "ticket",
        "custom_fields.",
        "ticket_fields",
        (
            field("subject"),
            field("comment.body", "Comment", description="The description of a new ticket; a further comment else."),
            field("comment.public", "Comment is public", "boolean"),
            *fields(
                *("external_id!", "status", "priority", "type", "tags:any", "due_at:moment", "assignee_email"),
                *("requester.email", "requester.name", "requester_id:reference", "submitter_id:reference"),
                *("assignee_id:reference", "group_id:reference", "organization_id:reference", "brand_id:reference"),
                *("ticket_form_id:reference", "problem_id:reference", "custom_status_id:reference"),
            ),
            _id("Ticket ID"),
        ),
    ),
}
RECORD = (
    field("name", description="Of the record, where the object does not number its records by itself."),
    field("external_id", identifier=True),
    _id("Record ID"),
)
MEMBERSHIP = (
    field("user_id", "User ID", "reference", description="This, or what else names the user."),
    field("user.email", "User → e-mail", "reference"),
    field("user.external_id", "User → external ID", "reference"),
    field("organization_id", "Organization ID", "reference", description="This, or what else names the organization."),
    field("organization.external_id", "Organization → external ID", "reference"),
    field("organization.name", "Organization → name", "reference"),
    field("default", "Default organization of the user", "boolean"),
)
SEARCH_BATCH = Number(
    name="search_batch",
    label="Values in a search",
    help="More are faster. Choose fewer where Zendesk answers 414: the address is then too long.",
    default=100,
    minimum=1,
    maximum=500,
    group="Limits",
)
DEFINITION = DestinationDefinition(
    key="zendesk",
    name="Zendesk",
    category="Support",
    summary="Users, organizations, tickets and records of custom objects, and memberships of organizations.",
    docs_url="docs/destinations/zendesk.md",
    status_page="https://status.zendesk.com",
    fields=(
        Text(
            name="url",
            label="Support URL",
            help="Of your Zendesk, as in the browser.",
            placeholder="https://acme.zendesk.com",
            pattern=r"https://[A-Za-z0-9.-]+/?",
            pattern_hint="Begin with https:// and leave out what follows the first slash.",
        ),
        *SIGN_IN.fields,
    ),
    verification=Verification.DOCS,
    sync_types=(
        SyncType(
            key="objects",
            name="Objects",
            description="Users, organizations, tickets, and records of custom and legacy custom objects.",
            modes=(upsert(), update()),
            settings=(Select(name="object", label="Object", discover="objects"), SEARCH_BATCH),
            limits=LIMITS,
        ),
        SyncType(
            key="memberships",
            name="Organization memberships",
            description="Makes users members of organizations. A membership does not change: a new pair is a new row.",
            modes=(insert("memberships"),),
            settings=(SEARCH_BATCH,),
            limits=LIMITS,
        ),
    ),
)
