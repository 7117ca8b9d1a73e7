"""ClickHouse, over its HTTP interface: results stream as Arrow, and no driver stands between."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import check_calendar
from connectors.sdk.clickhouse_server import FIELDS, server_of
from connectors.sdk.clickhouse_types import reading
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.fields import TUNNEL
from connectors.sdk.net.streaming import BROKEN, SILENCE_S, Answer, Place, post
from connectors.sdk.readings import Described
from connectors.sdk.rest.sign_in import basic
from connectors.sdk.server_settings import TIME_LIMIT, authority
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import bare
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.types import Column, Table, Verification

# What has limits at which a server may end a result early, and answers as if that were all.
_LIMITED = ("distinct", "group_by", "join", "read", "result", "set", "sort", "timeout", "transfer")
# What every query runs with. Results that broke off are told by the exception's text at their end.
_SETTINGS = {
    "readonly": "2",
    "output_format_arrow_string_as_string": "0",
    "output_format_json_quote_64bit_integers": "0",
    "cancel_http_readonly_queries_on_client_close": "1",
    "session_timezone": "UTC",
    **{f"{limited}_overflow_mode": "throw" for limited in _LIMITED},
}
_EXCEPTION = re.compile(r"Code: (?P<code>\d+)\. (?P<words>DB::Exception: .*?)(?: \(version [^)]*\))?\s*$", re.DOTALL)
_PLACE = re.compile(r"failed at position (?P<place>\d+)")
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # of a stream in Arrow's format
_AGAIN = "The connection broke off: the next run starts over."
_TAIL, _STOP_S = 16_384, 5.0
_MOST_TOLD = 64 << 20  # bytes of a list of tables or columns
_HIDDEN = ("system", "INFORMATION_SCHEMA", "information_schema", "headrace_planner", "headrace_audit")


@dataclass
class _Asking:
    """One query: what it is called on the server, and its answer while there is one."""

    id: str
    answer: Answer | None = None
    stopped: bool = False


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may read one database, nothing more."""
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect="clickhouse")
    database = exp.to_identifier(config.get("database") or "your_database", quoted=True).sql(dialect="clickhouse")
    return "\n".join(
        (
            f"CREATE USER {user} IDENTIFIED BY 'choose-a-password';",
            f"GRANT SELECT ON {database}.* TO {user};",
        )
    )


class ClickHouseSource(SqlSource):
    """One server or service; queries run with ``readonly``."""

    failures = (pa.ArrowException, OSError)

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="clickhouse",
        name="ClickHouse",
        category="Warehouses",
        summary="Tables, views and queries of a ClickHouse server or ClickHouse Cloud.",
        docs_url="docs/sources/clickhouse.md",
        dialect="clickhouse",
        verification=Verification.EMULATOR,
        studio=True,
        setup_sql=setup_sql,
        fields=(
            *FIELDS,
            authority(None, group=""),
            TUNNEL,
            TIME_LIMIT,
        ),
    )

    @contextmanager
    def _connect(self) -> Iterator[_Asking]:
        asking = _Asking(f"headrace-{secrets.token_hex(12)}")
        try:
            yield asking
        finally:
            if asking.answer is not None:
                asking.answer.close()

    def _tables(self, connection: _Asking) -> Sequence[Table]:
        wanted = (
            exp.select("database", "name", "engine", "comment")
            .from_("system.tables")
            .where(exp.not_(exp.column("database").isin(*_HIDDEN)), exp.not_(exp.column("is_temporary")))
            .order_by("database", "name")
        )
        rows = self._small(connection, wanted.sql(dialect="clickhouse"))
        return [
            Table(home, name, "view" if "View" in engine else "table", comment)
            for home, name, engine, comment in rows
            if not name.startswith(".inner")
        ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        home = exp.to_identifier(table.schema, quoted=True) if table.schema else None
        named = exp.Table(this=exp.to_identifier(table.name, quoted=True), db=home).sql(dialect="clickhouse")
        with self._opened() as connection:
            rows = self._small(connection, f"DESCRIBE TABLE {named}")
        return [_described(row[0], row[1], row[4]).column for row in rows]

    def _look(self, connection: _Asking, sql: str) -> Sequence[Described]:
        try:
            rows = self._small(connection, f"DESCRIBE TABLE (\n{bare(sql, 'clickhouse')}\n)")
        except QueryError as error:
            error.position = None if error.position is None else error.position - len("DESCRIBE TABLE (\n")
            raise
        return [_described(row[0], row[1], row[4]) for row in rows]

    def _rows(self, connection: _Asking, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        answer = self._ask(connection, sql, "ArrowStream", {"max_block_size": str(batch_rows)})
        body = _Body(answer)
        try:
            with pa.ipc.open_stream(pa.PythonFile(body, mode="r")) as reader:
                for batch in reader:
                    for start in range(0, batch.num_rows, batch_rows):
                        yield _carried(batch.slice(start, batch_rows), schema)
            if not body.whole:
                raise pa.ArrowInvalid("it has no end")
        except (pa.ArrowException, ValueError, AttributeError, *BROKEN) as error:
            if connection.stopped:
                raise QueryError("The query was cancelled.") from error
            raise _told(body.tail) or Unavailable(f"The result broke off: {error}", hint=_AGAIN) from error

    def _cancel(self, connection: _Asking) -> None:
        """Hang up, which stops a query that only reads, and ask for it as well."""
        if connection.answer is None or connection.stopped:
            return
        connection.stopped = True
        connection.answer.close()
        with suppress(ConnectorError):
            named = exp.Literal.string(connection.id).sql(dialect="clickhouse")
            self._send(f"KILL QUERY WHERE query_id = {named} ASYNC", {"readonly": "0"}, _STOP_S).close()

    def _leave(self, connection: _Asking) -> None:
        """Closing the connection is all it takes, and is done anyway."""

    def _told(self, error: Exception) -> ConnectorError:
        return Unavailable(str(error))

    def _small(self, connection: _Asking, sql: str) -> list[list[Any]]:
        text = self._ask(connection, sql, "JSONCompact", {}).text(_MOST_TOLD)
        try:
            rows: list[list[Any]] = json.loads(text)["data"]
        except (ValueError, KeyError, TypeError) as error:  # also where the server failed after it had begun
            said = text[-_TAIL:].decode("utf-8", "replace")
            raise _told(said) or _refused(200, said) from error
        return rows

    def _ask(self, connection: _Asking, sql: str, form: str, more: Mapping[str, str]) -> Answer:
        limit = self.config.get("statement_timeout")
        limits = {"max_execution_time": str(int(limit))} if limit else {}
        answer = self._send(sql, {**_SETTINGS, **limits, **more, "default_format": form, "query_id": connection.id})
        connection.answer = answer
        if answer.status == 200:
            return answer
        text = answer.read(_TAIL).decode("utf-8", "replace")
        raise _told(text) or _refused(answer.status, text)

    def _send(self, sql: str, query: Mapping[str, str], silence: float = SILENCE_S) -> Answer:
        server = server_of(self.config, _SETTINGS)
        place = Place(
            host=server.host, port=server.port, secure=server.secure, authority=str(self.config.get("ca") or "")
        )
        # Names and passwords are UTF-8: a header carries that only encoded, an address does by itself.
        proof = basic(server.user, server.password)
        asked = {**server.settings, **query, "database": server.database}
        headers = {"Authorization": proof}
        return post(place, self.environment, sql.encode(), query=asked, headers=headers, silence=silence)


class _Body:
    """The answer as a file that remembers its end."""

    closed = False

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        data = self._answer.read(size)
        self._held = (self._held + data)[-_TAIL:]
        return data

    @property
    def whole(self) -> bool:
        """Whether the result came to its end: a connection that broke must not pass for it."""
        self.read()
        return self._held.endswith(_END)

    @property
    def tail(self) -> str:
        """The last of what came."""
        with suppress(ValueError, AttributeError, *BROKEN):
            self.read()
        return self._held.decode("utf-8", "replace")

    def close(self) -> None:
        self.closed = True


def _described(name: str, native: str, comment: str) -> Described:
    found = reading(native)
    nullable = native.startswith(("Nullable(", "LowCardinality(Nullable("))
    return Described(Column(name, found.type, native, comment, nullable), found)


def _carried(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field, values in zip(schema, batch.columns, strict=True):
        try:
            columns.append(values if values.type == field.type else values.cast(field.type))
        except pa.ArrowInvalid as error:
            raise QueryError(
                f"Column “{field.name}” holds bytes that are no UTF-8 text.",
                hint="Read them as digits, with hex(…), or replace them, with toValidUTF8(…).",
            ) from error
    ready = pa.RecordBatch.from_arrays(columns, schema=schema)
    check_calendar(ready)
    return ready


def _told(text: str) -> ConnectorError | None:
    """The server's exception as one of ours."""
    found = _EXCEPTION.search(text)
    if not found:
        return None
    code, words = int(found["code"]), " ".join(found["words"].removeprefix("DB::Exception: ").split())
    if code in (516, 192, 193, 194):
        return AuthError(words, hint="Check user and password.")
    if code == 497:
        return AuthError(words, hint="Grant this user SELECT on the table.")
    if code == 81 and "SELECT" not in words:
        return ConfigError(words, field="database", hint="Check the name of the database.")
    if code in (159, 160):
        return QueryError(words, hint="Raise the query time limit of this source, or make the query lighter.")
    if code == 164:
        return QueryError(words, hint="A model only reads. If the user has readonly = 1, give it 2.")
    if code == 394:
        return QueryError("The query was cancelled.")
    if code in (202, 209, 210, 241, 242, 243):
        return Unavailable(words, hint="The server is busy or short of memory: try again, or make the query lighter.")
    place = _PLACE.search(words)
    return QueryError(words, position=int(place["place"]) - 1 if place else None)


def _refused(status: int, text: str) -> ConnectorError:
    said = " ".join(text.split())[:300]
    if status in (401, 403):
        return AuthError(said or f"The server answered {status}.", hint="Check user and password.")
    return Unavailable(
        f"The server answered {status}: {said}", hint="What answers there may not be ClickHouse's HTTP interface."
    )
