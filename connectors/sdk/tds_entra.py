"""Access tokens of Microsoft Entra for databases: an app's own, by its secret or by its certificate."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jwt

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, FileUpload, Text, When
from connectors.sdk.net import Extras, TokenRequest, TokenSource
from connectors.sdk.net.doors import run
from connectors.sdk.rest.api import Api
from connectors.sdk.rest.blocking import opened
from connectors.sdk.rest.sign_in import ClientCredentials, Config, NewClient, Prover, SignIn, Tokened

SECRET, CERTIFICATE = "client_secret", "certificate"
SCOPE = "https://database.windows.net/.default"
_LASTS_S = 600
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EITHER = When(field="login", values=(SECRET, CERTIFICATE))
_BY_CERTIFICATE = When(field="login", values=(CERTIFICATE,))
_TENANT = Text(
    name="tenant_id",
    label="Tenant ID",
    help="Also called directory ID; in Microsoft Entra on the app's overview page.",
    pattern=r"[A-Za-z0-9.\-]+",
    pattern_hint="An ID such as 8b2c…, or a domain of the tenant.",
    max_length=200,
    when=_EITHER,
)
_CLIENT = Text(name="client_id", label="Client ID", help="Also called application ID.", max_length=100, when=_EITHER)
_SECRET = Text(
    name="client_secret",
    label="Client secret",
    help="The secret's value, not its ID. Entra shows it once, when the secret is made.",
    secret=True,
    max_length=500,
    when=When(field="login", values=(SECRET,)),
)
_THUMBPRINT = Text(
    name="thumbprint",
    label="Certificate thumbprint",
    help="As Entra lists it beside the app's certificate.",
    pattern=r"[0-9A-Fa-f: ]{40,64}",
    pattern_hint="40 hexadecimal digits.",
    max_length=64,
    when=_BY_CERTIFICATE,
)
_KEY = FileUpload(
    name="private_key",
    label="Private key",
    help="Of that certificate: a PEM file with its BEGIN and END lines, without a pass phrase.",
    secret=True,
    accept=".pem,.key",
    max_bytes=20_000,
    when=_BY_CERTIFICATE,
)
TENANT: tuple[Field, ...] = (_TENANT, _CLIENT, _SECRET, _THUMBPRINT, _KEY)


def _address(config: Config) -> str:
    return f"https://login.microsoftonline.com/{config.get('tenant_id') or ''}/oauth2/v2.0/token"


@dataclass(frozen=True)
class _Certified(SignIn):
    """A signed statement in place of a secret (RFC 7523)."""

    fields: tuple[Field, ...] = (_CLIENT, _KEY)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        asking = TokenRequest(
            url=_address(config),
            grant="client_credentials",
            client_id=str(config.get("client_id") or ""),
            client_secret="",
            scope=SCOPE,
            in_header=False,
            extras=Extras(form={"client_assertion_type": _ASSERTION, "client_assertion": _assertion(config)}),
        )
        return Tokened(TokenSource(asking))


def _assertion(config: Config) -> str:
    now, client = int(time.time()), str(config.get("client_id") or "")
    claims = {"aud": _address(config), "iss": client, "sub": client, "jti": str(uuid.uuid4())}
    times = {"nbf": now - 60, "iat": now, "exp": now + _LASTS_S}
    try:
        thumbprint = bytes.fromhex(str(config.get("thumbprint") or "").replace(":", ""))
        named = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
        return jwt.encode({**claims, **times}, str(config.get("private_key")), "RS256", headers={"x5t": named})
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise ConfigError(
            "The private key cannot be read, or the thumbprint is none.",
            field="private_key",
            hint="Upload the unencrypted RSA key as a PEM file, with its BEGIN and END lines.",
        ) from error


_APIS = {
    SECRET: Api(
        base="https://login.microsoftonline.com",
        sign_in=ClientCredentials(
            tokens=_address, client_id=_CLIENT, client_secret=_SECRET, scope=SCOPE, in_header=False
        ),
    ),
    CERTIFICATE: Api(base="https://login.microsoftonline.com", sign_in=_Certified()),
}


def token(way: str, config: Mapping[str, Any], environment: Environment) -> str:
    """A token for databases. A tunnel leads to the database alone, so the token is fetched without it."""
    with opened(_APIS[way], config, replace(environment, tunnel=None), connections=1) as line:
        return run(line.token())
