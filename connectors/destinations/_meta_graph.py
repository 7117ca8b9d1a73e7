"""What Meta's Graph API has in common: version, errors, pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from connectors.sdk.errors import AuthError, ConnectorError, Gone, RateLimited, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.rest import Api, ErrorCodes, KeyHeader, SignIn
from connectors.sdk.rest.api import at

VERSION = "v24.0"
TERMS = "Accept the terms for custom audiences in Ads Manager (Audiences → Create audience), then run again."
_TOO_MANY = (4, 17, 32, 613, 80000, 80003, 80004, 80014)


def says(answer: Any) -> str:
    """The explanation for people where there is one, else the message for developers."""
    error = answer["error"]
    return str(error.get("error_user_msg") or error["message"])


def _with_hint(hint: str) -> Callable[[str], ConnectorError]:
    return partial(AuthError, hint=hint)


# Subcodes that say more than their code does.
_TELLING = {
    1870034: _with_hint(TERMS),
    1870090: _with_hint(TERMS),
    1870145: Unavailable,  # the audience is being replaced, or filled
    1870159: Gone,  # this replacement is over
}
CODES = ErrorCodes(
    find=lambda answer: at(answer, "error.error_subcode") if _tells(answer) else at(answer, "error.code"),
    meanings={
        1: Unavailable,
        2: Unavailable,
        10: AuthError,
        102: AuthError,
        190: AuthError,
        200: AuthError,
        **_TELLING,
        **dict.fromkeys(_TOO_MANY, RateLimited),
    },
    stale=(190,),
)


def _tells(answer: Any) -> bool:
    return at(answer, "error.error_subcode") in _TELLING


def token(label: str, help_: str) -> KeyHeader:
    """Signing in with a token that a person pastes."""
    return KeyHeader(key=Text(name="access_token", label=label, help=help_, secret=True))


def graph(sign_in: SignIn, *, test: tuple[str, str] | None = None) -> Api:
    """The Graph API with a token in the header."""
    return Api(
        base=f"https://graph.facebook.com/{VERSION}",
        version=VERSION,
        sign_in=sign_in,
        test=test,
        codes=CODES,
        says=says,
    )


def next_page(answer: Any) -> dict[str, str] | None:
    """The cursor of the next page; the address that Meta gives holds the token and is not used."""
    after = at(answer, "paging.cursors.after")
    return {"after": after} if after and at(answer, "paging.next") else None
