"""OAuth 2 token requests, and access tokens without a person at hand: client credentials and password grants."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from connectors.sdk.errors import AuthError, InternalError
from connectors.sdk.net.client import Client, merged, parse_url
from connectors.sdk.net.message import Request, Response
from connectors.sdk.net.status import words
from connectors.sdk.tokens import MARGIN_S

# Statuses with which token addresses refuse.
REFUSALS = (400, 401, 403)
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a service wants in a token request beyond the standard; added last, so it may also change that."""

    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the address
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where a service departs from the words of the standard (RFC 6749).

    ``names`` are its own names of parameters by those of the standard; what has an empty one is left out.
    ``inside`` is what in an answer holds the token.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    inside: str = ""

    def told(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Parameters by the service's names."""
        named = ((self.names.get(name, name), value) for name, value in parameters.items())
        return {name: value for name, value in named if name}

    def answer(self, response: Response) -> Any:
        """The part of an answer that has the token, or says why there is none."""
        answer = response.json()
        part = answer.get(self.inside) if self.inside and isinstance(answer, dict) else None
        return part if isinstance(part, dict) and "access_token" in part else answer


STANDARD = Dialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """How to ask for a token. ``in_header``: client id and secret as HTTP Basic, else in the body.
    ``as_json``: the body is JSON, for services that take no form.

    ``refresh_url`` is where refresh tokens are taken to; empty for the same address.
    """

    url: str
    grant: str  # "client_credentials", "password" or "authorization_code"
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    in_header: bool = True
    as_json: bool = False
    extras: Extras = field(default=Extras(), repr=False)
    refresh_url: str = ""
    refresh_extras: Extras = field(default=Extras(), repr=False)
    timeout_s: float = 30.0
    dialect: Dialect = STANDARD

    def request(self) -> Request:
        """The HTTP request that asks for a token."""
        form = {"grant_type": self.grant}
        if self.scope:
            form["scope"] = self.scope
        if self.grant == "password":
            form |= {"username": self.username, "password": self.password}
        return self._request(self.url, form, self.extras)

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> Request:
        """The HTTP request that exchanges the code which a person came back with for tokens (PKCE: with a verifier)."""
        form = {"grant_type": self.grant, "code": code, "redirect_uri": redirect_uri}
        if verifier:
            form["code_verifier"] = verifier
        return self._request(self.url, form, self.extras)

    def lengthen(self, grant: str, token: str) -> Request:
        """The HTTP request that exchanges a short-lived token for one that lasts, by a grant of the service's own."""
        return self._request(self.url, {"grant_type": grant, grant: token}, self.extras)

    def refresh(self, refresh_token: str) -> Request:
        """The HTTP request that exchanges a refresh token for a new access token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._request(self.refresh_url or self.url, form, self.refresh_extras)

    def _request(self, url: str, form: Mapping[str, str], extras: Extras) -> Request:
        headers: dict[str, str] = {}
        client = {"client_id": self.client_id}
        if self.client_secret:  # who signs a statement instead has none
            client["client_secret"] = self.client_secret
        if self.in_header:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
            client = {}
        return self._form(url, {**form, **client}, extras, headers)

    def _form(self, url: str, form: Mapping[str, str], extras: Extras, headers: Mapping[str, str]) -> Request:
        told = {**self.dialect.told(form), **extras.form}
        body = json.dumps(told).encode() if self.as_json else urlencode(told).encode()
        kind = {**_FORM, "Content-Type": "application/json"} if self.as_json else _FORM
        address = str(parse_url(url).update_query(extras.parameters)) if extras.parameters else url
        return Request("POST", address, merged(kind, headers, extras.headers), body, self.timeout_s, private=True)


class TokenSource:
    """Hands out a valid token, asking for a new one only when the old one runs out."""

    hint = AuthError.default_hint

    def __init__(self, asking: TokenRequest, prefix: str = "Bearer") -> None:
        self._asking = asking
        self._prefix = prefix
        self._lock = asyncio.Lock()
        self._token = ""
        self._refresh_token = ""
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
        response = await self._refreshed(client) or await client.send(self._asking.request())
        if response.status in REFUSALS:
            refused = f"No access token was given: {words(response)}"
            raise client.cleaned(AuthError(refused, hint="Check the client ID, secret and scopes."))
        if error := client.error_for(response):
            raise error
        answer = token_answer(response, self._asking.dialect)
        self._token = str(answer["access_token"])
        client.hide(self._token)
        self._expires = time.monotonic() + max(_lifetime(answer) - MARGIN_S, 0.0)
        if isinstance(refresh_token := answer.get("refresh_token"), str):
            self._refresh_token = refresh_token
            client.hide(refresh_token)

    async def _refreshed(self, client: Client) -> Response | None:
        """The answer to a refresh request, or nothing where only asking from the start will do."""
        if not self._refresh_token:
            return None
        response = await client.send(self._asking.refresh(self._refresh_token))
        if response.status in REFUSALS:
            self._refresh_token = ""
            return None
        return response


def token_answer(response: Response, dialect: Dialect = STANDARD) -> dict[str, Any]:
    """The answer that holds a token; raises ``InternalError`` where it holds none."""
    answer = dialect.answer(response)
    if isinstance(answer, dict) and "id_token" in answer:
        answer.setdefault("access_token", answer["id_token"])  # all that is given where an identity was asked for
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise InternalError("The token address answered without an access token.", hint="Check the access token URL.")
    return answer


def _lifetime(answer: Mapping[str, Any]) -> float:
    try:
        return float(answer.get("expires_in") or 3600)
    except (TypeError, ValueError):
        return 3600.0
