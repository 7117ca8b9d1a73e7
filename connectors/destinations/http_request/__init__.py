"""HTTP Request: any web service, called with requests that a person designs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from connectors.destinations.http_request.settings import DEFAULT_BATCH, DEFINITION
from connectors.destinations.http_request.sign_in import consent_of, pairs, secrets_of, sign_in_of
from connectors.sdk.context import Environment
from connectors.sdk.destination import ACCEPTED, Batch, Destination, Job, Limits, RowResult, rejected
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, ConnectorError, Gone, InternalError
from connectors.sdk.liquid import Template, TemplateError, batch_variables, compile_template
from connectors.sdk.messages import run_context
from connectors.sdk.net import Client, Consent, Request, Response, Tls, merged, parse_url
from connectors.sdk.pace_settings import paced
from connectors.sdk.payload import Bodies, Columns, Payload, payload_of
from connectors.sdk.rows import json_rows
from connectors.sdk.types import Operation


@dataclass(frozen=True)
class Trigger:
    """What to send for rows of one operation."""

    method: str
    endpoint: Template
    payload: Payload
    batch_rows: int  # 0: one request a row

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Trigger:
        """The trigger that a section of the sync's settings describes."""
        batched = settings.get("batching") == "batch"
        return cls(
            method=settings.get("method") or "POST",
            endpoint=compile_template((settings.get("endpoint") or "").strip()),
            payload=payload_of(settings),
            batch_rows=int(settings.get("batch_size") or DEFAULT_BATCH) if batched else 0,
        )

    @cached_property
    def fixed(self) -> str | None:
        """The endpoint that all rows share; nothing where rows are part of it."""
        return self.endpoint.source if self.endpoint.static else None

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """What the body is."""
        return {"Content-Type": content} if (content := self.payload.content_type) else {}

    def encode(self, rows: pa.RecordBatch, context: Mapping[str, Any]) -> Bodies | None:
        """The bodies of many rows at once, where that is possible."""
        return self.payload.encode(rows, context) if isinstance(self.payload, Columns) else None


class HttpRequestDestination(Destination):
    """Any web service that takes requests over HTTP."""

    definition = DEFINITION

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self._tokens = sign_in_of(config.get("oauth"), environment, self._client)

    async def check(self) -> None:
        """Signs in where that is asked for; else looks whether the server answers at all."""
        async with self._client() as client:
            if self._tokens is not None:
                await self._tokens.header(client)
                if self.consent() is None:
                    return
                # The tokens of a consent are kept, so that only a request shows whether they still hold.
                answer = await self.send(client, Request("HEAD", self._base, timeout_s=15.0))
                if answer.status == 401 and (error := client.error_for(answer)):
                    raise AuthError(error.message, hint=self._tokens.hint)
                return
            # Any answer will do: few services say anything useful at their base address.
            await client.send(Request("HEAD", self._base, self._shared_headers, timeout_s=15.0))

    def consent(self) -> Consent | None:
        return consent_of(self.config.get("oauth"), self._client)

    def validate(self, job: Job) -> None:
        if not self._triggers(job):
            raise ConfigError("Switch on at least one trigger.", field=Operation.ADDED.value)

    def wanted(self, job: Job) -> frozenset[Operation]:
        return frozenset(operation for operation in Operation if job.settings.get(operation.value))

    def shows_requests(self, job: Job) -> bool:
        """Where no sign-in comes first."""
        return not self.config.get("oauth")

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        triggers = self._triggers(job)
        chosen = [triggers[operation]] if operation in triggers else list(triggers.values())
        return paced(job.settings, min((t.batch_rows or 1 for t in chosen), default=1))

    def encoder(self, job: Job) -> Callable[[Batch], Bodies | None]:
        triggers = self._triggers(job)
        contexts = {operation: run_context(job, operation) for operation in triggers}

        def encode(batch: Batch) -> Bodies | None:
            operation = batch.operation
            return triggers[operation].encode(batch.rows, contexts[operation]) if operation in triggers else None

        return encode

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[HttpSession]:
        limits = self.limits(job)
        async with self._client(limits.concurrency) as client:
            yield HttpSession(self, client, self._triggers(job), job, limits.timeout_s)

    async def send(self, client: Client, request: Request) -> Response:
        """Send with the shared headers; a refused access token is renewed once."""
        if self._tokens is None:
            return await client.send(self._completed(request, {}))
        token = await self._tokens.header(client)
        response = await client.send(self._completed(request, {"Authorization": token}))
        if response.status != 401:
            return response
        self._tokens.forget(token)
        renewed = await self._tokens.header(client)
        return await client.send(self._completed(request, {"Authorization": renewed}))

    def url(self, path: str) -> str:
        """The address of an endpoint; whatever rows put into the path, it stays on this host."""
        path = path.strip()
        joint = "" if not path or path.startswith(("/", "?")) else "/"
        return self._base + joint + path

    @property
    def sign_in_hint(self) -> str:
        """What a person can do when the service refuses the sign-in; nothing beyond the usual where it is empty."""
        return self._tokens.hint if self._tokens is not None else ""

    @cached_property
    def _base(self) -> str:
        base = str(self.config.get("base_url") or "").rstrip("/")
        parse_url(base)
        return base

    def _completed(self, request: Request, sign_in: Mapping[str, str]) -> Request:
        if not (sign_in or self._shared_headers):
            return request
        headers = merged(request.headers, self._shared_headers, sign_in)
        return Request(request.method, request.url, headers, request.body, request.timeout_s)

    @cached_property
    def _shared_headers(self) -> dict[str, str]:
        return pairs(self.config.get("headers"))

    def _client(self, connections: int = 1) -> Client:
        config = self.config
        secrets = [str(row["value"]) for row in config.get("headers") or () if row.get("secret")]
        secrets += secrets_of(config.get("oauth"))
        tls = Tls(
            config.get("ca_certificate") or "", config.get("client_certificate") or "", config.get("client_key") or ""
        )
        return Client(self.environment, tls=tls, secrets=secrets, connections=connections)

    @staticmethod
    def _triggers(job: Job) -> dict[Operation, Trigger]:
        triggers: dict[Operation, Trigger] = {}
        for operation in Operation:
            if settings := job.settings.get(operation.value):
                try:
                    triggers[operation] = Trigger.of(settings)
                except ConfigError as error:
                    error.field = f"{operation.value}.{error.field or 'endpoint'}"
                    raise
        return triggers


class HttpSession:
    """One run's line to the service."""

    def __init__(
        self,
        destination: HttpRequestDestination,
        client: Client,
        triggers: Mapping[Operation, Trigger],
        job: Job,
        timeout_s: float,
    ) -> None:
        self._destination = destination
        self._client = client
        self._triggers = triggers
        self._contexts = {operation: run_context(job, operation) for operation in triggers}
        self._timeout_s = timeout_s
        self._checked: set[Operation] = set()

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """One request for the batch, or one for each row, as the trigger says."""
        trigger = self._triggers.get(batch.operation)
        if trigger is None:
            raise ConfigError(f"No request is set for rows that were {batch.operation}.", field=batch.operation.value)
        if batch.operation not in self._checked:
            trigger.endpoint.require(batch.rows.schema.names)
            trigger.payload.require(batch.rows.schema.names)
            self._checked.add(batch.operation)
        context = self._contexts[batch.operation]
        encoded = batch.encoded if isinstance(batch.encoded, Bodies) else trigger.encode(batch.rows, context)
        if encoded is not None and trigger.fixed is not None and trigger.batch_rows:
            return await self._at_once(trigger, trigger.fixed, encoded)
        needless = encoded is not None and trigger.fixed is not None
        rows: list[dict[str, Any]] = [{}] * len(batch) if needless else json_rows(batch.rows)
        if trigger.batch_rows:
            return await self._together(trigger, rows, context, encoded)
        return await self._one_by_one(trigger, rows, context, encoded)

    async def _at_once(self, trigger: Trigger, path: str, encoded: Bodies) -> list[RowResult]:
        """One request whose body is there already, and in which no row has a say about the address."""
        results = encoded.results()
        if len(encoded.refused) < len(encoded):
            await self._send(trigger, path, encoded.array())
        return results

    async def _one_by_one(
        self,
        trigger: Trigger,
        rows: Sequence[dict[str, Any]],
        context: Mapping[str, Any],
        encoded: Bodies | None,
    ) -> list[RowResult]:
        results: list[RowResult] = []
        for index, row in enumerate(rows):
            if encoded is not None and index in encoded.refused:
                results.append(encoded.refused[index])
                continue
            try:
                body = encoded.row(index) if encoded is not None else None
                results.append(await self._row(trigger, row, context, body))
            except ConnectorError as error:
                if not results:
                    raise
                # Earlier rows have their answer already; the rest is for another try.
                rest = len(rows) - len(results)
                return results + [rejected(error.message, code=error.code)] * rest
        return results

    async def _row(
        self, trigger: Trigger, row: dict[str, Any], context: Mapping[str, Any], body: bytes | None
    ) -> RowResult:
        try:
            path = trigger.fixed
            if path is None:
                path = trigger.endpoint.render(trigger.endpoint.row_variables(row, context))
            body = trigger.payload.one(row, context) if body is None else body
        except TemplateError as error:
            return error.result()
        try:
            await self._send(trigger, path, body)
        except (BatchRejected, Gone) as error:
            return rejected(error.message)
        return ACCEPTED

    async def _together(
        self,
        trigger: Trigger,
        rows: Sequence[dict[str, Any]],
        context: Mapping[str, Any],
        encoded: Bodies | None,
    ) -> list[RowResult]:
        if encoded is not None:
            results = encoded.results()
        elif trigger.payload.by_row:
            results = list(_refusals(trigger.payload, rows, context))
        else:
            results = [ACCEPTED] * len(rows)
        kept = [row for row, result in zip(rows, results, strict=True) if result.accepted]
        if not kept:
            return results
        try:
            path = trigger.fixed
            if path is None:
                path = trigger.endpoint.render(batch_variables(kept, context))
            body = encoded.array() if encoded is not None else trigger.payload.many(kept, context)
        except TemplateError as error:
            raise BatchRejected(error.message, hint=error.hint) from error
        await self._send(trigger, path, body)
        return results

    async def _send(self, trigger: Trigger, path: str, body: bytes) -> None:
        url = self._destination.url(path)
        request = Request(trigger.method, url, trigger.headers, body, self._timeout_s)
        response = await self._destination.send(self._client, request)
        if error := self._client.error_for(response, _NO_SUCCESS):
            if isinstance(error, AuthError):
                error.hint = self._destination.sign_in_hint or error.hint
            raise error


def _in_parts(response: Response, message: str) -> ConnectorError:
    return InternalError(
        f"207: only parts of the request were carried out, and which is not known: {response.sample()}",
        hint="Send one row a request, or let the service answer 200 when all rows of a request were taken.",
    )


# What counts as carried out elsewhere says too little here.
_NO_SUCCESS = {207: _in_parts}


def _refusals(payload: Payload, rows: Sequence[dict[str, Any]], context: Mapping[str, Any]) -> Iterator[RowResult]:
    for row in rows:
        try:
            payload.check_row(row, context)
        except TemplateError as error:
            yield error.result()
        else:
            yield ACCEPTED
