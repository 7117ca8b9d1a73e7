"""A service and an open line to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConnectorError, InternalError, RateLimited
from connectors.sdk.net import Client, Request, Response, merged, parse_url
from connectors.sdk.net.client import MAX_RESPONSE_BYTES
from connectors.sdk.net.status import ErrorMaker, retry_after, words
from connectors.sdk.rest.codes import ErrorCodes
from connectors.sdk.rest.sign_in import Config, Prover, SignIn
from connectors.sdk.rows import dumps

# A list that goes on longer than this is taken for one that never ends.
MAX_PAGES = 1_000
Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A service: where it is, how to sign in, what its errors mean.

    ``base``: the address that all paths follow, or what the settings make of it.
    ``headers``: those of every request, or what the settings make of them.
    ``version``: the version of the service's interface that requests name, for the docs.
    ``test``: a request without side effects that only signed-in callers may make; left out by
    connectors whose ``check`` does more.
    ``answer_bytes``: the longest answer that is read, for services that describe themselves at length.
    ``errors`` overrides what a status means (see :mod:`connectors.sdk.net.status`), ``codes``
    what the service's own codes mean; ``says`` finds the service's words in an answer, where
    they are not in the usual places.
    """

    base: str | Callable[[Config], str]
    sign_in: SignIn
    test: tuple[str, str] | None = None
    version: str = ""
    headers: Mapping[str, str] | Callable[[Config], Mapping[str, str]] = field(default_factory=dict)
    errors: Mapping[int, ErrorMaker] = field(default_factory=dict)
    codes: ErrorCodes | None = None
    says: Callable[[Any], str] | None = None
    answer_bytes: int = MAX_RESPONSE_BYTES

    def address(self, config: Config) -> str:
        """The base address with these settings."""
        return (self.base if isinstance(self.base, str) else self.base(config)).rstrip("/")

    def common_headers(self, config: Config) -> Mapping[str, str]:
        """The headers of every request with these settings."""
        return self.headers(config) if callable(self.headers) else self.headers

    @asynccontextmanager
    async def open(
        self,
        config: Config,
        environment: Environment,
        *,
        secrets: Sequence[str] = (),
        connections: int = 1,
        timeout_s: float = 30.0,
    ) -> AsyncIterator[Line]:
        """A line for one check, lookup or part of a run. ``secrets`` are settings beyond the sign-in's own.

        ``timeout_s`` holds for each request, signing in included.
        """
        hidden = [*self.sign_in.secrets(config), *secrets]

        def client() -> Client:
            return Client(
                environment,
                secrets=hidden,
                connections=connections,
                max_response_bytes=self.answer_bytes,
                longest_s=timeout_s,
            )

        async with client() as opened:

            def proving(api: Api) -> Prover:
                return api.sign_in.prover(config, environment, client)

            yield Line(self, config, opened, proving, timeout_s)


class Line:
    """An open line: addresses, sign-in and typed errors are taken care of. ``config`` are the connection's settings."""

    def __init__(
        self, api: Api, config: Config, client: Client, proving: Callable[[Api], Prover], timeout_s: float
    ) -> None:
        self.config = config
        self._api = api
        self._client = client
        self._proving = proving
        self._prover = proving(api)
        self._base = api.address(config)
        self._headers = api.common_headers(config)
        self._timeout_s = timeout_s

    def beside(self, api: Api) -> Line:
        """A line to another interface of the same service, which has a sign-in of its own."""
        for secret in api.sign_in.secrets(self.config):
            self._client.hide(secret)
        return Line(api, self.config, self._client, self._proving, self._timeout_s)

    async def prove(self) -> None:
        """Sign in without asking for anything more."""
        await self._prover.proof(self._client)

    async def token(self) -> str:
        """The token alone, for services that want it inside what is sent."""
        return (await self._prover.proof(self._client)).headers["Authorization"].partition(" ")[2]

    async def get(self, path: str, query: Query | None = None) -> Any:
        """The JSON at this path."""
        return (await self.send("GET", path, query=query)).json()

    async def post(self, path: str, body: Any = None, query: Query | None = None) -> Any:
        """Send JSON; the JSON of the answer, ``None`` where it is empty."""
        return _content(await self.send("POST", path, json=body, query=query))

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        body: bytes = b"",
        content_type: str = "",
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        takes: Sequence[int] = (),
    ) -> Response:
        """Send one request; a refused token is renewed once. ``headers`` win over those of the sign-in.

        ``path`` follows the base address, or is an address of its own. Statuses in ``takes``
        are the caller's to read; every other refusal raises a typed error in the service's words.
        """
        if json is not None:
            body, content_type = dumps(json), content_type or "application/json"
        elif form is not None:
            body, content_type = urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
        own = merged(self._headers, {"Content-Type": content_type} if content_type else {}, headers or {})
        response = await self._proven(method, self._url(path), own, body, query or {})
        if response.status in takes:
            return response
        if error := self._error(response):
            raise error
        return response

    async def pages(
        self,
        path: str,
        items: str,
        cursor: Callable[[Any], Query | str | None],
        query: Query | None = None,
        *,
        posted: bool = False,
    ) -> AsyncIterator[Any]:
        """Every item of a list in pages. ``items``: its name in an answer, dots between steps.

        ``cursor`` says from an answer how to ask for the next page: other parameters, or another address.
        ``posted``: the question is sent as JSON instead of in the address.
        """
        asked, seen = dict(query or {}), set()
        for _ in range(MAX_PAGES):
            answer = await (self.post(path, asked) if posted else self.get(path, asked))
            for item in at(answer, items) or ():
                yield item
            following = cursor(answer)
            if not following:
                return
            if repr(following) in seen:
                raise InternalError(f"The list at {path} repeats itself.")
            seen.add(repr(following))
            if (
                isinstance(following, str)
                and parse_url(self._url(following)).origin() != parse_url(self._url(path)).origin()
            ):
                raise InternalError("The next page of a list is at another host, which gets no credentials.")
            path, asked = (following, {}) if isinstance(following, str) else (path, {**asked, **following})
        raise InternalError(f"The list at {path} does not end.", hint="Narrow it down in the service.")

    def cleaned(self, error: ConnectorError) -> ConnectorError:
        """The error without secrets in its words."""
        return self._client.cleaned(error)

    def without_secrets(self, words: str) -> str:
        """Words of the service, for people to read."""
        return self._client.without_secrets(words)

    def hide(self, secret: str) -> None:
        """Keep a value that was learnt on the way out of traces and errors."""
        self._client.hide(secret)

    async def _proven(self, method: str, url: str, headers: Mapping[str, str], body: bytes, query: Query) -> Response:
        proof = await self._prover.proof(self._client)
        asked = {**{k: v for k, v in query.items() if v is not None}, **proof.query}
        address = f"{url}{'&' if '?' in url else '?'}{urlencode(asked, doseq=True)}" if asked else url
        request = Request(method, address, merged(proof.headers, headers), body, self._timeout_s)
        response = await self._client.send(request)
        codes = self._api.codes
        refused = response.status == 401 or (codes is not None and codes.stales(response))
        if not refused or not self._prover.forget(proof):
            return response
        proof = await self._prover.proof(self._client)
        again = Request(method, address, merged(proof.headers, headers), body, self._timeout_s)
        return await self._client.send(again)

    def _url(self, path: str) -> str:
        return path if path.startswith(("https://", "http://")) else f"{self._base}/{path.lstrip('/')}"

    def _origin(self, path: str) -> URL:
        return parse_url(self._url(path)).origin()

    def _error(self, response: Response) -> ConnectorError | None:
        error = self._coded(response) or self._client.error_for(response, self._api.errors)
        if error is None:
            return None
        if self._api.says is not None and (said := _said(self._api.says, response)):
            error.message = f"{response.status}: {said}"
            error = self._client.cleaned(error)
        if isinstance(error, AuthError) and error.hint == AuthError.default_hint:
            error.hint = self._prover.hint
        return error

    def _coded(self, response: Response) -> ConnectorError | None:
        if self._api.codes is None:
            return None
        error = self._api.codes.error(response, f"{response.status}: {words(response)}")
        if isinstance(error, RateLimited) and error.after is None:
            error.after = retry_after(response)
        return error and self._client.cleaned(error)


def at(answer: Any, path: str) -> Any:
    """What is at a dotted path inside an answer; ``None`` where there is nothing."""
    for step in path.split(".") if path else ():
        if not isinstance(answer, Mapping):
            return None
        answer = answer.get(step)
    return answer


def _content(response: Response) -> Any:
    return response.json() if response.body.strip() else None


def _said(says: Callable[[Any], str], response: Response) -> str:
    """The words that a connector finds; its own mistakes about an odd answer cost nothing."""
    try:
        return says(response.json())
    except (InternalError, LookupError, TypeError, AttributeError):
        return ""
