"""How a person signs in to Snapchat, what its answers say, and the fields that rows are mapped to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk import people
from connectors.sdk.destination import (
    Rate,
)
from connectors.sdk.people import Identifier
from connectors.sdk.rest import (
    Api,
    ErrorCodes,
    OAuthApp,
    field,
    fields,
)

CONVERSIONS = "https://tr.snapchat.com/v3"
LIFETIME_DAYS = 9_999
MEMBERS = (
    Identifier(name="EMAIL_SHA256", label="E-mail", normal=people.email, many=True),
    Identifier(name="PHONE_SHA256", label="Phone", normal=people.without_plus, phone=True, many=True),
    Identifier(name="MOBILE_AD_ID_SHA256", label="Mobile ID", normal=people.device, many=True),
)
USER = "user_data."
HASHED = (
    Identifier(name="user_data.em", label="E-mail", normal=people.email, many=True),
    Identifier(name="user_data.ph", label="Phone", normal=people.without_plus, phone=True, many=True),
    Identifier(name="user_data.fn", label="First name", normal=people.name),
    Identifier(name="user_data.ln", label="Last name", normal=people.name),
    Identifier(name="user_data.ge", label="Gender", normal=people.gender),
    Identifier(name="user_data.db", label="Birthday", normal=people.birthday),
    Identifier(name="user_data.ct", label="City", normal=people.place),
    Identifier(name="user_data.st", label="State", normal=people.place),
    Identifier(name="user_data.zp", label="Postal code", normal=people.postcode),
    Identifier(name="user_data.country", label="Country", normal=people.country),
    Identifier(name="user_data.external_id", label="External ID", normal=str.strip, many=True),
    Identifier(name="user_data.madid", label="Mobile advertising ID", normal=people.device, hashed=""),
)
LISTED = ("user_data.em", "user_data.ph", "user_data.external_id")
CLEAR = fields(
    field("user_data.client_ip_address", "IP address of the device"),
    field("user_data.client_user_agent", "User agent of the browser"),
    field("user_data.sc_click_id", "Click ID (ScCid)"),
    field("user_data.sc_cookie1", "Cookie ID (_scid)"),
    field("user_data.idfv", "Vendor's ID of the device (IDFV)"),
    field("user_data.subscription_id", "Subscription ID"),
    field("user_data.lead_id", "Lead ID"),
)
EVENT = fields(
    field("event_name", "Event name", description="Left out, it is the name in the settings."),
    field("action_source", "Conversion type", description="WEB, MOBILE_APP or OFFLINE."),
    field("event_time", "Time of the event", "moment", description="Left out, it is when the run began."),
    field("event_id", "Event ID", description="Snapchat counts events with the same ID and name once."),
    field("event_source_url", "Address of the page", description="For events of the web."),
    "data_processing_options:object",
    "data_processing_options_country:number",
    "data_processing_options_state:number",
)
MORE = EVENT[4:]  # besides what every event has
APP = fields(
    field("app_data.app_id", "App: ID in the store"),
    field("app_data.advertiser_tracking_enabled", "App: advertiser tracking enabled", "boolean"),
    field("app_data.application_tracking_enabled", "App: application tracking enabled", "boolean"),
    field("app_data.extinfo", "App: extended device information", "object"),
)
CUSTOM = fields(
    field("event_tag", "Event tag", required=True, description="A word of your own, such as in-store."),
    "value:number",
    field("currency", "Currency", description="Three letters, such as USD."),
    "order_id",
    "num_items:number",
    "content_ids:object",
    "content_name",
    "content_type",
    "content_category:object",
    "contents:object",
    "brands:object",
    "search_string",
    "sign_up_method",
)
NOT_CUSTOM = (*EVENT, *CLEAR, *APP, *(each.field for each in HASHED))
SOURCES = {"WEB": "Web", "MOBILE_APP": "App", "OFFLINE": "Offline"}
# Each of these identifies a person; the others only narrow it down.
STRONG = {"em", "ph", "madid", "external_id", "sc_click_id", "sc_cookie1", "lead_id"}


def status_in(answer: Any) -> Any:
    """Whether Snapchat carried the request out: what it says of the whole, or of the first part that failed."""
    parts = [part for each in answer.values() if isinstance(each, list) for part in each if isinstance(part, Mapping)]
    told = [answer.get("request_status"), *(part.get("sub_request_status") for part in parts)]
    return next((each for each in told if each and str(each).upper() != "SUCCESS"), None)


def says(answer: Any) -> str:
    """Snapchat's words for people, for developers, or of the part that failed."""
    parts = [part for each in answer.values() if isinstance(each, list) for part in each if isinstance(part, Mapping)]
    words = [answer.get("display_message"), answer.get("debug_message"), answer.get("reason")]
    return str(next(each for each in (*words, *(part.get("sub_request_error_reason") for part in parts)) if each))


API = Api(
    base="https://adsapi.snapchat.com/v1",
    version="v1",
    sign_in=OAuthApp(
        page="https://accounts.snapchat.com/login/oauth2/authorize",
        tokens="https://accounts.snapchat.com/login/oauth2/access_token",
        scopes=("snapchat-marketing-api",),
        app="Snapchat Ads Manager → Business details → OAuth apps",
    ),
    test=("GET", "me"),
    codes=ErrorCodes(find=status_in),
    says=says,
)
RATES = (Rate(requests=10, seconds=1),)
