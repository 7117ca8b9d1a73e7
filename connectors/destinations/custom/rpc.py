"""JSON-RPC 2.0 over HTTP (jsonrpc.org/specification): one call a request, and what each refusal means."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from connectors.sdk.errors import BatchRejected, ConfigError, ConnectorError, Gone, InternalError, Unavailable
from connectors.sdk.fields import KeyValues, Text
from connectors.sdk.net import Response
from connectors.sdk.rest import Api
from connectors.sdk.rest.api import Line
from connectors.sdk.rest.sign_in import NamedHeaders

_NO_METHOD, _INTERNAL = -32601, -32603
_OF_THE_SERVER = range(-32099, -31999)

URL = Text(
    name="url",
    label="Address",
    help="Where your JSON-RPC server takes calls.",
    placeholder="https://connector.example.com/rpc",
    pattern=r"https?://[^\s/?#@]+(?:/[^\s?#]*)?",
    pattern_hint="Begin with https:// and leave out the query, user names and passwords.",
)
HEADERS = KeyValues(
    name="headers",
    label="Headers",
    help="Sent with every call, so that your server knows who calls. Secret values are encrypted and never shown "
    "again.",
    secret_rows=True,
)


class NoMethod(ConfigError):
    """The server has no such method."""


def _refused(response: Response, message: str) -> ConnectorError:
    """What a status means where the server puts errors of calls under one, and where it is about HTTP."""
    try:
        answer = response.json()
    except InternalError:
        answer = None
    if isinstance(answer, Mapping) and isinstance(answer.get("error"), Mapping):
        return _meaning(answer["error"])
    if response.status == 404:
        return Gone(message, hint="Check the address: no JSON-RPC server takes calls there.")
    return BatchRejected(message) if response.status == 400 else Unavailable(message, in_doubt=True)


API = Api(
    base=lambda config: str(config.get("url") or ""),
    sign_in=NamedHeaders(rows=HEADERS),
    errors=dict.fromkeys((400, 404, 500), _refused),
)


class Rpc:
    """Calls of one server."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._numbers = count(1)

    async def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """The result of a call; :class:`NoMethod` where the server does not have it."""
        number = next(self._numbers)
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": method}
        if params is not None:
            body["params"] = params
        answer = await self._line.post(str(self._line.config["url"]), body)
        if not isinstance(answer, Mapping) or answer.get("id") not in (number, None):
            raise InternalError(f"The answer to {method} is none of JSON-RPC 2.0: {str(answer)[:200]}.")
        if isinstance(answer.get("error"), Mapping):
            raise self._line.cleaned(_meaning(answer["error"]))
        if "result" not in answer:
            raise InternalError(f"The answer to {method} has neither a result nor an error.")
        return answer["result"]

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """As :meth:`call`, for methods that a server may leave out: ``None`` then."""
        try:
            return await self.call(method, params)
        except NoMethod:
            return None


def _meaning(error: Mapping[str, Any]) -> ConnectorError:
    code = error.get("code")
    data = error.get("data")
    words = " ".join(str(part) for part in (error.get("message"), data) if isinstance(part, str) and part)
    message = f"{code}: {words}" if words else f"The server answered the error {code}."
    if code == _NO_METHOD:
        return NoMethod(message, hint="Give your server this method.")
    if code == _INTERNAL or (isinstance(code, int) and code in _OF_THE_SERVER):
        return Unavailable(message, in_doubt=True, hint="Look into the log of your server.")
    return BatchRejected(message)
