"""What TikTok's interface for businesses is: where, how to sign in, and what its codes mean."""

from __future__ import annotations

from functools import partial

from connectors.sdk.errors import AuthError, RateLimited, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.net.oauth import Dialect
from connectors.sdk.rest import Api, Either, ErrorCodes, KeyHeader, OAuthApp
from connectors.sdk.types import Choice

CODES = ErrorCodes(
    find=lambda answer: answer["code"],
    fine=(0,),
    meanings={
        **dict.fromkeys((40001, 40101, 40102, 40104, 40105, 40110), AuthError),
        **dict.fromkeys((40016, 40100, 40133), RateLimited),
        **dict.fromkeys((50000, 50002, 51010, 51305), partial(Unavailable, in_doubt=True)),
    },
    stale=(40102, 40105),
    always=True,
)
TOKEN = Text(
    name="access_token",
    label="Access token",
    help="Of your app in the TikTok API for Business portal, for the advertiser.",
    secret=True,
)
SIGN_IN = Either(
    ways={
        "token": (
            Choice("token", "Long-term access token", "Given by your app when the advertiser authorised it."),
            KeyHeader(key=TOKEN, header="Access-Token", prefix=""),
        ),
        "oauth": (
            Choice("oauth", "Your own app", "A person signs in on TikTok's page."),
            OAuthApp(
                page="https://business-api.tiktok.com/portal/auth",
                tokens="https://business-api.tiktok.com/open_api/v1.3/oauth2/access_token/",
                scopes=(),
                app="TikTok API for Business → My Apps",
                pkce=False,
                prefix="",
                header="Access-Token",
                as_json=True,
                dialect=Dialect(
                    names={
                        "client_id": "app_id",
                        "client_secret": "secret",
                        "code": "auth_code",
                        "grant_type": "",
                        "response_type": "",
                    },
                    inside="data",
                ),
            ),
        ),
    }
)
API = Api(
    base="https://business-api.tiktok.com/open_api/v1.3",
    version="v1.3",
    sign_in=SIGN_IN,
    codes=CODES,
    says=lambda answer: str(answer["message"]),
)
