"""Google's services: a person signs in through the operator's own app, or a service account signs for itself,
with a key of the connection's own or one that the workspace keeps.

Service accounts: https://developers.google.com/identity/protocols/oauth2/service-account (RFC 7523).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jwt

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import GCP_CREDENTIAL, Field, FileUpload
from connectors.sdk.net import Request, TokenRequest, TokenSource
from connectors.sdk.rest.sign_in import Config, Either, NewClient, OAuthApp, Prover, SignIn, Tokened
from connectors.sdk.types import Choice

TOKENS = "https://oauth2.googleapis.com/token"
PAGE = "https://accounts.google.com/o/oauth2/v2/auth"
LASTS_S = 3_600
_WRONG = "This is not the JSON key of a service account."
_NEW_KEY = "Make a new key of the type JSON."


def google(*scopes: str) -> Either:
    """All ways, for these scopes."""
    return Either(
        ways={
            "service_account": (
                Choice("service_account", "Service account", "A key of your Google Cloud project; nobody signs in."),
                ServiceAccount(scopes=scopes),
            ),
            "credential": (
                Choice("credential", "Stored credential", "A service account that this workspace keeps."),
                StoredAccount(scopes=scopes),
            ),
            "oauth": (
                Choice("oauth", "Your own OAuth app", "A person signs in on Google's page."),
                OAuthApp(
                    page=PAGE,
                    tokens=TOKENS,
                    scopes=scopes,
                    app="Google Cloud console → APIs & Services → Credentials → OAuth client ID (Web application)",
                    # Only with both does Google hand out refresh tokens every time.
                    parameters={"access_type": "offline", "prompt": "consent"},
                ),
            ),
        }
    )


@dataclass(frozen=True, kw_only=True)
class ServiceAccount(SignIn):
    """The key of a service account signs a request for a token, which lasts an hour.

    With ``audience``, the address of a person's own function or service, it is a token that says who calls it.
    """

    scopes: tuple[str, ...] = ()
    audience: Callable[[Config], str] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # a declaration that others are made of
        return (
            FileUpload(
                name="service_account_key",
                label="Service account key",
                help="The JSON file that Google Cloud gave you when you made the key. P12 keys are not taken.",
                accept=".json,application/json",
                max_bytes=20_000,
                secret=True,
            ),
        )

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        asking = SignedRequest.of(service_account(config), " ".join(self.scopes))
        if self.audience is not None:
            asking = replace(asking, audience=self.audience(config))
        return Tokened(TokenSource(asking))

    def secrets(self, config: Config) -> list[str]:
        told = str(config.get("service_account_key") or "")
        try:
            key = json.loads(told)
        except ValueError:
            return [told] if told else []
        private = str(key.get("private_key") or "") if isinstance(key, Mapping) else ""
        return [secret for secret in (told, private) if secret]


@dataclass(frozen=True, kw_only=True)
class StoredAccount(ServiceAccount):
    """The same, with a key that the workspace keeps for all its connections."""

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        return (replace(GCP_CREDENTIAL, required=True, group=""),)


def service_account(config: Config) -> Mapping[str, Any]:
    """The key in the settings; raises ``ConfigError`` where it is none."""
    try:
        key = json.loads(str(config.get("service_account_key") or ""))
    except ValueError as error:
        raise ConfigError(_WRONG, field="service_account_key", hint=_NEW_KEY) from error
    # A key that names another place for tokens would have Headrace call it.
    if not isinstance(key, Mapping) or key.get("token_uri") != TOKENS:
        raise ConfigError(_WRONG, field="service_account_key", hint=_NEW_KEY)
    if not all(isinstance(key.get(name), str) for name in ("client_email", "private_key")):
        raise ConfigError(_WRONG, field="service_account_key", hint=_NEW_KEY)
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest(TokenRequest):
    """Asks for a token with a statement that the account's private key signs anew each time."""

    private_key: str = field(repr=False)
    key_id: str = ""
    audience: str = ""

    @classmethod
    def of(cls, key: Mapping[str, Any], scope: str) -> SignedRequest:
        """The request of this account for these scopes."""
        return cls(
            url=TOKENS,
            grant="urn:ietf:params:oauth:grant-type:jwt-bearer",
            client_id=key["client_email"],
            client_secret="",
            scope=scope,
            private_key=key["private_key"],
            key_id=str(key.get("private_key_id") or ""),
        )

    def request(self) -> Request:
        now = int(time.time())
        wanted = {"target_audience": self.audience} if self.audience else {"scope": self.scope}
        claims = {"iss": self.client_id, **wanted, "aud": self.url, "iat": now, "exp": now + LASTS_S}
        try:
            signed = jwt.encode(claims, self.private_key, algorithm="RS256", headers={"kid": self.key_id})
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise ConfigError("The private key in the file cannot be read.", field="service_account_key") from error
        return self._form(self.url, {"grant_type": self.grant, "assertion": signed}, self.extras, {})
