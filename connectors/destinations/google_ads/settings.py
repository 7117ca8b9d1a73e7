"""What a person sets for Google Ads, and what it can do.

Fields and limits: https://developers.google.com/google-ads/api/docs/conversions/upload-offline,
https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started and
https://developers.google.com/google-ads/api/docs/best-practices/quotas.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.sdk import people
from connectors.sdk.destination import DestinationDefinition, DestinationField, FanOut, Limits, SyncType
from connectors.sdk.fields import Field, Number, Select, Text, When
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier
from connectors.sdk.rest import field, google
from connectors.sdk.types import Choice, Verification

VERSION = "v24"
SIGN_IN = google("https://www.googleapis.com/auth/adwords")
CUSTOM_VARIABLE = "custom_variables."

EMAIL = Identifier(name="email", label="E-mail", normal=people.google_email, many=True)
PHONE = Identifier(name="phone", label="Phone", phone=True, many=True)
NAMES = (
    Identifier(name="first_name", label="First name", normal=people.lower, linked=True),
    Identifier(name="last_name", label="Last name", normal=people.lower, linked=True),
)
STREET = Identifier(name="street_address", label="Street address", normal=people.lower)
COUNTRY = Identifier(
    name="country", label="Country", normal=people.country, hashed="", linked=True, description="Two letters."
)
MOBILE = Identifier(name="mobile_id", label="Mobile advertising ID", normal=people.device, hashed="", many=True)
CONTACTS = (EMAIL, PHONE, *NAMES, COUNTRY)
POSTCODE = field("postal_code", "Postal code", description="An address needs both names, country and postal code.")
PLACE = (field("city", "City"), field("state", "State"))
USER_ID = field("user_id", "Your own user ID")

# The fields that identify members, by the kind of list.
MEMBERS: dict[str, tuple[DestinationField, ...]] = {
    "CONTACT_INFO": (*(each.member for each in CONTACTS), replace(POSTCODE, fan_out=FanOut.LINKED)),
    "MOBILE_ADVERTISING_ID": (MOBILE.field,),
    "CRM_ID": (USER_ID,),
}
CONSENT_FIELDS = (
    field("ad_user_data", "Ad user data consent", description="GRANTED, DENIED, UNSPECIFIED or UNKNOWN."),
    field("ad_personalization", "Ad personalization consent", description="GRANTED, DENIED, UNSPECIFIED or UNKNOWN."),
)
WHEN = field("conversion_date_time", "Conversion time", "moment", required=True)
VALUE = (
    field("conversion_value", "Value", "number"),
    field("currency_code", "Currency", description="Three letters, such as USD."),
)
ORDER = field("order_id", "Order ID", description="Google counts conversions of an action with the same one once.")
CLICK = (
    field("gclid", "Google click ID (gclid)"),
    field("gbraid", "Click ID of apps (gbraid)"),
    field("wbraid", "Click ID of the web on iOS (wbraid)"),
    replace(EMAIL.field, label="User e-mails", description="One or several, together with phones at most five."),
    replace(PHONE.field, label="User phones"),
    WHEN,
    *VALUE,
    ORDER,
    field("conversion_environment", "Environment", description="APP or WEB."),
    field("customer_type", "Customer type", description="NEW or RETURNING."),
    *CONSENT_FIELDS,
)
CALL = (
    field("caller_id", "Caller ID", required=True, description="The number that called."),
    field("call_start_date_time", "Call start time", "moment", required=True),
    WHEN,
    *VALUE,
    *CONSENT_FIELDS,
)
ADJUSTED = (
    field("gclid", "Google click ID (gclid)", description="With the conversion time, where there is no order ID."),
    replace(WHEN, required=False),
    field("adjustment_date_time", "Adjustment time", "moment", description="Left out, it is when the run began."),
    field("order_id", "Order ID"),
)
RESTATED = (
    field("restatement_value", "Restatement value", "number", required=True),
    field("restatement_currency", "Restatement currency", description="Three letters, such as USD."),
)
ENHANCED = (
    field("user_agent", "User agent", description="Of the browser that the conversion was made with."),
    *(each.field for each in (EMAIL, PHONE, *NAMES, STREET, COUNTRY)),
    POSTCODE,
    *PLACE,
)
ADJUSTMENTS = {
    "RETRACTION": ADJUSTED,
    "RESTATEMENT": (*ADJUSTED, *RESTATED),
    "ENHANCEMENT": (*ADJUSTED, *ENHANCED),
}
STORE = (
    field("transaction_date_time", "Transaction time", "moment", required=True),
    field("transaction_amount_micros", "Transaction amount (micros)", "number", required=True),
    field("currency_code", "Currency", required=True, description="Three letters, such as USD."),
    *(each.field for each in CONTACTS),
    POSTCODE,
    *PLACE,
    field("third_party_user_id", "Partner's user ID", description="For data of a third party."),
    field("order_id", "Order ID"),
    field("store_code", "Store code", description="Of your business profile."),
    field("custom_value", "Custom value", description="Where a custom key is set."),
    *CONSENT_FIELDS,
)

ACCOUNT = Select(name="account", label="Account", discover="accounts")
ACTION = Select(
    name="conversion_action", label="Conversion action", discover="conversion_actions", depends=("account",)
)
_CONSENTS = (Choice("GRANTED", "Granted"), Choice("DENIED", "Denied"), Choice("UNSPECIFIED", "Not asked for"))
CONSENT = tuple(
    Select(name=name, label=label, default="UNSPECIFIED", choices=_CONSENTS, group="Consent")
    for name, label in (
        ("ad_user_data", "To use the data for advertising"),
        ("ad_personalization", "To personalised advertising"),
    )
)
KEY_TYPE = Select(
    name="key_type",
    label="Members are known by",
    default="CONTACT_INFO",
    choices=(
        Choice("CONTACT_INFO", "E-mail, phone or address"),
        Choice("MOBILE_ADVERTISING_ID", "Mobile advertising ID"),
        Choice("CRM_ID", "Your own user ID"),
    ),
)
LIST_DETAILS = (
    Text(
        name="app_id",
        label="App",
        help="Its ID in the store, for a new list of mobile IDs.",
        when=When(field="key_type", values=("MOBILE_ADVERTISING_ID",)),
    ),
    Number(
        name="membership_days",
        label="Members stay for",
        unit="days",
        default=540,
        minimum=0,
        maximum=540,
        help="Of a new list.",
    ),
)
PARTY = Select(
    name="party",
    label="Whose data it is",
    default="FIRST_PARTY",
    choices=(Choice("FIRST_PARTY", "First party"), Choice("THIRD_PARTY", "Third party")),
)
ADJUSTMENT = (
    Select(
        name="adjustment_type",
        label="Adjustment type",
        style="cards",
        default="RESTATEMENT",
        choices=(
            Choice("RETRACTION", "Retraction", "The conversion no longer counts."),
            Choice("RESTATEMENT", "Restatement", "The conversion has another value."),
            Choice("ENHANCEMENT", "Enhancement", "Personal data helps to attribute it (enhanced conversions for web)."),
        ),
    ),
    replace(PARTY, when=When(field="adjustment_type", values=("ENHANCEMENT",))),
)


def fraction(name: str, label: str, help_: str, *, when: When | None = None) -> Number:
    """A share above 0, up to 1."""
    return Number(name=name, label=label, help=help_, default=1, minimum=0.0001, maximum=1, whole=False, when=when)


_THIRD = When(field="party", values=("THIRD_PARTY",))
STORE_SALES = (
    Text(name="custom_key", label="Custom key", required=False, help="Segments store sales conversions."),
    fraction("loyalty_fraction", "Loyalty fraction", "The share of all sales that you can tell the customer of."),
    fraction("transaction_upload_fraction", "Transaction upload fraction", "The share of those that you send."),
    PARTY,
    Text(name="bridge_map_version_id", label="Bridge map version", when=_THIRD, help="Your contact at Google has it."),
    Text(name="partner_id", label="Partner ID", when=_THIRD, pattern=r"[0-9]+"),
    fraction("valid_transaction_fraction", "Valid transaction fraction", "", when=_THIRD),
    fraction("partner_match_fraction", "Partner match fraction", "", when=_THIRD),
    fraction("partner_upload_fraction", "Partner upload fraction", "", when=_THIRD),
)
# At most 2,000 conversions a request, and 100,000 identifiers to a job at once.
UPLOADS = Limits(batch_rows=2_000, batch_bytes=5_000_000, concurrency=4, timeout_s=120)
JOBS = Limits(batch_rows=10_000, batch_bytes=10_000_000, concurrency=1, timeout_s=120, batch_s=1_800)
PERSONAL = (HASHING, PHONE_COUNTRY)


def definition(list_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``list_settings`` choose or name a list."""
    return DestinationDefinition(
        key="google_ads",
        name="Google Ads",
        category="Advertising",
        summary="Customer match lists; click, call and store sales conversions and their adjustments.",
        docs_url="docs/destinations/google_ads.md",
        fields=(
            Text(
                name="developer_token",
                label="Developer token",
                help="Google Ads manager account → Tools → API Center.",
                secret=True,
            ),
            *SIGN_IN.fields,
            Text(
                name="version",
                label="Version of the API",
                default=VERSION,
                pattern=r"v[0-9]{1,3}",
                pattern_hint="such as v24",
                help="Google retires each after about a year.",
            ),
        ),
        connects=SIGN_IN.connects,
        lists_audiences=True,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="customer_match",
                name="Customer match user list",
                description="Members of a customer list.",
                modes=members("list", by_values=True),
                settings=(ACCOUNT, KEY_TYPE, *list_settings, *LIST_DETAILS, *PERSONAL, *CONSENT),
                limits=JOBS,
                match_stats=True,
            ),
            conversions("click_conversions", "Click conversions", "Conversions after clicks.", PERSONAL),
            conversions(
                "adjustments",
                "Click conversion adjustments",
                "Changes of conversions that Google has, once a row.",
                (*ADJUSTMENT, *PERSONAL),
            ),
            conversions("call_conversions", "Call conversions", "Conversions after calls.", (PHONE_COUNTRY,)),
            replace(
                conversions("store_sales", "Offline store conversions", "Sales in shops.", (*STORE_SALES, *PERSONAL)),
                modes=(insert("sales"),),
                limits=JOBS,
            ),
        ),
    )


def conversions(key: str, name: str, description: str, settings: tuple[Field, ...]) -> SyncType:
    """Conversions of one action; Google drops those that it has."""
    return SyncType(
        key=key,
        name=name,
        description=description,
        modes=(insert("conversions", idempotent=True),),
        settings=(ACCOUNT, ACTION, *settings),
        limits=UPLOADS,
    )
