"""OAuth 2 access tokens without a person at hand: client credentials and password grants."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from connectors.sdk.errors import AuthError, InternalError
from connectors.sdk.net.client import Client
from connectors.sdk.net.message import Request, Response
from connectors.sdk.net.status import words

# A token is renewed this long before it runs out, so that it does not expire on the way.
_MARGIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """How to ask for a token. ``in_header``: client id and secret as HTTP Basic, else in the body."""

    url: str
    grant: str  # "client_credentials" or "password"
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    in_header: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0

    def request(self) -> Request:
        """The HTTP request that asks for a token."""
        form = {"grant_type": self.grant, **self.extra}
        if self.scope:
            form["scope"] = self.scope
        if self.grant == "password":
            form |= {"username": self.username, "password": self.password}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.in_header:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        return Request("POST", self.url, headers, urlencode(form).encode(), self.timeout_s, private=True)


class TokenSource:
    """Hands out a valid token, asking for a new one only when the old one runs out."""

    def __init__(self, asking: TokenRequest, prefix: str = "Bearer") -> None:
        self._asking = asking
        self._prefix = prefix
        self._lock = asyncio.Lock()
        self._token = ""
        self._expires = 0.0

    async def header(self, client: Client) -> str:
        """The value for the ``Authorization`` header."""
        async with self._lock:
            if not self._token or time.monotonic() >= self._expires:
                await self._renew(client)
            return f"{self._prefix} {self._token}".strip()

    def forget(self, header: str) -> None:
        """Drop a token that was refused, unless it has been renewed since."""
        if header.endswith(self._token):
            self._token = ""

    async def _renew(self, client: Client) -> None:
        response = await client.send(self._asking.request())
        if response.status in (400, 401, 403):
            raise AuthError(
                f"No access token was given: {words(response)}", hint="Check the client ID, secret and scopes."
            )
        if error := client.error_for(response):
            raise error
        answer = _answer(response)
        self._token = str(answer["access_token"])
        client.hide(self._token)
        self._expires = time.monotonic() + max(_lifetime(answer) - _MARGIN_S, 0.0)


def _answer(response: Response) -> dict[str, Any]:
    answer = response.json()
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise InternalError("The token address answered without an access token.", hint="Check the access token URL.")
    return answer


def _lifetime(answer: Mapping[str, Any]) -> float:
    try:
        return float(answer.get("expires_in") or 3600)
    except (TypeError, ValueError):
        return 3600.0
