"""How a person signs in to LinkedIn, and the fields that rows are mapped to."""

from __future__ import annotations

from connectors.sdk import people
from connectors.sdk.fields import Text
from connectors.sdk.people import Identifier
from connectors.sdk.rest import Api, Either, KeyHeader, OAuthApp, field, fields
from connectors.sdk.types import Choice

VERSION = "202607"
EMAIL = Identifier(name="SHA256_EMAIL", label="E-mail (SHA-256)", normal=people.email)
USER_IDS = (
    EMAIL,
    Identifier(name="SHA512_EMAIL", label="E-mail (SHA-512)", normal=people.email, hashed="sha512"),
    Identifier(name="GOOGLE_AID", label="Google advertising ID", normal=people.device, hashed=""),
)
PERSON = fields(
    field("firstName", "First name", description="A first and a last name may stand for an ID."),
    field("lastName", "Last name"),
    field("title", "Job title"),
    field("company", "Company"),
    field("country", "Country", description="Two letters."),
)
COMPANY = fields(
    field("companyName", "Name", identifier=True),
    field("companyWebsiteDomain", "Domain of the website", identifier=True),
    field("companyEmailDomain", "Domain of e-mail addresses", identifier=True),
    field("organizationUrn", "LinkedIn company ID", identifier=True, description="Such as 1035."),
    field("companyPageUrl", "Address of the LinkedIn page", identifier=True),
    field("stockSymbol", "Stock symbol", identifier=True),
    *("city", "state", "country"),
)
KNOWN_BY = tuple(each.name for each in COMPANY if each.identifier)
CONVERSION_IDS = (
    EMAIL,
    Identifier(name="LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", label="LinkedIn tracking UUID (li_fat_id)", hashed=""),
    Identifier(name="ACXIOM_ID", label="Acxiom ID", hashed=""),
    Identifier(name="ORACLE_MOAT_ID", label="Oracle Moat ID", hashed=""),
)
USER_INFO = fields(
    field("firstName", "First name", description="A first and a last name may stand for an ID."),
    field("lastName", "Last name"),
    field("title", "Job title"),
    field("companyName", "Company"),
    field("countryCode", "Country", description="Two letters."),
)
CONVERSION = fields(
    field("conversionHappenedAt", "Time", "moment", description="Left out, it is when the run began."),
    field("amount", "Value", "number"),
    field("currencyCode", "Currency", description="Three letters, such as USD."),
    field("eventId", "Event ID", description="LinkedIn counts conversions with the same ID once."),
    field("externalId", "External ID"),
)


API = Api(
    base="https://api.linkedin.com/rest",
    version=VERSION,
    headers=lambda config: {
        "LinkedIn-Version": config.get("version") or VERSION,
        "X-Restli-Protocol-Version": "2.0.0",
    },
    sign_in=Either(
        ways={
            "oauth": (
                Choice("oauth", "Your own app", "A person signs in on LinkedIn's page."),
                OAuthApp(
                    page="https://www.linkedin.com/oauth/v2/authorization",
                    tokens="https://www.linkedin.com/oauth/v2/accessToken",
                    scopes=("r_ads", "rw_ads", "rw_dmp_segments", "rw_conversions"),
                    app="LinkedIn Developers → My apps → Auth",
                    pkce=False,
                ),
            ),
            "token": (
                Choice("token", "Access token", "Made in LinkedIn's token generator; it lasts 60 days."),
                KeyHeader(
                    key=Text(
                        name="access_token",
                        label="Access token",
                        help="LinkedIn Developers → Docs and tools → OAuth token tools.",
                        secret=True,
                    )
                ),
            ),
        }
    ),
    test=("GET", "adAccounts?q=search&pageSize=1"),
)
