"""Databricks' Statement Execution API: statements of a SQL warehouse, results as Arrow, and what refusals mean."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.net import Client, Request, Response, words
from connectors.sdk.net.doors import run
from connectors.sdk.rest import Api
from connectors.sdk.rest.api import Line, at
from connectors.sdk.rest.sign_in import ClientCredentials, Config, Either, KeyHeader
from connectors.sdk.types import Choice

WAREHOUSE = r"/?sql/[0-9.]+/(?:warehouses|endpoints)/(?P<id>[0-9a-zA-Z]+)/?"
_PATH = "api/2.0/sql/statements"
_LINK_BYTES = 256 << 20  # of a part of a result, which is about 20 MB
_WAIT_S = 10
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
_LINK_S = 300.0
_TRIES = 3  # of fetching a part: its address holds for minutes only
_STATES = ("PENDING", "RUNNING")


def _origin(config: Config) -> str:
    host = str(config.get("host") or "").strip().removeprefix("https://").rstrip("/")
    port = int(config.get("port") or 443)
    return f"https://{host}" if port == 443 else f"https://{host}:{port}"


def _refused(response: Response, message: str) -> ConnectorError:
    said = words(response) or message
    if response.status == 403:
        hint = "Grant this principal Can use on the SQL warehouse, and see whether its token has expired."
        return AuthError(said, hint=hint)
    if response.status == 404:
        return ConfigError(said, field="http_path", hint="Copy the HTTP path of a SQL warehouse.")
    return QueryError(said)


API = Api(
    base=_origin,
    sign_in=Either(
        ways={
            "principal": (
                Choice("principal", "Service principal", "A client ID with its secret (OAuth)."),
                ClientCredentials(
                    tokens=lambda config: f"{_origin(config)}/oidc/v1/token",
                    client_id=Text(name="client_id", label="Client ID", max_length=200),
                    client_secret=Text(name="client_secret", label="Client secret", secret=True),
                    scope="all-apis",
                ),
            ),
            "token": (
                Choice("token", "Personal access token", "It acts as the person who made it."),
                KeyHeader(key=Text(name="access_token", label="Access token", secret=True)),
            ),
        }
    ),
    errors=dict.fromkeys((400, 403, 404), _refused),
    answer_bytes=64 << 20,
)


class Session:
    """Statements of one warehouse. Its methods block; :meth:`cancel` may be called from another thread."""

    def __init__(self, line: Line, environment: Environment) -> None:
        self._line = line
        self._environment = environment
        self._statement = ""
        self._stopped = threading.Event()

    def small(self, sql: str) -> list[list[Any]]:
        """All rows of a query that has few."""
        return [list(row.values()) for batch in self.batches(sql)[1]() for row in batch.to_pylist()]

    def run(self, sql: str) -> int:
        """Run a statement that writes; the rows it touched, -1 where the warehouse does not say."""
        columns, read = self.batches(sql)
        counted = bool(columns) and columns[0].get("name") == "num_affected_rows"
        rows = [row for batch in read() for row in batch.column(0).to_pylist()] if counted else []
        return int(rows[0]) if rows and rows[0] is not None else -1

    def batches(self, sql: str) -> tuple[list[Mapping[str, Any]], Callable[[], Iterator[pa.RecordBatch]]]:
        """Run a query; its columns, and what reads its rows."""
        self._stopped.clear()
        told = self._finished(run(self._line.post(_PATH, self._body(sql))), sql)
        columns = list(at(told, "manifest.schema.columns") or ())
        parts = int(at(told, "manifest.total_chunk_count") or 0)
        statement = self._statement

        def read() -> Iterator[pa.RecordBatch]:
            for number in range(parts):
                yield from self._part(statement, number)
            self._statement = ""

        return columns, read

    def cancel(self) -> None:
        """Stop what runs, on the warehouse; nothing where nothing does."""
        self._stopped.set()
        statement, self._statement = self._statement, ""
        if statement:
            with suppress(ConnectorError):
                run(self._line.send("POST", f"{_PATH}/{statement}/cancel", takes=(400, 404)))

    def _body(self, sql: str) -> dict[str, Any]:
        config = self._line.config
        own = config.get("interactive_http_path") if self._environment.workload.value == "interactive" else ""
        found = re.fullmatch(WAREHOUSE, str(own or config.get("http_path") or "").strip())
        if not found:
            hint = "Copy it from the connection details of the SQL warehouse."
            raise ConfigError("The HTTP path is none of a SQL warehouse.", field="http_path", hint=hint)
        place = {name: str(config[name]) for name in ("catalog", "schema") if config.get(name)}
        return {
            "warehouse_id": found["id"],
            "statement": sql,
            **place,
            "format": "ARROW_STREAM",
            "disposition": "EXTERNAL_LINKS",
            "wait_timeout": f"{_WAIT_S}s",
            "on_wait_timeout": "CONTINUE",
        }

    def _finished(self, told: Any, sql: str) -> Any:
        self._statement = str(told.get("statement_id") or "")
        limit, waited, pauses = self._line.config.get("statement_timeout"), float(_WAIT_S), iter(_PAUSES_S)
        pause = 0.0
        while at(told, "status.state") in _STATES:
            if limit and waited >= int(limit):
                self.cancel()
                hint = "Raise the query time limit of this source, or make the query lighter."
                raise QueryError(f"The query took longer than {limit} s.", hint=hint)
            pause = next(pauses, pause)
            if self._stopped.wait(pause):
                break
            waited += pause
            told = run(self._line.get(f"{_PATH}/{self._statement}"))
        if self._stopped.is_set() or at(told, "status.state") in ("CANCELED", "CLOSED"):
            raise QueryError("The query was cancelled.")
        if at(told, "status.state") != "SUCCEEDED":
            self._statement = ""
            raise refusal(at(told, "status.error") or {}, sql)
        return told

    def _part(self, statement: str, number: int) -> Iterator[pa.RecordBatch]:
        for tried in range(1, _TRIES + 1):
            if self._stopped.is_set():
                raise QueryError("The query was cancelled.")
            links = run(self._line.get(f"{_PATH}/{statement}/result/chunks/{number}"))
            link = (at(links, "external_links") or [{}])[0]
            try:
                data = run(_fetched(self._environment, str(link["external_link"]), link.get("http_headers") or {}))
                break
            except Unavailable:
                if tried == _TRIES:
                    raise
        with pa.ipc.open_stream(data) as reader:
            yield from reader


async def _fetched(environment: Environment, address: str, headers: Mapping[str, str]) -> bytes:
    """A part of a result from the cloud's storage, whose address is all the proof it needs: no token goes there."""
    async with Client(environment, secrets=[address], max_response_bytes=_LINK_BYTES) as client:
        answer = await client.send(Request("GET", address, headers, timeout_s=_LINK_S))
        if answer.status != 200 or answer.truncated:
            raise Unavailable(
                f"The storage of the result answered {answer.status}.",
                hint="Let this machine reach the storage of the Databricks workspace.",
            )
        return answer.body


def refusal(error: Mapping[str, Any], sql: str) -> ConnectorError:
    """Why a statement failed, in the warehouse's own words, with the place in ``sql`` where it tells one."""
    said = " ".join(str(error.get("message") or "The statement failed.").split())
    if "PERMISSION_DENIED" in said or "INSUFFICIENT_PERMISSIONS" in said:
        return AuthError(said, hint="Grant this principal USE CATALOG, USE SCHEMA and SELECT.")
    if "SCHEMA_NOT_FOUND" in said or "NO_SUCH_CATALOG" in said:
        return ConfigError(said, field="schema", hint="Check the names of catalog and schema.")
    if str(error.get("error_code")) in ("RESOURCE_EXHAUSTED", "TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED"):
        return Unavailable(said, hint="The warehouse is overloaded: the next run starts over.")
    if "has not finished" in said and "Subquery" in said:
        return QueryError(said, hint="Write the subquery as WITH … AS (…) instead.")
    place = re.search(r"\(line (\d+), pos (\d+)\)", said)
    return QueryError(said, position=_position(sql, int(place[1]), int(place[2])) if place else None)


def _position(sql: str, line: int, column: int) -> int | None:
    lines = sql.splitlines(keepends=True)
    return sum(map(len, lines[: line - 1])) + column if 0 < line <= len(lines) else None
