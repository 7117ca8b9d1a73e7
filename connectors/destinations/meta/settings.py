"""What a person sets for Meta Custom Audiences, and what people are known by."""

from __future__ import annotations

from connectors.destinations._meta_graph import VERSION, graph, token
from connectors.sdk import people
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier
from connectors.sdk.rest import Either, OAuthApp, field
from connectors.sdk.types import Choice

KNOWN = (
    Identifier(name="EMAIL", label="E-mail", normal=people.email),
    Identifier(name="PHONE", label="Phone", normal=people.without_plus, phone=True),
    Identifier(name="FN", label="First name", normal=people.name, linked=True),
    Identifier(name="LN", label="Last name", normal=people.name, linked=True),
    Identifier(name="FI", label="First initial", normal=lambda value: people.name(value)[:1], linked=True),
    Identifier(name="GEN", label="Gender", normal=people.gender, linked=True, description="m or f"),
    Identifier(name="DOBY", label="Year of birth", normal=people.digits(4), linked=True),
    Identifier(name="DOBM", label="Month of birth", normal=people.digits(2), linked=True),
    Identifier(name="DOBD", label="Day of birth", normal=people.digits(2), linked=True),
    Identifier(name="CT", label="City", normal=people.place, linked=True),
    Identifier(
        name="ST", label="State", normal=people.place, linked=True, description="In the US, two letters such as ca."
    ),
    Identifier(name="ZIP", label="Postal code", normal=people.postcode, linked=True),
    Identifier(
        name="COUNTRY", label="Country", normal=people.country, linked=True, description="Two letters, such as us."
    ),
    Identifier(name="MADID", label="Mobile advertiser ID", normal=people.device, hashed=""),
    Identifier(name="EXTERN_ID", label="External ID", hashed="", description="Your own ID, as your pixel sends it."),
    Identifier(name="PAGEUID", label="Page-scoped ID", hashed=""),
)
VALUE = field("LOOKALIKE_VALUE", "Lookalike value", "number", description="What the customer is worth, from 0 up.")
# These alone identify nobody.
WEAK = {"FI", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY", "FN", "LN"}

ACCOUNT = Select(name="ad_account", label="Ad account", discover="ad_accounts")
SOURCE = Select(
    name="source",
    label="Where the data comes from",
    default="USER_PROVIDED_ONLY",
    help="Meta asks for this of every new audience.",
    choices=(
        Choice("USER_PROVIDED_ONLY", "From the people themselves"),
        Choice("PARTNER_PROVIDED_ONLY", "From partners"),
        Choice("BOTH_USER_AND_PARTNER_PROVIDED", "From both"),
    ),
)
MORE = (
    SOURCE,
    Text(
        name="share_with",
        label="Share with ad account",
        required=False,
        help="Its ID; a new audience can be used there as well.",
        pattern=r"(act_)?[0-9]+",
    ),
    Text(
        name="page",
        label="Page ID",
        required=False,
        help="Of the page that page-scoped IDs belong to.",
        pattern=r"[0-9]+",
    ),
    HASHING,
    PHONE_COUNTRY,
    SPLIT_RETRY,
)

SIGN_IN = Either(
    ways={
        "token": (
            Choice("token", "System user token", "Can be made to last without an end."),
            token("System user token", "Business settings → System users → Generate token, with ads_management."),
        ),
        "oauth": (
            Choice("oauth", "Your own OAuth app", "A person signs in on Facebook's page, every 60 days anew."),
            OAuthApp(
                page=f"https://www.facebook.com/{VERSION}/dialog/oauth",
                tokens=f"https://graph.facebook.com/{VERSION}/oauth/access_token",
                scopes=("ads_management",),
                app="developers.facebook.com → My Apps → Facebook Login → Settings",
                pkce=False,
                lasting="fb_exchange_token",
            ),
        ),
    }
)
API = graph(SIGN_IN, test=("GET", "me"))
