"""Writing into Headrace's schemas of a Snowflake database: a session of its own, apart from those that read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError
from connectors.sdk.planner import PLANNER_SCHEMA, Statement, WarehouseSession, holds_json, own_table
from connectors.sdk.snowflake import Connection, connector, statement_error
from connectors.sdk.source import RowStream
from connectors.sdk.types import Column

_DIALECT = "snowflake"
# A statement takes 16,384 rows of values at most, and a million bytes.
_ROWS = 1_000

Query = Callable[[str, int], AbstractContextManager[RowStream]]
Describe = Callable[[str], Sequence[Column]]


class SnowflakeSession(WarehouseSession):
    """Statements that commit one by one: DDL does so by itself, and tables are swapped by their names."""

    dialect = _DIALECT

    def __init__(self, connection: Connection, query: Query, describe: Describe) -> None:
        self._connection = connection
        self._query = query
        self._describe = describe
        self._running: Any = None

    def describe(self, query: Statement) -> Sequence[Column]:
        """The columns of a query, asked on a session that reads."""
        return self._describe(query.sql(_DIALECT))

    def query(self, query: Statement, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        """A query's rows, on a session that reads."""
        return self._query(query.sql(_DIALECT), batch_rows)

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """INSERT with bound values, some rows a statement."""
        sql = _insertion(name, batches.schema, schema)
        rows = 0
        with _translating():
            for batch in batches:
                for start in range(0, batch.num_rows, _ROWS):
                    some = batch.slice(start, _ROWS)
                    columns = [column.to_pylist() for column in some.columns]
                    self._connection.cursor().executemany(sql, list(zip(*columns, strict=True)))
                rows += batch.num_rows
        return rows

    def transaction(self) -> AbstractContextManager[None]:
        """Each statement by itself."""
        return nullcontext()

    def cancel(self) -> None:
        """Abort by the request, which is known before the statement has a number of its own."""
        cursor = self._running
        if cursor is not None and cursor._request_id is not None:
            with suppress(connector().errors.Error, OSError):
                self._connection._cancel_query("", cursor._request_id)

    def _execute(self, sql: str) -> int:
        found = self._run(sql).rowcount
        return -1 if found is None else int(found)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self._run(sql)
        with _translating():
            return list(cursor.fetchall())

    def _run(self, sql: str) -> Any:
        self._running = self._connection.cursor()
        with _translating():
            # The driver takes a single statement (MULTI_STATEMENT_COUNT is 1).
            return self._running.execute(sql)


def _insertion(name: str, columns: pa.Schema, schema: str) -> str:
    """INSERT with a place for each value; Snowflake takes no text for a VARIANT, so JSON is parsed on the way."""
    target = own_table(name, schema).sql(dialect=_DIALECT)
    names = ", ".join(exp.to_identifier(n, quoted=True).sql(dialect=_DIALECT) for n in columns.names)
    values = f"VALUES ({', '.join(['%s'] * len(columns))})"
    if not any(map(holds_json, columns)):
        return f"INSERT INTO {target} ({names}) {values}"
    read = [f"PARSE_JSON(column{i})" if holds_json(field) else f"column{i}" for i, field in enumerate(columns, 1)]
    return f"INSERT INTO {target} ({names}) SELECT {', '.join(read)} FROM {values}"  # noqa: S608 - as above


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except (connector().errors.Error, OSError) as error:
        raise write_error(error) from error


def write_error(error: Exception) -> ConnectorError:
    """Snowflake's refusal of a write, with what gives the right that is missing."""
    told = statement_error(error)
    words = told.message.upper()
    if "HEADRACE_" in words and "DOES NOT EXIST" in words:
        return ConfigError(told.message, hint="Create the two schemas with the set-up SQL of this source.")
    if isinstance(told, AuthError):
        hint = "Grant this role USAGE and CREATE TABLE on both schemas, with the set-up SQL of this source."
        return AuthError(told.message, hint=hint)
    return told
