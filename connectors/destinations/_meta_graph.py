"""What Meta's Graph API has in common: version, errors, pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from connectors.sdk.errors import AuthError, ConnectorError, RateLimited, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.rest import Api, ErrorCodes, KeyHeader
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


CODES = ErrorCodes(
    find=lambda answer: at(answer, "error.error_subcode") if _is_terms(answer) else at(answer, "error.code"),
    meanings={
        1: Unavailable,
        2: Unavailable,
        10: AuthError,
        102: AuthError,
        190: AuthError,
        200: AuthError,
        1870034: _with_hint(TERMS),
        1870090: _with_hint(TERMS),
        **dict.fromkeys(_TOO_MANY, RateLimited),
    },
)


def _is_terms(answer: Any) -> bool:
    return at(answer, "error.error_subcode") in (1870034, 1870090)


def graph(token: str, help_: str, *, test: tuple[str, str] | None = None) -> Api:
    """The Graph API with a token in the header."""
    return Api(
        base=f"https://graph.facebook.com/{VERSION}",
        version=VERSION,
        sign_in=KeyHeader(key=Text(name="access_token", label=token, help=help_, secret=True)),
        test=test,
        codes=CODES,
        says=says,
    )


def next_page(answer: Any) -> dict[str, str] | None:
    """The cursor of the next page; the address that Meta gives holds the token and is not used."""
    after = at(answer, "paging.cursors.after")
    return {"after": after} if after and at(answer, "paging.next") else None
