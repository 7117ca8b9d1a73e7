"""Talking to AWS and what speaks its protocols: credentials, roles of other accounts, and what each refusal means."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.credentials import (
    AioAssumeRoleCredentialFetcher,
    AioCredentialResolver,
    AioCredentials,
    AioDeferredRefreshableCredentials,
)
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession, get_session
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, RateLimited, Unavailable
from connectors.sdk.fields import Field, Text
from connectors.sdk.net.client import parse_url
from connectors.sdk.net.guard import Guard, is_literal
from connectors.sdk.net.routed import RoutedResolver

_SESSION_NAME = "headrace"
_AMBIENT = "aws_default_credentials"

ACCESS: tuple[Field, ...] = (
    Text(
        name="access_key_id",
        label="Access key ID",
        help="Leave both keys empty to use the machine's own AWS role, where the operator allows that.",
        required=False,
    ),
    Text(name="secret_access_key", label="Secret access key", required=False, secret=True),
    Text(name="session_token", label="Session token", help="For temporary keys only.", required=False, secret=True),
    Text(
        name="role_arn",
        label="Role ARN",
        help="A role that the keys above, or the machine, act in: for resources of another account.",
        placeholder="arn:aws:iam::123456789012:role/headrace",
        required=False,
        pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+",
        pattern_hint="Paste the role's ARN, arn:aws:iam::…:role/….",
        group="Role",
    ),
    Text(
        name="external_id",
        label="External ID",
        help="Only where the role's trust policy asks for one.",
        required=False,
        pattern=r"[\w+=,.@:/-]{2,1224}",
        pattern_hint="2 to 1,224 letters, digits and + = , . @ : / -.",
        group="Role",
    ),
)
# What destinations of AWS ask for; stores that speak S3 have words of their own for the address.
CONNECTION: tuple[Field, ...] = (
    Text(name="region", label="Region", placeholder="eu-central-1", default="us-east-1"),
    *ACCESS,
    Text(
        name="endpoint",
        label="Endpoint",
        help="Address of a private endpoint or of a compatible service; leave empty for the public one of the region.",
        placeholder="https://vpce-1a2b3c4d.sqs.eu-central-1.vpce.amazonaws.com",
        required=False,
        pattern=r"https?://[^\s/?#@]+/?",
        pattern_hint="Begin with https:// and leave out any path and password.",
        group="Network",
    ),
)


class _Session(AIOHTTPSession):  # type: ignore[misc]  # the library is untyped
    """Speaks TLS 1.2 or later, whatever the machine's OpenSSL would agree to."""

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def way_out(environment: Environment, endpoint: str | None) -> dict[str, Any]:
    """How clients make connections: to judged addresses only, through the operator's proxy where there is one.

    For ``AioConfig``. Raises ``ConfigError`` for an endpoint that may not be called. What the machine's own variables
    say about proxies does not count.
    """
    if endpoint:  # an address is not resolved, so it is judged here, and given to the proxy as it is
        url = parse_url(endpoint)
        host, port = url.host or "", url.port or 0
        Guard(environment).check_literal(host, port)
        proxy = environment.proxy
        if proxy is not None and is_literal(host) and proxy.leads_to(host, port):
            return {"http_session_cls": _Session, "proxies": {"http": proxy.url, "https": proxy.url}}
    guarded = {"resolver": RoutedResolver(environment)}
    return {"http_session_cls": _Session, "connector_args": guarded, "proxies": {}}


class Account:
    """The account that a connection's settings name; ``options`` are more for ``AioConfig``."""

    def __init__(self, config: Mapping[str, Any], environment: Environment, **options: Any) -> None:
        self._config = config
        self._environment = environment
        self._options = options

    @asynccontextmanager
    async def client(self, service: str, *, read_s: float = 60.0) -> AsyncIterator[Any]:
        """A client of one service. Its errors are botocore's: see :func:`typed_errors`."""
        session, keys = await self._session()
        async with session.create_client(service, **self._arguments(read_s, **self._options), **keys) as client:
            yield client

    async def keys(self) -> ReadOnlyCredentials:
        """The keys that requests are signed with as they are now, those of the role where one is set."""
        session, given = await self._session()
        if given:
            return ReadOnlyCredentials(*given.values(), *([None] if len(given) < 3 else []))
        found = await session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return await found.get_frozen_credentials()

    async def _session(self) -> tuple[AioSession, dict[str, str]]:
        """Where clients come from, and the keys they are made with."""
        keys = self._keys()
        arn = str(self._config.get("role_arn") or "")
        if not arn:
            return get_session(), keys
        role = Role(arn=arn, external_id=str(self._config.get("external_id") or ""))
        # A compatible store answers for STS at the same address.
        client_of = partial(get_session().create_client, **self._arguments(60.0))
        return await role_session(role, AioCredentials(*keys.values()) if keys else None, client_of), {}

    def _arguments(self, read_s: float, **options: Any) -> dict[str, Any]:
        endpoint = str(self._config.get("endpoint") or "") or None
        settings = {
            "connect_timeout": 10,
            "read_timeout": read_s,
            # Single calls of a long upload are tried again here; the run as a whole is the engine's.
            "retries": {"mode": "standard", "max_attempts": 3},
            **way_out(self._environment, endpoint),
            **options,
        }
        return {
            "region_name": self._config.get("region") or "us-east-1",
            "endpoint_url": endpoint,
            "config": AioConfig(**settings),
        }

    def _keys(self) -> dict[str, str]:
        """The keys that are set, in the order that credentials take them; none for the machine's own."""
        names = {
            "aws_access_key_id": "access_key_id",
            "aws_secret_access_key": "secret_access_key",
            "aws_session_token": "session_token",
        }
        given = {argument: str(self._config[name]) for argument, name in names.items() if self._config.get(name)}
        if "aws_access_key_id" in given and "aws_secret_access_key" in given:
            return given
        if given:
            raise AuthError("Only part of the credentials is set.", hint="Give the access key ID and the secret key.")
        if not self._environment.extra.get(_AMBIENT):
            # The machine's role belongs to the operator, not to everyone who may add a destination.
            raise AuthError("No credentials are set.", hint="Give an access key ID and its secret access key.")
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to act in; ``external_id`` where its trust policy asks for one."""

    arn: str
    external_id: str = ""


async def role_session(role: Role, keys: AioCredentials | None, client_of: Callable[..., Any]) -> AioSession:
    """A session whose clients act in the role, with temporary keys that are renewed before they run out.

    ``keys`` call STS, ``None`` stands for the machine's own; ``client_of`` makes the
    client that does (``AioSession.create_client`` with the address and settings filled in).
    """
    own = keys or await get_session().get_credentials()
    if own is None:
        raise NoCredentialsError
    asked = {"RoleSessionName": _SESSION_NAME}
    if role.external_id:
        asked["ExternalId"] = role.external_id
    fetcher = AioAssumeRoleCredentialFetcher(client_of, own, role.arn, extra_args=asked)
    session = get_session()
    session.register_component("credential_provider", AioCredentialResolver([_InRole(fetcher)]))
    return session


def machine_role_session(role: Role, client_of: Callable[..., Any]) -> AioSession:
    """A session that acts in the role by the machine's own credentials; they are looked up when it is first used."""
    session = get_session()
    session.register_component("credential_provider", AioCredentialResolver([_AsMachine(role, client_of)]))
    return session


class _AsMachine:
    """Finds the machine's credentials, and has them assume the role."""

    METHOD = "assume-role"

    def __init__(self, role: Role, client_of: Callable[..., Any]) -> None:
        self._role = role
        self._client_of = client_of

    async def load(self) -> AioDeferredRefreshableCredentials:
        inner = await role_session(self._role, None, self._client_of)
        return await inner.get_credentials()


class _InRole:
    """The only place where such a session looks for credentials."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AioAssumeRoleCredentialFetcher) -> None:
        self._fetcher = fetcher

    async def load(self) -> AioDeferredRefreshableCredentials:
        return AioDeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


_AUTH_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "ExpiredToken", "ExpiredTokenException"}
    | {"InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "MissingAuthenticationToken"}
    | {"NotAuthorized", "SignatureDoesNotMatch", "UnrecognizedClientException", "KMS.AccessDeniedException"}
)
_BUSY_CODES = frozenset(
    {"LimitExceededException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled"}
    | {"SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
)
Refusal = Callable[[ClientError], ConnectorError]


@contextlib.contextmanager
def typed_errors(refused: Refusal, *, field: str = "") -> Iterator[None]:
    """Inside, botocore's errors become typed ones; ``field`` is the setting to blame for malformed parameters."""
    try:
        yield
    except ClientError as error:
        raise refused(error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise AuthError(str(error)) from error
    except (ParamValidationError, ValueError) as error:
        raise ConfigError(str(error), field=field) from error
    except SSLError as error:
        raise AuthError(f"The TLS connection was refused: {error}") from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise _unreachable(error) from error


def told(error: ClientError) -> tuple[str, int, str]:
    """Code, HTTP status and words of a refusal."""
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return code, status, f"{code}: {answer.get('Error', {}).get('Message', '')}".strip(": ")


def refusal(error: ClientError, rights: str, *, gone: Mapping[str, str] | None = None) -> ConnectorError:
    """What a refusal means. ``rights``: what the key needs; ``gone``: codes for what is missing, each with a hint."""
    code, status, message = told(error)
    if gone and code in gone:
        return Gone(message, hint=gone[code])
    if error.operation_name == "AssumeRole" and status in (400, 401, 403):
        return AuthError(message, hint="The role must trust these credentials, with this external ID if it has one.")
    if code in _AUTH_CODES or status in (401, 403):
        return AuthError(message, hint=rights)
    if code in _BUSY_CODES or status == 429:
        return RateLimited(message)
    if status >= 500 or code in ("RequestTimeout", "RequestTimeTooSkewed"):
        return Unavailable(message, in_doubt=status >= 500)
    return ConfigError(message)


def _unreachable(error: Exception) -> ConnectorError:
    """The guard's own refusal where it lies beneath, else that nobody answered."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectorError):
            return cause
        cause = cause.__cause__ or cause.__context__
    in_doubt = isinstance(error, ReadTimeoutError | ConnectionClosedError)
    return Unavailable(f"The service could not be reached: {error}", in_doubt=in_doubt)
