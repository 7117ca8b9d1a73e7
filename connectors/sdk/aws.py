"""Sessions of the AWS client that act in a role, which may be of another account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiobotocore.credentials import (
    AioAssumeRoleCredentialFetcher,
    AioCredentialResolver,
    AioCredentials,
    AioDeferredRefreshableCredentials,
)
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import NoCredentialsError

from connectors.sdk.context import Environment
from connectors.sdk.net.client import parse_url
from connectors.sdk.net.guard import Guard, is_literal
from connectors.sdk.net.routed import RoutedResolver

_SESSION_NAME = "headrace"


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
            return {"proxies": {"http": proxy.url, "https": proxy.url}}
    return {"connector_args": {"resolver": RoutedResolver(environment)}, "proxies": {}}


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
