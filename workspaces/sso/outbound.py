"""Requests to an organization's identity provider, through the same guarded client as connectors use."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from config.outbound import proxy
from connectors.sdk.context import Environment
from connectors.sdk.errors import ConnectorError
from connectors.sdk.net import Client, Request, Response
from workspaces.sso.diagnosis import SignInFailed

TIMEOUT_S = 10.0


def fetch(url: str) -> bytes:
    """The body of an address; raises :class:`SignInFailed` where there is none."""
    answer = _send(Request("GET", url, {"Accept": "application/json, application/xml, */*"}, timeout_s=TIMEOUT_S))
    if not answer.ok or answer.truncated:
        raise SignInFailed("unreachable", words=f"{url} answered {answer.status}.")
    return answer.body


def fetch_json(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at an address."""
    answer = _send(Request("GET", url, {"Accept": "application/json", **(headers or {})}, timeout_s=TIMEOUT_S))
    return _object(answer, url)


def post_form(url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Status and JSON answer of a form; neither body is ever traced."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if basic is not None:
        pair = ":".join(quote(part, safe="") for part in basic)
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    answer = _send(Request("POST", url, headers, urlencode(form).encode(), timeout_s=TIMEOUT_S, private=True))
    return answer.status, _object(answer, url, any_status=True)


def _object(answer: Response, url: str, *, any_status: bool = False) -> dict[str, Any]:
    if not (answer.ok or any_status):
        raise SignInFailed("unreachable", words=f"{url} answered {answer.status}: {answer.sample()}")
    try:
        found = answer.json()
    except ConnectorError as error:
        raise SignInFailed("unreachable", words=error.message) from None
    if not isinstance(found, dict):
        raise SignInFailed("unreachable", words=f"{url} did not answer with a JSON object.")
    return found


def _send(request: Request) -> Response:
    allowed = Environment(outbound_allow=tuple(settings.OUTBOUND_ALLOW), proxy=proxy())

    async def exchange() -> Response:
        async with Client(allowed) as client:
            return await client.send(request)

    try:
        return asyncio.run(exchange())
    except ConnectorError as error:
        raise SignInFailed("unreachable", words=f"{error.message} {error.hint}".strip()) from None
