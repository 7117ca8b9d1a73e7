"""How every destination that speaks HTTP must take misbehaviour: one function a rule, for any connector.

A connector takes part by a ``contract.json`` among its cases' folder ``contracts``: a
configuration, settings for one request a row and for one request a batch, and rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.destination import RowResult
from connectors.sdk.errors import ConnectorError, RateLimited, Unavailable
from tests.connectors.kit.cases import batch_in
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.fake_http import Answer, FakeHttp, fake_http
from tests.connectors.kit.jobs import job_for

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"


@dataclass(frozen=True)
class Seen:
    """What came of one delivery."""

    error: ConnectorError | None
    results: Sequence[RowResult]
    requests: int
    exchanges: Sequence[trace.Exchange]

    @property
    def text(self) -> str:
        """Everything a person or a log could read of it."""
        return repr((self.error, self.error and self.error.message, self.results, self.exchanges))


@dataclass(frozen=True)
class Contract:
    """A connector's part in the contract."""

    key: str
    told: Mapping[str, Any]

    @classmethod
    def of(cls, key: str) -> Contract:
        return cls(key, json.loads((CONTRACTS / f"{key}.json").read_text()))

    @property
    def secrets(self) -> Sequence[str]:
        return list(self.told["secrets"])

    @property
    def rows(self) -> int:
        return len(self.told["rows"])

    async def deliver(self, *answers: Answer, always: Answer | None = None, way: str = "batch") -> Seen:
        """Deliver the rows once, ``way`` "batch" or "row", to a server that answers so."""
        async with fake_http(*answers, always=always) as server:
            return await self._deliver(server, way)

    async def _deliver(self, server: FakeHttp, way: str) -> Seen:
        config = json.loads(json.dumps(self.told["config"]).replace("{url}", server.url))
        destination = destination_of(self.key, config, Environment(outbound_allow=server.opened))
        job = job_for(destination.definition, self.told["settings"][way])
        error: ConnectorError | None = None
        results: Sequence[RowResult] = ()
        with trace.recording() as exchanges:
            async with destination.session(job) as session:
                try:
                    results = await session.deliver(batch_in(self.told))
                except ConnectorError as caught:
                    error = caught
        return Seen(error, results, len(server.received), exchanges)


def answered_once(seen: Seen) -> list[str]:
    """One batch, one request: waiting and trying again are the engine's."""
    return [] if seen.requests == 1 else [f"{seen.requests} requests were made"]


def result_for_each(seen: Seen, rows: int) -> list[str]:
    """As many results as rows."""
    return [] if len(seen.results) == rows else [f"{len(seen.results)} results for {rows} rows"]


def in_doubt(seen: Seen) -> list[str]:
    """The request may have been carried out, and the error says so."""
    if isinstance(seen.error, Unavailable) and seen.error.in_doubt:
        return []
    return [f"{seen.error!r} does not say that the outcome is unknown"]


def asks_to_wait(seen: Seen, longest: float) -> list[str]:
    """The wait that was asked for is passed on, and is not endless."""
    if not isinstance(seen.error, RateLimited):
        return [f"{seen.error!r} is not about the rate"]
    return [] if seen.error.after is not None and seen.error.after <= longest else [f"asks to wait {seen.error.after}"]


def keeps_secrets(seen: Seen, secrets: Sequence[str]) -> list[str]:
    """No secret shows in errors, results or traces."""
    return [f"shows {secret}" for secret in secrets if secret in seen.text]
