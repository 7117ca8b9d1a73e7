"""How requests sign in: the settings for OAuth 2, and what hands out its access tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError
from connectors.sdk.fields import Field, KeyValues, Section, Select, Text, When
from connectors.sdk.net import Client, Consent, ConsentTokenSource, Extras, TokenRequest, TokenSource
from connectors.sdk.types import Choice

_ADDRESS = r"https?://[^\s/?#@]+(?:[/?][^\s#]*)?"
_ADDRESS_HINT = "Begin with https:// and leave out user names and passwords."


_BY_PERSON = When(field="grant", values=("authorization_code",))
CONNECTS = When(field="oauth.grant", values=_BY_PERSON.values)


def _extras(prefix: str, request: str) -> tuple[Field, ...]:
    """What is added to the token request, or (with ``prefix``) to the refresh request."""
    return (
        KeyValues(
            name=f"{prefix}extra",
            label=f"Body of the {request}",
            help="Added to the form that is sent.",
            secret_rows=True,
        ),
        KeyValues(
            name=f"{prefix}headers",
            label=f"Headers of the {request}",
            help="Added to its headers.",
            secret_rows=True,
        ),
        KeyValues(
            name=f"{prefix}parameters",
            label=f"URL parameters of the {request}",
            help="Added to its address.",
            secret_rows=True,
        ),
    )


OAUTH = Section(
    name="oauth",
    label="OAuth 2",
    help="Headrace fetches an access token and sends it in the Authorization header.",
    group="Sign-in",
    fields=(
        Select(
            name="grant",
            label="Grant type",
            default="client_credentials",
            choices=(
                Choice("authorization_code", "Authorization code"),
                Choice("client_credentials", "Client credentials"),
                Choice("password", "Password"),
            ),
        ),
        Text(
            name="auth_url",
            label="Authorization URL",
            help="The service's page on which a person agrees.",
            placeholder="https://example.com/oauth/authorize",
            pattern=_ADDRESS,
            pattern_hint=_ADDRESS_HINT,
            when=_BY_PERSON,
            redirects=True,
        ),
        Text(
            name="token_url",
            label="Access token URL",
            placeholder="https://api.example.com/oauth/token",
            pattern=_ADDRESS,
            pattern_hint=_ADDRESS_HINT,
        ),
        Text(name="client_id", label="Client ID"),
        Text(name="client_secret", label="Client secret", secret=True),
        Text(name="username", label="User name", when=When(field="grant", values=("password",))),
        Text(name="password", label="Password", secret=True, when=When(field="grant", values=("password",))),
        Text(name="scope", label="Scopes", required=False, help="Separated by spaces."),
        Text(
            name="prefix",
            label="Header prefix",
            required=False,
            default="Bearer",
            help="Written before the token in the Authorization header.",
        ),
        Select(
            name="client_authentication",
            label="Send client ID and secret",
            default="header",
            choices=(Choice("header", "In the header"), Choice("body", "In the request body")),
        ),
        KeyValues(
            name="auth_parameters",
            label="URL parameters of the authorization request",
            help="Added to the authorization URL, such as access_type=offline where a service gives refresh tokens "
            "only then.",
            when=_BY_PERSON,
        ),
        *_extras("", "token request"),
        Text(
            name="refresh_url",
            label="Refresh token URL",
            required=False,
            help="Where a refresh token is exchanged, if the service gives one; empty for the access token URL.",
            placeholder="https://api.example.com/oauth/refresh",
            pattern=_ADDRESS,
            pattern_hint=_ADDRESS_HINT,
        ),
        *_extras("refresh_", "refresh request"),
    ),
)


class SignIn(Protocol):
    """Hands out access tokens. ``hint`` says what a person can do when they are refused."""

    hint: str

    async def header(self, client: Client) -> str:
        """The value for the ``Authorization`` header."""

    def forget(self, header: str) -> None:
        """Renew a token that was refused, unless it has been renewed since."""


def sign_in_of(
    oauth: Mapping[str, Any] | None, environment: Environment, client: Callable[[], Client]
) -> SignIn | None:
    """What signs requests in, if anything was set; ``client`` makes a line for token requests."""
    if not oauth:
        return None
    prefix = oauth.get("prefix") or ""
    if consent := consent_of(oauth, client):
        return ConsentTokenSource(consent, environment.vault, prefix)
    return TokenSource(_asking(oauth), prefix)


def consent_of(oauth: Mapping[str, Any] | None, client: Callable[[], Client]) -> Consent | None:
    """How a person signs in, where the grant needs one."""
    if not oauth or oauth.get("grant") not in _BY_PERSON.values:
        return None
    parameters = pairs(oauth.get("auth_parameters"))
    return Consent(url=oauth["auth_url"], asking=_asking(oauth), client=client, parameters=parameters)


def secrets_of(oauth: Mapping[str, Any] | None) -> Iterator[str]:
    """Values of the section that must never show."""
    oauth = oauth or {}
    lists = (oauth.get(f"{prefix}{name}") for prefix in ("", "refresh_") for name in ("extra", "headers", "parameters"))
    yield from (str(row["value"]) for rows in lists for row in rows or () if row.get("secret"))
    yield from (str(oauth[name]) for name in ("client_secret", "password") if oauth.get(name))


def pairs(rows: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """Rows of names and values as a mapping."""
    return {row["name"]: str(row["value"]) for row in rows or ()}


def _asking(oauth: Mapping[str, Any]) -> TokenRequest:
    if not oauth.get("client_secret"):
        raise AuthError("The client secret is missing.")
    return TokenRequest(
        url=oauth["token_url"],
        grant=oauth.get("grant") or "client_credentials",
        client_id=oauth["client_id"],
        client_secret=oauth["client_secret"],
        scope=oauth.get("scope") or "",
        username=oauth.get("username") or "",
        password=oauth.get("password") or "",
        in_header=oauth.get("client_authentication", "header") == "header",
        extras=_added(oauth, ""),
        refresh_url=oauth.get("refresh_url") or "",
        refresh_extras=_added(oauth, "refresh_"),
    )


def _added(oauth: Mapping[str, Any], prefix: str) -> Extras:
    return Extras(
        headers=pairs(oauth.get(f"{prefix}headers")),
        parameters=pairs(oauth.get(f"{prefix}parameters")),
        form=pairs(oauth.get(f"{prefix}extra")),
    )
