"""How a person signs in to Pinterest, and the fields that rows are mapped to."""

from __future__ import annotations

import re

from connectors.sdk import people
from connectors.sdk.fields import Text
from connectors.sdk.people import Identifier
from connectors.sdk.rest import Api, Either, KeyHeader, OAuthApp, field, fields
from connectors.sdk.types import Choice

ACCOUNT = Text(
    name="ad_account",
    label="Advertiser account ID",
    help="Business access → Ad accounts.",
    pattern=r"[0-9]+",
    pattern_hint="digits",
)
CONVERSION_TOKEN = Text(
    name="conversion_token",
    label="Conversion access token",
    help="Ads → Conversions → Conversion access token. Only for conversion events.",
    required=False,
    secret=True,
)
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def email_or_hash(value: str) -> str:
    """An address in the clear, or its MD5, SHA-1 or SHA-256."""
    plain = value.strip().lower()
    return plain if _HASH.fullmatch(plain) else people.email(value)


# What a list takes: one kind of ID. Pinterest takes e-mail addresses in the clear; the others are hashed.
MEMBERS = (
    Identifier(name="EMAIL", label="E-mail", normal=email_or_hash, hashed="", description="Plain, or a hash."),
    Identifier(name="IDFA", label="IDFA", normal=people.device),
    Identifier(name="MAID", label="Mobile advertising ID", normal=people.device),
    Identifier(name="LR_ID", label="LiveRamp ID (LR_ID)"),
    Identifier(name="DLX_ID", label="DLX ID"),
    Identifier(name="HASHED_PINNER_ID", label="Hashed pinner ID"),
)
USER = "user_data."
HASHED = (
    Identifier(name="user_data.em", label="E-mail", normal=people.email, many=True),
    Identifier(name="user_data.hashed_maids", label="Mobile advertising ID", normal=people.device, many=True),
    Identifier(name="user_data.fn", label="First name", normal=people.lower, many=True),
    Identifier(name="user_data.ln", label="Last name", normal=people.lower, many=True),
    Identifier(name="user_data.ge", label="Gender", normal=people.gender, many=True),
    Identifier(name="user_data.db", label="Birthday", normal=people.birthday, many=True),
    Identifier(name="user_data.ct", label="City", normal=people.place, many=True),
    Identifier(name="user_data.st", label="State", normal=people.place, many=True),
    Identifier(name="user_data.zp", label="Postal code", normal=people.postcode, many=True),
    Identifier(name="user_data.country", label="Country", normal=people.country, many=True),
    Identifier(name="user_data.external_id", label="External ID", normal=str.strip, many=True),
)
PHONE = Identifier(name="user_data.ph", label="Phone", normal=people.without_plus, phone=True, many=True)
UNCLEANED = Identifier(name="user_data.ph", label="Phone", normal=str.strip, many=True)
CLEAR = fields(
    field("user_data.client_ip_address", "IP address of the device"),
    field("user_data.client_user_agent", "User agent of the browser"),
    field("user_data.click_id", "Click ID (_epik)"),
    field("user_data.partner_id", "Partner's ID of the visitor"),
)
EVENT = fields(
    field("event_id", "Event ID", required=True, description="Pinterest counts events with the same one once."),
    field("action_source", "Action source", required=True, description="app_android, app_ios, web or offline."),
    field("event_name", "Event name", description="Left out, it is the name in the settings."),
    field("event_time", "Time of the event", "moment", description="Left out, it is when the run began."),
    field("event_source_url", "Address of the page"),
    "opt_out:boolean",
    "partner_name",
    *("app_id", "app_name", "app_version"),
    *("device_brand", "device_carrier", "device_model", "device_type", "os_version"),
    "wifi:boolean",
    field("language", "Language", description="Two letters."),
)
CUSTOM = fields(
    field("custom_data.value", "Value", "number"),
    field("custom_data.currency", "Currency", description="Three letters, such as USD."),
    field("custom_data.order_id", "Order ID"),
    field("custom_data.num_items", "Number of items", "number"),
    field("custom_data.content_ids", "Content IDs", "any"),
    field("custom_data.contents", "Contents", "any"),
    field("custom_data.content_name", "Content name"),
    field("custom_data.content_category", "Content category"),
    field("custom_data.content_brand", "Content brand"),
    field("custom_data.search_string", "Search string"),
    field("custom_data.predicted_ltv", "Predicted lifetime value", "number"),
    field("custom_data.opt_out_type", "Opt-out type"),
    field("custom_data.np", "Named partner"),
)
SOURCES = ("app_android", "app_ios", "web", "offline")

API = Api(
    base="https://api.pinterest.com/v5",
    version="v5",
    sign_in=Either(
        ways={
            "oauth": (
                Choice("oauth", "Your own app", "A person signs in on Pinterest's page."),
                OAuthApp(
                    page="https://www.pinterest.com/oauth/",
                    tokens="https://api.pinterest.com/v5/oauth/token",
                    # Pinterest wants commas between scopes.
                    scopes=("ads:read", "ads:write"),
                    scope_of=lambda config: "ads:read,ads:write",
                    app="Pinterest developers → My apps",
                    in_header=True,
                ),
            ),
            "token": (
                Choice("token", "Access token", "One that you made for your app."),
                KeyHeader(
                    key=Text(
                        name="access_token",
                        label="Access token",
                        help="Pinterest developers → My apps → Generate token, with ads:read and ads:write.",
                        secret=True,
                    )
                ),
            ),
        }
    ),
)
