"""How requests prove who sends them: one small declaration each, with the settings that it needs."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError
from connectors.sdk.fields import Field, KeyValues, Select, Text, When
from connectors.sdk.net import Client, Consent, ConsentTokenSource, Extras, TokenRequest, TokenSource
from connectors.sdk.net.oauth import STANDARD, Dialect
from connectors.sdk.types import Choice

Config = Mapping[str, Any]
NewClient = Callable[[], Client]


@dataclass(frozen=True, slots=True)
class Proof:
    """What goes along with a request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


class Prover(Protocol):
    """Proves each request."""

    @property
    def hint(self) -> str:
        """What a person can do when the service refuses."""

    async def proof(self, client: Client) -> Proof:
        """What the next request needs; may ask the service for a token first."""

    def forget(self, proof: Proof) -> bool:
        """The service refused this proof: whether there can be a newer one."""


class SignIn(ABC):
    """One way to sign in. ``fields`` are the settings it needs."""

    fields: tuple[Field, ...]

    @abstractmethod
    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        """What proves requests with these settings."""

    def secrets(self, config: Config) -> list[str]:
        """Values that must never show."""
        return [str(config[f.name]) for f in self.fields if f.secret and config.get(f.name)]

    def consent(self, config: Config, client: NewClient) -> Consent | None:
        """How a person signs in on the service's own page, where that is how."""
        return None

    @property
    def connects(self) -> When | None:
        """The setting with which people sign in on the service's page."""
        return None


@dataclass(frozen=True)
class _Fixed:
    known: Proof
    hint: str = AuthError.default_hint

    async def proof(self, client: Client) -> Proof:
        return self.known

    def forget(self, proof: Proof) -> bool:
        return False


@dataclass(frozen=True)
class NoSignIn(SignIn):
    """Nobody signs in: the connector puts what the service wants to know where it belongs."""

    fields: tuple[Field, ...] = ()

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        return _Fixed(Proof())


@dataclass(frozen=True, kw_only=True)
class KeyHeader(SignIn):
    """A key in a header: ``Authorization: Bearer …``, ``X-Api-Key: …``."""

    key: Text
    header: str = "Authorization"
    prefix: str = "Bearer "

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # a declaration that others are made of
        return (self.key,)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        return _Fixed(Proof({self.header: f"{self.prefix}{_given(config, self.key)}"}))


@dataclass(frozen=True, kw_only=True)
class KeyInBody(SignIn):
    """A key that the connector itself puts where the service wants it: into the body."""

    key: Text

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        return (self.key,)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        return _Fixed(Proof())


@dataclass(frozen=True, kw_only=True)
class KeyParameter(SignIn):
    """A key in the address: ``?api_token=…``."""

    key: Text
    parameter: str

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        return (self.key,)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        return _Fixed(Proof(query={self.parameter: _given(config, self.key)}))


@dataclass(frozen=True, kw_only=True)
class NamedHeaders(SignIn):
    """Whatever headers a person names."""

    rows: KeyValues

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        return (self.rows,)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        given = config.get(self.rows.name) or ()
        return _Fixed(Proof({str(row["name"]): str(row["value"]) for row in given}))

    def secrets(self, config: Config) -> list[str]:
        return [str(row["value"]) for row in config.get(self.rows.name) or () if row.get("secret")]


@dataclass(frozen=True, kw_only=True)
class Basic(SignIn):
    """User name and password (RFC 7617); either may be fixed instead of a setting: a key with an empty password.

    ``optional``: where no password is set, requests prove nothing.
    """

    user: Text | str
    password: Text | str = ""
    suffix: str = ""  # after the user's name: “/token”
    optional: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        return tuple(f for f in (self.user, self.password) if isinstance(f, Text))

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        if self._nothing(config):
            return _Fixed(Proof())
        user, password = _value(config, self.user) + self.suffix, _value(config, self.password)
        return _Fixed(Proof({"Authorization": basic(user, password)}))

    def _nothing(self, config: Config) -> bool:
        return self.optional and isinstance(self.password, Text) and not config.get(self.password.name)

    def secrets(self, config: Config) -> list[str]:
        if self._nothing(config):
            return []
        pair = basic(_value(config, self.user) + self.suffix, _value(config, self.password))
        return [*super().secrets(config), pair.removeprefix("Basic ")]


@dataclass(frozen=True, kw_only=True)
class ClientCredentials(SignIn):
    """A token for the application itself (RFC 6749, 4.4), renewed when it runs out.

    ``as_json``: asked for in JSON. ``more`` is what the service wants to know besides.
    """

    tokens: str | Callable[[Config], str]
    client_id: Text
    client_secret: Text
    scope: str | Callable[[Config], str] = ""
    in_header: bool = True
    prefix: str = "Bearer"
    header: str = "Authorization"
    as_json: bool = False
    more: Callable[[Config], Mapping[str, str]] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        return (self.client_id, self.client_secret)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        asking = TokenRequest(
            url=_address(self.tokens, config),
            grant="client_credentials",
            client_id=_given(config, self.client_id),
            client_secret=_given(config, self.client_secret),
            scope=_address(self.scope, config),
            in_header=self.in_header,
            as_json=self.as_json,
            extras=Extras(form=self.more(config) if self.more else {}),
        )
        return Tokened(TokenSource(asking, self.prefix), self.header)


@dataclass(frozen=True, kw_only=True)
class OAuthApp(SignIn):
    """A person signs in on the service's page, through the operator's own app there (RFC 6749, 4.1).

    With PKCE (RFC 7636); ``pkce`` is off for services that refuse it of apps with a secret. ``lasting`` names the
    grant that turns a short-lived token into one that lasts, where the service has one. ``header`` takes the token,
    and ``dialect`` says where the service departs from the standard's words.
    """

    page: str | Callable[[Config], str]  # on which a person agrees
    tokens: str | Callable[[Config], str]  # where codes are exchanged for tokens
    scopes: tuple[str, ...]
    app: str  # where the app is made, in the service's words: “HubSpot developer account → Apps”
    parameters: Mapping[str, str] = field(default_factory=dict)
    in_header: bool = False
    prefix: str = "Bearer"
    pkce: bool = True
    scope_of: Callable[[Config], str] | None = None  # what to ask for, where that names the account's own address
    lasting: str = ""
    header: str = "Authorization"
    as_json: bool = False
    dialect: Dialect = STANDARD

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        steps = f"Make an app under {self.app}, with the redirect address shown here"
        scopes = f" and these scopes: {', '.join(self.scopes)}." if self.scopes else "."
        return (
            Text(name="client_id", label="Client ID", help=steps + scopes, redirects=True),
            Text(name="client_secret", label="Client secret", help="Of the same app.", secret=True),
        )

    @property
    def connects(self) -> When | None:
        return When(field="client_id", values=())

    def consent(self, config: Config, client: NewClient) -> Consent:
        asking = TokenRequest(
            url=_address(self.tokens, config),
            grant="authorization_code",
            client_id=str(config.get("client_id") or ""),
            client_secret=str(config.get("client_secret") or ""),
            scope=self.scope_of(config) if self.scope_of else " ".join(self.scopes),
            in_header=self.in_header,
            as_json=self.as_json,
            dialect=self.dialect,
        )
        address = _address(self.page, config)
        return Consent(
            url=address,
            asking=asking,
            client=client,
            parameters=self.parameters,
            pkce=self.pkce,
            lasting=self.lasting,
        )

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        source = ConsentTokenSource(self.consent(config, client), environment.vault, self.prefix)
        return Tokened(source, self.header)


@dataclass(frozen=True, kw_only=True)
class Either(SignIn):
    """One of several ways, chosen by a setting: the operator's own app, or a token where the service has them."""

    ways: Mapping[str, tuple[Choice, SignIn]]
    setting: str = "sign_in"

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]  # as above
        choice = Select(
            name=self.setting,
            label="Sign in with",
            style="cards",
            default=next(iter(self.ways)),
            choices=tuple(choice for choice, _ in self.ways.values()),
        )
        inner = (
            replace(f, when=When(field=self.setting, values=(key,)))
            for key, (_, way) in self.ways.items()
            for f in way.fields
        )
        return (choice, *inner)

    @property
    def connects(self) -> When | None:
        keys = tuple(key for key, (_, way) in self.ways.items() if way.connects is not None)
        return When(field=self.setting, values=keys) if keys else None

    def secrets(self, config: Config) -> list[str]:
        return self._way(config).secrets(config)

    def consent(self, config: Config, client: NewClient) -> Consent | None:
        return self._way(config).consent(config, client)

    def prover(self, config: Config, environment: Environment, client: NewClient) -> Prover:
        return self._way(config).prover(config, environment, client)

    def _way(self, config: Config) -> SignIn:
        chosen = config.get(self.setting) or next(iter(self.ways))
        return self.ways[chosen][1]


class Tokened:
    """Proof by a token that may have to be renewed."""

    def __init__(self, tokens: TokenSource | ConsentTokenSource, header: str = "Authorization") -> None:
        self._tokens = tokens
        self._header = header
        self.hint = tokens.hint

    async def proof(self, client: Client) -> Proof:
        return Proof({self._header: await self._tokens.header(client)})

    def forget(self, proof: Proof) -> bool:
        self._tokens.forget(proof.headers[self._header])
        return True


def basic(user: str, password: str) -> str:
    """The value of an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _value(config: Config, part: Text | str) -> str:
    return _given(config, part) if isinstance(part, Text) else part


def _given(config: Config, declared: Text) -> str:
    value = str(config.get(declared.name) or "").strip()
    if not value and declared.required:
        raise ConfigError(f"{declared.label} is missing.", field=declared.name)
    return value


def _address(told: str | Callable[[Config], str], config: Config) -> str:
    return told if isinstance(told, str) else told(config)
