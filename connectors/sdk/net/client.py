"""The one door through which connectors speak HTTP.

It sends exactly what it is given, once: waiting, retrying and rate limits are the
engine's. It refuses private addresses, follows no redirect, caps answers, and
records each exchange for the debugger with secrets taken out.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from yarl import URL

from connectors.sdk import pace, trace
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.net.guard import Guard
from connectors.sdk.net.message import Request, Response
from connectors.sdk.net.redaction import MASK, Redactor
from connectors.sdk.net.routed import connector_for
from connectors.sdk.net.status import ErrorMaker, error_for
from connectors.sdk.net.tls import Tls, ssl_context
from connectors.sdk.net.wire import Wire

CONNECT_TIMEOUT_S = 10.0
MAX_RESPONSE_BYTES = 2_000_000
MAX_TRACED_CHARS = 100_000
_PORTS = {"http": 80, "https": 443}
E = TypeVar("E", bound=ConnectorError)


class Client:
    """A pool of connections for one run or check; an async context manager.

    ``secrets`` are values that must never show in traces or errors. ``longest_s`` bounds
    every request, those for tokens included, whatever patience it brings itself.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        tls: Tls | None = None,
        secrets: Iterable[str] = (),
        connections: int = 100,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        longest_s: float = math.inf,
    ) -> None:
        self._environment = environment
        self._guard = Guard(environment)
        self._tls = tls
        self._redactor = Redactor(secrets)
        self._connections = connections
        self._max_response_bytes = max_response_bytes
        self._longest_s = longest_s
        self._wire: Wire | None = None

    async def __aenter__(self) -> Self:
        options: dict[str, Any] = {"limit": self._connections, "ssl": ssl_context(self._tls)}
        self._wire = Wire(connector_for(self._environment, **options), "Headrace")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    def hide(self, secret: str) -> None:
        """Keep a value that was learnt on the way (a token) out of traces and errors too."""
        self._redactor = self._redactor.with_secret(secret)

    def error_for(self, response: Response, overrides: Mapping[int, ErrorMaker] | None = None) -> ConnectorError | None:
        """The error that an answer stands for (see :mod:`~connectors.sdk.net.status`), without secrets in its words."""
        error = error_for(response, overrides)
        return self.cleaned(error) if error else None

    def without_secrets(self, words: str) -> str:
        """The words with secrets taken out."""
        return self._redactor.text(words)

    def cleaned(self, error: E) -> E:
        """The error without secrets in its words."""
        error.message = self._redactor.text(error.message)
        error.args = (error.message,)
        return error

    async def send(self, request: Request) -> Response:
        """Send once and return the answer, whatever its status.

        Raises ``ConfigError`` for an address that may not be called, ``AuthError`` where
        the certificates do not satisfy, ``Unavailable`` where no usable answer came.
        """
        await pace.wait_for_turn()
        if request.timeout_s > self._longest_s:
            request = replace(request, timeout_s=self._longest_s)
        started, clock = datetime.now(UTC), time.perf_counter()
        try:
            response = await self._exchange(request)
        except ConnectorError as error:
            self._record(request, None, self.cleaned(error).message, started, clock)
            raise
        except asyncio.CancelledError:
            self._record(request, None, "Cancelled before an answer came.", started, clock)
            raise
        self._record(request, response, "", started, clock)
        return response

    async def _exchange(self, request: Request) -> Response:
        if self._wire is None:
            raise RuntimeError("The client is used outside its context.")
        url = self._way(_as_written(request.url))
        if self._environment.tunnel is None:
            self._guard.check_literal(url.host or "", url.port or 0)
        if trace.withheld():
            raise Unavailable("Not sent: this is a preview.")
        try:
            answer = await self._wire.exchange(
                request.method,
                url,
                request.headers,
                request.body,
                timeout=_timeout(request.timeout_s),
                most_bytes=self._max_response_bytes,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _failure(error, request) from error
        return Response(answer.status, answer.headers, answer.body, request.url, answer.truncated)

    def _way(self, url: URL) -> URL:
        """The address to call: another origin's where the operator says so."""
        routes = self._environment.routes
        if not routes or not (instead := routes.get(str(url.origin()))):
            return url
        return URL(instead).join(url.relative())

    def _record(self, request: Request, response: Response | None, error: str, started: datetime, clock: float) -> None:
        if not trace.wanted():
            return
        redact = self._redactor
        trace.record(
            trace.Exchange(
                started_at=started,
                duration_ms=(time.perf_counter() - clock) * 1000,
                method=request.method,
                target=redact.address(request.url),
                status=response.status if response else None,
                request_headers=redact.headers(request.headers),
                request_body=MASK if request.private else _shown(redact, request.body),
                response_headers=redact.headers(response.headers) if response else (),
                response_body=_answer(redact, request, response),
                error=error,
            )
        )


def _answer(redact: Redactor, request: Request, response: Response | None) -> str:
    if response is None:
        return ""
    return MASK if request.private else _shown(redact, response.body)


def _shown(redact: Redactor, body: bytes) -> str:
    # Redacted before it is trimmed: a secret cut in half would no longer be found.
    text = redact.text(body[: MAX_TRACED_CHARS * 5].decode("utf-8", "replace"))
    return text if len(text) <= MAX_TRACED_CHARS else text[:MAX_TRACED_CHARS] + "…"


@lru_cache(maxsize=64)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_TIMEOUT_S, seconds))


@lru_cache(maxsize=1024)
def parse_url(text: str) -> URL:
    """An absolute http(s) address; raises ``ConfigError`` that says what is wrong with it."""
    try:
        url = URL(text)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"“{text[:200]}” is not a web address.", field="url") from error
    if url.scheme not in _PORTS or not url.host:
        raise ConfigError(f"“{text[:200]}” is not a web address.", field="url", hint="Begin with https://.")
    if url.user or url.password:
        raise ConfigError(
            "The address contains a user name or password.", field="url", hint="Send credentials in a secret header."
        )
    return url


def _as_written(text: str) -> URL:
    """The address with its query exactly as it was encoded: some services tell %3A from a colon."""
    url = parse_url(text)
    query = text.partition("#")[0].partition("?")[2]
    if "%" not in query or not query.isascii() or " " in query:
        return url
    return URL(f"{url.with_query(None).with_fragment(None)}?{query}", encoded=True)


def _failure(error: Exception, request: Request) -> ConnectorError:
    """What a failure below HTTP means; ``in_doubt`` where the request may have arrived whole."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectorError):
            return cause
        cause = cause.__cause__ or cause.__context__
    target = parse_url(request.url).host
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return AuthError(
            f"The TLS connection to {target} was refused: {error}",
            hint="Check the host name, or upload the certificate of the authority it uses.",
        )
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return ConfigError(f"The request cannot be sent: {error}", field="url")
    if isinstance(error, aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError):
        return Unavailable(f"No connection to {target}: {_reason(error)}")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{target} did not answer within {request.timeout_s:g} s.", in_doubt=True)
    return Unavailable(f"{target} broke off the connection: {_reason(error)}", in_doubt=True)


def _reason(error: Exception) -> str:
    inner = getattr(error, "os_error", None)
    return str(getattr(inner, "strerror", None) or error) or type(error).__name__


def merged(*groups: Mapping[str, str]) -> dict[str, str]:
    """Headers of several origins in one; later ones win, whatever their letter case."""
    whole: dict[str, tuple[str, str]] = {}
    for group in groups:
        for name, value in group.items():
            whole[name.lower()] = (name, value)
    return dict(whole.values())
