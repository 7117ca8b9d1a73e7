"""What a person sets for Google Data Manager, and what it can do."""

from __future__ import annotations

from dataclasses import replace

from connectors.sdk import people
from connectors.sdk.destination import DestinationDefinition, FanOut, Limits, Rate, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, Number, Select, Text, Toggle, When
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier
from connectors.sdk.rest import field, google
from connectors.sdk.types import Choice, Verification

SIGN_IN = google("https://www.googleapis.com/auth/datamanager")
PEOPLE = (
    Identifier(name="email", label="E-mail", normal=people.google_email, many=True),
    Identifier(name="phone", label="Phone", phone=True, many=True),
    Identifier(name="given_name", label="First name", normal=people.lower, linked=True),
    Identifier(name="family_name", label="Last name", normal=people.lower, linked=True),
    Identifier(
        name="region_code", label="Country", normal=people.country, hashed="", linked=True, description="Two letters."
    ),
    Identifier(name="mobile_id", label="Mobile advertising ID", normal=people.device, hashed="", many=True),
)
POSTCODE = field("postal_code", "Postal code", description="An address needs both names, country and postal code.")
USER_ID = field("user_id", "Your own user ID", description="For lists of user IDs.")
MEMBERS = (*(each.member for each in PEOPLE), replace(POSTCODE, fan_out=FanOut.LINKED), USER_ID)
# The fields that identify members, by what the list takes.
KEY_TYPES = {
    "CONTACT_ID": ("email", "phone", "given_name"),
    "MOBILE_ID": ("mobile_id",),
    "USER_ID": ("user_id",),
}
AD_IDS = ("gclid", "gbraid", "wbraid", "sessionAttributes")
CLEAR = {"transaction_id": "transactionId", "conversion_value": "conversionValue", "currency": "currency"}
EVENT = (
    field("transaction_id", "Transaction ID", description="Google counts conversions with the same one once."),
    field("event_timestamp", "Time of the conversion", "moment", description="Left out, it is when the run began."),
    field("event_source", "Event source", description="WEB, APP, IN_STORE, PHONE or OTHER."),
    field("conversion_value", "Value", "number"),
    field("currency", "Currency", description="Three letters, such as USD."),
    field("gclid", "Google click ID (gclid)"),
    field("gbraid", "Click ID of apps (gbraid)"),
    field("wbraid", "Click ID of the web on iOS (wbraid)"),
    field("sessionAttributes", "Session attributes"),
    *(each.field for each in PEOPLE if each.name != "mobile_id"),
    POSTCODE,
    field("ip_address", "IP address"),
    field("user_agent", "User agent"),
    field("customer_type", "Customer type", description="NEW, RETURNING or REENGAGED."),
    field("customer_value_bucket", "Customer value", description="LOW, MEDIUM or HIGH."),
)
SOURCES = {"WEB": "Web", "APP": "App", "IN_STORE": "Shop", "PHONE": "Phone", "OTHER": "Other"}
_CONSENT = (
    Choice("CONSENT_GRANTED", "Granted"),
    Choice("CONSENT_DENIED", "Denied"),
    Choice("CONSENT_STATUS_UNSPECIFIED", "Not asked for"),
)
CONSENT = (
    Select(
        name="ad_user_data",
        label="Consent to use the data for advertising",
        default="CONSENT_STATUS_UNSPECIFIED",
        choices=_CONSENT,
        help="Google asks for it of people in the European Economic Area.",
    ),
    Select(
        name="ad_personalization",
        label="Consent to personalised advertising",
        default="CONSENT_STATUS_UNSPECIFIED",
        choices=_CONSENT,
    ),
)
RATES = (Rate(requests=300, seconds=60),)
CHECKED = Toggle(
    name="checked",
    label="Wait until Google has processed each batch",
    help="Half an hour or longer, and rows count as sent only then. Off: when Google has received them.",
    group="Errors",
)


MOBILE = When(field="key_type", values=("MOBILE_ID",))
ACCOUNT = (
    Select(
        name="product",
        label="Product",
        default="GOOGLE_ADS",
        choices=(
            Choice("GOOGLE_ADS", "Google Ads"),
            Choice("DISPLAY_VIDEO_ADVERTISER", "Display & Video 360 (advertiser)"),
            Choice("DISPLAY_VIDEO_PARTNER", "Display & Video 360 (partner)"),
        ),
    ),
    Text(name="account_id", label="Account ID", help="At the top right of Google Ads.", pattern=r"[0-9-]+"),
    Text(
        name="login_account_id",
        label="Manager account ID",
        required=False,
        help="Where you reach the account through a manager account.",
        pattern=r"[0-9-]+",
    ),
)
NEW_LIST = (
    Select(
        name="key_type",
        label="Members are known by",
        default="CONTACT_ID",
        choices=(
            Choice("CONTACT_ID", "E-mail, phone or address"),
            Choice("MOBILE_ID", "Mobile advertising ID"),
            Choice("USER_ID", "Your own user ID"),
        ),
    ),
    Text(name="app_id", label="App", help="Its ID in the store.", when=MOBILE),
    Select(
        name="key_space",
        label="Kind of phones",
        default="ANDROID",
        when=MOBILE,
        choices=(Choice("ANDROID", "Android"), Choice("IOS", "iOS")),
    ),
    Number(
        name="membership_days",
        label="Members stay for",
        unit="days",
        default=540,
        minimum=1,
        maximum=540,
        help="Of a new list. A run that sends a member again begins anew.",
    ),
)
CONVERSION = (
    Text(
        name="conversion_action",
        label="Conversion action ID",
        help="The ctId in the address of the conversion action's page.",
        pattern=r"[0-9]+",
    ),
    Select(
        name="event_source",
        label="Event source",
        default="WEB",
        help="Used where no event source is mapped.",
        choices=tuple(Choice(key, words) for key, words in SOURCES.items()),
    ),
)


def audience(list_settings: tuple[Field, ...]) -> SyncType:
    """Members of a list; ``list_settings`` choose or name it."""
    return SyncType(
        key="audience",
        name="Audience",
        description="Members of a customer list.",
        modes=members("list", by_values=True),
        settings=(*list_settings, *NEW_LIST, *CONSENT, HASHING, PHONE_COUNTRY, CHECKED, SPLIT_RETRY),
        limits=Limits(batch_rows=10_000, batch_bytes=10_000_000, concurrency=2, rates=RATES, timeout_s=120),
        split_retry=True,
        clears="the list",
        match_stats=True,
    )


EVENTS = SyncType(
    key="events",
    name="Conversions",
    description="Conversions, once a row.",
    modes=(insert("conversions"),),
    settings=(*CONVERSION, *CONSENT, HASHING, PHONE_COUNTRY, CHECKED, SPLIT_RETRY),
    limits=Limits(batch_rows=2_000, batch_bytes=5_000_000, concurrency=2, rates=RATES, timeout_s=60),
    custom_fields=True,
    split_retry=True,
)


def definition(list_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``list_settings`` choose or name a list."""
    return DestinationDefinition(
        key="google_data_manager",
        name="Google Data Manager",
        category="Advertising",
        summary="Audiences and conversions of Google Ads and Display & Video 360.",
        docs_url="docs/destinations/google_data_manager.md",
        fields=(*ACCOUNT, *SIGN_IN.fields),
        connects=SIGN_IN.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(audience(list_settings), EVENTS),
    )
