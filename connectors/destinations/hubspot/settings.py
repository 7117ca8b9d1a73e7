"""What a person sets for HubSpot, and what it can do."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Rate, Removal, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, Select, Text
from connectors.sdk.modes import insert, members, update, upsert
from connectors.sdk.rest import Either, KeyHeader, OAuthApp, PerRow, field, fields
from connectors.sdk.types import Choice, Verification

VERSION = "2026-03"
# Objects that every account has, in the names that paths take, and properties that name one record of them.
STANDARD = {
    "contacts": "Contacts",
    "companies": "Companies",
    "deals": "Deals",
    "tickets": "Tickets",
    "leads": "Leads",
    "products": "Products",
    "line_items": "Line items",
    "quotes": "Quotes",
    "orders": "Orders",
    "carts": "Carts",
    "invoices": "Invoices",
    "subscriptions": "Subscriptions",
    "services": "Services",
    "courses": "Courses",
    "listings": "Listings",
    "appointments": "Appointments",
    "projects": "Projects",
    "calls": "Calls",
    "emails": "E-mails",
    "meetings": "Meetings",
    "notes": "Notes",
    "tasks": "Tasks",
}
NAMING = {"contacts": ("email",), "companies": ("domain", "name"), "deals": ("dealname",), "tickets": ("subject",)}
# The ones that HubSpot itself keeps unique, besides those that an account declares unique.
UNIQUE = {"contacts": ("email",)}
CONTACT = "0-1"
ID = "hs_object_id"
LIMITS = Limits(batch_rows=100, concurrency=4, rates=(Rate(requests=100, seconds=10),), timeout_s=60)
PERSON = fields(
    field("email", "E-mail", identifier=True),
    field(ID, "Contact ID", identifier=True),
)
EVENT = fields(
    field("email", "E-mail", description="Of the contact. This, a record ID or a user token is needed."),
    field("objectId", "Record ID", description="Of the contact, or of the record that the event is about."),
    field("utk", "User token", description="Of HubSpot's tracking cookie."),
    field("occurredAt", "Time of the event", "moment", description="Left out, it is when the row is sent."),
)
SIGN_IN = Either(
    ways={
        "token": (
            Choice("token", "Private app", "A token made under Settings → Integrations → Private apps."),
            KeyHeader(key=Text(name="access_token", label="Access token", secret=True)),
        ),
        "oauth": (
            Choice("oauth", "Your own OAuth app", "A person signs in on HubSpot's page."),
            OAuthApp(
                page="https://app.hubspot.com/oauth/authorize",
                tokens=f"https://api.hubapi.com/oauth/{VERSION}/token",
                scopes=(
                    "oauth",
                    "crm.objects.contacts.read",
                    "crm.objects.contacts.write",
                    "crm.objects.companies.read",
                    "crm.objects.companies.write",
                    "crm.objects.deals.read",
                    "crm.objects.deals.write",
                    "crm.schemas.contacts.read",
                    "crm.schemas.companies.read",
                    "crm.schemas.deals.read",
                    "crm.lists.read",
                    "crm.lists.write",
                ),
                # Granted where the app has them and the account's plan does: no reason to refuse the others.
                parameters={
                    "optional_scope": " ".join(
                        (
                            "tickets",
                            "crm.objects.leads.read",
                            "crm.objects.leads.write",
                            "crm.objects.custom.read",
                            "crm.objects.custom.write",
                            "crm.schemas.custom.read",
                            "crm.objects.contacts.sensitive.read.v2",
                            "crm.objects.contacts.sensitive.write.v2",
                            "crm.objects.custom.sensitive.read.v2",
                            "crm.objects.custom.sensitive.write.v2",
                            "analytics.behavioral_events.send",
                            "behavioral_events.event_definitions.read_write",
                        )
                    )
                },
                app="your HubSpot developer account → Apps",
            ),
        ),
    }
)
OBJECT = Select(name="object", label="Object", discover="objects", help="Custom objects are made in HubSpot first.")
FILL_EMPTY = Text(
    name="fill_empty",
    label="Fill only while empty",
    help="Names of properties, between commas: what HubSpot has in them stays. Records are read first.",
    required=False,
    placeholder="phone, jobtitle",
)

EVENT_NAMES = PerRow(
    name="event",
    label="Event",
    field=field("eventName", "Event name", required=True, description="In full, such as pe123456_name."),
    discover="events",
)


def definition(list_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``list_settings`` choose or name a list."""
    return DestinationDefinition(
        key="hubspot",
        name="HubSpot",
        category="CRM",
        summary="Contacts, companies, deals and custom objects with their associations, lists and events.",
        docs_url="docs/destinations/hubspot.md",
        status_page="https://status.hubspot.com",
        fields=SIGN_IN.fields,
        connects=SIGN_IN.connects,
        verification=Verification.SPEC,
        sync_types=(
            SyncType(
                key="objects",
                name="Objects",
                description="Records of standard and custom objects, with their associations.",
                modes=(upsert(Removal.CLEAR, Removal.DELETE), update(Removal.CLEAR), insert()),
                settings=(
                    OBJECT,
                    Select(
                        name="removal",
                        label="Records that are deleted are",
                        default="archive",
                        choices=(
                            Choice("archive", "Archived", "They can be restored for 90 days."),
                            Choice("erase", "Erased for good", "Contacts only, as data protection law wants it."),
                        ),
                    ),
                    Select(
                        name="associations",
                        label="Associations",
                        default="add",
                        choices=(
                            Choice("add", "Add those of the row", "Others stay."),
                            Choice(
                                "difference",
                                "Add those of the row, take away those it had",
                                "What others associated stays.",
                            ),
                            Choice("replace", "Replace by those of the row", "Others of that object are taken away."),
                        ),
                    ),
                    FILL_EMPTY,
                    SPLIT_RETRY,
                ),
                limits=LIMITS,
                split_retry=True,
            ),
            SyncType(
                key="list",
                name="Contact list",
                description="Members of a static list. Contacts must be there already.",
                modes=members("list"),
                settings=list_settings,
                limits=LIMITS,
            ),
            SyncType(
                key="events",
                name="Events",
                description="Custom behavioural events, once a row.",
                modes=(insert("events"),),
                settings=(
                    *EVENT_NAMES.settings,
                    SPLIT_RETRY,
                ),
                limits=LIMITS,
                custom_fields=True,
                split_retry=True,
                verification=Verification.DOCS,
            ),
        ),
    )
