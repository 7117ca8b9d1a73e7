"""How fast destinations turn rows into requests: every connector that speaks HTTP, before the network.

``python -m benchmarks building --rows 20000``. Rows and settings are those of the connectors' own cases (one for each
sync type), repeated with other values until batches are full. Requests are made to the last byte and answered at once
with what the case tells of the service. Rows a second are those of one core: by CPU time, so that other work on the
machine does not count. A sync type that needs a request for each row is listed apart, by requests a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pyarrow as pa

from config.memory import settle_in
from connectors.sdk.context import Environment
from connectors.sdk.destination import Batch, Destination, Job
from connectors.sdk.errors import ConnectorError
from connectors.sdk.net import Client, Request, Response
from tests.connectors.kit.cases import Case, batch_in
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.rest import KnownTokens, answer_in, config_in, first_of_each_type, job_in, rest_cases

GOAL = 100_000
_PHONE = re.compile(r"\+?[0-9]{7,15}")
_LONGEST_S = 15.0
_CHUNK_ROWS = 10_000
# More requests than one in so many rows are a request a row, more or less.
_FEW = 5


@dataclass
class Measured:
    """One sync type: rows and requests made, and the CPU seconds that this took."""

    name: str
    rows: int
    requests: int
    seconds: float
    misread: str = ""
    error: str = ""

    @property
    def rate(self) -> float:
        """Rows a second of one core."""
        return self.rows / self.seconds

    @property
    def by_row(self) -> bool:
        """Whether rows travel more or less alone."""
        return self.requests * _FEW > self.rows


class Service:
    """Answers every request at once, as the case tells for that address: with the last word of a job."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.requests = 0
        self._answers = {}
        for exchange in told["exchanges"]:
            answer = answer_in(exchange.get("answer", {}))
            address = exchange.get("method", "POST"), urlsplit(exchange["path"]).path
            if answer.status < 400:
                self._answers[address] = Response(answer.status, answer.headers, answer.body, "")

    async def exchange(self, request: Request) -> Response:
        """What stands in for the way to the service and back."""
        self.requests += 1
        answer = self._answers.get((request.method, urlsplit(request.url).path))
        return answer or Response(200, {}, b"{}", request.url)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table, slowest first; ``--json`` adds a file with the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks building", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--only", help="the key of one destination")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    settle_in()
    cases = [case for case in first_of_each_type(rest_cases()) if options.only in (None, case.key)]
    results = [asyncio.run(measure(case, options.rows)) for case in cases if _usable(case)]
    print(report(results))
    if options.json:
        options.json.write_text(json.dumps([vars(result) for result in results], indent=2))


def _usable(case: Case) -> bool:
    """Whether rows of the case are sent in batches."""
    destination = destination_of(case.key, config_in(case.told), Environment())
    return (
        bool(case.told["rows"])
        and not destination.definition.sync_type(job_in(destination, case.told).sync_type).single_writer
    )


async def measure(case: Case, rows: int) -> Measured:
    """Build requests for so many rows of this case."""
    vault = KnownTokens(case.told["tokens"]) if "tokens" in case.told else None
    destination = destination_of(case.key, config_in(case.told), Environment(outbound_allow=("*",), vault=vault))
    job, service = job_in(destination, case.told), Service(case.told)
    measured = Measured(f"{case.key} {job.sync_type}", 0, 0, 0.0)
    with patch.object(Client, "_exchange", service.exchange):
        try:
            async with asyncio.timeout(_LONGEST_S):
                if destination.lacks(job):
                    job = replace(job, kept=await destination.provide(job))
            whole, size = _rows(destination, job, case, rows)
            async with asyncio.timeout(_LONGEST_S), destination.session(job) as session:
                with suppress(ConnectorError):
                    await session.deliver(whole.slice(0, 1))  # what is asked for or imported once
                service.requests = 0
                began = time.process_time()
                for batch in _batches(destination, job, whole, size):
                    try:
                        await session.deliver(batch)
                    except ConnectorError as error:  # the case tells of fewer rows than were sent
                        measured.misread = error.message
                    measured.rows += len(batch)
                measured.seconds = time.process_time() - began
        except (ConnectorError, TimeoutError) as error:
            measured.error = f"{type(error).__name__}: {error}"
    measured.requests = service.requests
    return measured


def _rows(destination: Destination, job: Job, case: Case, rows: int) -> tuple[Batch, int]:
    """About so many rows, and how many of them the destination takes together."""
    told = batch_in(case.told)
    size = max(destination.limits(job, told.operation).batch_rows, 1)
    count = max(rows // size, 1) if size > 1 else min(rows, 2_000)
    taken = [i for i, result in enumerate(case.told.get("results", ())) if result.get("accepted")]
    if taken:
        told = Batch(told.operation, [told.keys[i] for i in taken], told.rows.take(taken), told.omit_nulls)
    return _repeated(told, size * count, set(job.identifiers)), size


def _batches(destination: Destination, job: Job, whole: Batch, size: int) -> Iterator[Batch]:
    """Batches cut from what was encoded together, as the engine cuts them."""
    encode = destination.encoder(job)
    chunk = size * max(1, _CHUNK_ROWS // size)
    for first in range(0, len(whole), chunk):
        piece = whole.slice(first, first + chunk)
        piece = replace(piece, encoded=encode(piece)) if encode else piece
        yield from (piece.slice(start, start + size) for start in range(0, len(piece), size))


def _repeated(told: Batch, rows: int, matches: set[str]) -> Batch:
    """The rows over and over; what they are matched by, and e-mail addresses and phone numbers, differ in each."""
    places = pa.array([i % len(told) for i in range(rows)], pa.int64())
    table = told.rows.take(places)
    columns = [
        _numbered(column, field.name in matches) for field, column in zip(table.schema, table.columns, strict=True)
    ]
    made = pa.RecordBatch.from_arrays(columns, schema=table.schema)
    return Batch(told.operation, [str(i) for i in range(rows)], made, told.omit_nulls)


def _numbered(column: pa.Array, matched: bool) -> pa.Array:
    if matched and pa.types.is_integer(column.type):
        return pa.array([None if v is None else i for i, v in enumerate(column.to_pylist())], column.type)
    if pa.types.is_string(column.type):
        return pa.array([v and _another(v, i, matched) for i, v in enumerate(column.to_pylist())], column.type)
    return column


def _another(text: str, number: int, matched: bool) -> str:
    if _PHONE.fullmatch(text):
        return f"{text[:-5]}{number % 100_000:05}"
    return f"{number}{text}" if matched or "@" in text else text


def report(results: Sequence[Measured]) -> str:
    """The figures as a table."""
    built = [result for result in results if result.requests and not result.error]
    batched = sorted((r for r in built if not r.by_row), key=lambda r: r.rate)
    alone = sorted((r for r in built if r.by_row), key=lambda r: r.requests / r.seconds)
    below = sum(r.rate < GOAL for r in batched)
    lines = [
        f"Requests built, not sent: {len(batched)} sync types in batches, {below} below {GOAL:,} rows/s a core",
        "",
    ]
    lines.append(f"{'sync type':44}{'rows/s':>10}{'rows a request':>16}")
    lines += [f"{r.name:44}{r.rate:>10,.0f}{r.rows / r.requests:>16,.0f}{_sign(r)}" for r in batched]
    lines += ["", f"{'a request for each row':44}{'requests/s':>10}{'requests a row':>16}"]
    lines += [f"{r.name:44}{r.requests / r.seconds:>10,.0f}{r.requests / r.rows:>16.1f}{_sign(r)}" for r in alone]
    lines += ["", "* The case answers for fewer rows than were sent: reading the answers is not part of the figure."]
    lines += [f"{r.name}: not measured. {r.error}" for r in results if r not in built]
    return "\n".join(lines)


def _sign(result: Measured) -> str:
    return " *" if result.misread else ""


if __name__ == "__main__":
    main()
