"""The connector to the receiver: every mode, results row by row, nothing clever.

It also tells the receiver which answers it has read and which requests it gave up, past the
engine and over a socket of its own: whether something came twice with reason is not for
the engine to say, and what the receiver has sent off is not what its sender has read.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from connectors import catalog, registry
from connectors.choices import Kind
from connectors.sdk.destination import (
    ACCEPTED,
    Batch,
    Destination,
    DestinationDefinition,
    Job,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    Removal,
    RowResult,
    RowSet,
    RowStreams,
    SyncType,
    rejected,
)
from connectors.sdk.errors import InternalError
from connectors.sdk.fields import Text
from connectors.sdk.net import Client, Request
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import Operation, Verification
from tests.torture.receiver import GIVEN_UP, NUMBER_HEADER, READ

KEY = "torture_reference"
BATCH_ROWS, CONCURRENCY = 10, 4
_LIMITS = Limits(
    batch_rows=BATCH_ROWS,
    concurrency=CONCURRENCY,
    rates=(Rate(requests=400, seconds=1), Rate(requests=20_000, seconds=60)),
    attempts=3,
    timeout_s=1.0,
)


def _mode(mode: Mode, *removals: Removal, **more: Any) -> ModeSpec:
    rows = more.pop("rows", RowSet.CHANGES)
    return ModeSpec(mode=mode, rows=rows, description=mode, removals=removals or (Removal.NOTHING,), **more)


class ReferenceDestination(Destination):
    """Speaks to :mod:`tests.torture.receiver`."""

    definition = DestinationDefinition(
        key=KEY,
        name="Reference",
        category="Test",
        summary="",
        docs_url="",
        fields=(Text(name="url", label="Address"),),
        verification=Verification.SERVER,
        sync_types=(
            SyncType(
                key="records",
                name="Records",
                description="",
                limits=_LIMITS,
                custom_fields=True,
                split_retry=True,
                modes=(
                    _mode(Mode.UPSERT, Removal.NOTHING, Removal.DELETE),
                    _mode(Mode.UPDATE),
                    _mode(Mode.INSERT, rows=RowSet.ADDED, idempotent=False),
                    _mode(Mode.DIFF, Removal.DELETE),
                ),
            ),
            SyncType(
                key="copies",
                name="Copies",
                description="",
                limits=_LIMITS,
                custom_fields=True,
                single_writer=True,
                modes=(_mode(Mode.ALL, rows=RowSet.FULL, matching=False),),
            ),
        ),
    )

    async def check(self) -> None:
        """Always there."""

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[_Session]:
        async with Client(self.environment) as client:
            yield _Session(client, f"{self.config['url']}/{job.mode}/{job.sync_id}/{job.run_id}")

    async def write(self, job: Job, rows: RowStreams) -> None:
        """The whole result in one request, in place of what was there."""
        records = [record for batch in rows.stream(Operation.ADDED) for record in json_rows(batch.rows)]
        async with self.session(job) as session:
            results = await session.send(Operation.ADDED, records)
            if not all(result.accepted for result in results):
                raise InternalError("Only some rows were taken.")


class _Session:
    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        return await self.send(batch.operation, json_rows(batch.rows))

    async def send(self, operation: Operation, records: Sequence[dict[str, Any]]) -> Sequence[RowResult]:
        number = uuid4().hex
        try:
            results = await self._results(number, operation, records)
        except BaseException:
            self._say(number, GIVEN_UP)
            raise
        self._say(number, READ)
        return results

    async def _results(self, number: str, operation: Operation, records: Sequence[dict[str, Any]]) -> list[RowResult]:
        url, headers = f"{self._url}/{operation.value}", {NUMBER_HEADER: number}
        response = await self._client.send(Request("POST", url, headers, dumps(records), _LIMITS.timeout_s))
        if error := self._client.error_for(response):
            raise error
        return [
            ACCEPTED if found["ok"] else rejected(found["message"], passing=found["passing"])
            for found in response.json()
        ]

    def _say(self, number: str, word: str) -> None:
        """On this machine a datagram is there when the call returns, so before anything else can be sent."""
        place = urlsplit(self._url)
        with socket.socket(type=socket.SOCK_DGRAM) as way:
            way.sendto(f"{number} {word}".encode(), (place.hostname, place.port))


def register() -> None:
    """Make the connector one of this process's types."""
    registry.DESTINATIONS[KEY] = f"{__name__}:ReferenceDestination"
    known = catalog.entries
    entry = catalog.Entry(Kind.DESTINATION.value, KEY, "Reference", "Test", "", "", Verification.SERVER.value)
    catalog.entries = lambda kind: (*known(kind), *([entry] if kind is Kind.DESTINATION else []))
