"""The connection's settings, which sync type needs which, and the syncs' own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import Job
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Number, Select, Text, Toggle, When
from connectors.sdk.rest import Api, NoSignIn
from connectors.sdk.types import Choice

PLATFORMS = {
    "production": ("https://api.thetradedesk.com/v3", "https://desk.thetradedesk.com/graphql"),
    "sandbox": ("https://ext-api.sb.thetradedesk.com/v3", "https://ext-api.sb.thetradedesk.com/graphql"),
}
_UIDAPI = "https://{}.uidapi.com"


def _secret(name: str, label: str, help: str) -> Text:
    return Text(name=name, label=label, help=help, required=False, secret=True)


CONFIG = (
    Text(name="advertiser_id", label="Advertiser ID", required=False, help="For everything but third-party data."),
    Select(
        name="environment",
        label="Environment",
        default="production",
        choices=(Choice("production", "Production"), Choice("sandbox", "Partner sandbox")),
    ),
    _secret("api_token", "API token", "For CRM segments and match statistics: your profile → Manage API Tokens."),
    Select(
        name="data_server",
        label="Data server",
        default="https://use-data.adsrvr.org",
        help="The nearest to the people in segments. Send the same data to one only.",
        choices=(
            Choice("https://use-data.adsrvr.org", "US East"),
            Choice("https://usw-data.adsrvr.org", "US West"),
            Choice("https://euw-data.adsrvr.org", "UK and Europe"),
            Choice("https://sin-data.adsrvr.org", "Asia-Pacific"),
            Choice("https://tok-data.adsrvr.org", "Tokyo"),
            Choice("https://data-cn2.adsrvr.cn", "China"),
        ),
    ),
    _secret("advertiser_secret", "Advertiser secret key", "For first-party segments: Advertiser preferences."),
    Text(name="provider_id", label="Data provider ID", required=False, help="For third-party and merchant data."),
    _secret("provider_secret", "Data provider secret key", "Of the same data provider."),
    Text(name="offline_provider_id", label="Offline data provider ID", required=False, help="For offline conversions."),
    _secret("offline_secret", "Offline data provider secret key", "Of the same data provider."),
    Text(
        name="postback_url",
        label="Root postback URL",
        required=False,
        help="For postbacks.",
        pattern=r"https://.+",
        pattern_hint="an address that begins with https://",
    ),
    _secret("uid2_key", "UID2 API key", "Turns e-mail addresses and phone numbers into UID2s."),
    _secret("uid2_secret", "UID2 client secret", "Of the same key."),
    Select(
        name="uid2_operator",
        label="UID2 operator",
        default=_UIDAPI.format("prod"),
        choices=(
            Choice(_UIDAPI.format("prod"), "The nearest"),
            Choice(_UIDAPI.format("usw.prod"), "US West"),
            Choice(_UIDAPI.format("sg.prod"), "Singapore"),
            Choice(_UIDAPI.format("au.prod"), "Australia"),
            Choice(_UIDAPI.format("jp.prod"), "Japan"),
            Choice(_UIDAPI.format("operator-integ"), "Integration environment"),
        ),
    ),
)
API = Api(
    base=lambda config: PLATFORMS[str(config.get("environment") or "production")][0],
    version="v3",
    sign_in=NoSignIn(),
    says=lambda answer: str(answer["Message"]),
)
NEEDS = {
    "postback": ("postback_url",),
    "realtime": ("advertiser_id",),
    "offline": ("offline_provider_id", "offline_secret"),
    "crm": ("advertiser_id", "api_token"),
    "first_party": ("advertiser_id", "advertiser_secret"),
    "third_party": ("provider_id", "provider_secret"),
}
PRIVACY_NEEDS = {
    "advertiser": NEEDS["first_party"],
    "thirdparty": NEEDS["third_party"],
    "merchant": ("provider_secret",),
}
_LABELS = {each.name: each.label for each in CONFIG}


def validate(config: Mapping[str, Any], job: Job) -> None:
    """A connection holds what its syncs need, no more."""
    needs = PRIVACY_NEEDS[job.settings["data_kind"]] if job.sync_type == "privacy" else NEEDS[job.sync_type]
    contacts = job.sync_type not in ("crm", "postback") and any(each.name in ("email", "phone") for each in job.fields)
    for name in (*needs, *(("uid2_key", "uid2_secret") if contacts else ())):
        if not config.get(name):
            raise ConfigError(f"{_LABELS[name]} is missing.", hint="Enter it in the connection's settings.")


def element(help: str, *, required: bool = False) -> Text:
    """The setting that names a segment."""
    return Text(name="element", label="Segment", help=help, required=required, max_length=200)


TTL = Number(
    name="ttl_days",
    label="Days in the segment",
    unit="days",
    default=30,
    minimum=1,
    maximum=180,
    help="Those not sent again within this time leave.",
)
PII_REGION = Select(
    name="pii_region",
    label="Region of the personal data",
    default="US",
    choices=(Choice("US", "North America"), Choice("EU", "Europe"), Choice("APAC", "Asia-Pacific")),
)
TRACKER = Text(
    name="tracker", label="Tracking tag ID", required=False, help="Used where no tracking tag is mapped.", max_length=64
)
OFFLINE = (
    Select(
        name="offline_kind",
        label="Conversions of",
        style="cards",
        default="first",
        choices=(
            Choice("first", "Your own customers", "First party: for retargeting, optimization and measurement."),
            Choice("third", "A partner's customers", "Third party: the tracking tag is the partner's."),
            Choice("merchant", "A shop's customers", "Merchant: with order IDs and line items."),
        ),
    ),
    Text(
        name="merchant_id",
        label="Merchant ID",
        pattern=r"[0-9]+",
        pattern_hint="digits",
        when=When(field="offline_kind", values=("merchant",)),
    ),
    Text(
        name="tracking_tag",
        label="Offline tracking tag ID",
        required=False,
        help="Of the same data provider. Used where no tracking tag is mapped.",
        max_length=64,
    ),
)
PRIVACY = (
    Select(
        name="data_kind",
        label="Data",
        style="cards",
        default="advertiser",
        choices=(
            Choice("advertiser", "First-party data", "Of the advertiser."),
            Choice("thirdparty", "Third-party data", "Of the data provider."),
            Choice("merchant", "Merchant data", "Of product catalogues."),
        ),
    ),
    Text(
        name="brand_id",
        label="Brand ID",
        when=When(field="data_kind", values=("thirdparty",)),
    ),
    Text(
        name="merchant_id",
        label="Merchant ID",
        pattern=r"[0-9]+",
        pattern_hint="digits",
        when=When(field="data_kind", values=("merchant",)),
    ),
    Toggle(
        name="delete",
        label="Delete for good",
        help="Everything about the IDs is deleted, and cannot be brought back. Off: they are opted out of campaigns.",
    ),
)
