"""What a person sets for Intercom, and what it can do."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Mode, ModeSpec, Rate, Removal, RowSet, SyncType
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import Either, KeyHeader, OAuthApp, PerRow, field, fields
from connectors.sdk.types import Choice, Verification

VERSION = "2.16"
HOSTS = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
CUSTOM = "custom_attributes."
RATES = (Rate(requests=160, seconds=10),)
TAGS = field("tags", "Tags", "list", description="One name, several between commas, or a list; new ones are made.")
CONTACT = (
    *fields(
        field("email", "E-mail", identifier=True),
        field("external_id", "External user ID", identifier=True),
        *("role", "phone", "name", "avatar", "signed_up_at:moment", "last_seen_at:moment", "owner_id"),
        "unsubscribed_from_emails:boolean",
    ),
    field("companies.company_id", "Companies → company ID", "reference", description="One, between commas, or a list."),
    TAGS,
)
COMPANY = (
    *fields(
        field("company_id", "Company ID", identifier=True, required=True, description="Yours; it cannot change."),
        *("name", "plan", "size:number", "website", "industry", "monthly_spend:number"),
    ),
    field("remote_created_at", "Created at", "moment", modes=(Mode.UPSERT,)),
    field("contacts.email", "Contacts → e-mail", "reference", description="One, between commas, or a list."),
    field("contacts.external_id", "Contacts → external user ID", "reference", description="As above."),
    TAGS,
)
EVENT = fields(
    field("user_id", "External user ID", description="This, the e-mail address or the ID of Intercom is needed."),
    field("email", "E-mail"),
    field("id", "Contact ID"),
    field("created_at", "Time of the event", "moment", description="Left out, it is when the run began."),
)
SIGN_IN = Either(
    ways={
        "token": (
            Choice("token", "Access token", "Of your own app, under Developer Hub → Your app → Authentication."),
            KeyHeader(key=Text(name="access_token", label="Access token", secret=True)),
        ),
        "oauth": (
            Choice("oauth", "Your own OAuth app", "A person signs in on Intercom's page."),
            OAuthApp(
                page="https://app.intercom.com/oauth",
                tokens=lambda config: f"{HOSTS[config.get('region') or 'us']}/auth/eagle/token",
                scopes=(),
                app="Developer Hub → Your app → Authentication → Use OAuth, reading and writing users and companies,",
            ),
        ),
    }
)
TAG_MODE = Select(
    name="tag_mode",
    label="Tags",
    default="add",
    choices=(
        Choice("add", "Add those of the row", "Others stay."),
        Choice("difference", "Add those of the row, take away those it had", "What others tagged stays."),
        Choice("replace", "Replace by those of the row", "Others are taken off. Contacts only."),
    ),
)
ARCHIVE = ModeSpec(mode=Mode.ARCHIVE, rows=RowSet.ADDED, description="Archives the contacts of all rows of the model.")
OWN = Limits(batch_rows=50, concurrency=2, rates=RATES, batch_s=600)

EVENT_NAMES = PerRow(
    name="event",
    label="Event",
    field=field("event_name", "Event name", required=True),
    help="A past tense and a noun, such as placed-order.",
)


def definition() -> DestinationDefinition:
    """The declarations."""
    return DestinationDefinition(
        key="intercom",
        name="Intercom",
        category="Support",
        summary="Contacts, companies and events, with tags and custom attributes.",
        docs_url="docs/destinations/intercom.md",
        status_page="https://www.intercomstatus.com",
        fields=(
            Select(
                name="region",
                label="Data host region",
                help="Settings → Workspace → General.",
                default="us",
                choices=(Choice("us", "United States"), Choice("eu", "Europe"), Choice("au", "Australia")),
            ),
            *SIGN_IN.fields,
        ),
        connects=SIGN_IN.connects,
        verification=Verification.SPEC,
        sync_types=(
            SyncType(
                key="contacts",
                name="Contacts",
                description="Users and leads.",
                modes=(
                    upsert(Removal.CLEAR, Removal.DELETE, noun="contacts"),
                    update(Removal.CLEAR, Removal.DELETE, noun="contacts"),
                    ARCHIVE,
                ),
                settings=(TAG_MODE,),
                limits=OWN,
                custom_fields=True,
            ),
            SyncType(
                key="companies",
                name="Companies",
                description="Companies; Intercom shows those that have a contact.",
                modes=(
                    upsert(Removal.DELETE, noun="companies"),
                    update(Removal.DELETE, noun="companies"),
                ),
                limits=OWN,
                custom_fields=True,
            ),
            SyncType(
                key="events",
                name="Events",
                description="What contacts did, once a row.",
                modes=(insert("events"),),
                settings=EVENT_NAMES.settings,
                limits=Limits(batch_rows=1, concurrency=8, rates=RATES),
                custom_fields=True,
            ),
        ),
    )
